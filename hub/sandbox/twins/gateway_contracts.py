"""Decides which fields each interface of the province's gateway takes, and what is wrong with what came."""

from __future__ import annotations

from hub.sandbox.columns import ACCEPT, PROCESS, RESULT, Column
from hub.sandbox.ledger import Content
from hub.sandbox.national import faults
from hub.sandbox.twins.jpaas import Refused

ACCEPT_ID, PROCESS_ID, RESULT_ID, FEE_ID = "zx_case_accept", "zx_case_process", "zx_case_result", "zx_case_fee"
STATUS_ID = "zx_case_status"

#: What every row has: its key, and how it is exchanged.
_KEY = Column("row_guid", 50, True, "记录唯一标识")
_SYNC = (
    Column("cd_operation", 2, True, "同步类型"),
    Column("cd_time", 19, True, "同步时间", "time"),
    Column("cd_batch", 32, True, "批次号"),
    Column("data_source", 3, False, "数据来源"),
)
#: GB/T 39046 table 14, payment.
_FEE = (
    _KEY,
    Column("project_no", 50, True, "办件编号"),
    Column("pay_no", 50, True, "缴款单号"),
    Column("charge_unit", 100, True, "收费单位"),
    Column("charge_user", 100, False, "收费人员"),
    Column("amount", 17, True, "收费金额", "amount"),
    Column("charge_time", 19, True, "收费时间", "time"),
    Column("payer", 100, True, "缴款人"),
    *_SYNC,
)
#: What became of an application of the provincial site.
_STATUS = (
    _KEY,
    Column("sblsh", 50, True, "申办流水号"),
    Column("slztdm", 1, True, "受理状态代码"),
    Column("project_no", 50, False, "办件编号"),
    Column("bslyy", 1000, False, "不受理原因"),
    Column("handle_user_name", 100, False, "处理人"),
    Column("handle_time", 19, False, "处理时间", "time"),
    *_SYNC,
)
#: All that a deletion needs to say.
_KEYS = frozenset({"row_guid", "project_no", "cd_operation", "cd_time", "cd_batch"})
#: What it leaves out of the national list of mandatory columns.
_OPTIONAL = frozenset({"task_version", "data_source", "is_delivery_results"})


def _contract(columns: tuple[Column, ...]) -> dict[str, Column]:
    eased = (Column(c.name, c.length, c.mandatory and c.name not in _OPTIONAL, c.title, c.kind) for c in columns)
    return {column.pascal: column for column in eased}


CONTRACTS = {
    ACCEPT_ID: _contract((*ACCEPT, Column("sblsh", 50, False, "申办流水号"))),
    PROCESS_ID: _contract(PROCESS),
    RESULT_ID: _contract(RESULT),
    FEE_ID: _contract(_FEE),
    STATUS_ID: _contract(_STATUS),
}
_COLUMNS = {interface: tuple(contract.values()) for interface, contract in CONTRACTS.items()}


def check(interface: str, content: Content) -> None:
    """Raise Refused 4001 with the first thing that is wrong with a row."""
    contract = CONTRACTS[interface]
    unknown = [name for name in content if name not in contract]
    if unknown:
        raise Refused("4001", f"未定义的字段 {unknown[0][:50]}")
    columns = _COLUMNS[interface]
    if content.get("Cd_operation") == "D":
        columns = tuple(column for column in columns if column.name in _KEYS)
    found = faults({column.name: content.get(column.pascal) for column in columns}, columns)
    if found:
        name = next((pascal for pascal, column in contract.items() if column.name == found[0].column), found[0].column)
        raise Refused("4001", f"{name} {found[0].kind}: {found[0].reason}")
