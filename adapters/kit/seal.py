"""Decides how business content is encrypted before it is sent: SM4 (GB/T 32907) in CBC or ECB mode, as gateways ask for."""

from __future__ import annotations

import base64
from typing import Literal, Self

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import SecretStr, model_validator

from hub.ports import Options


class Seal(Options):
    """Cipher, key and form of encrypted content. Key and initial vector: 16 bytes, as text or as 32 hex digits."""

    cipher: Literal["sm4-cbc", "sm4-ecb"] = "sm4-cbc"
    key: SecretStr
    iv: SecretStr | None = None
    output: Literal["base64", "hex", "HEX"] = "base64"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(_bytes(self.key)) != 16:
            raise ValueError("an SM4 key has 16 bytes, written as text or as 32 hex digits")
        if self.cipher == "sm4-cbc" and (self.iv is None or len(_bytes(self.iv)) != 16):
            raise ValueError("sm4-cbc needs an iv of 16 bytes, written as text or as 32 hex digits")
        return self


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
    """Return the content encrypted with PKCS#7 padding, as text."""
    padder = padding.PKCS7(128).padder()
    encryptor = _cipher(seal).encryptor()
    raw = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    if seal.output == "base64":
        return base64.b64encode(raw).decode()
    return raw.hex() if seal.output == "hex" else raw.hex().upper()


def unsealed(seal: Seal, text: str) -> bytes:
    """Return what `sealed` was given; raises ValueError when key, padding or form do not fit."""
    raw = base64.b64decode(text) if seal.output == "base64" else bytes.fromhex(text)
    decryptor = _cipher(seal).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()
