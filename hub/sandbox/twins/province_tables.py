"""Decides what the province's front-end database looks like: the national exchange tables, as strict as MySQL in strict mode.

`up_pro_*` (upload) and `dn_audit_abnormal` (verdicts down), national exchange specification of 2019. SQLite does not enforce
lengths and types by itself, so it is told to by CHECK constraints. Triggers note what the real side would notice: rows that come
before their parent, and rows written again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Dialect, Index, Integer, MetaData, String, Table

from hub.sandbox import columns

metadata = MetaData()


def _column(spec: columns.Column) -> Column[Any]:
    kinds: dict[str, Any] = {"time": DateTime(), "number": Integer()}
    kind = kinds.get(spec.kind) or String(spec.length)
    return Column(spec.name, kind, nullable=not spec.mandatory, primary_key=spec.name == "row_guid", comment=spec.title)


def _checks(specs: tuple[columns.Column, ...]) -> list[CheckConstraint]:
    rules = {
        "time": "(datetime({0}) IS NOT NULL AND length({0}) IN (19, 26))",
        "number": "typeof({0}) = 'integer'",
        "text": "length({0}) <= {1}",
    }
    texts = (f"{spec.name} IS NULL OR {rules[spec.kind].format(spec.name, spec.length)}" for spec in specs)
    return [CheckConstraint(text).ddl_if(dialect="sqlite") for text in texts]


def _table(name: str, specs: tuple[columns.Column, ...]) -> Table:
    table = Table(name, metadata, *(_column(spec) for spec in specs), *_checks(specs))
    Index(f"ix_{name}_project_no", table.c.project_no)
    return table


SPECS = {
    "up_pro_accept": columns.ACCEPT,
    "up_pro_process": columns.PROCESS,
    "up_pro_specialprocedure": columns.SPECIAL,
    "up_pro_material": columns.MATERIAL,
    "up_pro_result": columns.RESULT,
}
#: The exchange tables by name, parent first.
TABLES = {name: _table(name, specs) for name, specs in SPECS.items()}
TITLES = {
    "up_pro_accept": "办件受理信息",
    "up_pro_process": "办件过程信息",
    "up_pro_specialprocedure": "特别程序信息",
    "up_pro_material": "办件材料目录信息",
    "up_pro_result": "办件结果信息",
}

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

_AGAIN = "CASE WHEN NEW.cd_batch = OLD.cd_batch THEN 'again' ELSE 'update' END"
_ORPHAN = "NOT EXISTS (SELECT 1 FROM up_pro_accept a WHERE a.project_no = NEW.project_no)"


def triggers(dialect: Dialect) -> list[str]:
    """Return the statements that make the database note orphans and rewritten rows. Raises ValueError for an unknown dialect."""
    statements: list[str] = []
    for name in TABLES:
        statements += _trigger(dialect.name, f"{name}_again", name, "AFTER UPDATE", "", _note(_AGAIN, name))
        if name != "up_pro_accept":
            statements += _trigger(dialect.name, f"{name}_orphan", name, "AFTER INSERT", _ORPHAN, _note("'orphan'", name))
    return statements


def refusing(dialect: Dialect, marker: str) -> list[str]:
    """Return the statements that make every table refuse rows whose project_no contains `marker` (letters and digits only)."""
    if not marker.isalnum():
        raise ValueError("a marker is made of letters and digits")
    errors = {
        "sqlite": "SELECT RAISE(ABORT, 'row refused by trigger')",
        "postgresql": "RAISE EXCEPTION 'row refused by trigger'",
        "mysql": "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'row refused by trigger'",
    }
    error, condition = errors[_family(dialect.name)], f"NEW.project_no LIKE '%{marker}%'"
    return [text for name in TABLES for text in _trigger(dialect.name, f"{name}_refuse", name, "BEFORE INSERT", condition, error)]


def dropping(dialect: Dialect) -> list[str]:
    """Return the statements that undo `refusing`."""
    place = " ON {0}" if dialect.name == "postgresql" else ""
    return [f"DROP TRIGGER IF EXISTS {name}_refuse{place.format(name)}" for name in TABLES]


def _note(what: str, name: str) -> str:
    return f"INSERT INTO twin_seen (what, table_name, row_guid) VALUES ({what}, '{name}', NEW.row_guid)"


def _family(dialect: str) -> str:
    family = {"mariadb": "mysql"}.get(dialect, dialect)
    if family not in ("sqlite", "postgresql", "mysql"):
        raise ValueError(f"the province twin does not know {dialect}")
    return family


def _trigger(dialect: str, name: str, table: str, when: str, condition: str, action: str) -> list[str]:
    """Return one row trigger in that dialect's words; `condition` may be empty."""
    family = _family(dialect)
    if family == "sqlite":
        clause = f" WHEN {condition}" if condition else ""
        return [f"CREATE TRIGGER IF NOT EXISTS {name} {when} ON {table}{clause} BEGIN {action}; END"]
    body = f"IF {condition} THEN {action}; END IF;" if condition else f"{action};"
    if family == "mysql":
        return [f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW BEGIN {body} END"]
    function = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN {body} RETURN NEW; END $$ LANGUAGE plpgsql"
    return [function, f"CREATE OR REPLACE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"]
