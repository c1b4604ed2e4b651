"""Decides how issues and the causes made of them are said in Chinese: sentences from `issues.csv`, names of rules from `rules.csv`.

Both are English in the store and for machines. A sentence or a name nobody put into Chinese (of a transform or a check that was
added) stays as it is.
"""

from __future__ import annotations

import re

from hub.catalogue.phrases import phrase

_RULE = re.compile(r": ([a-z][a-z0-9-]*)(?:(, )|$)")


def sentence(message: str, lang: str) -> str:
    """Return what an issue says in that language.

    >>> sentence("is no identity number: its check digit is wrong", "zh"), sentence("is before apply_date", "zh")
    ('不是身份证号码：校验位不对', '早于 apply_date')
    """
    return message if lang == "en" else phrase("issues.csv", message) or message


def rule(name: str, lang: str) -> str:
    """Return the name of a rule in that language.

    >>> rule("certificate", "zh"), rule("certificate", "en")
    ('证件号码', 'certificate')
    """
    return name if lang == "en" else phrase("rules.csv", name) or name


def cause(text: str, lang: str) -> str:
    """Return which fields broke which rules in that language. No two causes become the same.

    >>> cause("task_code: contains, use_level: enum", "zh")
    'task_code：编码组成，use_level：取值范围'
    """
    if lang == "en":
        return text
    return _RULE.sub(lambda found: f"：{rule(found[1], lang)}{'，' if found[2] else ''}", text)
