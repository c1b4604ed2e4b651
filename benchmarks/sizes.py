"""Decides which sizes a benchmark can be asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def sizes(least: int) -> Callable[[str], list[int]]:
    """Return the argparse type of a list of sizes, as in `10000,100000`, none of them under the least that can be measured."""

    def parse(text: str) -> list[int]:
        for word in text.split(","):
            if not word.strip().isdecimal():
                raise argparse.ArgumentTypeError(f"{word!r} is no number")
            if int(word) < least:
                raise argparse.ArgumentTypeError(f"{word}: the least is {least}")
        return [int(word) for word in text.split(",")]

    return parse
