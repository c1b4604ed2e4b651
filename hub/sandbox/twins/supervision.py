"""Decides what the supervision side (电子监察) takes by SOAP: a handshake for a key, then submissions whose MD5 is over GBK bytes.

The answer is a code in an element nested twice: "0" taken, "001" the key is not or no longer valid; the other codes are this
sandbox's own, each followed by words. Warnings go down by the middle tables (`supervision_tables`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held, Ledger
from hub.sandbox.twins.supervision_rules import (
    BASIC,
    REPLY,
    Refused,
    Register,
    Submission,
    judge,
    positions,
    warnings,
)
from hub.sandbox.twins.supervision_tables import BUREAU, PLATFORM, Bureau
from hub.sandbox.twins.supervision_wsdl import ENTRANCE, HANDSHAKE, NAMESPACE, wsdl
from hub.sandbox.twins.xml import Unreadable, root_of
from hub.sandbox.web import Answer, Request

PATH = "/esuper/services/EsuperServer"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XML = "text/xml; charset=utf-8"
_COMPACT = re.compile(r"\d{14}")
#: Names of the positions of a reply, as the middle table calls them.
_REPLY = ("TRANSATCION_OID", "WARN_REPLYINFO", "WARN_REPLYUSER", "REPLY_TIME")


class Broken(Exception):
    """A SOAP fault: this is no call of the service."""


class Keys:
    """The keys given out by handshakes: each is good for so many calls and so many seconds. Thread-safe."""

    def __init__(self, uses: int, seconds: float) -> None:
        self.uses, self.seconds = uses, seconds
        self._lock = Lock()
        self._left: dict[str, tuple[int, float]] = {}

    def give(self) -> str:
        """Return a new key."""
        key = secrets.token_hex(16)
        with self._lock:
            self._left[key] = (self.uses, time.monotonic() + self.seconds)
        return key

    def use(self, key: str) -> bool:
        """Tell whether the key is good, and count the use."""
        with self._lock:
            left, until = self._left.get(key, (0, 0.0))
            self._left[key] = (left - 1, until)
            return left > 0 and time.monotonic() < until


class SupervisionTwin(FarSide):
    """The supervision side's SOAP service. `keys` may be given fewer uses, `register` fewer items, while it runs."""

    name = "supervision"
    port = 3
    path = f"{PATH}?wsdl"

    def __init__(
        self, bureau: Bureau, register: Register, *, password: str = "sandbox-supervision-secret", plan: FaultPlan | None = None
    ) -> None:
        self.bureau, self.register, self.password = bureau, register, password
        self.keys = Keys(uses=300, seconds=1800)
        self.plan = plan or FaultPlan()
        self.handshakes = 0
        self._ledger = Ledger("JC")
        self._submitted: dict[str, Submission] = {}  # by transaction
        self._cases: dict[str, str] = {}  # the process id of every case whose basic data came
        self._seen = 0  # submissions looked at for warnings

    @classmethod
    def on(cls, ground: Ground) -> SupervisionTwin:
        """Build the service; what it is told it keeps in memory, its warnings in the middle database."""
        return cls(Bureau(ground.url("supervision")), Register.of_county(ground.seed), plan=ground.plan(cls.name))

    def create(self) -> None:
        """Create the tables that are missing."""
        self.bureau.create()

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        self.bureau.stop()

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the password of the county's platform."""
        return {"SUPERVISION_URL": address, "SUPERVISION_PASSWORD": self.password}

    def held(self) -> list[Held]:
        """Return every submission held; endpoint is the message, row the transaction."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        return self._ledger.stats() | {"handshakes": self.handshakes, "faults": self.plan.thrown()}

    def work(self) -> int:
        """Raise the warnings that follow from what was submitted; without anything new there are none."""
        submitted = list(self._submitted.values())
        if len(submitted) == self._seen:
            return 0
        raised = self.bureau.warn(warnings(submitted))
        self._seen = len(submitted)  # only now: what could not be written is raised by the next look
        return raised

    def came(self, request: Request) -> bool:
        """Count the request; handshakes meet faults only if the plan says so."""
        self._ledger.count("requests")
        handshake = b"serverHander" in request.body
        return request.method == "POST" and request.path == PATH and (self.plan.lookups or not handshake)

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Judge one call."""
        if request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        if request.method == "GET":
            return Answer(200, wsdl(f"http://{request.headers.get('host', '127.0.0.1')}{PATH}").encode(), _XML)
        try:
            operation, values = _parse(request)
            return _said(operation, self._handshake(values) if operation == "serverHander" else self._entrance(values, request))
        except Broken as broken:
            self._ledger.refuse("fault")
            return _fault(str(broken))

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return _fault("系统内部错误")
        code = "009 系统繁忙，请稍后重试" if kind is FaultKind.BUSY else "005 监察系统校验不通过"
        self._ledger.refuse(code[:3])
        return _said("serverEntrance", code)

    def _handshake(self, values: Mapping[str, str]) -> str:
        self.handshakes += 1
        if (values["platCode"], values["platPwd"]) != (PLATFORM, self.password):
            return "002 平台代码或口令不符"
        return self.keys.give()

    def _entrance(self, values: Mapping[str, str], request: Request) -> str:
        try:
            if not self.keys.use(values["loginKey"]):
                raise Refused("001", "")
            _addressed(values, request)
            return self._taken(_of_call(values))
        except Refused as refused:
            self._ledger.refuse(refused.code)
            return str(refused).strip()

    def _taken(self, one: Submission) -> str:
        try:
            judge(one, self.register, self._cases.get, self.bureau.warned)
        except Refused as refused:
            if refused.code == "007":
                self._ledger.count("order_violations")
            raise
        _, again = self._ledger.take(one.name, one.transaction, _content(one))
        if again:
            raise Refused("006", "业务流水号重复")
        self._submitted[one.transaction] = one
        if one.name == BASIC:
            self._cases[one.business] = one.process
        if one.name == REPLY:
            self.bureau.replied(one.fields[0], one.fields[1])
        return "0"


