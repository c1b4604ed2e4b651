"""Decides which item tables the province's front-end database has: five families, and what belongs to an item in each."""

from __future__ import annotations

from hub.sandbox import item_columns as columns
from hub.sandbox.columns import Column

_KINDS: dict[str, dict[str, tuple[Column, ...]]] = {
    "general": {
        "basic": columns.GENERAL_BASIC,
        "extend": columns.GENERAL_EXTEND,
        "material": columns.MATERIAL,
        "fee_project": columns.FEE_PROJECT,
        "questions": columns.QUESTIONS,
    },
    "public": {
        "basic": columns.PUBLIC_BASIC,
        "extend": columns.PUBLIC_EXTEND,
        "material": columns.MATERIAL,
        "fee_project": columns.FEE_PROJECT,
        "questions": columns.QUESTIONS,
    },
    "punish": {"basic": columns.PUNISH_BASIC, "questions": columns.QUESTIONS},
    "handle": {"basic": columns.HANDLE_BASIC, "material": columns.MATERIAL, "questions": columns.QUESTIONS},
    "check": {"basic": columns.CHECK_BASIC, "questions": columns.QUESTIONS},
}
_TITLES = {
    "basic": "事项基本信息",
    "extend": "事项扩展信息",
    "material": "事项材料信息",
    "fee_project": "事项收费项目信息",
    "questions": "事项常见问题信息",
}

#: The item tables by name, an item before what belongs to it.
SPECS = {f"up_task_{family}_{kind}": specs for family, kinds in _KINDS.items() for kind, specs in kinds.items()}
TITLES = {f"up_task_{family}_{kind}": _TITLES[kind] for family, kinds in _KINDS.items() for kind in kinds}


def family(table: str) -> str:
    """Return the family of an item table."""
    return table.split("_")[2]


def basic(table: str) -> str:
    """Return the table of the items that an item table's rows belong to; an item's own table is its own."""
    return f"up_task_{family(table)}_basic"
