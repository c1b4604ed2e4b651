"""Decides what each field means over there: mappings, contracts and code tables as data, compiled once.

load(directory) -> MappingSet                     raises ConfigurationError with every finding
mapping.apply(data, envelope) -> (body | None, issues)
contract.check(data) -> issues
condition(spec) -> predicate over a record's data
run_cases(mapping_set) -> results
"""

from hub.mapping import checks, time_checks, transforms  # noqa: F401 - importing them registers what mappings may name
from hub.mapping.cases import CaseResult, Difference, run_cases
from hub.mapping.checking import all_checks
from hub.mapping.codes import CodeTable
from hub.mapping.conditions import Condition, condition
from hub.mapping.contract import Contract
from hub.mapping.issues import Issue, Severity
from hub.mapping.loading import MappingSet, load
from hub.mapping.mapping import Envelope, Mapping
from hub.mapping.masking import mask
from hub.mapping.transforming import all_transforms

__all__ = [
    "CaseResult",
    "CodeTable",
    "Condition",
    "Contract",
    "Difference",
    "Envelope",
    "Issue",
    "Mapping",
    "MappingSet",
    "Severity",
    "all_checks",
    "all_transforms",
    "condition",
    "load",
    "mask",
    "run_cases",
]
