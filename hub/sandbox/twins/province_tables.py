"""Decides what the province's front-end database looks like: the national exchange tables, as strict as MySQL in strict mode.

`up_pro_*` and `up_task_*` (upload), `dn_audit_abnormal` and `*_unqbak` (verdicts down), national exchange specification of 2019.
SQLite does not enforce lengths and types by itself, so it is told to by CHECK constraints.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import LONGTEXT

from hub.sandbox import columns
from hub.sandbox.twins import province_items

metadata = MetaData()
#: The column by which the rows of a case, or of an item, are found.
CASE_OR_ITEM = {"pro": "project_no", "task": "task_code"}


def _column(spec: columns.Column) -> Column[Any]:
    return Column(spec.name, _kind(spec), nullable=not spec.mandatory, primary_key=spec.name == "row_guid", comment=spec.title)


def _kind(spec: columns.Column) -> Any:
    long = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
    kinds: dict[str, Any] = {"time": DateTime(), "number": Integer(), "long": long}
    return kinds.get(spec.kind) or String(spec.length)


def _checks(specs: tuple[columns.Column, ...]) -> list[CheckConstraint]:
    rules = {
        "time": "(datetime({0}) IS NOT NULL AND length({0}) IN (19, 26))",
        "number": "typeof({0}) = 'integer'",
        "text": "length({0}) <= {1}",
        "long": "length({0}) <= {1}",
    }
    texts = (f"{spec.name} IS NULL OR {rules[spec.kind].format(spec.name, spec.length)}" for spec in specs)
    return [CheckConstraint(text).ddl_if(dialect="sqlite") for text in texts]


def _table(name: str, specs: tuple[columns.Column, ...]) -> Table:
    table = Table(name, metadata, *(_column(spec) for spec in specs), *_checks(specs))
    Index(f"ix_{name}_{CASE_OR_ITEM[name.split('_')[1]]}", table.c[CASE_OR_ITEM[name.split("_")[1]]])
    return table


def _unqualified(name: str, specs: tuple[columns.Column, ...]) -> Table:
    """Return the table of an exchange table's rejected rows: as they came, with when and why; a row may come back several times."""
    rows = (Column(spec.name, _kind(spec), primary_key=spec.name in ("row_guid", "cd_batch")) for spec in specs)
    told = (Column("recordtime", DateTime(), nullable=False), Column("error_msg", String(1000), nullable=False))
    return Table(f"{name}_unqbak", metadata, *rows, *told)


SPECS = {
    "up_pro_accept": columns.ACCEPT,
    "up_pro_process": columns.PROCESS,
    "up_pro_specialprocedure": columns.SPECIAL,
    "up_pro_material": columns.MATERIAL,
    "up_pro_result": columns.RESULT,
    **province_items.SPECS,
}
#: The exchange tables by name, parent first.
TABLES = {name: _table(name, specs) for name, specs in SPECS.items()}
TITLES = {
    "up_pro_accept": "办件受理信息",
    "up_pro_process": "办件过程信息",
    "up_pro_specialprocedure": "特别程序信息",
    "up_pro_material": "办件材料目录信息",
    "up_pro_result": "办件结果信息",
    **province_items.TITLES,
}
#: The rejected rows of each exchange table.
UNQUALIFIED = {name: _unqualified(name, specs) for name, specs in SPECS.items()}

_ABNORMAL = (
    columns.Column("row_guid", 50, True, "记录唯一标识"),
    columns.Column("err_type", 100, True, "异常类型"),
    columns.Column("remark", 1000, False, "备注"),
    columns.Column("table_name", 50, True, "数据表中文名"),
    columns.Column("table_sql_name", 50, True, "数据表英文名"),
    columns.Column("table_row_guid", 50, True, "数据表主键"),
    columns.Column("table_cd_batch", 32, True, "批次号"),
    columns.Column("table_cd_source", 10, True, "数据来源"),
    columns.Column("table_cd_time", 19, True, "上传日期", "time"),
    columns.Column("table_update_time", 19, True, "进入汇聚区日期", "time"),
    columns.Column("cd_time", 19, True, "同步时间", "time"),
)
ABNORMAL = Table("dn_audit_abnormal", metadata, *(_column(spec) for spec in _ABNORMAL), *_checks(_ABNORMAL))

#: What the triggers saw; not part of any standard. `what`: orphan (before its parent), again (the same batch once more), update.
SEEN = Table(
    "twin_seen",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("what", String(8), nullable=False),
    Column("table_name", String(50), nullable=False),
    Column("row_guid", String(50), nullable=False),
)
