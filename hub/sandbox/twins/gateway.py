"""Decides what the province's gateway takes: JPAAS-style signed forms, kept, checked and answered like the real one.

Gateway form and SM3 signature as the Gansu gateway publishes them. Where the application's secret enters the signed text is
published nowhere; here it stands as `app_secret` in its alphabetical place, an assumption to be confirmed with the province.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.sandbox.columns import ACCEPT, PROCESS, RESULT, Column
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Content, Held, Ledger, Rejection
from hub.sandbox.national import faults
from hub.sandbox.web import Answer, Request

PATH = "/jpaas-jags-server/interface/gateway.do"
ACCEPT_ID, PROCESS_ID, RESULT_ID, FEE_ID = "zx_case_accept", "zx_case_process", "zx_case_result", "zx_case_fee"
QUERY_ID, VERDICTS_ID = "zx_case_query", "zx_case_verdicts"
#: A request's clock may differ from ours by so many milliseconds.
SKEW_MS = 5 * 60 * 1000
_JSON = "application/json; charset=utf-8"
_FIELDS = ("app_id", "interface_id", "version", "biz_content", "charset", "origin", "timestamp", "sign")

#: GB/T 39046 table 14, payment.
_FEE = (
    Column("row_guid", 50, True, "记录唯一标识"),
    Column("project_no", 50, True, "办件编号"),
    Column("pay_no", 50, True, "缴款单号"),
    Column("charge_unit", 100, True, "收费单位"),
    Column("charge_user", 100, False, "收费人员"),
    Column("amount", 17, True, "收费金额", "amount"),
    Column("charge_time", 19, True, "收费时间", "time"),
    Column("payer", 100, True, "缴款人"),
    Column("cd_operation", 2, True, "同步类型"),
    Column("cd_time", 19, True, "同步时间", "time"),
    Column("cd_batch", 32, True, "批次号"),
    Column("data_source", 3, False, "数据来源"),
)
#: All that a deletion needs to say.
_KEYS = frozenset({"row_guid", "project_no", "cd_operation", "cd_time", "cd_batch"})
#: What it leaves out of the national list of mandatory columns.
_OPTIONAL = frozenset({"task_version", "data_source", "is_delivery_results"})


def _contract(columns: tuple[Column, ...]) -> dict[str, Column]:
    eased = (Column(c.name, c.length, c.mandatory and c.name not in _OPTIONAL, c.title, c.kind) for c in columns)
    return {column.pascal: column for column in eased}


CONTRACTS = {ACCEPT_ID: _contract(ACCEPT), PROCESS_ID: _contract(PROCESS), RESULT_ID: _contract(RESULT), FEE_ID: _contract(_FEE)}
_COLUMNS = {interface: tuple(contract.values()) for interface, contract in CONTRACTS.items()}


class Refused(Exception):
    """The gateway says no: its code, and a message that quotes no value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def signature(fields: dict[str, str], secret: str) -> str:
    """Return the lower-hex SM3 of the sorted `k=v` pairs (without header and sign) and the secret as `app_secret`."""
    signed = {name: value for name, value in fields.items() if name not in ("sign", "header")} | {"app_secret": secret}
    text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    digest = Hash(SM3())
    digest.update(text.encode())
    return digest.finalize().hex()


@dataclass(frozen=True, slots=True)
class _Call:
    interface: str
    content: dict[str, Any]
    late: bool


