"""Quoting of form fields, beside urllib's."""

from __future__ import annotations

from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from adapters.rest.calls import form_quoted


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_forms_are_quoted_as_urllib_does(text: str) -> None:
    assert form_quoted(text, "utf-8") == quote_plus(text)
    assert form_quoted(text, "gb18030") == quote_plus(text, encoding="gb18030")
