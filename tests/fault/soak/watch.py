"""Decides whether a process that only works goes on growing: by what it held over time, warm-up left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

#: What the middle of the last third may be above that of the middle third, by measure. Both come after warm-up, so what is left is
#: noise: a window more or less at the moment of looking, a heap that has just been extended.
MAY_GROW = {"MiB": 12.0, "files": 8.0, "threads": 8.0, "connections": 8.0}
#: Fewer looks than these tell nothing.
LOOKS = 9


@dataclass
class Watch:
    """What each process held, look by look: memory in MiB, open files, threads; and whatever else is noted under a name."""

    seen: dict[tuple[str, str], list[float]] = field(default_factory=dict)  # (whose, measure) -> oldest first

    def look(self, whose: str, pid: int) -> None:
        """Note what a process holds now. Raises AssertionError when it is gone."""
        here = Path(f"/proc/{pid}")
        try:
            said = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
            files = len(list((here / "fd").iterdir()))
        except OSError as error:
            raise AssertionError(f"{whose} is gone: {error}") from error
        assert "VmRSS" in said, f"{whose} has ended"
        self.note(whose, "MiB", int(said["VmRSS"].split()[0]) / 1024)
        self.note(whose, "threads", int(said["Threads"]))
        self.note(whose, "files", files)

    def note(self, whose: str, measure: str, number: float) -> None:
        """Note a number, one of the same kind as those before it."""
        self.seen.setdefault((whose, measure), []).append(number)

    def judge(self) -> None:
        """Raise AssertionError for whatever goes on growing after warm-up, or was looked at too seldom to tell."""
        assert self.seen, "nothing was looked at"
        for (whose, measure), numbers in self.seen.items():
            assert len(numbers) >= LOOKS, f"too few looks at {whose}: {len(numbers)}"
            _, before, after = thirds(numbers)
            assert after - before < MAY_GROW[measure], f"{whose} grows: {numbers} {measure}"

    def told(self) -> str:
        """Return a line for each process: what it held, third by third."""
        lines: dict[str, list[str]] = {}
        for (whose, measure), numbers in self.seen.items():
            lines.setdefault(whose, []).append(f"{' → '.join(f'{number:.0f}' for number in thirds(numbers))} {measure}")
        return "\n".join(f"  {whose}: {', '.join(line)}" for whose, line in lines.items())


def thirds(numbers: Sequence[float]) -> tuple[float, float, float]:
    """Return the middle of each third: no single look decides."""
    part = len(numbers) // 3
    return median(numbers[:part]), median(numbers[part:-part]), median(numbers[-part:])
