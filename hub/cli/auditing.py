"""Decides how the recount of a run is told: what is owed, what became of it, and whether that is all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hub.cli import words
from hub.cli.lang import say
from hub.cli.terminal import Terminal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.store.audit import Audit
    from hub.store.runs import Run


def recounted(connection: Connection, runs: Sequence[Run]) -> dict[int, Audit]:
    """Return the recount of each run that can be recounted, by number."""
    from hub.store import audit

    found = (audit.audit(connection, run) for run in runs)
    return {one.run.id: one for one in found if one is not None}


def data(one: Audit | None) -> dict[str, Any] | None:
    """Return a recount as JSON data."""
    if one is None:
        return None
    fates = {state.value: number for state, number in one.fates.items()}
    return {"adds_up": one.adds_up, "owed": one.owed, "refused": one.refused, "silent": one.silent, "fates": fates}


def show(screen: Terminal, runs: Sequence[Run], counted: Mapping[int, Audit]) -> None:
    """Tell the recount of each run on a line; those that cannot be recounted are left out."""
    from hub.store.audit import CODE

    for run in runs:
        if one := counted.get(run.id):
            screen.line(_line(one), style="" if one.adds_up else "bold red")
    if not all(one.adds_up for one in counted.values()):
        screen.line(CODE)
        screen.remedy(CODE, screen.out)


def _line(one: Audit) -> str:
    fates = " + ".join(f"{words.state(state)} {number}" for state, number in sorted(one.fates.items()))
    head = f"{say('运行', 'run')} {one.run.id} {one.run.source}: {say('投递单', 'deliveries')} {one.run.deliveries} = {fates or 0}"
    if one.adds_up:
        return f"{head}  {say('账平', 'adds up')}"
    odd = say(
        f"账不平：拒收 {one.run.rejected}，库里 {one.refused}；没有原因的 {one.silent}",
        f"does not add up: rejected {one.run.rejected}, in the store {one.refused}; without a reason {one.silent}",
    )
    return f"{head}  {odd}"
