"""What a program can check of the house style: sizes, opening sentences, words not used as names, nothing of this machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hub import catalogue
from tests.docs.pages import ROOT, name, tracked

PRODUCT = sorted(path for part in ("hub", "adapters") for path in (ROOT / part).rglob("*.py") if "versions" not in path.parts)
PYTHON = sorted(path for path in tracked() if path.suffix == ".py")
NOT_USED = ("Manager", "Handler", "Processor", "Helper", "Util", "Context", "Payload")
#: Put together from parts, so that this file itself is clean.
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "registry." + "npm",
    "conda" + ".anaconda",
    "mirrors" + ".aliyun",
    "tuna." + "tsinghua",
    "crates" + ".io",
    "proxy." + "golang",
)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    said = ast.get_docstring(_tree(path))
    assert said, "no docstring"
    first = said.splitlines()[0]
    assert not first[0].islower() and first.endswith((".", ":")) and len(said) > 10


def test_no_file_is_over_450_lines() -> None:
    long = {name(path): lines for path in PRODUCT if (lines := path.read_text("utf-8").count("\n")) > 450}
    assert long == {}


def test_nine_functions_in_ten_are_short() -> None:
    sizes = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in PRODUCT
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef)
    ]
    short = sum(size <= 30 for size in sizes)
    assert short >= 0.9 * len(sizes), f"{short} of {len(sizes)}"


def test_words_not_used() -> None:
    pattern = re.compile(rf"(^|[a-z_])({'|'.join(NOT_USED)})s?($|[A-Z_])")
    classes = [node.name for path in PRODUCT for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef)]
    assert [one for one in classes if pattern.search(one)] == []
    modules = re.compile(rf"(^|_)({'|'.join(NOT_USED).lower()})s?($|_)")
    assert [name(path) for path in PRODUCT if modules.search(path.stem)] == []


def test_a_public_function_says_what_it_does() -> None:
    silent = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in PRODUCT
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_file_names_this_machine_or_a_registry() -> None:
    here = (str(ROOT) + "/", "/home/" + Path.home().name + "/")
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{name(path)}: {word}" for word in (*here, *REGISTRIES) if word in text]
    assert found == []


def test_product_code_prints_through_the_terminal_only() -> None:
    calls = [
        f"{name(path)}:{node.lineno}"
        for path in PRODUCT
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_every_code_in_the_code_is_explained() -> None:
    named = {code for path in PRODUCT for code in re.findall(r"HUB-[A-Z]-\d{3}", path.read_text("utf-8"))}
    assert sorted(code for code in named if not catalogue.explain(code)) == []
