"""Decides what the province's database notes by itself: rows before their parent, rows written again, rows it is told to refuse."""

from __future__ import annotations

from sqlalchemy import Dialect

from hub.sandbox.twins import province_items
from hub.sandbox.twins.province_tables import CASE_OR_ITEM, TABLES

_AGAIN = "CASE WHEN NEW.cd_batch = OLD.cd_batch THEN 'again' ELSE 'update' END"


def _orphan(name: str) -> str:
    """Return the condition that a row's parent is not there, "" for tables whose rows have none."""
    if name.startswith("up_pro_"):
        parent, there, here = "up_pro_accept", "project_no", "project_no"
    else:
        parent, there, here = province_items.basic(name), "row_guid", "task_guid"
    return "" if parent == name else f"NOT EXISTS (SELECT 1 FROM {parent} a WHERE a.{there} = NEW.{here})"


def triggers(dialect: Dialect) -> list[str]:
    """Return the statements that make the database note orphans and rewritten rows. Raises ValueError for an unknown dialect."""
    statements: list[str] = []
    for name in TABLES:
        statements += _trigger(dialect.name, f"{name}_again", name, "AFTER UPDATE", "", _note(_AGAIN, name))
        if orphan := _orphan(name):
            statements += _trigger(dialect.name, f"{name}_orphan", name, "AFTER INSERT", orphan, _note("'orphan'", name))
    return statements


def refusing(dialect: Dialect, marker: str) -> list[str]:
    """Return the statements that make every table refuse rows whose project_no or task_code contains `marker` (alphanumeric)."""
    if not marker.isalnum():
        raise ValueError("a marker is made of letters and digits")
    errors = {
        "sqlite": "SELECT RAISE(ABORT, 'row refused by trigger')",
        "postgresql": "RAISE EXCEPTION 'row refused by trigger'",
        "mysql": "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'row refused by trigger'",
    }
    error, texts = errors[_family(dialect.name)], list[str]()
    for name in TABLES:
        condition = f"NEW.{CASE_OR_ITEM[name.split('_')[1]]} LIKE '%{marker}%'"
        texts += _trigger(dialect.name, f"{name}_refuse", name, "BEFORE INSERT", condition, error)
    return texts


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
