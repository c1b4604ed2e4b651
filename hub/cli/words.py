"""Decides in which words states, outcomes, stages, verdicts and triggers are shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cli.lang import say
from hub.model import Stage, State

if TYPE_CHECKING:
    from hub.engine.feeds import Short

_STATES = {
    State.PENDING: ("待发", "pending"),
    State.SENDING: ("发送中", "sending"),
    State.ACCEPTED: ("对方已收，待结论", "accepted"),
    State.DELIVERED: ("已送达", "delivered"),
    State.CONFIRMED: ("对方已确认", "confirmed"),
    State.REJECTED: ("事后被退回", "rejected"),
    State.HELD: ("待人工", "held"),
    State.PARKED: ("等父记录", "parked"),
    State.DEAD: ("死信", "dead"),
    State.CANCELLED: ("已取消", "cancelled"),
    State.SUPERSEDED: ("被新版本取代", "superseded"),
}
_STAGES = {
    Stage.SOURCE: ("来源校验", "source"),
    Stage.MAP: ("映射", "map"),
    Stage.SEND: ("发送", "send"),
    Stage.FEEDBACK: ("事后核查", "feedback"),
    Stage.GATE: ("审批", "approval"),
}
#: What an attempt ended in (see hub.engine.settle).
_OUTCOMES = {
    "taken": ("对方已收", "taken"),
    "duplicate": ("对方早已有", "duplicate"),
    "queued": ("对方已收，稍后给结论", "queued"),
    "retryable": ("未成，将重试", "retryable"),
    "in-doubt": ("结果不明", "in doubt"),
    "deferred": ("改期", "deferred"),
    "rejected": ("对方拒收", "rejected"),
    "misconfigured": ("设置有误", "misconfigured"),
    "refused-later": ("事后被退回", "refused later"),
}
_RUNS = {
    "asked": ("已请求", "asked"),
    "running": ("进行中", "running"),
    "done": ("完成", "done"),
    "failed": ("失败", "failed"),
    "interrupted": ("中断", "interrupted"),
    "skipped": ("跳过", "skipped"),
}
_TRIGGERS = {"schedule": ("计划", "schedule"), "cli": ("命令", "command"), "api": ("接口", "API"), "push": ("推送", "push")}


def state(one: State) -> str:
    """Return a delivery state's name for people."""
    return say(*_STATES[one])


def behind() -> str:
    """Return what is pending behind a held delivery is called for people."""
    return say("等前一条", "behind")


def stage(name: str) -> str:
    """Return a stage's name for people; an unknown one is shown as it is."""
    return say(*_STAGES[Stage(name)]) if name in set(Stage) else name


def outcome(name: str) -> str:
    """Return an attempt's outcome for people; an unknown one is shown as it is."""
    return say(*_OUTCOMES.get(name, (name, name)))


def run(name: str) -> str:
    """Return a run's verdict for people."""
    return say(*_RUNS.get(name, (name, name)))


def short(one: Short) -> str:
    """Return that a feed gave less than expected in some days."""
    first, last = f"{one.first:%m-%d}", f"{one.last:%m-%d}"
    days = first if first == last else say(f"{first} 至 {last}", f"{first} to {last}")
    zh = f"{days} 只读到 {one.got} 条 {one.kind}，应至少 {one.at_least} 条"
    return say(zh, f"{days}: {one.got} of {one.kind}, at least {one.at_least} expected")


def trigger(name: str) -> str:
    """Return what asked for a run, for people."""
    return say(*_TRIGGERS.get(name, (name, name)))


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with an English noun.

    >>> counted(1, "system"), counted(2, "system"), counted(0, "delivery", "deliveries")
    ('1 system', '2 systems', '0 deliveries')
    """
    return f"{number} {one if number == 1 else many or one + 's'}"


def verb(number: int, many: str, one: str = "") -> str:
    """Return an English verb as it goes with so many.

    >>> verb(1, "wait"), verb(2, "wait"), verb(1, "do", "does")
    ('waits', 'wait', 'does')
    """
    return (one or many + "s") if number == 1 else many


def are(number: int) -> str:
    """Return "is" or "are", as goes with so many."""
    return verb(number, "are", "is")


def have(number: int) -> str:
    """Return "has" or "have", as goes with so many."""
    return verb(number, "have", "has")
