"""Runs every benchmark with its defaults: `python -m benchmarks`, or `make bench`.

    python -m benchmarks [--server URL] [--long] [--write] [letter ...]

With a server, what needs one or may have one runs on it too. `--write` puts what is printed into the pages (`benchmarks/pages.py`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks import pages

#: What stands for the address of a server: the real one is nobody's business in a page.
SERVER = "URL"
#: What takes a quarter of an hour and 24 GB of disk by itself.
LONG = "history --rows 10000,10000000"
#: Letters of what is measured, and commands.
ALL = (
    ("a", "mapping"), ("b", "tables"), ("c", "posts"), ("d", "backlog"), ("e", "report"),
    ("f", "sustained"), ("f", "sustained --server URL"),
    ("g", "history"), ("g", "history --server URL"), ("g", LONG),
    ("h", "latency"), ("h", "latency --server URL"),
    ("i", "starting"), ("i", "starting --server URL"),
    ("j", "idle"), ("j", "idle --server URL"), ("j", "idle --server URL --worker"),
    ("k", "workers --server URL"),
)  # fmt: skip


def main() -> None:
    """Run them one after the other, each in a process of its own."""
    options = _options()
    for letter, command in _chosen(options):
        print(f"== ({letter}) {command}", flush=True)
        output = _run([options.server if word == SERVER else word for word in command.split()])
        if options.write:
            print(f"written to {pages.put(command, output).name}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("letters", nargs="*", help="only what these letters measure (docs/performance.md)")
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    parser.add_argument("--long", action="store_true", help="also ten million rows of history: 24 GB of disk for a while")
    parser.add_argument("--write", action="store_true", help="put the output into the pages")
    options = parser.parse_args()
    there = list(dict.fromkeys(letter for letter, _ in ALL))
    if unknown := [letter for letter in options.letters if letter not in there]:
        parser.error(f"no such letter: {', '.join(unknown)}; there are {', '.join(there)}")
    if not _chosen(options):
        parser.error(f"what {', '.join(options.letters)} measures needs --server")
    return options


def _chosen(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return what is to be run: of the letters that are asked for, what needs no server that is not there, nor time not granted."""
    return [
        (letter, command)
        for letter, command in ALL
        if (not options.letters or letter in options.letters)
        and (options.server or SERVER not in command)
        and (options.long or command != LONG)
    ]


def _run(words: list[str]) -> str:
    """Run one benchmark, showing what it prints as it comes; return all of it."""
    module, *arguments = words
    lines: list[str] = []
    with subprocess.Popen([sys.executable, "-m", f"benchmarks.{module}", *arguments], stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if running.returncode:
        sys.exit(running.returncode)
    return "".join(lines)


if __name__ == "__main__":
    main()
