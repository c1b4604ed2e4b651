"""`hub quality` on the shipped county: what is planted is found, exactly, beside what a flawless county has by itself."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from hub.cli import app
from hub.store import schema
from tests.e2e.county import County, county

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: The moment of every change: later than every row of the county, and read at once.
NOW = f"{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M:%S}"
#: Cases whose item has a mandatory material they lack.
LACKING = """
    SELECT BJBH FROM T_BJ c WHERE EXISTS (
      SELECT 1 FROM T_QZCL m WHERE m.SXBM = c.SXBM AND m.SFBY = '1'
      AND m.CLMC NOT IN (SELECT CLMC FROM T_CL WHERE T_CL.BJBH = c.BJBH))"""
#: Cases that were taken in and neither worked on nor closed.
IDLE = """
    SELECT BJBH FROM T_BJ c WHERE BJBH NOT IN (SELECT BJBH FROM T_JG)
    AND NOT EXISTS (SELECT 1 FROM T_BZ s WHERE s.BJBH = c.BJBH AND s.HJMC <> '窗口受理')"""


def quality(here: County, *arguments: str) -> Any:
    """Run `hub quality` beside the hub that is at work."""
    words = ["--lang", "en", "-c", str(here.directory.path), "quality", *arguments]
    return CliRunner().invoke(app, words, env=dict(here.directory.environment))


def lines(here: County) -> Counter[str]:
    """Return how many cases `hub quality` tells of each line of each rule."""
    told = json.loads(quality(here, "--json").stdout)
    return Counter({f"{rule['rule']}/{line}": count for rule in told["rules"] for line, count in rule["lines"].items() if count})


def named(here: County, rule: str) -> set[str]:
    """Return the case numbers `hub quality --rule` lists."""
    return {one["case"] for one in json.loads(quality(here, "--rule", rule, "--json").stdout)}


def change(here: County, table: str, key: str, **values: Any) -> None:
    """Change one row of the approval database, and its update time."""
    column = "BJBH" if table == "T_BJ" else "ID"
    given = {**values, "GXSJ": NOW}
    words = ", ".join(f"{name} = :{name}" for name in given)
    here.local(f"UPDATE {table} SET {words} WHERE {column} = :the_key", the_key=key, **given)


def copy(here: County, table: str, key: str, **values: Any) -> None:
    """Add a row like another one."""
    column = "BJBH" if table == "T_BJ" else "ID"
    row = dict(here.local(f"SELECT * FROM {table} WHERE {column} = :key", key=key)[0]._mapping) | values | {"GXSJ": NOW}
    here.local(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row)


def closed(here: County, count: int, more: str = "") -> list[Any]:
    """Return closed cases of the hall itself, with their result's and last step's keys; each case is used once."""
    query = f"""
        SELECT c.BJBH, r.ID AS result, (SELECT ID FROM T_BZ s WHERE s.BJBH = c.BJBH ORDER BY KSSJ LIMIT 1) AS step
        FROM T_BJ c JOIN T_JG r ON r.BJBH = c.BJBH
        WHERE c.SSZX = '' AND r.BJJGDM = 'Y' AND c.SXLX = '2' {more} ORDER BY c.BJBH LIMIT {count}"""
    found = here.local(query)
    assert len(found) == count
    return found


def test_a_flawless_county_has_what_its_rows_say(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=40, items=True) as here:
        here.rounds()
        found = lines(here)
        idle, lacking = {row[0] for row in here.local(IDLE)}, {row[0] for row in here.local(LACKING)}
        unfinished = {row[0] for row in here.local("SELECT BJBH FROM T_BJ WHERE BJBH NOT IN (SELECT BJBH FROM T_JG)")}
        praised = {row[0] for row in here.local("SELECT BJBH FROM T_PJ WHERE SFMR = '1'")}
        assert found == {
            "C01/idle": len(idle),
            "T04/overdue-open": len(unfinished),
            "C08/default": len(praised),
            "C07/missing": len(lacking),
        }
        assert named(here, "C01/idle") == idle
        assert named(here, "C07") == lacking
        told = here.directory.told("quality")  # only warnings: it leaves with 0
        assert (told["cases"], told["closed"], told["blocked"]) == (40, 40 - len(unfinished), 0)
        assert told["deliveries"]["province"]["delivered"] > 60


def test_what_is_planted_is_found_exactly(tmp_path: Path) -> None:
    with county(tmp_path, "province", cases=60, items=True) as here:
        here.rounds()
        before = lines(here)
        expected = _plant(here)
        here.rounds()
        expected["R01/failed"] = _failed(here)
        after = lines(here)
        assert after - before == Counter({line: len(cases) for line, cases in expected.items()})
        assert before - after == Counter(), "nothing that was found is forgotten"
        assert expected["R01/failed"] >= expected["F05/"] | expected["C04/"]
        for rule in ("C01/result-alone", "D01/twice", "D03"):
            cases = expected.get(rule) or {case for line, found in expected.items() if line.startswith(rule) for case in found}
            assert named(here, rule) == cases, rule
        done = quality(here, "--json")
        assert (done.exit_code, json.loads(done.stdout)["deliveries"]["province"]["dead"] > 0) == (1, True)
        _assert_nothing_personal(here)


def _failed(here: County) -> set[str]:
    """Return the cases of which the province has refused something, or something was never sent."""
    ours = schema.delivery
    with here.service.store.reading() as connection:
        return set(connection.scalars(select(ours.c.lane).where(ours.c.state.in_(["dead", "rejected"]))))


def _plant(here: County) -> dict[str, set[str]]:
    """Put flaws into the county; return line -> the cases that show it."""
    cases = iter(closed(here, 12))
    found: dict[str, set[str]] = {}

    def shows(case: Any, *which: str) -> None:
        for line in which:
            found.setdefault(line, set()).add(case)

    _times(here, cases, shows)
    _parts(here, cases, shows)
    _contents(here, cases, shows)
    item, others = here.local(
        "SELECT SXBM, GROUP_CONCAT(BJBH) FROM T_BJ WHERE SSZX = 'JJ' GROUP BY SXBM ORDER BY COUNT(*) LIMIT 1"
    )[0]
    here.local("UPDATE T_QZQD SET FWSXZT = 'T', GXSJ = :now WHERE SXBM = :item", now=NOW, item=item)
    for case in others.split(","):
        shows(case, "C06/not-in-force")
    return found


def _times(here: County, cases: Any, shows: Any) -> None:
    case = next(cases)
    change(here, "T_JG", case.result, BJSJ="2024-12-31 09:00:00")
    shows(case.BJBH, "T01/result-early", "T01/step-late")
    case = next(cases)
    change(here, "T_BZ", case.step, KSSJ="2024-12-31 09:00:00")
    shows(case.BJBH, "T01/step-early")
    case = next(cases)
    change(here, "T_JG", case.result, BJSJ="2025-12-30 09:00:00")
    shows(case.BJBH, "T04/overdue")
    case = next(cases)
    accepted = here.local("SELECT SLSJ FROM T_BJ WHERE BJBH = :case", case=case.BJBH)[0][0]
    row = {"ID": "planted", "BJBH": case.BJBH, "TBCXZL": "GQ", "TBCXZLMC": "挂起", "TBCXKSRQ": accepted, "GXSJ": NOW}
    here.local(f"INSERT INTO T_TBCX ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row)
    shows(case.BJBH, "T03/open")


def _parts(here: County, cases: Any, shows: Any) -> None:
    case = next(cases)
    copy(here, "T_BJ", case.BJBH, BJBH="TOWN1", LYXT="town-wuyang")  # typed in again by a township, and never worked on
    shows(case.BJBH, "D01/twice")
    shows("TOWN1", "D01/twice", "C01/idle", "T04/overdue-open", "C07/missing")
    case = next(cases)
    copy(here, "T_JG", case.result, ID="alone", BJBH="NOBODY")
    shows("NOBODY", "C01/result-alone", "C01/no-step")
    case = next(cases)
    here.local(
        "INSERT INTO T_PJ (ID, BJBH, MYD, BJZT, SFMR, PJSJ, GXSJ) VALUES ('e1', 'NOBODY2', '5', '03', '0', :at, :at)", at=NOW
    )
    shows("NOBODY2", "C08/alone")


def _contents(here: County, cases: Any, shows: Any) -> None:
    case = next(cases)
    change(here, "T_JG", case.result, BJJGDM="N", BJJGMS="", ZJGZMC="", ZJBH="")
    shows(case.BJBH, "C04/no-reason", "C04/")
    case = next(cases)
    change(here, "T_BJ", case.BJBH, YZBM="888888")
    shows(case.BJBH, "D03/value", "D03/")
    case = next(cases)
    change(here, "T_BJ", case.BJBH, SQRZJLX="SF", SQRZJHM="621125190503120021")
    shows(case.BJBH, "F05/")
    case = next(cases)
    change(here, "T_BJ", case.BJBH, SQFS="8", SQRMC="")
    shows(case.BJBH, "F03/", "F01/")


def _assert_nothing_personal(here: County) -> None:
    names = {row[0] for row in here.local("SELECT SQRMC FROM T_BJ WHERE SQRMC <> ''")}
    numbers = {row[0] for row in here.local("SELECT SQRZJHM FROM T_BJ")}
    for arguments in ((), ("--rule", "F05", "--json")):
        said = quality(here, *arguments).stdout
        assert not [one for one in names | numbers if one in said], arguments
