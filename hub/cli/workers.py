"""Decides how `hub status` shows the workers that share a store: who is alive, who is gone, and whether they are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub.cli import looking
from hub.cli.lang import say
from hub.cli.needs import Need

if TYPE_CHECKING:
    from hub.store.workers import Worker


def lines(found: Sequence[Worker], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield one line for each worker, and its style."""
    for one in found:
        who = f"  worker {one.name}  {one.host} pid {one.pid}  {one.version} {one.digest[:12]}"
        since = looking.since(one.seen_at, now)
        if one.gone:
            yield f"{who}  {say(f'已失联 {since}', f'gone for {since}')}", "yellow"
        else:
            yield f"{who}  {say(f'正在处理 {len(one.holds)} 项', f'at {len(one.holds)}')}", "green"


def needs(found: Sequence[Worker]) -> list[Need]:
    """Return that workers at work differ in version or configuration (HUB-E-142), if they do."""
    kinds = sorted({f"{one.version} {one.digest[:12]}" for one in found if not one.gone})
    if len(kinds) < 2:
        return []
    what = say(
        f"HUB-E-142 各 worker 的版本或配置不一致：{'、'.join(kinds)}",
        f"HUB-E-142 workers differ in version or configuration: {', '.join(kinds)}",
    )
    return [Need("hub", say("不一致", "unlike"), what, "", "hub explain HUB-E-142")]


def of_the_clock(ahead: timedelta) -> list[Need]:
    """Return that the clock of this machine is not the store's (HUB-E-143), if it is not. `ahead`: by how much it is before it."""
    from hub.store.clocks import APART

    if abs(ahead) <= APART:
        return []
    seconds = f"{ahead.total_seconds():+.0f}"
    what = say(
        f"HUB-E-143 这台机器的时钟与存储的相差 {seconds} 秒", f"HUB-E-143 the clock of this machine is {seconds} s off the store's"
    )
    return [Need("hub", say("时钟不准", "clock"), what, "", "hub explain HUB-E-143")]
