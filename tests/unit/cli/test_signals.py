"""A signal may come while another is being noted, in the very thread that notes it: both count, and nothing stands still."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from hub.cli import atwork, sandbox

Number = signal.Signals


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, former in before.items():
        signal.signal(number, former)


def interrupted_at_every_line(first: Number, second: Number) -> None:
    """Let the handler of `first` run, and that of `second` within it, once at each line of whatever it calls."""
    handler: Callable[[int, FrameType | None], Any] = signal.getsignal(first)  # type: ignore[assignment]

    def at(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            sys.settrace(None)
            handler(second, frame)
            sys.settrace(at)
        return at

    traced = sys.gettrace()
    sys.settrace(at)
    try:
        handler(first, None)
    finally:
        sys.settrace(traced)


def test_a_hub_at_work_notes_a_signal_within_a_signal() -> None:
    signals = atwork._Signals()
    interrupted_at_every_line(signal.SIGTERM, signal.SIGHUP)
    signal.raise_signal(signal.SIGINT)
    came = []
    while not came or came[-1] is not signal.SIGINT:
        came.append(signals.next(lambda: None))
    assert {signal.SIGTERM, signal.SIGHUP, signal.SIGINT} == set(came)


def test_the_sandbox_notes_a_signal_within_a_signal() -> None:
    with sandbox._signals() as came:
        interrupted_at_every_line(signal.SIGINT, signal.SIGTERM)
        assert {came.get(timeout=5), came.get(timeout=5)} == {signal.SIGINT, signal.SIGTERM}
