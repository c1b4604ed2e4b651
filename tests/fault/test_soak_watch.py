"""A soak fails for what goes on growing, and for nothing else: on real processes that hold more, look by look."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fault.soak.watch import Watch, thirds

#: Holds as many MiB as it is told, and says so.
HOLDING = """
import sys
held = []
for line in sys.stdin:
    del held[int(line):]
    held += [bytearray(b"x") * 2**20 for _ in range(int(line) - len(held))]
    print(len(held), flush=True)
"""
LOOKS = 30


def _watched(sizes: list[int]) -> Watch:
    """Watch a process that holds so much, one look after the other."""
    watch = Watch()
    with _holding() as process:
        assert process.stdin and process.stdout
        for size in sizes:
            process.stdin.write(f"{size}\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{size}\n"
            watch.look("it", process.pid)
    return watch


@contextmanager
def _holding() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def test_what_goes_on_growing_fails() -> None:
    with pytest.raises(AssertionError, match=r"it grows: .* MiB"):
        _watched([2 * look for look in range(LOOKS)]).judge()


def test_what_grows_while_it_warms_up_and_then_no_more_does_not() -> None:
    watch = _watched([min(10 * look, 100) for look in range(LOOKS)])
    watch.judge()
    early, _, late = thirds(watch.seen["it", "MiB"])
    assert late - early > 30


def test_a_peak_now_and_then_does_not() -> None:
    _watched([50 if look % 7 == 0 else 0 for look in range(LOOKS)]).judge()


def test_what_was_looked_at_too_seldom_tells_nothing() -> None:
    with pytest.raises(AssertionError, match="too few looks"):
        _watched([1, 1, 1]).judge()


def test_what_is_gone_is_not_taken_for_small() -> None:
    with _holding() as process:
        process.kill()
        process.wait()
        with pytest.raises(AssertionError, match="it is gone"):
            Watch().look("it", process.pid)