class GatewayTwin(FarSide):
    """The gateway of the provincial service network: four intake interfaces, a look-up and the list of late verdicts."""

    name = "gateway"
    port = 1
    path = PATH

    def __init__(self, *, app_id: str = "zhangxian", secret: str = "sandbox-gateway-secret", plan: FaultPlan | None = None) -> None:
        self.app_id, self.secret = app_id, secret
        self.plan = plan or FaultPlan()
        self._ledger = Ledger("ZX")
        self._cases: set[str] = set()  # project numbers accepted
        self._lookups: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {QUERY_ID: self._query, VERDICTS_ID: self._verdicts}

    @classmethod
    def on(cls, ground: Ground) -> GatewayTwin:
        """Build the gateway; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name))

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the application's id and secret."""
        return {"GATEWAY_URL": address, "GATEWAY_APP_ID": self.app_id, "GATEWAY_APP_SECRET": self.secret}

    def held(self) -> list[Held]:
        """Return every row held; endpoint is the interface id, row the RowGuid."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        return self._ledger.stats() | {"faults": self.plan.thrown()}

    def came(self, request: Request) -> bool:
        """Count the request; look-ups meet faults only if the plan says so."""
        self._ledger.count("requests")
        lookup = b"interface_id=zx_case_query" in request.body or b"interface_id=zx_case_verdicts" in request.body
        return request.path == PATH and (self.plan.lookups or not lookup)

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Judge one request; everything the gateway knows is answered in HTTP 200."""
        if request.method != "POST" or request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        try:
            call = self._authentic(request, fault)
            lookup = self._lookups.get(call.interface)
            data = lookup(call.content) if lookup else self._take(call)
        except Refused as refused:
            self._ledger.refuse(refused.code)
            return _reply(refused.code, refused.message)
        if data.pop("duplicate", False):
            return _reply("409", "重复提交", data)
        return _reply("200", "成功", data)

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return Answer(500, "服务内部错误".encode(), "text/plain; charset=utf-8")
        code, message = ("5001", "系统繁忙，请稍后重试") if kind is FaultKind.BUSY else ("4001", "人工审核不通过")
        self._ledger.refuse(code)
        return _reply(code, message)

    def _authentic(self, request: Request, fault: FaultKind | None) -> _Call:
        try:
            form = dict(parse_qsl(request.body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict"))
        except ValueError:
            raise Refused("4001", "请求体不是 UTF-8 表单") from None
        missing = [name for name in _FIELDS if name not in form]
        if missing:
            raise Refused("4001", f"缺少参数 {', '.join(missing)}")
        if form["app_id"] != self.app_id or form["sign"] != signature(form, self.secret):
            raise Refused("4010", "签名错误")
        if not form["timestamp"].isdecimal() or abs(int(form["timestamp"]) - time.time() * 1000) > SKEW_MS:
            raise Refused("4010", "时间戳超出允许范围")
        if (form["version"], form["charset"], form["origin"]) != ("1.0", "UTF-8", "1"):
            raise Refused("4001", "version、charset 或 origin 不符")
        return _Call(form["interface_id"], _content(form["biz_content"]), fault is FaultKind.LATE_REJECTION)

    def _take(self, call: _Call) -> dict[str, Any]:
        interface, content = call.interface, call.content
        if interface not in CONTRACTS:
            raise Refused("4001", "interface_id 不存在")
        _check(interface, content)
        self._parent(interface, content["ProjectNo"])
        row, operation = content["RowGuid"], content["Cd_operation"]
        if operation == "D":
            return self._delete(interface, row)
        before = self._ledger.find(interface, row)
        if before and operation == "I" and before[0] != content:
            raise Refused("4001", "RowGuid 已存在且内容不同，修改请使用 U")
        receipt, duplicate = self._ledger.take(interface, row, content)
        if interface == ACCEPT_ID:
            self._cases.add(content["ProjectNo"])
        if call.late and not duplicate:
            self._ledger.reject_later(Rejection(interface, row, content["Cd_batch"], "后台复核不通过，请补充说明"))
        return {"receiptNo": receipt, "duplicate": duplicate}

    def _parent(self, interface: str, case: str) -> None:
        if interface != ACCEPT_ID and case not in self._cases:
            self._ledger.count("order_violations")
            raise Refused("4002", "办件不存在，请先报送受理信息")

    def _delete(self, interface: str, row: str) -> dict[str, Any]:
        receipt = self._ledger.drop(interface, row)
        if receipt is None:
            raise Refused("4002", "待删除的记录不存在")
        return {"receiptNo": receipt}

    def _query(self, content: dict[str, Any]) -> dict[str, Any]:
        """Tell whether a row is held: RowGuid; InterfaceId, else any; Cd_batch, else whichever came last."""
        row, wanted, batch = str(content.get("RowGuid", "")), content.get("InterfaceId"), content.get("Cd_batch")
        for interface in [wanted] if wanted else CONTRACTS:
            found = self._ledger.find(str(interface), row)
            if found and batch in (None, "", found[0]["Cd_batch"]):
                return {"held": True, "interfaceId": interface, "receiptNo": found[1], "operation": found[0]["Cd_operation"]}
        return {"held": False}

    def _verdicts(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the late verdicts after number `Since`, oldest first, at most 500."""
        start = str(content.get("Since", ""))
        since = int(start) if start.isdecimal() else 0
        found = self._ledger.rejections(since)[:500]
        rows = [
            {
                "No": number,
                "InterfaceId": one.endpoint,
                "RowGuid": one.row,
                "Cd_batch": one.batch,
                "Result": "N",
                "Reason": one.reason,
            }
            for number, one in enumerate(found, start=since + 1)
        ]
        return {"rows": rows, "next": since + len(rows)}


def _content(text: str) -> dict[str, Any]:
    try:
        content = orjson.loads(text)
    except ValueError:
        raise Refused("4001", "biz_content 不是 JSON") from None
    if not isinstance(content, dict):
        raise Refused("4001", "biz_content 不是 JSON 对象")
    return content


def _check(interface: str, content: Content) -> None:
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


def _reply(code: str, message: str, data: dict[str, Any] | None = None) -> Answer:
    body = {"success": code == "200", "code": code, "message": message, "data": data or {}}
    return Answer(200, orjson.dumps(body), _JSON)
