"""Decides how a township signs what it pushes, as its own program does it, and what it holds of the hub's answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from hub.sandbox.national import BEIJING, now
from hub.sandbox.twins.town_cases import Filing
from hub.sandbox.twins.town_files import texts, written
from hub.sandbox.twins.town_forms import Form

#: What every township of the sandbox signs with: 24 bytes, as base64 behind the mark of Standard Webhooks.
SECRET = "whsec_" + base64.b64encode(b"sandbox-township-secret!").decode()
WORD = "sandbox-township-secret"
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Post:
    """One request: its number stays when it is sent again, `keys` are the cases in it."""

    number: str
    body: bytes
    keys: tuple[str, ...]


def posts(form: Form, filings: Sequence[Filing], name: str) -> list[Post]:
    """Return the requests for these cases: one for all, or where a form has room for one, one each."""
    parts = [[filing] for filing in filings] if form.format == "form" else [list(filings)]
    made = []
    for serial, part in enumerate(parts, start=1):
        keys = tuple(str(filing["number"]) for filing in part)
        made.append(Post(f"{form.system}-{name}-{serial}", _body(form, part), keys))
    return made


def _body(form: Form, filings: Sequence[Filing]) -> bytes:
    if form.format == "json":
        return json.dumps({"data": {"list": [texts(form, filing) for filing in filings]}}, ensure_ascii=False).encode()
    if form.format == "form":
        return json.dumps(texts(form, filings[0]), ensure_ascii=False).encode()  # signed and quoted when it is sent
    return written(form, filings)


def signed(form: Form, post: Post, *, late: int = 0) -> tuple[bytes, Mapping[str, str]]:
    """Return body and headers of a request signed now, or so many seconds ago."""
    return {"webhook": _webhook, "sm3": _sm3, "md5": _md5}[form.way](post, int(time.time()) - late)


def _webhook(post: Post, at: int) -> tuple[bytes, Mapping[str, str]]:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    sign = base64.b64encode(hmac.new(key, f"{post.number}.{at}.".encode() + post.body, hashlib.sha256).digest()).decode()
    return post.body, {
        "content-type": "application/json; charset=utf-8",
        "webhook-id": post.number,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{sign}",
    }


def _sm3(post: Post, at: int) -> tuple[bytes, Mapping[str, str]]:
    stamp = now().fromtimestamp(at, BEIJING).strftime("%Y%m%d%H%M%S")
    keyed = HMAC(WORD.encode(), hashes.SM3())
    keyed.update(f"{post.number}{stamp}".encode() + post.body)
    headers = {"X-Nonce": post.number, "X-Time": stamp, "X-Sign": f"sm3={keyed.finalize().hex()}"}
    return post.body, {"content-type": "text/csv; charset=GBK", **headers}


def _md5(post: Post, at: int) -> tuple[bytes, Mapping[str, str]]:
    fields = {**json.loads(post.body), "timestamp": str(at), "nonce": post.number}
    content = "&".join(f"{name}={value}" for name, value in sorted(fields.items())) + WORD
    fields["sign"] = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
    return urlencode(fields).encode(), {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def tampered(body: bytes) -> bytes:
    """Return a body in which somebody has changed one digit of a case number."""
    at = next(at for at, letter in enumerate(body) if letter in b"9")
    return body[:at] + b"8" + body[at + 1 :]


#: A push signed so long ago is none that the township sends now.
STALE = 2 * _HOUR
