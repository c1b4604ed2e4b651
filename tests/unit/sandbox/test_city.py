"""The city platform judges in writing, parents first, hands down what the province handles, and wants that confirmed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from hub.sandbox.national import now
from hub.sandbox.twins import city_down
from hub.sandbox.twins.city import CityTwin
from hub.sandbox.twins.city_tables import CITYATTR, CITYINFO, INFOSYNC, PROVINCEATTR, PROVINCEINFO
from tests.unit.sandbox.city_documents import CASE, RESULT, SN, with_, written


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[CityTwin]:
    twin = CityTwin(f"sqlite:///{tmp_path / 'city.db'}")
    twin.create()
    yield twin
    twin.stop()


def put(twin: CityTwin, content: bytes, kind: str = "10", unid: str = "U1", applyfrom: str = "20", action: str = "I") -> None:
    row = {"unid": unid, "type": kind, "createtime": "2016-12-01 09:20:00", "action": action, "applyfrom": applyfrom}
    with twin._engine.begin() as connection:
        connection.execute(insert(CITYINFO).values(**row, content=content))


def feedback(twin: CityTwin) -> list[str]:
    with twin._engine.connect() as connection:
        rows = connection.scalars(
            select(PROVINCEINFO.c.content).where(PROVINCEINFO.c.type == "99").order_by(PROVINCEINFO.c.createtime)
        )
        return sorted(found[1] for content in rows if (found := re.search("<Result>(.*)</Result>", _decoded(content))))


def test_a_case_is_confirmed_and_its_result_waits_for_it(twin: CityTwin) -> None:
    put(twin, written(with_(CASE, "ApasInfo.PWD", None)))
    put(twin, written(RESULT, "30", "U2"), "30", "U2")
    twin.work()
    assert feedback(twin) == ["失败：缺少元素 PWD"], "a result is not judged before its case"
    with twin._engine.begin() as connection:
        connection.execute(update(CITYINFO).where(CITYINFO.c.unid == "U1").values(content=written(CASE), action="U", TCHAR3=None))
    twin.work()
    assert feedback(twin) == ["失败：缺少元素 PWD", "成功"]
    assert (twin.stats()["order_violations"], twin.stats()["updated"]) == (0, 1)
    assert twin.work() == 0


def test_what_comes_before_its_case_is_counted_once(twin: CityTwin) -> None:
    put(twin, written(RESULT, "30", "U2"), "30", "U2")
    with twin._engine.begin() as connection:
        connection.execute(insert(CITYATTR).values(unid="A9", createtime="2016-12-01 09:20:00", content=b"x"))
    twin.work()
    twin.work()
    assert twin.stats()["order_violations"] == 2


def test_a_result_before_its_application_is_rejected(twin: CityTwin) -> None:
    put(twin, written(CASE))
    put(twin, written(with_(RESULT, "ApasInfo.ProcessedTime", "2016-11-30 00:00:01"), "30", "U2"), "30", "U2")
    twin.work()
    assert feedback(twin) == ["失败：办结时间早于申报时间", "成功"]


def test_a_joint_case_is_carried_on_in_two_stages(twin: CityTwin) -> None:
    put(twin, written(CASE), applyfrom="24")
    for expected in ({"80"}, {"80", "85", "86"}):
        twin.work()
        with twin._engine.connect() as connection:
            kinds = set(connection.scalars(select(PROVINCEINFO.c.type)))
        assert expected <= kinds
    names = dict(twin.offered())
    assert names["outcome"] == SN and set(names) >= {"process", "outcome", "certificate", "file"}
    with twin._engine.begin() as connection:
        assert connection.scalar(select(PROVINCEATTR.c.TCHAR3)) == "省级许可证书.pdf"
    for unid in handed_down(twin):
        confirm(twin, unid)
    assert twin.stats()["unconfirmed"] == 1, "the file is not confirmed yet"


@pytest.mark.parametrize(
    "wrong",
    [
        {"fromareacode": "621125", "toareacode": "621100"},  # turned round: they are the read row's, unchanged
        {"toareaname": None},
        {"etype": "99"},  # always 1, whatever the read row's type
        {"type": "9"},
        {"createtime": None},
        {"updatetime": "2016-12-01"},
    ],
)
def test_a_confirmation_repeats_the_row_it_confirms(twin: CityTwin, wrong: dict[str, str | None]) -> None:
    put(twin, written(CASE))
    twin.work()
    (unid,) = handed_down(twin)
    confirm(twin, unid, **wrong)
    assert twin.stats()["unconfirmed"] == 1
    with twin._engine.begin() as connection:
        connection.execute(INFOSYNC.delete())
    confirm(twin, unid)
    assert twin.stats()["unconfirmed"] == 0


def test_a_case_that_is_void_is_not_carried_on(twin: CityTwin) -> None:
    put(twin, written(CASE), applyfrom="24", action="D")
    twin.work()
    assert feedback(twin) == ["成功"], "the deletion is confirmed"
    assert twin.offered() == []


def handed_down(twin: CityTwin) -> list[str]:
    with twin._engine.connect() as connection:
        return list(connection.scalars(select(PROVINCEINFO.c.unid)))


def confirm(twin: CityTwin, unid: str, **wrong: str | None) -> None:
    """Confirm a row as readers do, but for what is `wrong`."""
    areas = {"fromareacode": "621100", "fromareaname": "定西市", "toareacode": "621125", "toareaname": "漳县"}
    times = dict.fromkeys(("updatetime", "createtime"), "2016-12-01 09:25:00")
    with twin._engine.begin() as connection:
        connection.execute(insert(INFOSYNC).values({"unid": unid, "type": "1", "etype": "1", **areas, **times, **wrong}))


def test_its_documents_come_in_every_character_set() -> None:
    clerk = set()
    for number in range(40):
        for row in city_down.course(f"{number:043}", 0, 1, now()):
            declared = row.content.removeprefix(b"\xef\xbb\xbf").split(b'"')[3].decode()
            clerk.add((declared, row.content.startswith(b"\xef\xbb\xbf"), _is_utf8(row.content)))
    assert clerk == {("GB2312", False, False), ("GBK", False, False), ("UTF-8", True, True), ("GB2312", False, True)}


def _is_utf8(content: bytes) -> bool:
    return _decoded(content).encode() == content.removeprefix(b"\xef\xbb\xbf")


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")
