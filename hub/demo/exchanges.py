"""Draws up the closing table: one line for each exchange that the county's report names, with what went up and what came down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, case, func, select

from hub.model import TAKEN, State
from hub.store import schema

#: In these states a delivery has reached its target, whatever was said of it later.
ARRIVED = frozenset({*TAKEN, State.REJECTED})
#: Where what comes down from the far sides arrives.
HOME = "local"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange of the county: its name, and the routes that carry it (shell patterns, `!` for those that do not).

    `told`: the systems whose later verdicts it consists of, instead of routes.
    """

    zh: str
    en: str
    routes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    def carries(self, route: str) -> bool:
        """Tell whether a route belongs to it."""
        without = [pattern[1:] for pattern in self.routes if pattern.startswith("!")]
        if any(fnmatchcase(route, pattern) for pattern in without):
            return False
        return any(fnmatchcase(route, pattern) for pattern in self.routes)


_CASES = tuple(f"province-{name}" for name in ("accept", "process", "special", "material", "result"))
_ITEMS = ("province-*", *(f"!{name}" for name in _CASES))
#: In the order of the county's report.
EXCHANGES = (
    Exchange("省前置库：办件", "province, tables: cases", _CASES),
    Exchange("省前置库：权责清单（批准后发布）", "province, tables: items, once approved", _ITEMS),
    Exchange("省异常反馈（事后退回）", "province, feedback", told=("province",)),
    Exchange("省网关", "province, gateway", ("gateway-*", "!gateway-fee")),
    Exchange("漳县子站", "county sub-site", ("subsite-*",)),
    Exchange("市级平台", "city platform", ("city-*", "!city-charge", "!city-payment", "!city-evaluation")),
    Exchange("电子监察", "supervision", ("supervision-*",)),
    Exchange("社保", "social security", ("social-*",)),
    Exchange("交警", "traffic police", ("police-*",)),
    Exchange("国税", "national tax", ("nationaltax-*",)),
    Exchange("地税", "local tax", ("localtax-*",)),
    Exchange("税务（合并后）", "tax, merged", ("tax-*",)),
    Exchange("运管", "transport", ("transport-*",)),
    Exchange("十三个乡镇", "thirteen townships", ("town-*",)),
    Exchange("一窗收费", "charges", ("*-fee", "city-charge", "city-payment", "!province-*", "!town-*")),
    Exchange("好差评", "evaluations", ("evaluation-*", "*-evaluation")),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one exchange. `up` is owed to far sides, `down` to the county's own database; each: owed and arrived.

    `late`: arrived and refused later; `cancelled`: a person said no. Of later verdicts, `down` is how many were told and heard.
    """

    exchange: Exchange
    routes: int
    up: tuple[int, int]
    down: tuple[int, int]
    retried: int
    late: int
    parked: int
    dead: int
    cancelled: int


def lines(connection: Connection, stats: Mapping[str, Mapping[str, Any]]) -> tuple[Line, ...]:
    """Return one line an exchange; one that no route carries has nothing but zeros. `stats`: what the far sides say."""
    found = _by_route(connection)
    return tuple(_verdicts(connection, one, stats) if one.told else _line(one, found) for one in EXCHANGES)


def _verdicts(connection: Connection, exchange: Exchange, stats: Mapping[str, Mapping[str, Any]]) -> Line:
    ours, verdict = schema.delivery, schema.verdict
    mine = ours.c.system.in_(exchange.told)
    query = select(func.count()).select_from(verdict.join(ours, ours.c.id == verdict.c.delivery_id)).where(mine)
    heard = connection.scalar(query) or 0
    told = sum(stats.get(name, {}).get("late_rejections", 0) for name in exchange.told)
    return Line(exchange, len(exchange.told), (0, 0), (told, heard), 0, heard, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Count:
    route: str
    system: str
    state: State
    number: int
    retried: int


def _by_route(connection: Connection) -> list[_Count]:
    ours = schema.delivery
    retried = func.sum(case((ours.c.spent > 0, 1), else_=0))
    query = select(ours.c.route, ours.c.system, ours.c.state, func.count(), retried).group_by(
        ours.c.route, ours.c.system, ours.c.state
    )
    return [_Count(route, system, State(state), number, again) for route, system, state, number, again in connection.execute(query)]


def _line(exchange: Exchange, found: Sequence[_Count]) -> Line:
    mine = [one for one in found if exchange.carries(one.route)]
    states = Counter[State]()
    for one in mine:
        states[one.state] += one.number
    return Line(
        exchange,
        routes=len({one.route for one in mine}),
        up=_owed([one for one in mine if one.system != HOME]),
        down=_owed([one for one in mine if one.system == HOME]),
        retried=sum(one.retried for one in mine),
        late=states[State.REJECTED],
        parked=states[State.PARKED],
        dead=states[State.DEAD],
        cancelled=states[State.CANCELLED],
    )


def _owed(mine: Sequence[_Count]) -> tuple[int, int]:
    """Return how many are owed and how many arrived; what a newer version replaced is owed no more."""
    owed = sum(one.number for one in mine if one.state is not State.SUPERSEDED)
    return owed, sum(one.number for one in mine if one.state in ARRIVED)
