"""Decides what the province's evaluation platform (好差评) takes: signed JSON envelopes with one evaluation each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held, Ledger
from hub.sandbox.national import SKEW, moment, now
from hub.sandbox.web import Answer, Request

PATH = "/hcp/evaluation"
_JSON = "application/json; charset=utf-8"
#: Field -> most characters, mandatory.
FIELDS = {
    "evaluateId": (50, True), "projectNo": (50, True), "pf": (1, True), "deptCode": (18, True), "proDepart": (200, True),
    "taskCode": (36, True), "taskHandleItem": (50, False), "taskName": (1000, True), "proStatus": (1, True),
    "certKey": (64, True), "userName": (100, True), "userProp": (1, True), "userPageType": (3, True),
    "handleUserName": (100, False), "handleUserPageType": (3, False), "handleUserPageCode": (50, False),
    "satisfaction": (1, True), "evalDetail": (200, False), "writingEvaluation": (1000, False), "assessTime": (19, True),
    "assessNumber": (2, True), "serviceNumber": (2, True), "dataSource": (3, True), "promisetime": (1, False),
    "acceptDate": (19, False), "subMatter": (1000, False), "vcode": (64, False),
}  # fmt: skip
_FORMS = {
    "pf": "[1-7]", "proStatus": "[1-3]", "satisfaction": "[1-5]", "userProp": "[1-6]", "promisetime": "[12]",
    "userPageType": "111|414|001|990|999", "handleUserPageType": "111|414|001|990|999", "certKey": "[0-9a-f]{64}",
    "taskCode": r"[0-9A-HJ-NPQRTUWXY]{18}[1-7]\d{4}[0-9A-Z]{8}", "deptCode": "[0-9A-HJ-NPQRTUWXY]{18}",
    "assessNumber": r"\d{1,2}", "serviceNumber": r"\d{1,2}",
}  # fmt: skip


class Refused(Exception):
    """The platform says no: its code, and a message that quotes no value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def signature(stamp: str, mark: str, word: str) -> str:
    """Return the lower-hex SM3 of time, application mark and application word."""
    digest = Hash(SM3())
    digest.update(f"{stamp}{mark}{word}".encode())
    return digest.finalize().hex()


def signed_by(public: str, text: str, given: str) -> bool:
    """Tell whether `given` (r and s as hex) is the SM2 signature over the text of the key's owner."""
    import gmalg

    checker = gmalg.SM2(pk=bytes.fromhex(public), uid=b"1234567812345678")
    try:
        raw = bytes.fromhex(given)
    except ValueError:
        return False
    return len(raw) == 64 and bool(checker.verify(text.encode(), raw[:32], raw[32:]))


class EvaluationTwin(FarSide):
    """The evaluation platform of the province; with a public key of ours it demands SM2 signatures instead of SM3 digests."""

    name = "evaluation"
    port = 8
    path = PATH

    def __init__(self, *, mark: str = "zhangxian", word: str = "sandbox-evaluation-word", plan: FaultPlan | None = None) -> None:
        self.mark, self.word, self.public_key = mark, word, ""
        self.plan = plan or FaultPlan()
        self._ledger = Ledger("PJ")

    @classmethod
    def on(cls, ground: Ground) -> EvaluationTwin:
        """Build the platform; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name))

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the application's mark and word."""
        return {"EVALUATION_URL": address, "EVALUATION_MARK": self.mark, "EVALUATION_WORD": self.word}

    def held(self) -> list[Held]:
        """Return every evaluation held; row is its evaluateId."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        return self._ledger.stats() | {"faults": self.plan.thrown()}

    def came(self, request: Request) -> bool:
        """Count the request; every one may meet a fault."""
        self._ledger.count("requests")
        return request.path == PATH

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Judge one request; what the platform knows is answered in HTTP 200."""
        if request.method != "POST" or request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        try:
            content = self._authentic(request)
            _check(content)
            number, again = self._ledger.take("evaluation", content["evaluateId"], content)
        except Refused as refused:
            self._ledger.refuse(refused.code)
            return _said("fail", {"code": refused.code, "message": refused.message})
        return _said("success", {"code": "200", "evaluateUnid": number, "again": again})

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return Answer(500, "服务内部错误".encode(), "text/plain; charset=utf-8")
        code, message = ("500", "系统繁忙") if kind is FaultKind.BUSY else ("400", "人工审核不通过")
        self._ledger.refuse(code)
        return _said("fail", {"code": code, "message": message})

    def _authentic(self, request: Request) -> dict[str, Any]:
        try:
            body = orjson.loads(request.body)
            envelope, common = body["txnBodyCom"], body["txnCommCom"]
            given, stamp, content = envelope["sign"], envelope["time"], envelope["params"]
            sent = datetime.strptime(stamp, "%Y%m%d%H%M%S")  # noqa: DTZ007 - Beijing time, as ours
        except (ValueError, KeyError, TypeError):
            raise Refused("400", "报文应为 txnBodyCom{sign, params, time, appMark} 与 txnCommCom") from None
        if envelope.get("appMark") != self.mark or not self._ours(str(stamp), str(given)):
            raise Refused("401", "签名错误")
        if abs(sent - now()) > SKEW or common != {} or not isinstance(content, dict):
            raise Refused("401" if abs(sent - now()) > SKEW else "400", "时间戳超出允许范围，或 params 不是对象")
        return content

    def _ours(self, stamp: str, given: str) -> bool:
        if self.public_key:
            return signed_by(self.public_key, f"{stamp}{self.mark}{self.word}", given)
        return given == signature(stamp, self.mark, self.word)


def _check(content: Mapping[str, Any]) -> None:
    for name in content:
        if name not in FIELDS:
            raise Refused("400", f"未定义的字段 {name[:30]}")
    for name, (length, mandatory) in FIELDS.items():
        value = content.get(name, "")
        if not isinstance(value, str) or len(value) > length or (mandatory and not value):
            raise Refused("400", f"{name} 为空、超长或不是文本")
        if value and name in _FORMS and not re.fullmatch(_FORMS[name], value):
            raise Refused("400", f"{name} 不在代码表内或格式不符")
    when = moment(content["assessTime"])
    if when is None or when > now() + SKEW:
        raise Refused("400", "assessTime 格式错误或晚于当前时间")
    if content["satisfaction"] in "45" and not content.get("writingEvaluation"):
        raise Refused("400", "差评须写明 writingEvaluation")


def _said(word: str, body: Mapping[str, Any]) -> Answer:
    return Answer(200, orjson.dumps({"C-Response-Desc": word, "C-Response-Body": body}), _JSON)
