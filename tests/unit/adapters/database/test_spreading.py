"""One feedback rule may speak of several endpoints, and name their tables by a placeholder."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.database.options import DatabaseOptions
from adapters.database.spreading import spread

ENDPOINTS = {
    "accept": {"table": "up_pro_accept", "key": "row_guid"},
    "special": {"table": ["up_pro_specialprocedure", "up_pro_special_procedure"], "key": "row_guid"},
}
ERRORS = {"table": "dn_audit_abnormal", "row": "table_row_guid", "judgement": "rejected", "time": "cd_time", "key": "row_guid"}


def options(*rules: dict[str, Any]) -> DatabaseOptions:
    return DatabaseOptions.model_validate({"url": "sqlite://", "endpoints": ENDPOINTS, "feedback": rules})


def test_a_rule_for_all_is_one_rule_an_endpoint_with_the_names_of_its_table() -> None:
    first, second = spread(options({**ERRORS, "endpoint": "*", "match": {"table_sql_name": ["{table}", "{TABLE}"], "state": "1"}}))
    assert (first.endpoint, first.table, first.own) == ("accept", ("dn_audit_abnormal",), False)
    assert first.rule.match == {"table_sql_name": ("up_pro_accept", "UP_PRO_ACCEPT"), "state": "1"}
    names = "up_pro_specialprocedure", "up_pro_special_procedure"
    assert set(_listed(second.rule.match["table_sql_name"])) == {*names, *map(str.upper, names)}


def _listed(value: object) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value


def test_the_table_itself_may_be_named_after_the_endpoints() -> None:
    found = spread(options({**ERRORS, "endpoint": ["special", "accept"], "table": "{table}_unqbak"}))
    assert [(one.endpoint, one.table) for one in found] == [
        ("special", ("up_pro_specialprocedure_unqbak", "up_pro_special_procedure_unqbak")),
        ("accept", ("up_pro_accept_unqbak",)),
    ]


def test_what_is_written_for_one_endpoint_stays_what_it_is() -> None:
    own = {**{name: value for name, value in ERRORS.items() if name != "table"}, "overlap": "7d"}
    named, itself = spread(options({**ERRORS, "endpoint": "accept", "match": {"kind": None}}, {**own, "endpoint": "special"}))
    assert (named.table, named.own, named.rule.match) == (("dn_audit_abnormal",), False, {"kind": None})
    assert (itself.table, itself.own) == (("up_pro_specialprocedure", "up_pro_special_procedure"), True)


def test_endpoints_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValidationError, match="not declared: result"):
        options({**ERRORS, "endpoint": ["accept", "result"]})
