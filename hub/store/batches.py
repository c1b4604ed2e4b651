"""Decides what batch number a delivery has when it goes again: the one before, and how often, in 32 characters at most."""

from __future__ import annotations

_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def next_batch(batch: str, generation: int) -> str:
    """Return the batch number of a delivery that goes again after it was refused later: 28 digits, R, and how often.

    From the thousandth time on three signs tell how often, the first of them a letter: `cd_batch` has room for 32 characters.

    >>> next_batch("2016121309000000000001000001", 0)
    '2016121309000000000001000001R1'
    """
    return f"{batch.partition('R')[0]}R{_short(generation + 1)}"


def _short(number: int) -> str:
    """Return a number in at most three signs; those from a thousand on come round again after 33 696 more."""
    if number < 1000:
        return str(number)
    first, rest = divmod((number - 1000) % (26 * 36 * 36), 36 * 36)
    return _SIGNS[10 + first] + _SIGNS[rest // 36] + _SIGNS[rest % 36]
