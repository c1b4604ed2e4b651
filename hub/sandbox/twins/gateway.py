"""Decides what the province's gateway takes and hands down: rows, checked and answered like the real one's, and applications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.flaws import Flaw
from hub.sandbox.ledger import Held, Ledger, Rejection
from hub.sandbox.twins.filings import ACCEPTED, ENDED, REFUSED, Filings
from hub.sandbox.twins.gateway_contracts import ACCEPT_ID, CONTRACTS, RESULT_ID, STATUS_ID, check
from hub.sandbox.twins.jpaas import SM2_PUBLIC, SM4_IV, SM4_KEY, Call, Refused, Sealing, Wire
from hub.sandbox.web import Answer, Request

PATH = "/jpaas-jags-server/interface/gateway.do"
QUERY_ID, VERDICTS_ID, APPLY_ID = "zx_case_query", "zx_case_verdicts", "zx_case_apply"
#: How many applications wait at the beginning.
WAITING = 24

Data = dict[str, Any]


class GatewayTwin(FarSide):
    """The gateway of the provincial service network: intake interfaces, a look-up, late verdicts, and applications made there."""

    name = "gateway"
    port = 1
    path = PATH

    def __init__(
        self,
        *,
        app_id: str = "zhangxian",
        secret: str = "sandbox-gateway-secret",
        sealing: Sealing = "none",
        waiting: int = 0,
        seed: int = 1,
        plan: FaultPlan | None = None,
    ) -> None:
        self.wire = Wire(app_id, secret, sealing)
        self.plan = plan or FaultPlan()
        self.filings = Filings(seed, waiting)
        self._ledger = Ledger("ZX")
        self._cases: set[str] = set()  # project numbers accepted
        self._ended: set[str] = set()  # those of them that have a result
        self._lookups: dict[str, Callable[[Data], Data]] = {
            QUERY_ID: self._query,
            VERDICTS_ID: self._verdicts,
            APPLY_ID: self.filings.page,
        }

    @classmethod
    def on(cls, ground: Ground) -> GatewayTwin:
        """Build the gateway; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name), waiting=WAITING, seed=ground.seed)

    def create(self) -> None:
        """Let people have applied for something."""
        self.filings.open()

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, the application's id and secret, and the keys it would want content encrypted with."""
        who = {"GATEWAY_URL": address, "GATEWAY_APP_ID": self.wire.app_id, "GATEWAY_APP_SECRET": self.wire.secret}
        return who | {"GATEWAY_SM4_KEY": SM4_KEY, "GATEWAY_SM4_IV": SM4_IV, "GATEWAY_PUBLIC_KEY": SM2_PUBLIC}

    def held(self) -> list[Held]:
        """Return every row held; endpoint is the interface id, row the RowGuid."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; `applications` by the state the county last told."""
        return self._ledger.stats() | {"faults": self.plan.thrown(), "applications": dict(self.filings.states())}

    def work(self) -> int:
        """Let people apply for more, once."""
        return self.filings.work()

    def offered(self) -> list[tuple[str, str]]:
        """Return the applications."""
        return [("filing", number) for number in self.filings.numbers()]

    def flaws(self) -> list[Flaw]:
        """Return the application that the county must refuse."""
        return self.filings.flaws()

    def came(self, request: Request) -> bool:
        """Count the request; what only asks meets faults only if the plan says so."""
        self._ledger.count("requests")
        asks = any(f"interface_id={interface}".encode() in request.body for interface in self._lookups)
        return request.path == PATH and (self.plan.lookups or not asks)

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Judge one request; everything the gateway knows is answered in HTTP 200."""
        if request.method != "POST" or request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        try:
            call = self.wire.read(request)
            lookup = self._lookups.get(call.interface)
            data = lookup(call.content) if lookup else self._take(call, late=fault is FaultKind.LATE_REJECTION)
        except Refused as refused:
            self._ledger.refuse(refused.code)
            return self.wire.write(refused.code, refused.message)
        if data.pop("duplicate", False):
            return self.wire.write("409", "重复提交", data)
        return self.wire.write("200", "成功", data)

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return Answer(500, "服务内部错误".encode(), "text/plain; charset=utf-8")
        code, message = ("5001", "系统繁忙，请稍后重试") if kind is FaultKind.BUSY else ("4001", "人工审核不通过")
        self._ledger.refuse(code)
        return self.wire.write(code, message)

    def _take(self, call: Call, *, late: bool) -> Data:
        interface, content = call.interface, call.content
        if interface not in CONTRACTS:
            raise Refused("4001", "interface_id 不存在")
        check(interface, content)
        row, operation = content["RowGuid"], content["Cd_operation"]
        self._order(interface, content)
        if operation == "D":
            return self._delete(interface, row)
        before = self._ledger.find(interface, row)
        if before and operation == "I" and before[0] != content:
            raise Refused("4001", "RowGuid 已存在且内容不同，修改请使用 U")
        if before is None and operation == "U":
            self._early("RowGuid 不存在，新增请使用 I")
        self._note(interface, content)
        receipt, duplicate = self._ledger.take(interface, row, content)
        if late and not duplicate:
            self._ledger.reject_later(Rejection(interface, row, content["Cd_batch"], "后台复核不通过，请补充说明"))
        return {"receiptNo": receipt, "duplicate": duplicate}

    def _order(self, interface: str, content: Data) -> None:
        """Refuse what comes before what it stands upon."""
        case, state = content.get("ProjectNo"), content.get("SLZTDM")
        if interface == ACCEPT_ID:
            if content.get("SBLSH") and not self.filings.known(content["SBLSH"]):
                raise Refused("4001", "SBLSH 不存在")
        elif interface != STATUS_ID or state in (ACCEPTED, ENDED):
            if case not in self._cases:
                self._early("办件不存在，请先报送受理信息")
            if interface == STATUS_ID and state == ENDED and case not in self._ended:
                self._early("办件没有结果，请先报送结果信息")

    def _early(self, message: str) -> NoReturn:
        self._ledger.count("order_violations")
        raise Refused("4002", message)

    def _note(self, interface: str, content: Data) -> None:
        """Remember what later rows stand upon. Raises Refused for a state of an application that cannot follow."""
        if interface == ACCEPT_ID:
            self._cases.add(content["ProjectNo"])
        elif interface == RESULT_ID:
            self._ended.add(content["ProjectNo"])
        elif interface == STATUS_ID:
            if content["SLZTDM"] == REFUSED and not content.get("BSLYY"):
                raise Refused("4001", "不予受理须说明 BSLYY")
            self.filings.said(content["SBLSH"], content["SLZTDM"])

    def _delete(self, interface: str, row: str) -> Data:
        receipt = self._ledger.drop(interface, row)
        if receipt is None:
            raise Refused("4002", "待删除的记录不存在")
        return {"receiptNo": receipt}

    def _query(self, content: Data) -> Data:
        """Tell whether a row is held: RowGuid; InterfaceId, else any; Cd_batch, else whichever came last."""
        row, wanted, batch = str(content.get("RowGuid", "")), content.get("InterfaceId"), content.get("Cd_batch")
        for interface in [wanted] if wanted else CONTRACTS:
            found = self._ledger.find(str(interface), row)
            if found and batch in (None, "", found[0]["Cd_batch"]):
                return {"held": True, "interfaceId": interface, "receiptNo": found[1], "operation": found[0]["Cd_operation"]}
        return {"held": False}

    def _verdicts(self, content: Data) -> Data:
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
