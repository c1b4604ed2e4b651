"""Decides what stands in the made-up county's 权责清单: every item its hall handles, and powers that nobody applies for.

All names, grounds and questions are invented; codes are built as in `hub.sandbox.county`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, insert, select, update

from hub.sandbox.approval_items import ITEM_TABLES, T_QZQD
from hub.sandbox.county import Department, Item, county
from hub.sandbox.flaws import Flaw, FlawKind, GroundTruth, Rates

Row = dict[str, Any]

#: When the list was entered: before the county's first case.
_BEGIN = datetime.fromisoformat("2024-12-02 09:00:00")

#: department, item, type code (GB/T 39046 A.1), nature: powers without cases. The words after | are what only their kind has.
_POWERS: tuple[tuple[str, str, str, str], ...] = (
    ("漳县市场监督管理局", "对无照经营行为的处罚|警告；没收违法所得；处一万元以下罚款", "02", "CF"),
    ("漳县交通运输局", "对未经许可从事道路货物运输经营的处罚|责令停止经营；处三千元以上一万元以下罚款", "02", "CF"),
    (
        "漳县住房和城乡建设局",
        "对未取得施工许可证擅自施工的处罚|责令停止施工；处工程合同价款百分之一以上百分之二以下罚款",
        "02",
        "CF",
    ),
    ("漳县自然资源局", "耕地开垦费的征收|2", "04", "ZS"),
    ("漳县水务局", "水资源费的征收|2", "04", "ZS"),
    ("漳县住房和城乡建设局", "城市生活垃圾处理费的征收|2", "04", "ZS"),
    ("漳县市场监督管理局", "对涉嫌违法物品的查封、扣押", "03", "QZ"),
    ("漳县水务局", "对擅自设置的取水设施的强制拆除", "03", "QZ"),
    ("漳县卫生健康局", "对公共场所卫生状况的监督检查", "06", "JC"),
    ("漳县教育局", "对民办学校办学状况的检查", "06", "JC"),
    ("漳县自然资源局", "土地权属争议裁决", "09", "CJ"),
    ("漳县农业农村局", "农作物种子经营备案", "10", "QT"),
    ("漳县文体广电和旅游局", "营业性演出场所备案", "10", "QT"),
    ("漳县市场监督管理局", "食品销售备案", "10", "QT"),
    ("漳县文体广电和旅游局", "公共图书馆借阅服务", "20", "GG"),
    ("漳县人力资源和社会保障局", "就业创业证查询服务", "20", "GG"),
)
#: Natures whose items have an application: all but these are powers that act by themselves.
_OF_ITSELF = frozenset({"CF", "ZS", "QZ", "JC"})
#: Natures whose items are published with materials, and with fee projects.
_WITH_MATERIALS = frozenset({"XK", "GF", "QR", "JL", "CJ", "QT", "GG", "ZS"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the list: its serial, an item, and what only its kind has."""

    serial: int
    item: Item
    extra: str = ""


