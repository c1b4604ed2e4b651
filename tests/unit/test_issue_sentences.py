"""Every sentence a check, a contract or a transform can say is said in Chinese, and so is every name of a rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hub.mapping
from hub.catalogue.issues import cause, rule, sentence
from hub.mapping.contract import Contract
from hub.mapping.issues import RULES
from hub.mapping.transforming import all_transforms

HOME = Path(hub.mapping.__path__[0])
#: Names of encodings, formats and keywords, and the words of a character's name.
NAMES = re.compile(r"\bU\+[0-9A-F]+|\b(json|gbk|anyOf|oneOf|date|string|null|type)\b|\"[^\"]*\"|'[^']*'", re.IGNORECASE)
#: What says a sentence: by the name of the call, at which place.
CALLS = {"issue": 2, "Unfit": 0}
EXAMPLES = Contract(
    "case",
    {
        "type": "object",
        "properties": {
            "a": {"type": "string", "minLength": 5}, "b": {"maxLength": 2}, "c": {"enum": ["1", "2", "3"]}, "d": {"const": "1"},
            "e": {"pattern": "^x$"}, "f": {"format": "date"}, "g": {"minItems": 2}, "h": {"maxItems": 1},
            "i": {"minimum": 5}, "j": {"maximum": 5}, "k": {"exclusiveMinimum": 5}, "l": {"exclusiveMaximum": 5},
            "m": {"multipleOf": 5}, "n": {"type": "string"}, "o": {"type": ["string", "null"]},
            "p": {"enum": [str(one) for one in range(20)]}, "q": {"minLength": 1}, "r": {"maxLength": 1},
            "s": {"uniqueItems": True}, "t": {"minItems": 1}, "u": {"maxItems": 2}, "v": {"not": {"type": "string"}},
            "w": {"anyOf": [{"type": "string"}]},
            "x": {"oneOf": [{"type": "string"}]}, "y": {"oneOf": [{}, {}]}, "z": {"minProperties": 1}, "zz": {"maxProperties": 0},
        },
        "required": ["missing"],
        "additionalProperties": False,
        "x-encoding": "gbk",
    },
)  # fmt: skip
BROKEN = {
    "a": "x", "b": "xxx", "c": "9", "d": "2", "e": "y", "f": "q", "g": [], "h": [1, 2], "i": 1, "j": 9, "k": 5, "l": 5, "m": 7,
    "n": 1, "o": 1, "p": "x", "q": "", "r": "xx", "s": [1, 1], "t": [], "u": [1, 2, 3], "v": "x", "w": 1, "x": 1, "y": 1, "z": {},
    "zz": {"e": 1}, "extra": "䶮䶮",
}  # fmt: skip


def sentences() -> Iterator[str]:
    """Yield every sentence of the source, with 7 where it names a number, a field or anything else."""
    for path in sorted(HOME.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for node in ast.walk(function):
                yield from _written(_said(node), function, tree)


def _said(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        return node.args[CALLS[node.func.id]] if len(node.args) > CALLS[node.func.id] else None
    if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) in (2, 3):
        return node.value.elts[-2]
    return None


def _written(said: ast.expr | None, function: ast.AST, tree: ast.AST) -> Iterator[str]:
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == said.id:
                yield from _written(node.value, function, tree)
    elif isinstance(said, ast.JoinedStr):
        texts = [""]
        for part in said.values:
            texts = [text + piece for text in texts for piece in _pieces(part, function, tree)]
        yield from texts


def _pieces(part: ast.expr, function: ast.AST, tree: ast.AST) -> list[str]:
    """Return what may stand at one place of a sentence: what a name was given here, what a look-up or a judge can return, or 7."""
    if isinstance(part, ast.Constant):
        return [str(part.value)]
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        tables = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)]
        return [
            str(one.value)
            for table in tables if isinstance(table.targets[0], ast.Name) and table.targets[0].id == value.value.id
            for one in table.value.values if isinstance(one, ast.Constant)  # type: ignore[attr-defined]
        ]  # fmt: skip
    if isinstance(value, ast.Name) and value.id == "why":
        returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
        return [one.value for one in returned if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value]
    characters = {"characters", "described(text.index(char) + 1, char)"}
    if ast.unparse(value) in characters:
        return ["U+4DAE CJK UNIFIED IDEOGRAPH-4DAE at character 2"]
    return list(_written(value, function, tree)) or ["7"] if isinstance(value, ast.Name) else ["7"]


def test_there_are_many() -> None:
    assert len(set(sentences())) > 45
    assert "is no identity number: its birth date is no date" in set(sentences())


@pytest.mark.parametrize("english", sorted(set(sentences())))
def test_a_sentence_is_said_in_chinese(english: str) -> None:
    said = sentence(english, "zh")
    assert said != english
    assert not re.search(r"[A-Za-z]{3}", NAMES.sub("", said)), said
    assert sentence(english, "en") == english


def test_what_a_contract_says_is_said_in_chinese() -> None:
    found = EXAMPLES.check(BROKEN)
    assert {one.path for one in found} >= {*BROKEN, "missing"}
    for one in found:
        said = sentence(one.message, "zh")
        assert said != one.message, one.message
        assert not re.search(r"[A-Za-z]{3}", NAMES.sub("", said).replace("case", "")), said


def test_holes_are_filled_where_the_chinese_has_them() -> None:
    assert sentence("takes 8 bytes in gbk, 4 are allowed", "zh") == "按 gbk 编码占 8 字节，最多 4 字节"
    assert sentence("has 2 characters, type 111 needs 15 or 18", "zh") == "有 2 个字符，证件类型 111 应为 15 或 18 个"
    written = "cannot be written in gbk: U+4DAE CJK UNIFIED IDEOGRAPH-4DAE at character 2, U+20BB7 at character 5"
    assert sentence(written, "zh") == "gbk 编码写不出：第 2 个字 U+4DAE、第 5 个字 U+20BB7"
    assert sentence("is 2 working days after ACCEPT, at most 1 are allowed", "zh") == "在 ACCEPT 后第 2 个工作日，最多可隔 1 个"


def test_a_sentence_of_an_added_check_stays() -> None:
    assert sentence("is not as the county wants it", "zh") == "is not as the county wants it"


def test_every_rule_has_a_name_of_its_own() -> None:
    built_in = {name for name, one in all_transforms().items() if one.function.__module__.startswith("hub.")}
    names = {one: rule(one, "zh") for one in {*RULES, *built_in} - {"json"}}
    assert not [one for one, name in names.items() if re.search(r"[a-z]", name)]
    assert len(set(names.values())) == len(names)


def test_a_cause_names_fields_and_rules() -> None:
    assert cause("SQRZJHM: certificate", "zh") == "SQRZJHM：证件号码"
    assert cause("applyer_name: length, legal: required", "zh") == "applyer_name：长度，legal：必填"
    assert cause("materials[2].name: county-rule", "zh") == "materials[2].name：county-rule"
    assert cause("SQRZJHM: certificate", "en") == "SQRZJHM: certificate"
