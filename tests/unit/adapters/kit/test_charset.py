"""Bytes of the target's character set, or a clear no."""

from __future__ import annotations

import pytest

from adapters.kit.charset import encode
from hub.errors import Rejected


def test_what_fits_is_encoded() -> None:
    assert encode("镕喆", "gbk") == "镕喆".encode("gbk")


def test_a_character_that_does_not_fit_names_itself_and_its_field_but_no_name() -> None:
    body = {"number": "1", "people": [{"name": "王某"}, {"name": "李䶮"}]}
    with pytest.raises(Rejected) as caught:
        encode('{"name":"李䶮"}', "gbk", body)
    assert caught.value.code == "HUB-D-130"
    assert "U+4DAE" in caught.value.message
    assert "people.1.name" in caught.value.message
    assert "李" not in str(caught.value)
