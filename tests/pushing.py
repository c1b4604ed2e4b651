"""Signs pushes as far sides do, with none of the hub's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import datetime

#: 32 bytes that are no secret anywhere.
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def webhook(body: bytes, number: str, *, at: datetime | None = None, key: bytes = KEY) -> dict[str, str]:
    """Return the headers of Standard Webhooks for this body."""
    stamp = str(int(at.timestamp() if at else time.time()))
    content = f"{number}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": number, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def md5_sorted(fields: Mapping[str, str], secret: str, charset: str = "utf-8") -> str:
    """Return what many local systems call a sign: MD5 over the sorted `name=value&` pairs and the secret behind."""
    content = "&".join(f"{name}={value}" for name, value in sorted(fields.items())) + secret
    return hashlib.md5(content.encode(charset), usedforsecurity=False).hexdigest()
