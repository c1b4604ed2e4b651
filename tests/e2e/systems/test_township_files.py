"""Files that townships get wrong, through the whole hub: never taken by halves, and told by file, sheet, row and column."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from hub.demo import job
from hub.model import State
from hub.sandbox.flaws import Rates
from hub.sandbox.twins.town_cases import Filing, filings
from hub.sandbox.twins.town_files import written
from hub.sandbox.twins.town_forms import FORMS, Form
from hub.store import groups, runs
from tests.commands import DEADLINE
from tests.e2e.county import County, county

FORM = {form.system.removeprefix("town-"): form for form in FORMS}


@dataclass
class Drop:
    """One file somebody drops: whose cases arrive of it, and what the hub must say of the rest (code, reason)."""

    town: str
    name: str
    content: bytes
    arrive: tuple[str, ...] = ()
    said: tuple[tuple[str, str], ...] = ()


@dataclass
class Desk:
    """Makes files out of fresh, sound cases: no two files hold the same."""

    made: dict[str, list[Filing]] = field(default_factory=dict)

    def cases(self, town: str, count: int) -> list[Filing]:
        left = self.made.setdefault(town, [one.values for one in filings(FORM[town], 7, 40, Rates.none())])
        taken, self.made[town] = left[:count], left[count:]
        return taken


def numbers(cases: list[Filing]) -> tuple[str, ...]:
    return tuple(str(one["number"]) for one in cases)


def changed(content: bytes, change: Callable[[Worksheet], object]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert isinstance(book.active, Worksheet)
    change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def column(form: Form, field: str) -> int:
    return list(form.titles).index(field) + 1


def workbooks(desk: Desk) -> Iterator[Drop]:
    """三岔镇: a merged heading in row 1, titles in row 2, cases from row 3."""
    form = FORM["sancha"]
    applied, name = column(form, "applied"), column(form, "name")

    def book(count: int) -> tuple[list[Filing], bytes]:
        cases = desk.cases("sancha", count)
        return cases, written(form, cases)

    cases, content = book(3)
    yield Drop("sancha", "办件-齐.xlsx", content, numbers(cases))
    cases, content = book(2)
    shifted = changed(content, lambda sheet: sheet.insert_rows(2))
    said = "办件-错行.xlsx: sheet 登记表, row 2: the column 受理编号 is missing; is the header in another row?"
    yield Drop("sancha", "办件-错行.xlsx", shifted, (), (("HUB-S-221", said),))
    cases, content = book(4)
    merged = changed(content, lambda sheet: sheet.merge_cells(start_row=4, end_row=5, start_column=name, end_column=name))
    rows = tuple(
        ("HUB-S-243", f"办件-合并.xlsx, sheet 登记表, row {row}: merged cells D4:D5: only one of these rows holds the value")
        for row in (4, 5)
    )
    yield Drop("sancha", "办件-合并.xlsx", merged, numbers([cases[0], cases[3]]), rows)
    cases, content = book(2)
    serial = changed(content, lambda sheet: _number(sheet, 4, applied, 45964))
    said = "办件-天数.xlsx, sheet 登记表, row 4: column J 申请日期: a date as a bare number; format the column as a date"
    yield Drop("sancha", "办件-天数.xlsx", serial, numbers(cases[:1]), (("HUB-S-243", said),))
    cases, content = book(2)
    formula = changed(content, lambda sheet: _put(sheet, 3, name, '=CONCATENATE("甲","某某")'))
    said = (
        "办件-公式.xlsx, sheet 登记表, row 3: column D 申请人: a formula whose value was never computed; "
        "open the file in a spreadsheet and save it"
    )
    yield Drop("sancha", "办件-公式.xlsx", formula, numbers(cases[1:]), (("HUB-S-243", said),))
    _, content = book(2)
    said = "办件-半截.xlsx: is no workbook: BadZipFile"
    yield Drop("sancha", "办件-半截.xlsx", content[: len(content) // 2], (), (("HUB-S-222", said),))
    _, content = book(2)
    renamed = changed(content, lambda sheet: setattr(sheet, "title", "Sheet1"))
    said = "办件-表名.xlsx: there is no sheet 登记表; there are: Sheet1"
    yield Drop("sancha", "办件-表名.xlsx", renamed, (), (("HUB-S-227", said),))


def _put(sheet: Worksheet, row: int, at: int, value: Any) -> None:
    sheet.cell(row, at).value = value


def _number(sheet: Worksheet, row: int, at: int, value: int) -> None:
    sheet.cell(row, at).number_format = "General"
    _put(sheet, row, at, value)


def sums(desk: Desk) -> Iterator[Drop]:
    """马泉乡: a sum in the last row, which is no case; behind it nothing counts."""
    cases = desk.cases("maquan", 3)
    content = written(FORM["maquan"], cases[:2])
    yield Drop("maquan", "办件-合计.xlsx", content, numbers(cases[:2]))
    last = written(FORM["maquan"], cases[2:])
    behind = changed(last, lambda sheet: sheet.append(["补登一件"]))
    said = "办件-补登.xlsx, sheet 登记表, row 4: stands behind the footer"
    yield Drop("maquan", "办件-补登.xlsx", behind, numbers(cases[2:]), (("HUB-S-249", said),))


def texts(desk: Desk) -> Iterator[Drop]:
    """新寺镇 writes GBK, 殪虎桥镇 UTF-8."""
    form = FORM["xinsi"]
    cases = desk.cases("xinsi", 3)
    content = written(form, cases)
    yield Drop("xinsi", "办件-齐.csv", content, numbers(cases))
    yield Drop("xinsi", "办件-齐(1).csv", content)  # the same once more, under another name
    utf8 = written(form, desk.cases("xinsi", 2)).decode("gbk").encode()
    yield Drop("xinsi", "办件-另存.csv", utf8, (), (("HUB-S-220", "办件-另存.csv: is in utf-8, but gbk is declared"),))
    marked = b"\xef\xbb\xbf" + written(form, desk.cases("xinsi", 2))
    said = "办件-标记.csv: begins with the byte order mark of UTF-8 at byte 0, but gbk is declared"
    yield Drop("xinsi", "办件-标记.csv", marked, (), (("HUB-S-220", said),))
    cases = desk.cases("xinsi", 2)
    cut = written(form, cases)[:-120].rpartition(b",")[0]
    left = cut.rsplit(b"\r\n", 1)[1].count(b",") + 1
    said = f"办件-半行.csv, line 3: {left} cells where the header has {len(form.titles)}"
    yield Drop("xinsi", "办件-半行.csv", cut, numbers(cases[:1]), (("HUB-S-241", said),))
    form = FORM["yihuqiao"]
    cases = desk.cases("yihuqiao", 3)
    stray = written(form, cases).replace(str(cases[1]["number"]).encode(), b"\xef\xbb\xbf" + str(cases[1]["number"]).encode(), 1)
    said = "办件-拼接.csv, line 3: column 2 办件编号 begins with a stray byte order mark"
    yield Drop("yihuqiao", "办件-拼接.csv", stray, numbers([cases[0], cases[2]]), (("HUB-S-244", said),))
    gbk = written(form, desk.cases("yihuqiao", 2)).decode("utf-8-sig").encode("gbk")
    said = "办件-编码.csv: byte 0, in the header, is not in utf-8-sig; is the file in another encoding?"
    yield Drop("yihuqiao", "办件-编码.csv", gbk, (), (("HUB-S-220", said),))


@dataclass
class Dropped:
    """The county after one reading of everything that was dropped."""

    county: County
    drops: list[Drop]

    def hub(self, lang: str, *arguments: str) -> str:
        """Return what a command prints for an operator of that language."""
        words = [lang if word == "en" else word for word in self.county.directory.command(*arguments)]
        environment = {**self.county.directory.variables(), "COLUMNS": "250"}
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=DEADLINE, cwd=self.county.directory.path
        )
        return done.stdout + done.stderr

    def folder(self, town: str) -> Path:
        return self.county.sandbox.plan.directory.resolve() / "towns" / town


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dropped]:
    desk = Desk()
    drops = [*workbooks(desk), *sums(desk), *texts(desk)]
    systems = {f"town-{one.town}" for one in drops}
    with county(tmp_path_factory.mktemp("files"), *systems) as running:
        here = Dropped(running, drops)
        for one in drops:
            (here.folder(one.town) / "in" / one.name).write_bytes(one.content)
            (here.folder(one.town) / "in" / f"{one.name}.ok").touch()
        (here.folder("xinsi") / "in" / "办件-正在写.csv").write_bytes(b"\xb0\xec")  # no marker yet
        (here.folder("xinsi") / "in" / "办件-正在传.csv.part").write_bytes(b"\xb0\xec")
        job.rounds(running.service, lambda: 0, lambda progress: None)  # without the townships' own second files
        yield here


def test_of_every_file_exactly_what_is_sound_arrives(dropped: Dropped) -> None:
    there = {row.BJBH for row in dropped.county.local("SELECT BJBH FROM T_BJ WHERE LYXT IS NOT NULL")}
    first = {one.number for twin in dropped.county.sandbox.twins.values() for one in getattr(twin, "told", ())}
    assert there - first == {number for one in dropped.drops for number in one.arrive}


def test_everything_else_is_told_by_file_sheet_row_and_column(dropped: Dropped) -> None:
    expected = sorted((f"town-{one.town}", code, reason) for one in dropped.drops for code, reason in one.said)
    found = sorted((one.system, one.code, one.reason) for one in dropped.county.dead() if one.stage == "source")
    assert found == expected
    assert dropped.county.states("local")[State.DEAD] == 0


def test_every_run_adds_up(dropped: Dropped) -> None:
    with dropped.county.service.store.reading() as connection:
        done = runs.latest(connection, limit=1000)
        read = groups.unfolded(connection)
    assert all(run.adds_up for run in done)
    assert sum(run.rejected for run in done) == sum(one.count for one in read)


def test_bad_files_are_put_aside_and_unfinished_ones_are_left(dropped: Dropped) -> None:
    refused = {one.name for one in dropped.drops if one.said and not one.arrive}
    aside = {path.name for town in FORM for path in (dropped.folder(town) / "bad").glob("*") if path.suffix != ".ok"}
    assert aside == refused
    assert sorted(path.name for path in (dropped.folder("xinsi") / "in").iterdir()) == ["办件-正在传.csv.part", "办件-正在写.csv"]


def test_the_operator_reads_it_in_chinese(dropped: Dropped) -> None:
    said = "办件-天数.xlsx，工作表 登记表，第 4 行：J 列 申请日期：日期成了一个数字；请把这一列的格式设为日期"
    listed = dropped.hub("zh", "dead", "list", "--system", "town-sancha")
    assert said in listed
    assert "办件-合并.xlsx，工作表 登记表，第 4 行：合并单元格 D4:D5：这些行里只有一行有值（等 2 处）" in listed
    assert "hub dead cancel" in listed
    assert "HUB-S-249 办件-补登.xlsx，工作表 登记表，第 4 行：在合计行的后面" in dropped.hub("zh", "status")
    told = dropped.hub("zh", "runs", "--source", "town-xinsi")
    assert "town-xinsi: HUB-S-220 办件-另存.csv：实际是 utf-8，而声明的是 gbk" in told


def test_the_operator_reads_it_in_english(dropped: Dropped) -> None:
    listed = dropped.hub("en", "dead", "list", "--system", "town-sancha")
    assert "办件-天数.xlsx, sheet 登记表, row 4: column J 申请日期: a date as a bare number" in listed
    assert "row 4: merged cells D4:D5: only one of these rows holds the value (and 1 more)" in listed
    told = dropped.hub("en", "runs", "--source", "town-xinsi")
    assert "town-xinsi: HUB-S-220 办件-另存.csv: is in utf-8, but gbk is declared" in told


def test_a_cause_copied_from_either_screen_ends_the_dead_letter(dropped: Dropped) -> None:
    cause = "办件-补登.xlsx，工作表 登记表，第 4 行：在合计行的后面"
    counted = dropped.hub("zh", "dead", "retry", "--cause", cause, "--dry-run").splitlines()
    assert counted[0] == "1" and "涉及 1 条死信" in counted
    done = dropped.hub("zh", "dead", "cancel", "--cause", cause, "--reason", "已补报", "--yes")
    assert "1 条已结案" in done
    assert dropped.county.dead("town-maquan") == []
