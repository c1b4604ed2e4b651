"""Decides whom to ask about a dead letter: the people of its data while nothing has left, the far side's once it refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from hub.cli.lang import say
from hub.model import Stage

if TYPE_CHECKING:
    from hub.settings import Settings, SystemSettings

#: So many are named; of more than these `hub dead show` tells which one it is.
MOST = 3
#: Stages that fail before anything leaves: the data, a code table or the mapping is at fault, not the far side.
_OURS = frozenset({Stage.SOURCE.value, Stage.MAP.value})


def ours(stage: str | None) -> bool:
    """Tell whether what failed at this stage is ours to mend."""
    return stage in _OURS


def suppliers(settings: Settings, system: str, routes: Collection[str]) -> list[SystemSettings]:
    """Return the sources that feed a system by these routes."""
    names = {one.source for one in settings.routes if one.system == system and one.name in routes}
    return [settings.systems[name] for name in sorted(names)]


def whom(stage: str | None, system: SystemSettings, feeding: Sequence[SystemSettings]) -> str:
    """Return whom to ask; empty where nobody is named, or what failed is an approval here.

    `feeding`: the sources of what failed; none: the system is one itself.
    """
    if stage == Stage.GATE.value:
        return ""
    asked = feeding or [system] if ours(stage) else [system]
    named = list(dict.fromkeys(one.contact for one in asked if one.contact))
    more = say(f" 等 {len(named)} 处", f" and {len(named) - MOST} more") if len(named) > MOST else ""
    return "、".join(named[:MOST]) + more
