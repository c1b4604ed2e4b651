"""Decides what the province finds wrong with a row, and where it tells so: in one table for all, or in one beside the row's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from hub.sandbox import national
from hub.sandbox.national_items import ITEMS, misplaced
from hub.sandbox.twins import province_items
from hub.sandbox.twins.province_tables import ABNORMAL, SPECS, TABLES, TITLES, UNQUALIFIED

_ACCEPT = "up_pro_accept"
#: The time of a case's child that may not lie before the acceptance.
_FIRST_TIMES = {"up_pro_process": "event_start_time", "up_pro_specialprocedure": "special_time", "up_pro_result": "result_date"}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row with what is wrong with it. `whole`: it comes back as a whole in its `_unqbak` table, not in dn_audit_abnormal."""

    row: Mapping[str, Any]
    fault: national.Fault
    whole: bool = False


def parents_of(connection: Connection, name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, RowMapping]:
    """Return what these rows of a table belong to: accepted cases by number, or items by row id."""
    if name.startswith("up_pro_"):
        table, there, here = TABLES[_ACCEPT], "project_no", "project_no"
    else:
        table, there, here = TABLES[province_items.basic(name)], "row_guid", "task_guid"
    if table.name == name:
        return {}
    query = select(table).where(table.c[there].in_({row[here] for row in rows}))
    return {row[there]: row for row in connection.execute(query).mappings()}


def wrong(name: str, row: Mapping[str, Any], parents: Mapping[str, RowMapping]) -> national.Fault | None:
    """Return the first thing wrong with a row, None when there is none."""
    if name.startswith("up_pro_"):
        found = national.faults(row, SPECS[name]) or _of_case(name, row, parents)
    else:
        found = national.faults(row, SPECS[name], ITEMS) or _of_item(name, row, parents)
    return found[0] if found else None


def _of_case(name: str, row: Mapping[str, Any], cases: Mapping[str, RowMapping]) -> list[national.Fault]:
    """Judge a child against its case: it must exist, and nothing of it may lie before its acceptance."""
    if name == _ACCEPT:
        return []
    if row["project_no"] not in cases:
        return [national.Fault("project_no", "无受理信息", "该办件没有受理信息")]
    first = _FIRST_TIMES.get(name)
    if first and row[first] < cases[row["project_no"]]["accept_date"]:
        return [national.Fault(first, "时间逻辑错误", f"{first} 早于受理时间")]
    return []


def _of_item(name: str, row: Mapping[str, Any], items: Mapping[str, RowMapping]) -> list[national.Fault]:
    """Judge an item by its family, and what belongs to an item against it."""
    if name == province_items.basic(name):
        return misplaced(province_items.family(name), row)
    item = items.get(row["task_guid"])
    if item is None:
        return [national.Fault("task_guid", "无事项信息", "该事项没有基本信息")]
    if item["task_code"] != row["task_code"]:
        return [national.Fault("task_code", "代码错误", "实施编码与事项基本信息不一致")]
    return []


def tell(connection: Connection, name: str, found: Sequence[Rejected]) -> list[Rejected]:
    """Write down what is rejected and was not before; return that."""
    known = _told(connection, name)
    fresh = [one for one in found if (one.row["row_guid"], one.row["cd_batch"]) not in known]
    listed = [_verdict(name, one) for one in fresh if not one.whole]
    whole = [_unqualified(one) for one in fresh if one.whole]
    for table, rows in ((ABNORMAL, listed), (UNQUALIFIED[name], whole)):
        if rows:
            connection.execute(insert(table), rows)
    return fresh


def _told(connection: Connection, name: str) -> set[tuple[str, str]]:
    beside = UNQUALIFIED[name]
    listed = select(ABNORMAL.c.table_row_guid, ABNORMAL.c.table_cd_batch).where(ABNORMAL.c.table_sql_name == name)
    queries = (listed, select(beside.c.row_guid, beside.c.cd_batch))
    return {(row[0], row[1]) for query in queries for row in connection.execute(query)}


def _verdict(name: str, one: Rejected) -> dict[str, Any]:
    row, when = one.row, national.now().replace(microsecond=0)
    guid = hashlib.sha256(f"{name} {row['row_guid']} {row['cd_batch']} {when}".encode()).hexdigest()[:32]
    told = {"row_guid": guid, "err_type": one.fault.kind, "remark": one.fault.reason}
    tables = {"table_name": TITLES[name], "table_sql_name": name}
    source = {"table_row_guid": row["row_guid"], "table_cd_batch": row["cd_batch"], "table_cd_source": row["data_source"]}
    return {**told, **tables, **source, "table_cd_time": row["cd_time"], "table_update_time": when, "cd_time": when}


def _unqualified(one: Rejected) -> dict[str, Any]:
    when = national.now().replace(microsecond=0)
    return {**one.row, "recordtime": when, "error_msg": f"{one.fault.kind}：{one.fault.reason}"}
