"""Decides how SM2 keys, ciphertexts and signatures (GB/T 32918) are written; the arithmetic is gmalg's, an optional package.

Ciphertexts are C1‖C3‖C2 with the leading byte 04, as gateways expect; signatures are r‖s, 64 bytes. Pure Python: a message costs
tens of milliseconds, so what is sent by the thousand is better sealed with SM4.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

#: The user's identity in a signature where nothing else is agreed (GM/T 0009).
USER = "1234567812345678"


def need() -> None:
    """Raise ValueError when gmalg is not installed."""
    if importlib.util.find_spec("gmalg") is None:
        raise ValueError("sm2 needs gmalg: pip install 'gansu-exchange-hub[sm]'")


def public_key(text: str) -> bytes:
    """Return a public key written as 130 hex digits, or 128 without the leading 04. Raises ValueError."""
    raw = bytes.fromhex(text if len(text) == 130 else f"04{text}")
    if len(raw) != 65 or raw[0] != 4:
        raise ValueError
    return raw


def private_key(text: str) -> bytes:
    """Return a private key written as 64 hex digits. Raises ValueError."""
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError
    return raw


def encrypted(public: bytes, content: bytes) -> bytes:
    """Return the content as only the owner of the private key can read it."""
    import gmalg

    return bytes(gmalg.SM2(pk=public).encrypt(content))


def decrypted(private: bytes, cipher: bytes) -> bytes:
    """Return what was encrypted. Raises ValueError when the key does not fit or the text was changed."""
    import gmalg

    return bytes(_careful(lambda: gmalg.SM2(sk=private).decrypt(cipher)))


def signed(private: bytes, content: bytes, user: str = USER) -> bytes:
    """Return the signature over the content, SM3 digest and user identity included as the standard says."""
    import gmalg

    signer = gmalg.SM2(sk=private, uid=user.encode())
    return b"".join(part.rjust(32, b"\0") for part in signer.sign(content))  # gmalg leaves leading zero bytes out


def verified(public: bytes, content: bytes, signature: bytes, user: str = USER) -> bool:
    """Tell whether the signature over the content is one of the key's owner."""
    import gmalg

    checker = gmalg.SM2(pk=public, uid=user.encode())
    return len(signature) == 64 and bool(checker.verify(content, signature[:32], signature[32:]))


def _careful(act: Callable[[], Any]) -> Any:
    """Run what gmalg does with foreign bytes: its complaints are of several kinds, and mean one thing."""
    import gmalg

    try:
        return act()
    except (gmalg.errors.GMError, IndexError, ValueError) as error:
        raise ValueError("this is no SM2 ciphertext for that key") from error
