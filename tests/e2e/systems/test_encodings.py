"""On one day names go out in GBK, GB18030, UTF-8 and URL-encoded UTF-8: each arrives, or is refused by field before it leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hub.model import State
from tests.e2e.county import County, county
from tests.e2e.systems.hall import accept

NAMES = ("张喆", "王堃", "阿卜杜·热合曼", "甲—乙", "马䶮", "李𬎆")
#: In GB18030 and Unicode only.
RARE = frozenset(NAMES[4:])
#: The sub-centres' codes, and where their messages have the applicant.
CENTRES = {
    "social": ("SB", "aac003"),  # SOAP in GBK
    "police": ("JJ", "xm"),  # URL-encoded UTF-8; what it stores is GBK
    "nationaltax": ("GS", "nsrmc"),  # UTF-8 in CDATA
    "localtax": ("DS", "NSRMC"),  # GBK, packed and in base64
    "tax": ("SW", "nsrmc"),  # UTF-8 in CDATA
    "transport": ("YG", "业户名"),  # files in GBK
}
GBK = frozenset({"social", "police", "localtax", "transport"})
#: Who hears of every case above, and where: none of them refuses a name.
ABOVE = {"province": "applyer_name", "gateway": "ApplyerName"}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[County, dict[str, dict[str, str]]]]:
    """Yield a county after one day, and by sub-centre the case of each name."""
    where: Path = tmp_path_factory.mktemp("encodings")
    with county(where, *CENTRES, *ABOVE, "transport-view", "city", "supervision", cases=0) as here:
        cases = {
            system: dict(
                zip(NAMES, accept(here, centre, *NAMES, SQRLX="1", SQRZJLX="SF", SQRZJHM="11010519491231002X"), strict=True)
            )
            for system, (centre, _) in CENTRES.items()
        }
        here.rounds()
        yield here, cases


@pytest.mark.parametrize("system", CENTRES)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_or_is_refused_by_field(day: tuple[County, dict[str, dict[str, str]]], system: str, name: str) -> None:
    here, cases = day
    case, field = cases[system][name], CENTRES[system][1]
    (told,) = [one for one in here.life(case) if one.system == system and one.route.startswith(system)]
    there = [one.content for one in here.held(system) if one.row == case]
    if system in GBK and name in RARE:
        assert (told.state, there) == (State.DEAD, [])
        assert (field, "encoding") in {(issue["path"], issue["rule"]) for issue in told.issues}
        assert name not in str(told.issues)
    else:
        assert [content[field] for content in there] == [name]


@pytest.mark.parametrize("system", ABOVE)
def test_every_name_arrives_above(day: tuple[County, dict[str, dict[str, str]]], system: str) -> None:
    here, cases = day
    sent = {case: name for by_name in cases.values() for name, case in by_name.items()}
    key, field = {"province": ("project_no", "applyer_name"), "gateway": ("ProjectNo", "ApplyerName")}[system]
    seen = {one.content[key]: one.content[field] for one in here.held(system) if field in one.content}
    assert {case: seen.get(case) for case in sent} == sent


def test_the_city_is_told_in_gb18030(day: tuple[County, dict[str, dict[str, str]]]) -> None:
    here, cases = day
    sent = {case: name for by_name in cases.values() for name, case in by_name.items()}
    seen = {
        one.content["content"]["ApasInfo"]["SN"]: _applicant(one.content["content"]["Proposer"])
        for one in here.held("city", "info")
        if one.content["type"] == "10"
    }
    assert {case: seen.get(case) for case in sent} == sent


def test_supervision_is_told_what_gbk_has(day: tuple[County, dict[str, dict[str, str]]]) -> None:
    here, cases = day
    for by_name in cases.values():
        for name, case in by_name.items():
            told = [one for one in here.life(case) if one.route == "supervision-basic"]
            assert told and any(one.state is State.DEAD for one in told) is (name in RARE), name


def _applicant(proposer: Mapping[str, Any]) -> str:
    person, unit = proposer["Person"], proposer["Unit"]
    return str(person["ApplyName"] or unit["UnitName"])
