"""What settings offer beyond their values."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from hub.ports import Options
from hub.settings import load
from tests import configs, fakes


class FeedOptions(fakes.MemoryOptions):
    feeds: dict[str, str] = {}


class FeedAdapter(fakes.MemoryAdapter):
    options: ClassVar[type[Options]] = FeedOptions

    def kinds(self) -> frozenset[str]:
        assert isinstance(self._options, FeedOptions)
        return frozenset(self._options.feeds)


def test_an_adapter_can_be_opened_for_one_kind_only(tmp_path: Path) -> None:
    text = configs.LOCAL.replace("tests.fakes:MemoryAdapter", f"{__name__}:FeedAdapter").replace(
        "kinds: [case, step]", "kinds: [x], feeds: {case: a, step: b}"
    )
    local = load(configs.write(tmp_path, {"config/systems/local.yaml": text}), env={}).systems["local"]
    assert local.kinds == {"case", "step"}
    assert local.open_for("step").kinds() == {"step"}
    assert local.open().kinds() == {"case", "step"}


def test_an_adapter_without_feeds_is_opened_as_it_is(tmp_path: Path) -> None:
    local = load(configs.write(tmp_path), env={}).systems["local"]
    assert local.open_for("case").kinds() == {"case", "step"}
