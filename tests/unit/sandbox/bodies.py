"""Hand-written national bodies of sandbox cases: the twins are tested against the standards, not against our mappings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hub.sandbox.columns import Column
from hub.sandbox.flaws import Rates
from hub.sandbox.generator import cases
from hub.sandbox.lifecycle import Case

_KIND = {"1": "1", "2": "2", "3": "6", "4": "5", "5": "3", "6": "4", "9": "6"}
_PAPER = {"SF": "111", "XYDM": "001"}
_WAY = {"0": "1", "1": "2", "2": "3", "4": "2"}
SYNC = {"cd_operation": "I", "cd_time": "2026-01-05 09:00:00", "cd_batch": "20260105090000", "data_source": "621"}


def some_cases(count: int = 60, seed: int = 7) -> list[Case]:
    return list(cases(count, seed=seed, rates=Rates.none()))


def accept(case: Case) -> dict[str, Any]:
    row = case.main
    plain = {
        "row_guid": "BJBH", "project_no": "BJBH", "catalog_code": "JBBM", "task_code": "SXBM", "task_handle_item": "FSXBM",
        "task_name": "SXMC", "applyer_name": "SQRMC", "applyer_page_code": "SQRZJHM", "apply_date": "SBSJ", "legal": "FRDB",
        "contact_name": "LXRXM", "contact_code": "LXRSFZJHM", "contact_mobile": "LXRSJ", "zip_code": "YZBM", "address": "TXDZ",
        "org_name": "SLBMMC", "org_code": "SLBMXYDM", "handle_user_name": "SLRXM", "accept_date": "SLSJ", "accept_doc_no": "SLHZH",
        "project_name": "SBXMMC", "promise_date": "CNBJSJ",
    }  # fmt: skip
    coded = {
        "task_version": row["SXBB"], "applyer_type": _KIND[row["SQRLX"]], "applyer_page_type": _PAPER[row["SQRZJLX"]],
        "apply_type": _WAY[row["SQFS"]], "contact_type": "111", "project_type": "1" if row["SXLX"] == "1" else "2",
    }  # fmt: skip
    return {name: row[local] for name, local in plain.items()} | coded | SYNC


def process(row: dict[str, Any]) -> dict[str, Any]:
    times = {"event_start_time": row["KSSJ"], "event_end_time": row["JSSJ"] or row["KSSJ"]}
    words = {"process_name": row["HJMC"], "handle_user_name": row["BLRXM"], "handle_explain": row["BLYJ"]}
    return {"row_guid": row["ID"], "project_no": row["BJBH"], "event_name": "1", "remark": ""} | words | times | SYNC


def result(row: dict[str, Any]) -> dict[str, Any]:
    body = {"handle_user_name": row["BLRXM"], "result_date": row["BJSJ"], "result_type": "1", "result_explain": row["BJJGMS"]}
    return {"row_guid": row["ID"], "project_no": row["BJBH"], "is_delivery_results": row["SFKD"]} | body | SYNC


def pascal(body: dict[str, Any]) -> dict[str, Any]:
    return {Column(name, 0, False, "").pascal: value for name, value in body.items()}


def typed(body: dict[str, Any]) -> dict[str, Any]:
    """Give times as a database driver wants them."""
    times = [name for name in body if name.endswith(("_date", "_time"))]
    return body | {name: datetime.fromisoformat(body[name]) for name in times}
