"""The thirteen townships: each hands its cases over in its own way and words, and they go on upwards as the hall's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from hub.model import State
from hub.sandbox.farside import Ground
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.town_cases import Told, filings
from hub.sandbox.twins.town_forms import FORMS, Form
from hub.sandbox.twins.towns import TOWNS, FileTown, PushTown, Town
from tests.e2e.county import County, county

NAMES = [form.system for form in FORMS]
PUSHING = [form.system for form in FORMS if form.way not in ("marker", "manifest")]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Run the townships, the county's database, the province and the city once, with flaws in what everybody tells."""
    with county(tmp_path_factory.mktemp("towns"), "province", "city", *NAMES, rates=Rates().scaled(3)) as running:
        running.rounds()
        yield running


def town(life: County, system: str) -> Town:
    found = life.sandbox.twins[system]
    assert isinstance(found, Town)
    return found


def sound(life: County, system: str) -> list[Told]:
    """Return the cases of a township as it told them last, without those that are flawed on purpose."""
    mended = town(life, system).mended()
    return [mended if one.number == mended.number else one for one in town(life, system).told if one.flaw is None]


def test_there_are_thirteen_with_140_village_points_and_no_two_alike() -> None:
    assert len(FORMS) == len({form.division for form in FORMS}) == 13
    assert sum(len(form.villages) for form in FORMS) == 140
    assert len({tuple(form.titles.values()) for form in FORMS}) == 13
    assert len(PUSHING) == 3
    assert {form.format for form in FORMS} == {"csv", "xlsx", "xml", "jsonl", "json", "form"}
    assert {form.encoding for form in FORMS} >= {"gbk", "gb18030", "utf-8", "utf-8-sig"}


def test_the_account_adds_up(life: County) -> None:
    assert life.failing() == []


@pytest.mark.parametrize("system", NAMES)
def test_its_cases_stand_in_the_countys_database(life: County, system: str) -> None:
    rows = {row.BJBH: row for row in life.local("SELECT * FROM T_BJ WHERE LYXT = :system", system=system)}
    told = sound(life, system)
    spare = [one.number for one in town(life, system).spare]
    assert set(rows) - set(spare) == {one.number for one in told}
    for one in told:
        row, said = rows[one.number], one.values
        assert (said["name"], said["paper"], said["phone"], said["item"]) == (row.SQRMC, row.SQRZJHM, row.SQRSJH, row.SXBM)
        assert (town(life, system).form.division, f"村级便民服务点：{said['village']}") == (row.XZQHDM, row.BZ)
        assert said["accepted"] is not None
        assert row.SLSJ[:16] == f"{said['accepted']:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("system", NAMES)
def test_steps_and_results_follow(life: County, system: str) -> None:
    told = sound(life, system)
    steps = {row.BJBH: row for row in life.local("SELECT * FROM T_BZ WHERE LYXT = :system", system=system)}
    results = {row.BJBH: row for row in life.local("SELECT * FROM T_JG WHERE LYXT = :system", system=system)}
    words = {word: code for code, word in town(life, system).form.results.items()}
    for one in told:
        assert (one.number in steps) == isinstance(one.values["checked"], datetime)
        assert (one.number in results) == one.closed
        if one.closed:
            assert words[one.values["result"]] == results[one.number].BJJGDM


def test_the_province_sees_them_as_the_countys(life: County) -> None:
    accepted = {held.content["project_no"]: held.content for held in life.held("province", "up_pro_accept")}
    ended = {held.content["project_no"] for held in life.held("province", "up_pro_result")}
    for system in NAMES:
        for one in sound(life, system):
            assert accepted[one.number]["applyer_name"] == one.values["name"]
            assert accepted[one.number]["org_name"] == f"漳县{town(life, system).form.name}人民政府"
            assert (one.number in ended) == one.closed


def test_the_city_sees_the_same_cases(life: County) -> None:
    documents = [one.content for one in life.held("city", "info")]
    told = {kind: [one["content"]["ApasInfo"] for one in documents if one["type"] == kind] for kind in ("10", "20", "30")}
    accepted, ended = ({one["SN"]: one for one in told[kind]} for kind in ("10", "30"))
    worked_on = {one["SN"] for one in told["20"]}
    for system in NAMES:
        for one in sound(life, system):
            assert accepted[one.number]["ReceiveDeptName"] == f"漳县{town(life, system).form.name}人民政府"
            assert one.number in worked_on and (one.number in ended) == one.closed


def test_one_case_from_the_township_to_the_province_and_the_city_is_one_story(life: County) -> None:
    case = next(one for one in sound(life, "town-wudang") if one.closed)
    story = [(one.route, one.state) for one in life.life(case.number)]
    taken = State.DELIVERED, State.CONFIRMED
    routes = {route for route, state in story if state in taken}
    assert {"town-wudang-case", "town-wudang-step", "town-wudang-result", "province-accept", "province-result"} <= routes
    assert {"city-case", "city-process", "city-result"} <= routes


@pytest.mark.parametrize("system", PUSHING)
def test_who_pushes_is_answered_rightly(life: County, system: str) -> None:
    stats = town(life, system).stats()
    assert (stats["waiting"], stats["misjudged"], stats["refused"]) == (0, 0, 0)
    assert stats["taken"] >= 2


@pytest.mark.parametrize("form", [form for form in FORMS if form.system not in PUSHING], ids=lambda form: form.system)
def test_what_nobody_can_read_is_named_and_put_aside(life: County, form: Form) -> None:
    files = town(life, form.system)
    assert isinstance(files, FileTown)
    reasons = [group.reason for group in life.dead(form.system)]
    assert len(reasons) == sum(len(one.broken) for one in files.bad) == 2
    for key in (key for one in files.bad for key in one.broken):
        name, _, place = key.partition("#")
        assert any(reason.startswith(f"{name}, {place}: " if place else f"{name}: ") for reason in reasons), reasons
    companion = 2  # with its marker or manifest
    assert files.stats()["files"] == {"in": 0, "done": 4 * companion, "bad": companion}


def test_a_case_sent_again_under_another_name_is_no_news(life: County) -> None:
    for system in NAMES:
        lives = [one for one in life.life(sound(life, system)[-1].number) if one.route == f"{system}-case"]
        corrected = sound(life, system)[-1].number == town(life, system).mended().number
        assert len(lives) == (2 if corrected else 1)


def test_rare_names_survive() -> None:
    """Those that a township's own program can write at all."""
    every = Rates(rare_name=1.0)
    names = {form.system: "".join(one.values["name"] for one in filings(form, 1, 30, every)) for form in FORMS}
    assert any(letter in names["town-yanjing"] for letter in "喆堃镕珺")
    assert not any(letter in names["town-yanjing"] for letter in "䶮㛃𬎆")
    assert any(letter in names["town-guiqingshan"] for letter in "䶮㛃𬎆")


def test_the_pushing_ones_wait_until_somebody_listens(tmp_path_factory: pytest.TempPathFactory) -> None:
    far = next(kind for kind in TOWNS if kind.name == "town-wuyang")
    twin = far.on(Ground(tmp_path_factory.mktemp("alone"), rates=Rates.none()))
    assert isinstance(twin, PushTown)
    assert twin.work() == 0
    twin.meet("http://127.0.0.1:9")
    assert (twin.work(), twin.offered(), twin.stats()["waiting"]) == (0, [], 2)
