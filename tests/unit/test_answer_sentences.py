"""Every sentence the hub and its adapters give as the reason of a delivery, a try, a pause or a run is said in Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

import adapters
import hub.engine
from adapters.database import failures, feeds, verdicts
from adapters.files import trouble
from adapters.kit import protocol
from adapters.soap.call import FAULTS
from hub.cli import causes, lang
from hub.engine import storable

#: What gives a reason, and as which argument; the code of it stands before.
GIVES = {"Retryable": 1, "Rejected": 1, "InDoubt": 1, "Deferred": 1, "Misconfigured": 1, "SourceFailed": 1, "outcome": 1, "kind": 1,
         "fact.outcome": 1, "meaning.outcome": 1, "Unfit": 1, "Missing": 0, "_Unreadable": 1, "_endless": 0, "_refusal": 1,
         "Unreadable": 3}  # fmt: skip
#: What a place of a sentence may hold, by how it is written there; 7 otherwise.
HOLDS = {
    "found.value": [str(one) for one in failures.Trouble],
    "trouble.value": [str(one) for one in trouble.Trouble],
    "fact.meaning": sorted({fact.meaning for _, fact in protocol.PROTOCOL} | {protocol._OF_THE_RECORD.meaning}),
    "meaning.says": sorted({meaning.says for meaning in FAULTS.values()}),
    "self.fault": ["is no JSON", "cannot be opened"],
    "problem[0]": ["has no parameter 7", "lacks its parameter 7", "takes 7 parameters, not 7"],
    "failure.message": ["HTTP 401: the credentials were refused"],
    "failure": [
        "HUB-D-113 HTTP 500: the far side is down or busy",
        "HUB-D-116 the answer did not end in time (raise 7 if that is right)",
    ],
    "self.title": ["table 7", "the query"],
    "shape.title": ["table 7", "the query"],
    "fault": ["is no readable XML at line 7, column 7", "brings a DTD, which is never read"],
    "problem": ["is no readable XML at line 7, column 7", "brings a DTD, which is never read"],
    "failed.message": [
        "feed 7 (table 7): a lock, a deadlock or a time-out got in the way (mysql 1205)",
        "there is no database file 7",
    ],
}
#: What is still said in English; these only because what they end with is not in the same function.
MISSING = {"the item 7", "7 lacks 7", "the row holds a verdict, but 7"}
#: Sentences that no call above shows whole.
OTHERS = [
    ("HUB-D-303", "table BJ has no column A; the query has no column B; no right to select table BJ"),
    ("HUB-D-307", "info.SQLMC: 7 characters, the column holds 5"),
    ("HUB-D-403", "endpoint 7 in 7: the directory does not exist: [7]"),
    ("HUB-D-220", "the handshake was refused: HTTP 401: the credentials were refused"),
    ("HUB-D-101", "cannot connect: Connection refused"),
    ("HUB-D-108", "not sent: another may have taken it over while it waited"),
    ("HUB-E-120", "the far side promised a verdict and gave none in time"),
    ("HUB-S-190", storable._WHY),
    ("HUB-S-313", feeds._NO_ORDER),
    ("HUB-S-318", verdicts._SILENT),
    ("HUB-S-318", f"7 {verdicts._NEITHER}"),
    ("HUB-S-403", "the item has no key"),
    ("HUB-S-403", "the item is no object"),
    ("HUB-S-403", "the item has no readable time at 7"),
    ("HUB-S-408", "the row holds a verdict, but names at 7 no interface that is among names"),
    ("HUB-S-502", "page 7 row 7 lacks 7"),
    ("HUB-S-408", "the row holds a verdict, but names no message at 7"),
]
#: Words that are names: of protocols, formats, options, parts of a WSDL.
NAMES = re.compile(
    r"\b(HTTPS?|answers|HUB-D-\d+|XML|Schema|JSON|TLS|WSDL|SOAP|UTC|DTD|UTF-8|service|port|fault|feed|find|token|base64|rest|rows|pages|format|wsdl"
    r"|operation|mysql|next|names|select|info|BJ|SQLMC)\b|`[^`]*`|\$\w+|YYYY.*SS|HH:MM:SS",
    re.IGNORECASE,
)


def sentences() -> Iterator[tuple[str, str]]:
    """Yield every sentence of the source with its code, and with 7 where it names a number, a field or anything else."""
    homes = [Path(one.__path__[0]) for one in (adapters, hub.engine)]
    for path in sorted(path for home in homes for path in home.rglob("*.py") if "conformance" not in path.parts):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                at = GIVES.get(ast.unparse(call.func))
                if at is not None and len(call.args) > at:
                    yield from ((_code(call.args[at - 1], path), text) for text in _written(call.args[at], function))


def _code(code: ast.expr, path: Path) -> str:
    if isinstance(code, ast.Constant) and str(code.value).startswith("HUB-"):
        return str(code.value)
    return {"database": "HUB-D-306", "files": "HUB-D-404", "rest": "HUB-S-402"}.get(path.parent.name, "HUB-D-118")


def _written(said: ast.expr, function: ast.AST) -> Iterator[str]:
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        yield said.value
    elif isinstance(said, ast.Name):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == said.id:
                yield from _written(node.value, function)
    elif isinstance(said, ast.IfExp):
        yield from (text for one in (said.body, said.orelse) for text in _written(one, function))
    elif isinstance(said, ast.JoinedStr):
        yield from map("".join, product(*(_pieces(part, function) for part in said.values)))


def _pieces(part: ast.expr, function: ast.AST) -> list[str]:
    """Return what may stand at one place of a sentence: what a name was given here, one of its known words, or 7."""
    if isinstance(part, ast.Constant):
        return [str(part.value)]
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return list(_written(value, function)) or HOLDS.get(ast.unparse(value)) or ["7"]


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    before = lang.current()
    lang.speak(lang.ZH)
    yield
    lang.speak(before)


def english(code: str, text: str) -> bool:
    return bool(re.search(r"[A-Za-z]{3}", NAMES.sub("", causes.said(code, text))))


def test_there_are_many() -> None:
    assert len(set(sentences())) > 150


def test_every_sentence_is_said_in_chinese() -> None:
    assert {text for code, text in [*sentences(), *OTHERS] if english(code, text)} == MISSING


@pytest.mark.parametrize(
    ("code", "stored", "shown"),
    [
        ("HUB-D-113", "HTTP 503: the far side is down or busy", "HTTP 503：对方停机或忙"),
        ("HUB-D-115", "HTTP 400: the far side refused the request: not a number", "HTTP 400：对方拒收这个请求：not a number"),
        ("HUB-D-120", "HTTP 500, fault soap:Server: refused, says a rule: no, says a rule",
         "HTTP 500, fault soap:Server：按应答规则，对方拒收：no, says a rule"),
        ("HUB-D-308", "info: a lock, a deadlock or a time-out got in the way: mysql 1205", "info：遇到锁、死锁或超时：mysql 1205"),
        ("HUB-S-304", "feed case (table BJ): the user lacks a right (mysql 1142); the feeds behind it wait: step, end",
         "feed case（表 BJ）：用户缺少权限（mysql 1142）；排在后面的 feed 在等：step, end"),
        ("HUB-S-303", "there is no database file /data/bj.db; the feeds behind it wait: step",
         "没有数据库文件 /data/bj.db；排在后面的 feed 在等：step"),
        ("HUB-S-401", "no page: HUB-D-101 cannot connect: Connection refused", "没有读到这一页：HUB-D-101 连不上：连接被拒绝"),
    ],
)  # fmt: skip
def test_a_reason_keeps_what_is_not_the_hubs(code: str, stored: str, shown: str) -> None:
    assert causes.said(code, stored) == shown
    lang.speak(lang.EN)
    assert causes.said(code, stored) == stored


@pytest.mark.parametrize(
    "heard", ["busy", "age: not a number", "too long", "there is no table x", "no page: x", "the operation failed"]
)
def test_what_a_far_side_said_stays_as_it_was_said(heard: str) -> None:
    assert [causes.said(code, heard) for code in ("HUB-D-113", "HUB-D-120", "HUB-E-121")] == [heard] * 3
