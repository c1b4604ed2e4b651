"""The examples in the docstrings of settings, catalogue and command line are true."""

from __future__ import annotations

import doctest

import pytest

from hub.catalogue import reasons
from hub.cli import group, lang
from hub.settings import paths, promise, schema


@pytest.mark.parametrize("module", [group, lang, paths, promise, reasons, schema], ids=lambda module: module.__name__)
def test_examples(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert (result.failed, result.attempted > 0) == (0, True)
