"""Every example in the documentation of the mapping package is true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import hub.mapping
from hub.mapping import all_checks, all_transforms

MODULES = [one.name for one in pkgutil.iter_modules(hub.mapping.__path__, "hub.mapping.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", all_transforms())
def test_every_transform_has_an_example(name: str) -> None:
    one = all_transforms()[name]
    assert one.summary.endswith((".", "。"))
    assert ">>>" in (inspect.getdoc(one.function) or "")


@pytest.mark.parametrize("name", all_checks())
def test_every_check_has_an_example(name: str) -> None:
    documentation = inspect.getdoc(all_checks()[name]) or ""
    assert ">>>" in documentation
    assert documentation.partition("\n")[0].endswith((".", "。"))
