"""The county's data quality: the rule catalogue, and the report over what the store has.

catalogue() -> rules by id
lists(store, quality) -> the hall's and the published list
verdicts(store, quality, now, lists) -> what is wrong with each case, one after the other
Report().add(verdict), compare(items), late(backlog, terms, now)
"""

from hub.quality.examining import Verdict, lists, verdicts
from hub.quality.items import Sameness, Unlike, compare
from hub.quality.report import Choice, Group, Late, Report, data, late
from hub.quality.rules import Line, Rule, catalogue

__all__ = [
    "Choice",
    "Group",
    "Late",
    "Line",
    "Report",
    "Rule",
    "Sameness",
    "Unlike",
    "Verdict",
    "catalogue",
    "compare",
    "data",
    "late",
    "lists",
    "verdicts",
]
