"""Everything the operator's handbook shows can be typed: commands parse, paths exist, metrics and exit codes are the real ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from hub import catalogue
from hub.api.server import build
from hub.cli import COMMANDS, exits
from hub.cli.group import hoisted
from hub.engine.service import Service
from hub.store import open_store
from tests import configs, working
from tests.asgi import Asker

HANDBOOK = Path(__file__).parents[2] / "docs" / "operations.zh-CN.md"
TEXT = HANDBOOK.read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, flags=re.S | re.M)
SHOWN = [line for language, block in BLOCKS if not language for line in block.splitlines()]
HUB = [line for line in SHOWN if line.startswith("hub ")] + sorted(set(re.findall(r"`(hub [a-z][^`…]*)`", TEXT)))
CURL = [line for line in SHOWN if line.startswith("curl ")]


@pytest.mark.parametrize("line", HUB)
def test_a_command_parses(line: str) -> None:
    words = hoisted(shlex.split(line)[1:], {"--json": False, "-v": False, "-c": True})
    words = [word for word in words if word not in {"--json", "-v"}]
    command = COMMANDS[words[0]].load(words[0])
    rest = words[1:]
    if hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    context = command.make_context(words[0], rest)  # raises on an unknown option, a missing argument, a wrong type
    context.close()


_NAMED = re.compile(r"\bhub((?: -{0,2}[a-z][-a-z]*)+)")
REMEDIES = [(code, lang, named) for code, one in sorted(catalogue.entries().items()) for lang in ("zh", "en")
            for named in _NAMED.findall(one.text(lang).do)]  # fmt: skip


@pytest.mark.parametrize(("code", "lang", "named"), REMEDIES)
def test_a_command_of_a_remedy_exists_with_its_options(code: str, lang: str, named: str) -> None:
    name, *rest = named.split()
    if lang == "en" and name not in COMMANDS:
        return  # «the hub ended»: the hub itself, in prose
    command = COMMANDS[name].load(name)
    if hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert {word for word in rest if word.startswith("-")} <= known, code


def test_the_remedies_name_commands() -> None:
    assert len(REMEDIES) > 50


def test_every_kind_of_line_is_known() -> None:
    assert len(HUB) > 30
    assert [line for line in SHOWN if line and not line.startswith(("hub ", "curl ", "kill "))] == []


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = working.settings_of(configs.write(tmp_path / "site"))
    store = open_store(settings.store)
    try:
        yield Service(settings, store, scheduled=False)
    finally:
        store.close()


def test_every_path_that_is_shown_exists(service: Service) -> None:
    openapi = Asker(build(service, lambda: service.exchange.settings, service.exchange.settings.http)).get("/openapi.json").json()
    for line in CURL:
        words = shlex.split(line)
        path = urlsplit(next(word for word in words if word.startswith("http"))).path
        method = words[words.index("-X") + 1].lower() if "-X" in words else "get"
        assert method in openapi["paths"].get(path, {}), line


def test_the_table_names_every_metric_and_no_other(service: Service) -> None:
    exported = Asker(build(service, lambda: service.exchange.settings, service.exchange.settings.http)).get("/metrics").text
    real = {f"{one.name}_total" if one.type == "counter" else one.name for one in parse(exported)}
    assert set(re.findall(r"^\| `(hub_[a-z_]+)` \|", TEXT, flags=re.M)) == real
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"hub_[a-z_]+", TEXT)}
    assert named == real


def test_the_exit_codes_are_the_real_ones() -> None:
    shown = {int(code): text for code, text in re.findall(r"^\| (\d+) \| (.*?) \|$", TEXT, flags=re.M)}
    assert set(shown) == set(exits.TABLE)
    for code, (zh, _) in exits.TABLE.items():
        assert shown[code].startswith(zh.split("：")[0]), code


def test_every_code_is_explained() -> None:
    for code in set(re.findall(r"HUB-[A-Z]-\d{3}", TEXT)):
        assert catalogue.explain(code), code
