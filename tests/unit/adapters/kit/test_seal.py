"""SM4 sealing."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit.seal import Seal, sealed, unsealed

KEY = "0123456789abcdeffedcba9876543210"


def seal(**given: Any) -> Seal:
    return Seal.model_validate({"cipher": "sm4-ecb", "key": KEY, "output": "hex", **given})


def test_sm4_known_answer() -> None:
    """GB/T 32907, appendix A.1: the first block; the second is the padding of a full block."""
    assert sealed(seal(), bytes.fromhex(KEY)).startswith("681edf34d206965e86b3e94f536e4246")


def test_cbc_mixes_the_vector_in() -> None:
    cbc = seal(cipher="sm4-cbc", iv="00000000000000000000000000000000")
    assert sealed(cbc, bytes.fromhex(KEY))[:32] == sealed(seal(), bytes.fromhex(KEY))[:32]
    assert sealed(seal(cipher="sm4-cbc", iv="1234567890123456"), b"x") != sealed(cbc, b"x")


@pytest.mark.parametrize("output", ["base64", "hex", "HEX"])
@pytest.mark.parametrize("cipher", ["sm4-ecb", "sm4-cbc"])
def test_there_and_back(cipher: str, output: str) -> None:
    one = seal(cipher=cipher, output=output, key="sixteen byte key", iv="sixteen byte iv!")
    text = '{"name":"王某"}'.encode()
    assert unsealed(one, sealed(one, text)) == text


def test_forms() -> None:
    assert sealed(seal(output="HEX"), b"x") == sealed(seal(), b"x").upper()
    assert base64.b64decode(sealed(seal(output="base64"), b"x")).hex() == sealed(seal(), b"x")


@pytest.mark.parametrize(
    "given", [{"key": "short"}, {"cipher": "sm4-cbc"}, {"cipher": "sm4-cbc", "iv": "short"}, {"cipher": "aes"}]
)
def test_seals_that_cannot_be_meant(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        seal(**given)


def test_the_key_shows_nowhere() -> None:
    assert KEY not in repr(seal())


def test_what_is_no_base64_is_not_guessed_at() -> None:
    for text in ("这不是密文", "!!!!", "AAAA"):
        with pytest.raises(ValueError):
            unsealed(seal(output="base64"), text)


def test_sm2_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'gansu-exchange-hub\[sm\]'"):
        seal(cipher="sm2", key="00" * 64)