def _content(one: Submission) -> dict[str, str]:
    names = _REPLY if one.name == REPLY else tuple(f"field_{number}" for number in range(1, len(one.fields) + 1))
    told = {"TRANSACTION_ID": one.transaction, "BUSINESS_ID": one.business, "PROCESS_ID": one.process}
    return told | dict(zip(names, one.fields, strict=True))


def _of_call(values: Mapping[str, str]) -> Submission:
    name, transaction = values["msgName"], values["transactionID"]
    return Submission(name, transaction, values["businessID"], values["processID"], positions(values["processData"]))


def _addressed(values: Mapping[str, str], request: Request) -> None:
    """Check who tells whom, and that the data came whole. Raises Refused."""
    ours = {values[name] for name in ("orgCode", "orgID", "sourceCode", "sourceID")}
    if ours != {PLATFORM} or {values["destCode"], values["destID"]} != {BUREAU}:
        raise Refused("002", "来源或目的平台不符")
    if values["version"] != "1.0.0" or not _COMPACT.fullmatch(values["timeStamp"]):
        raise Refused("005", "版本或时间戳不符")
    if b"<![CDATA[" not in request.body:
        raise Refused("005", "过程数据应在 CDATA 里")
    if values["security"] != _digest(values["processData"]):
        raise Refused("003", "摘要不符")


def _digest(text: str) -> str | None:
    """Return the MD5 over the GBK bytes, None for a text GBK cannot say."""
    try:
        return hashlib.md5(text.encode("gbk"), usedforsecurity=False).hexdigest()
    except UnicodeEncodeError:
        return None


def _parse(request: Request) -> tuple[str, dict[str, str]]:
    """Return the operation and its parameters, each once. Raises Broken."""
    try:
        root = root_of(request.body.decode("utf-8").encode())
    except (Unreadable, UnicodeError):
        raise Broken("报文不是 UTF-8 的 XML，或包含 DTD") from None
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Broken("不是 SOAP 1.1 报文")
    call = root.find(f"{{{SOAP}}}Body/{{{NAMESPACE}}}*")
    wanted = {"serverHander": HANDSHAKE, "serverEntrance": ENTRANCE}.get(etree.QName(call).localname) if call is not None else None
    if call is None or wanted is None:
        raise Broken("没有这个操作")
    if Counter(child.tag for child in call) != Counter(wanted):
        raise Broken("参数不全、重复或多余")
    return etree.QName(call).localname, {str(child.tag): child.text or "" for child in call}


def _said(operation: str, code: str) -> Answer:
    inner = f"<return><return>{escape(code)}</return></return>"
    return _envelope(f"<ns:{operation}Response xmlns:ns={quoteattr(NAMESPACE)}>{inner}</ns:{operation}Response>", 200)


def _fault(message: str) -> Answer:
    return _envelope(f"<soap:Fault><faultcode>soap:Server</faultcode><faultstring>{message}</faultstring></soap:Fault>", 500)


def _envelope(body: str, status: int) -> Answer:
    text = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), _XML)
