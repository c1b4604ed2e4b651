"""SM2: the examples of GB/T 32918.5, and keys and texts that do not fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit import sm2
from adapters.kit.seal import Opening, Seal, sealed, unsealed
from adapters.kit.sign import Signature, signature

pytest.importorskip("gmalg", reason="gmalg is not installed (the extra `sm`)")

#: GB/T 32918.5, annexes A and C: one key pair, a ciphertext of «encryption standard», a signature of «message digest».
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
CIPHER = (
    "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD876621886CA989CA9C7D58087307CA93092D651EFA"
)
SIGNATURE = (
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
TEXT = '{"RowGuid":"1","ApplyerName":"马䶮"}'.encode()


def opening(**given: Any) -> Opening:
    return Opening.model_validate({"cipher": "sm2", "key": PRIVATE, **given})


def recipe(**given: Any) -> Signature:
    fields = [{"time": "20161213090000"}, {"appMark": "zx"}, {"appWord": "$secret"}]
    return Signature.model_validate(
        {"fields": fields, "digest": "sm2", "private_key": PRIVATE, "into": {"body": "/sign"}, "pairs": "values", **given}
    )


def test_the_standards_ciphertext_is_opened() -> None:
    assert unsealed(opening(), CIPHER) == b"encryption standard"


def test_the_standards_signature_is_good_and_another_is_not() -> None:
    public, raw = sm2.public_key(PUBLIC), bytes.fromhex(SIGNATURE)
    assert sm2.verified(public, b"message digest", raw)
    assert not sm2.verified(public, b"message digest.", raw)
    assert not sm2.verified(public, b"message digest", raw, user="another")
    assert not sm2.verified(public, b"message digest", raw[:63])


@pytest.mark.parametrize("key", [PUBLIC, f"04{PUBLIC}", PUBLIC.lower()])
def test_there_and_back(key: str) -> None:
    text = sealed(Seal.model_validate({"cipher": "sm2", "key": key}), TEXT)
    assert text.startswith("04") and text == text.lower()
    assert unsealed(opening(), text) == TEXT


def test_a_changed_text_and_a_wrong_key_are_noticed() -> None:
    wrong = PRIVATE[:-1] + "9"
    for one, text in ((opening(), CIPHER[:-2] + "00"), (opening(key=wrong), CIPHER), (opening(), "04"), (opening(), "没有")):
        with pytest.raises(ValueError):
            unsealed(one, text)


def test_requests_are_signed_with_it() -> None:
    public, content = sm2.public_key(PUBLIC), b"a&b"
    values = [("x", "a"), ("y", "b")]
    assert sm2.verified(public, content, bytes.fromhex(signature(recipe(), values)))
    der = bytes.fromhex(signature(recipe(der=True), values))
    assert der[0] == 0x30 and der[1] == len(der) - 2


@pytest.mark.parametrize("given", [{"private_key": "00"}, {"private_key": None}, {"digest": "sm3"}])
def test_signatures_that_cannot_be_meant(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        recipe(**given)


def test_keys_that_cannot_be_meant() -> None:
    with pytest.raises(ValidationError, match="130 hex digits"):
        Seal.model_validate({"cipher": "sm2", "key": PRIVATE})
    with pytest.raises(ValidationError, match="64 hex digits"):
        opening(key=PUBLIC)


def test_the_keys_show_nowhere() -> None:
    assert PRIVATE not in repr(opening()) and PRIVATE not in repr(recipe())
