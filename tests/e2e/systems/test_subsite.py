"""Proves that the published list of items is read back from the county's sub-site, and that 权力同源 names what differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import select

from hub.sandbox.twins.subsite import SubsiteTwin
from hub.store import schema
from tests.e2e.county import County, county


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Give a county whose list has gone up and was published."""
    with county(tmp_path_factory.mktemp("subsite"), "province", "subsite", cases=10, items=True) as here:
        here.rounds()
        yield here


def site(here: County) -> SubsiteTwin:
    return cast(SubsiteTwin, here.sandbox.twins["subsite"])


def test_what_is_published_is_in_the_store_and_beside_the_halls_own_list(here: County) -> None:
    assert here.failing() == []
    offered = {key for _, key in site(here).offered()}
    assert len(offered) > 50, "more than one page, published in one moment"
    record = schema.record
    with here.service.store.reading() as connection:
        read = set(connection.scalars(select(record.c.key).where(record.c.source == "subsite", record.c.kind == "published")))
    assert read == offered
    codes = {one.content["SXBM"] for one in here.held("local", "T_FBSX")}
    hall = {code for (code,) in here.local("SELECT SXBM FROM T_QZQD")}
    assert codes == hall - {site(here).left_out} | {site(here).stale}


def test_the_row_at_home_says_what_the_hall_said(here: County) -> None:
    unlike = " OR ".join(f"f.{name} <> q.{name}" for name in ("SXMC", "SXXZ", "SXBB", "FWSXZT", "IMPL_DEPART", "SSBMBM"))
    differing = here.local(f"SELECT q.SXBM FROM T_QZQD q JOIN T_FBSX f ON f.SXBM = q.SXBM WHERE {unlike} OR f.GXSJ IS NULL")
    assert differing == []


def test_the_report_names_exactly_the_two_that_differ(here: County) -> None:
    same = here.directory.told("quality", code=None)["sameness"]
    assert [one["code"] for one in same["unpublished"]] == [site(here).left_out]
    assert [one["code"] for one in same["missing"]] == [site(here).stale]
    assert same["both"] == len(site(here).offered()) - 1


def test_a_changed_item_is_published_and_read_again(here: County) -> None:
    ((item, code),) = here.local("SELECT ID, SXBM FROM T_QZQD WHERE SXXZ = 'CF' ORDER BY ID LIMIT 1")
    here.local("UPDATE T_QZQD SET SXBB = SXBB + 1, GXSJ = datetime('now', '+8 hours') WHERE ID = :item", item=item)
    here.rounds()
    assert here.local("SELECT SXBB FROM T_FBSX WHERE SXBM = :code", code=code) == [(2,)]
    assert here.failing() == []


def test_what_both_have_withdrawn_differs_nowhere(here: County) -> None:
    ((item, code),) = here.local("SELECT ID, SXBM FROM T_QZQD WHERE SXXZ = 'CF' ORDER BY ID DESC LIMIT 1")
    withdrawn = "UPDATE T_QZQD SET FWSXZT = 'X', SXBB = SXBB + 1, GXSJ = datetime('now', '+8 hours') WHERE ID = :item"
    here.local(withdrawn, item=item)
    here.rounds()
    assert here.local("SELECT FWSXZT FROM T_FBSX WHERE SXBM = :code", code=code) == [("X",)]
    same = here.directory.told("quality", code=None)["sameness"]
    assert [one["code"] for one in same["missing"]] == [site(here).stale]
    assert [one["code"] for one in same["unpublished"]] == [site(here).left_out]


def test_nothing_new_means_nothing_moves(here: County) -> None:
    before = site(here).stats()
    here.rounds()
    after = site(here).stats()
    assert {name for name in before if before[name] != after[name]} == {"requests"}