def powers(seed: int) -> dict[str, list[Row]]:
    """Return the rows of the whole list by table, equal for equal seeds; nothing in it is wrong."""
    rng = Random(f"powers-{seed}")
    found: dict[str, list[Row]] = {table.name: [] for table in ITEM_TABLES}
    for entry in _entries(seed):
        when = str(_BEGIN + timedelta(minutes=entry.serial // 4))  # several share one moment
        found["T_QZQD"].append(_main(entry, rng, when))
        for table, rows in (("T_QZCL", _materials(entry)), ("T_QZSF", _fees(entry)), ("T_QZWT", _questions(entry))):
            found[table] += [_child(entry, number, when) | row for number, row in enumerate(rows, start=1)]
    return found


def enter(connection: Connection, seed: int, rates: Rates, truth: GroundTruth) -> None:
    """Write the list unless there is one already; by the rates, one item of it is wrong."""
    if connection.execute(select(T_QZQD.c.ID).limit(1)).first() is not None:
        return
    found = powers(seed)
    if rates.unknown_code:
        row = found["T_QZQD"][len(found["T_QZQD"]) // 2]
        row["EXERCISE_LEVEL"] = "8"
        truth.flaws.append(Flaw(FlawKind.UNKNOWN_CODE, "T_QZQD", row["ID"], "", "EXERCISE_LEVEL", frozenset({"province"})))
    for table in ITEM_TABLES:
        connection.execute(insert(table), found[table.name])
        truth.rows[table.name] += len(found[table.name])


def revise(connection: Connection, item: str, changes: Mapping[str, Any], moment: str) -> None:
    """Change an item: its next version, updated at `moment` (`yyyy-MM-dd HH:mm:ss`)."""
    changed = update(T_QZQD).filter_by(ID=item).values(SXBB=T_QZQD.c.SXBB + 1, GXSJ=moment, **changes)
    connection.execute(changed)


def _entries(seed: int) -> Iterator[_Entry]:
    items = county(seed).items
    owners = {item.department.name: item.department for item in items}
    for serial, item in enumerate(items, start=1):
        yield _Entry(serial, item)
    for serial, (owner, words, kind, nature) in enumerate(_POWERS, start=len(items) + 1):
        name, _, extra = words.partition("|")
        yield _Entry(serial, _power(owners[owner], name, kind, nature, serial), extra)


def _power(owner: Department, name: str, kind: str, nature: str, serial: int) -> Item:
    catalogue = f"62{kind}{serial // 8 + 30:02}{serial:03}000"
    task = f"{owner.credit_code}4{catalogue}"
    materials = () if nature in _OF_ITSELF - {"ZS"} else ("申请书", "居民身份证")
    return Item(name, nature, catalogue, task, f"{task}01", owner, 5, "", "", "B", "", materials)


def _main(entry: _Entry, rng: Random, when: str) -> Row:
    item = entry.item
    county_level = len(item.department.division) == 6
    phone = f"0932-48{rng.randrange(10**5):05}"
    return {
        "ID": _id(entry), "SXBM": item.task, "JBBM": item.catalogue, "FSXBM": item.handle, "SXMC": item.name, "SXXZ": item.nature,
        "SXLX": "1" if item.days < 2 else "2", "SXBB": 1, "FWSXZT": "A",
        "XSYJ": f"《漳县政务服务事项管理规定（示例）》第{entry.serial}条", "RIGHT_SOURCE": "1",
        "EXERCISE_LEVEL": "4" if county_level else "5", "IMPL_DEPART": item.department.name, "SSBMBM": item.department.credit_code,
        "IMPL_DEPART_XZ": "1", "WTBM": "", "MXYHDX": {"P": "1", "E": "2,3,4", "B": "1,2,3,4"}[item.applicants],
        "FDSXGZR": max(2 * item.days, 1), "FDQX": "", "CNQXGZR": item.days, "CNQXSM": "",
        "SQTJ": f"符合{item.name}的法定条件，材料真实齐全", "BLLC": "申请→受理→审查→决定→送达",
        "SFSF": "1" if item.fee else "0", "SFYJ": "县级行政事业性收费目录（示例）" if item.fee else "",
        "SQFS": "1,2" if item.days else "1", "DXCCS": 1, "LINK_NAME": "无", "BLDD": "漳县政务服务中心一楼综合窗口",
        "BGSJ": "周一至周五 8:30—12:00，14:30—18:00（法定节假日除外）", "LXDH": phone, "JDDH": "0932-12345",
        "SFWB": "1" if item.days else "0", "WBSD": "2" if item.days else "1", "WBDZ": "", "SLXZSM": "",
        "BXXCBLYY": "" if item.days else "需当场核验身份", "SFJZZWDT": "1", "EXPRESS_SUPPORT": rng.choice("01"),
        "SFZCWSZF": "1" if item.fee else "0", "IS_APPOINT": rng.choice("01"), "SFZCZZZDBL": "0", "TBFW": "4", "HBCS": "",
        "FINISH_TYPE": "10" if item.certificate else "90", "RESULT_NAME": item.certificate,
        "CFZL": entry.extra if item.nature == "CF" else "", "ZSZL": entry.extra if item.nature == "ZS" else "",
        "SFSJJM": "1" if item.nature == "ZS" else "", "SXRQ": "2025-01-01 00:00:00", "QXRQ": "",
        "XZQHDM": item.department.division, "BZ": "", "LYXT": None, "GXSJ": when,
    }  # fmt: skip


def _id(entry: _Entry) -> str:
    return f"QZ{entry.serial:04}"


def _child(entry: _Entry, number: int, when: str) -> Row:
    item = {"SXBM": entry.item.task, "FSXBM": entry.item.handle, "SXXZ": entry.item.nature}
    return {"ID": f"{_id(entry)}-{number}", "SXID": _id(entry), **item, "XH": number, "BZ": "", "LYXT": None, "GXSJ": when}


def _materials(entry: _Entry) -> list[Row]:
    if entry.item.nature not in _WITH_MATERIALS:
        return []
    return [
        {
            "CLMC": name, "SFBY": "1" if number == 0 else "0", "CLLX": "1" if name == "居民身份证" else "0", "WJLX": "2", "CLSL": 1,
            "CLGG": "A4", "LYQD": "2" if name == "居民身份证" else "1", "LYQDSM": "", "TBXZ": "用黑色签字笔填写，字迹清楚",
            "SLBZ": "完整、清晰、在有效期内", "CLYJ": "",
        }
        for number, name in enumerate(entry.item.materials)
    ]  # fmt: skip


def _fees(entry: _Entry) -> list[Row]:
    item = entry.item
    if not item.fee:
        return []
    name = f"{item.certificate or item.name}工本费"
    return [{"SFXMMC": name, "SFBZ": f"{item.fee}元/件", "SFYJ": "县级行政事业性收费目录（示例）", "SFYXJM": "0", "JMYJ": ""}]


def _questions(entry: _Entry) -> list[Row]:
    promised = f"承诺{entry.item.days}个工作日内办结" if entry.item.days else "材料齐全的当场办结"
    return [{"WTNR": f"{entry.item.name}多长时间可以办好？", "WTJD": promised}]
