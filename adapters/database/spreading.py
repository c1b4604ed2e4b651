"""Decides which endpoints a feedback rule speaks of, and which tables it means for each: a rule may be written once for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adapters.database.options import ALL, DatabaseOptions, FeedbackRule


@dataclass(frozen=True, slots=True)
class Spoken:
    """A rule as it is meant for one endpoint. `table`: names, the first found is used; `own`: it is the endpoint's table itself."""

    endpoint: str
    table: tuple[str, ...]
    own: bool
    rule: FeedbackRule


def spread(options: DatabaseOptions) -> tuple[Spoken, ...]:
    """Return the rules, each for one endpoint, in declared order."""
    return tuple(
        _spoken(rule, name, options.endpoints[name].table)
        for rule in options.feedback
        for name in (options.endpoints if ALL in rule.endpoint else rule.endpoint)
    )


def _spoken(rule: FeedbackRule, endpoint: str, tables: tuple[str, ...]) -> Spoken:
    match = {column: _filled(value, tables) for column, value in rule.match.items()}
    table = tables if rule.table is None else _filled((rule.table,), tables)
    return Spoken(endpoint, table, rule.table is None, rule.model_copy(update={"match": match}))


def _filled(value: Any, tables: tuple[str, ...]) -> Any:
    """Return a list of values with `{table}` in them written once for every name of the table; a single value stays one."""
    values = value if isinstance(value, tuple) else (value,)
    if not any(isinstance(one, str) and ("{table}" in one or "{TABLE}" in one) for one in values):
        return value
    return tuple(
        dict.fromkeys(
            one.replace("{table}", table).replace("{TABLE}", table.upper()) if isinstance(one, str) else one
            for one in values
            for table in tables
        )
    )
