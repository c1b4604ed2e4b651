"""Groups of dead letters in a real store: one cause is one group, and two who retry it at once retry it once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.engine import replay
from hub.errors import Rejected
from hub.model import State, Unreadable
from hub.store import groups, scopes
from hub.store.scopes import Scope
from tests.exchanges import Site, case


def refused(here: Site, *said: str) -> None:
    """Let the far side refuse one case for each of these words."""
    for number, words in enumerate(said):
        here.side.will(f"A{number}", Rejected("HUB-D-115", "refused", said=words))
    here.sync(*(case(f"A{number}") for number in range(len(said))))
    here.drain()


def unreadable(number: int, column: str = "J 日期") -> Unreadable:
    reason = f"a_b.xlsx, sheet 100%, row {number}: column {column}: a date as a bare number"
    return Unreadable("case", f"a.xlsx/{number}{column}", "HUB-S-243", reason)


def scope(here: Site, *names: str) -> Scope:
    with here.store.reading() as connection:
        return Scope(groups=groups.find(connection, names))


def count(here: Site, wanted: Scope) -> int:
    with here.store.reading() as connection:
        return scopes.count(connection, wanted)


def test_many_records_with_one_cause_are_one_group(here: Site) -> None:
    refused(here, "申请人“甲某”已存在", "申请人“乙某”已存在", "字段“事项”不能为空")
    with here.store.reading() as connection:
        found = groups.listed(connection)
        assert [(one.count, one.reason) for one in found] == [(2, "refused: 申请人“#”已存在"), (1, "refused: 字段“事项”不能为空")]
        (cause,) = groups.find(connection, [found[0].group])
        assert [one.key for one in groups.members(connection, cause)] == ["A1", "A0"]
    assert count(here, scope(here, found[0].group)) == 2


def test_rows_of_one_file_with_one_fault_are_one_group_and_no_more(here: Site) -> None:
    here.sync(unreadable(4), unreadable(17), unreadable(5, "K 日期"))
    with here.store.reading() as connection:
        found = groups.listed(connection)
    assert [one.count for one in found] == [2, 1]
    assert [count(here, scope(here, one.group)) for one in found] == [2, 1]


def test_files_whose_names_differ_by_case_are_two_groups(here: Site) -> None:
    reason = "{}.csv, row 3: 17 cells, the header has 18"
    here.sync(*(Unreadable("case", name, "HUB-S-241", reason.format(name)) for name in ("a", "A")))
    with here.store.reading() as connection:
        found = groups.listed(connection)
    assert [count(here, scope(here, one.group)) for one in found] == [1, 1]


def test_numbers_beside_a_group_mean_either(here: Site) -> None:
    refused(here, "甲", "乙")
    with here.store.reading() as connection:
        first, second = groups.listed(connection)
    both = Scope(ids=(second.sample,), groups=scope(here, first.group).groups)
    assert (count(here, both), str(both)) == (2, f"ids=({second.sample},) groups={first.group}")


@pytest.mark.parametrize("remap", [False, True])
def test_a_group_that_two_retry_at_once_is_counted_once(here: Site, remap: bool) -> None:
    refused(here, *["不符"] * 30)
    with here.store.reading() as connection:
        (group,) = groups.listed(connection)
    wanted = scope(here, group.group)

    def again(actor: str) -> int:
        return replay.retry(here.exchange, wanted, remap=remap, actor=actor, reason="they mended it").retried

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(again, ["wang", "li"])) == 30
    assert set(here.states().values()) == {State.PENDING}
    here.drain()
    assert len(here.side.taken) == 30
