"""Decides how business content is encrypted on its way: SM4 (GB/T 32907) in CBC or ECB mode, or SM2 (GB/T 32918)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import ClassVar, Literal, Self

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import SecretStr, model_validator

from adapters.kit import sm2
from hub.ports import Options


class Seal(Options):
    """Cipher, key and form of content that is encrypted here.

    key: of SM4 16 bytes, as text or as 32 hex digits; of sm2 the receiver's public key, 130 hex digits or 128 without 04 · iv: of
    sm4-cbc, 16 bytes · output: base64, or for sm2 hex, unless another is said.
    """

    cipher: Literal["sm4-cbc", "sm4-ecb", "sm2"] = "sm4-cbc"
    key: SecretStr
    iv: SecretStr | None = None
    output: Literal["base64", "hex", "HEX"] | None = None

    _sm2_key: ClassVar[tuple[Callable[[str], bytes], str]] = (sm2.public_key, "130 hex digits, or 128 without the leading 04")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.cipher == "sm2":
            return self._fits_sm2()
        if len(_bytes(self.key)) != 16:
            raise ValueError("an SM4 key has 16 bytes, written as text or as 32 hex digits")
        if self.cipher == "sm4-cbc" and (self.iv is None or len(_bytes(self.iv)) != 16):
            raise ValueError("sm4-cbc needs an iv of 16 bytes, written as text or as 32 hex digits")
        return self

    def _fits_sm2(self) -> Self:
        sm2.need()
        read, form = self._sm2_key
        try:
            read(self.key.get_secret_value())
        except ValueError:
            raise ValueError(f"an sm2 key here has {form}") from None
        return self

    @property
    def written(self) -> str:
        """How the encrypted bytes are written."""
        return self.output or ("hex" if self.cipher == "sm2" else "base64")


class Opening(Seal):
    """Cipher, key and form of content that is opened here; the key of sm2 is our private one, 64 hex digits."""

    _sm2_key: ClassVar[tuple[Callable[[str], bytes], str]] = (sm2.private_key, "64 hex digits")


def _bytes(secret: SecretStr) -> bytes:
    text = secret.get_secret_value()
    if len(text) == 32:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    return text.encode()


def _cipher(seal: Seal) -> Cipher[modes.CBC] | Cipher[modes.ECB]:
    algorithm = algorithms.SM4(_bytes(seal.key))
    if seal.cipher == "sm4-cbc" and seal.iv is not None:
        return Cipher(algorithm, modes.CBC(_bytes(seal.iv)))
    return Cipher(algorithm, modes.ECB())


def sealed(seal: Seal, content: bytes) -> str:
    """Return the content encrypted, as text; SM4 pads by PKCS#7."""
    raw = sm2.encrypted(sm2.public_key(seal.key.get_secret_value()), content) if seal.cipher == "sm2" else _sm4(seal, content)
    if seal.written == "base64":
        return base64.b64encode(raw).decode()
    return raw.hex() if seal.written == "hex" else raw.hex().upper()


def unsealed(seal: Seal, text: str) -> bytes:
    """Return what was encrypted; raises ValueError when key, padding or form do not fit."""
    raw = base64.b64decode(text, validate=True) if seal.written == "base64" else bytes.fromhex(text)
    if seal.cipher == "sm2":
        return sm2.decrypted(sm2.private_key(seal.key.get_secret_value()), raw)
    decryptor = _cipher(seal).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()


def _sm4(seal: Seal, content: bytes) -> bytes:
    padder = padding.PKCS7(128).padder()
    encryptor = _cipher(seal).encryptor()
    return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
