"""Decides how the province's gateway reads a request and writes an answer: a signed form, its content in the clear or encrypted.

As public code of the Gansu gateway has them: the form, the SM3 of its sorted fields, the ciphers, and the answer `{success, data}`
whose data is JSON as text. In that code no secret is signed; here `app_secret` is, in its alphabetical place, for a signature
without any proves nothing. That, and the code, message and receipt number inside data, are conventions of the sandbox, to be
confirmed with the province.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.sandbox.national import moment
from hub.sandbox.web import Answer, Request

#: Rows of one page at most.
LARGEST_PAGE = 50
#: A request's clock may differ from ours by so many milliseconds.
SKEW_MS = 5 * 60 * 1000
_JSON = "application/json; charset=utf-8"
_FIELDS = ("app_id", "interface_id", "version", "biz_content", "charset", "origin", "timestamp", "sign")
#: Codes of what the gateway does not let through; what it lets through is answered with `success`, whatever comes of it.
_NOT_LET_IN = frozenset({"4010"})
#: What the content of requests is encrypted with; answers are always SM4 then, as gateways of this kind do.
Sealing = Literal["none", "sm4", "sm2"]
SM4_KEY, SM4_IV = "6211250000000000", "0000000000621125"
#: The sandbox's own SM2 key pair: it protects nothing.
SM2_PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
SM2_PUBLIC = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)


class Refused(Exception):
    """The gateway says no: its code, and a message that quotes no value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Call:
    """An authentic request: which interface it asks for, and what it says."""

    interface: str
    content: dict[str, Any]


def signature(fields: Mapping[str, str], secret: str) -> str:
    """Return the lower-hex SM3 of the sorted `k=v` pairs but header and sign, among them the secret, if any, as `app_secret`."""
    signed = {name: value for name, value in fields.items() if name not in ("sign", "header")}
    signed |= {"app_secret": secret} if secret else {}
    text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    digest = Hash(SM3())
    digest.update(text.encode())
    return digest.finalize().hex()


def page(rows: Mapping[str, Mapping[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows changed since `Since`, inclusive, oldest first: page `PageNo` of `PageSize`. Raises Refused 4001."""
    since, number, size = str(asked.get("Since", "")), asked.get("PageNo"), asked.get("PageSize")
    if moment(since) is None:
        raise Refused("4001", "Since 应为 yyyy-MM-dd HH:mm:ss")
    if not isinstance(number, int) or not isinstance(size, int) or number < 1 or not 1 <= size <= LARGEST_PAGE:
        raise Refused("4001", f"PageNo 从 1 起，PageSize 不超过 {LARGEST_PAGE}")
    found = sorted((one["UpdateTime"], key) for key, one in rows.items() if one["UpdateTime"] >= since)
    here = found[(number - 1) * size : number * size]
    return {"rows": [dict(rows[key]) for _, key in here], "total": len(found)}


@dataclass(frozen=True, slots=True)
class Wire:
    """One application at the gateway: its id, its secret (empty: none is signed), and how its content is encrypted."""

    app_id: str
    secret: str
    sealing: Sealing = "none"

    def read(self, request: Request) -> Call:
        """Return what the request says. Raises Refused 4010 for who is nobody, 4001 for what nobody can read."""
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
        return Call(form["interface_id"], self._content(form["biz_content"]))

    def write(self, code: str, message: str, data: Mapping[str, Any] | None = None) -> Answer:
        """Return an answer: code, message and data as one JSON text, encrypted where content is."""
        said = orjson.dumps({"code": code, "message": message, **(data or {})})
        shown = said.decode() if self.sealing == "none" else _sm4(said)
        return Answer(200, orjson.dumps({"success": code not in _NOT_LET_IN, "data": shown}), _JSON)

    def _content(self, text: str) -> dict[str, Any]:
        try:
            raw = self._opened(text)
        except ValueError:
            raise Refused("4010", "biz_content 无法解密") from None
        try:
            content = orjson.loads(raw)
        except ValueError:
            raise Refused("4001", "biz_content 不是 JSON") from None
        if not isinstance(content, dict):
            raise Refused("4001", "biz_content 不是 JSON 对象")
        return content

    def _opened(self, text: str) -> bytes:
        if self.sealing == "none":
            return text.encode()
        if self.sealing == "sm4":
            return _unsm4(text)
        return _unsm2(text)


def _cipher() -> Cipher[modes.CBC]:
    return Cipher(algorithms.SM4(SM4_KEY.encode()), modes.CBC(SM4_IV.encode()))


def _sm4(content: bytes) -> str:
    padder, encryptor = padding.PKCS7(128).padder(), _cipher().encryptor()
    return base64.b64encode(encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()).decode()


def _unsm4(text: str) -> bytes:
    unpadder, decryptor = padding.PKCS7(128).unpadder(), _cipher().decryptor()
    raw = base64.b64decode(text, validate=True)
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()


def _unsm2(text: str) -> bytes:
    """Open what was encrypted for the gateway: lower-case hex that begins with 04."""
    import gmalg

    if not text.startswith("04"):
        raise ValueError("no SM2 ciphertext")
    try:
        return bytes(gmalg.SM2(sk=bytes.fromhex(SM2_PRIVATE)).decrypt(bytes.fromhex(text)))
    except (gmalg.errors.GMError, IndexError) as error:
        raise ValueError("no SM2 ciphertext") from error
