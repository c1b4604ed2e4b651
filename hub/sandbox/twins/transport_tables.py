"""Decides what the transport office (运管) keeps, and what it shows: three views with Chinese column names, and no way to write.

The vehicle's columns are those of YZ_VEHICLEINFO as published; case number, steps, result and 更新时间 are a convention of the
sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random

from sqlalchemy import Column, Engine, MetaData, String, Table, inspect, text

from hub.sandbox.caseload import Outcome, Progress
from hub.sandbox.county import DIVISION, TOWNSHIPS
from hub.sandbox.databases import opened
from hub.sandbox.national import now

metadata = MetaData()
VEHICLE_COLUMNS = (
    "车牌号码", "车牌颜色", "核定座位", "业户名", "运输证号", "经营范围", "许可证号", "年审日期", "发证日期", "年审有效期",
    "业户地址", "发动机号", "车架号码", "行政区域", "厂牌型号", "联系电话", "车型", "核定吨位", "行驶证年审有效期", "总质量",
    "车辆状态", "营运类型",
)  # fmt: skip
CASE_COLUMNS = (
    "办件编号", "事项编码", "事项名称", "业户名", "证件类型", "证件号码", "业户地址", "联系电话", "行政区域", "受理时间", "备注",
)  # fmt: skip


def _table(name: str, key: tuple[str, ...], *others: str) -> Table:
    columns = [Column(one, String(100), primary_key=True) for one in key] + [Column(one, String(500)) for one in others]
    return Table(name, metadata, *columns, Column("更新时间", String(19), nullable=False))


#: What came in files, and what the office did with it.
YZ_BJ = _table("YZ_BJ", ("办件编号",), *CASE_COLUMNS[1:], "来源文件")
YZ_BJHJ = _table("YZ_BJHJ", ("办件编号", "环节序号"), "环节名称", "环节状态", "办理人", "办理意见", "开始时间", "结束时间")
_OUTCOME = ("办理结果", "结果说明", "办理人", "办结时间", "许可证号", "运输证号", "发证日期", "年审有效期")
YZ_BJJG = _table("YZ_BJJG", ("办件编号",), *_OUTCOME)
YZ_VEHICLEINFO = _table("YZ_VEHICLEINFO", ("车牌号码", "车牌颜色"), *VEHICLE_COLUMNS[2:])
#: What the hub may see, by kind of record: the view, its table, and its key.
VIEWS = {
    "progress": ("V_YZ_BJJD", YZ_BJHJ),
    "outcome": ("V_YZ_BJJG", YZ_BJJG),
    "vehicle": ("V_YZ_VEHICLEINFO", YZ_VEHICLEINFO),
}
_STATES = {"2": "已办", "6": "办结"}
_RESULTS = {"Y": "准予", "N": "不予", "T": "退件"}
#: Letters of plates: no I and no O, as on real ones. «HUB» after 甘J (定西) marks them as invented.
_PLATE = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def create(url: str) -> Engine:
    """Create what is missing at `url` and return the engine, which the caller disposes."""
    engine = opened(url)
    metadata.create_all(engine)
    there = inspect(engine).get_view_names()
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.begin() as connection:
        for view, table in VIEWS.values():
            if view not in there:
                columns = ", ".join(quote(column.name) for column in table.columns)
                connection.execute(text(f"CREATE VIEW {quote(view)} AS SELECT {columns} FROM {quote(table.name)}"))
    return engine


def stamp() -> str:
    """Return this moment as the office writes it."""
    return str(now().replace(microsecond=0))


def step_row(one: Progress) -> dict[str, str]:
    """Return a step as a row of YZ_BJHJ."""
    step = one.step
    row = {"办件编号": one.case, "环节序号": str(step.number), "环节名称": step.name, "环节状态": _STATES[step.action]}
    times = {"开始时间": str(step.start), "结束时间": str(step.end), "更新时间": stamp()}
    return row | {"办理人": step.clerk, "办理意见": step.opinion} | times


def result_row(one: Outcome) -> dict[str, str]:
    """Return a result as a row of YZ_BJJG; a certificate is good for a year."""
    result = one.result
    row = {"办件编号": one.case, "办理结果": _RESULTS[result.code], "结果说明": result.words, "办理人": result.clerk}
    row |= {"办结时间": str(result.ended), "更新时间": stamp()} | dict.fromkeys(_OUTCOME[4:], "")
    if result.certificate:
        column = "运输证号" if result.certificate == "道路运输证" else "许可证号"
        good = result.ended + timedelta(days=365)
        row |= {column: result.number, "发证日期": f"{result.ended:%Y-%m-%d}", "年审有效期": f"{good:%Y-%m-%d}"}
    return row


def vehicle_row(number: int, owner: Mapping[str, str], issued: Mapping[str, str]) -> dict[str, str]:
    """Return an invented vehicle of that running number; `owner` is a row of YZ_BJ, `issued` one of YZ_BJJG, or both empty."""
    rng = Random(f"vehicle-{number}")
    town = rng.choice(tuple(TOWNSHIPS.values()))
    tons = rng.choice(("1.495", "4.99", "9.8", "18"))
    name, permit = owner.get("业户名") or f"漳县{town}运输户{number}", issued.get("运输证号") or f"YG{number:012}"
    return {
        "车牌号码": _plate(number), "车牌颜色": "黄" if float(tons) > 4.5 else "蓝", "核定座位": "3",
        "业户名": name, "运输证号": permit, "经营范围": "道路普通货物运输", "许可证号": f"甘交运管许可定字{number:08}号",
        "年审日期": "2025-06-30", "发证日期": issued.get("发证日期") or "2024-07-01",
        "年审有效期": issued.get("年审有效期") or "2026-06-30", "业户地址": owner.get("业户地址") or f"甘肃省定西市漳县{town}",
        "发动机号": f"HUB{rng.randrange(10**7):07}", "车架号码": f"LHUB{rng.randrange(10**13):013}", "行政区域": DIVISION,
        "厂牌型号": rng.choice(("东风牌EQ1041", "解放牌CA1083", "福田牌BJ1046")),
        "联系电话": owner.get("联系电话") or f"14000{number:06}", "车型": "普通货车", "核定吨位": tons,
        "行驶证年审有效期": "2026-12-31", "总质量": str(int(float(tons) * 1800)), "车辆状态": "营运", "营运类型": "货运",
        "更新时间": stamp(),
    }  # fmt: skip


def _plate(number: int) -> str:
    letters = ""
    for _ in range(3):
        number, digit = divmod(number, len(_PLATE))
        letters = _PLATE[digit] + letters
    return f"甘JHUB{letters}"
