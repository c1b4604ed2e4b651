"""Runs every benchmark with its defaults: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import subprocess
import sys

#: Module and arguments, with the letter of what it measures.
ALL = (
    ("a", "mapping"), ("b", "tables"), ("c", "posts"), ("d", "backlog"), ("e", "report"), ("f", "sustained"), ("g", "history"),
    ("h", "latency"), ("i", "starting"), ("j", "idle"),
)  # fmt: skip


def main() -> None:
    """Run them one after the other, each in a process of its own."""
    for letter, name in ALL:
        print(f"== ({letter}) {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)


if __name__ == "__main__":
    main()
