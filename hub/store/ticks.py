"""Tells how much time has passed: by a clock that nobody sets, and that goes on while the machine is suspended."""

from __future__ import annotations

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def ticks() -> float:
    """Return seconds since some moment.

    Not `time.monotonic`, which stands still in a suspended machine: who slept for a minute would believe that nobody missed him.
    """
    return time.clock_gettime(_CLOCK)
