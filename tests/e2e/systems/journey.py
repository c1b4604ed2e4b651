"""The one-window journey of a case that a sub-centre carries on, as every sub-centre's test asks about it, from the twins' side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.county import County


@dataclass(frozen=True)
class Local:
    """What the county's own database says of one case: the case, its steps in order, its result."""

    case: Mapping[str, Any]
    steps: list[Mapping[str, Any]]
    results: list[Mapping[str, Any]]


def local(here: County, case: str) -> Local:
    """Return what stands in the approval database."""

    def rows(table: str, order: str) -> list[Mapping[str, Any]]:
        return [dict(row._mapping) for row in here.local(f"SELECT * FROM {table} WHERE BJBH = :case ORDER BY {order}", case=case)]

    return Local(rows("T_BJ", "BJBH")[0], rows("T_BZ", "XH"), rows("T_JG", "ID"))


def given_to(here: County, centre: str, *items: str) -> list[str]:
    """Give the persons' cases of all sub-centres to this one, its items in turn, before the first round; return their numbers.

    The list of powers, which is most of what the county has, is left out: nobody here looks at it.
    """
    for table in ("T_QZWT", "T_QZSF", "T_QZCL", "T_QZQD"):
        here.local(f"DELETE FROM {table}")
    found = here.local("SELECT BJBH FROM T_BJ WHERE SSZX <> '' AND SQRZJLX = 'SF' ORDER BY BJBH")
    assert len(found) >= len(items), "too few persons' cases in this county: take in some (hall.accept), or make more"
    for number, (case,) in enumerate(found):
        item = items[number % len(items)]
        here.local("UPDATE T_BJ SET SSZX = :centre, SXMC = :item WHERE BJBH = :case", centre=centre, item=item, case=case)
    here.local("UPDATE T_BJ SET SSZX = '' WHERE SSZX <> :centre", centre=centre)
    return [row[0] for row in found]


def of_case(here: County, system: str, endpoint: str, case: str, field: str = "project_no") -> list[Mapping[str, Any]]:
    """Return what a far side holds of a case at one of its endpoints."""
    return [one.content for one in here.held(system, endpoint) if one.content[field] == case]


def assert_one_continuous_case(here: County, system: str, case: str, steps: Iterable[str]) -> None:
    """Check one case whole: carried on by `system` in these steps, written back, closed, and seen so by all who take cases.

    The province and the city must be started; who else takes cases is asked if it is.
    """
    found, names = local(here, case), ["窗口受理", *steps]
    assert [step["HJMC"] for step in found.steps] == names
    assert [step["LYXT"] for step in found.steps] == [None, *[system] * (len(names) - 1)]
    assert [result["LYXT"] for result in found.results] == [system]
    assert found.case["BJZT"] == "03", "closed by the result"
    started = here.sandbox.twins.keys()
    assert started >= _ROUTES.keys(), "one continuous case to the province and to the city: both must be there to see it"
    for upper in started & _SEEN_BY.keys():
        _SEEN_BY[upper](here, case, found)
    for upper in _ROUTES:
        _assert_the_order(here, case, found, upper)


def _assert_the_province_sees_it(here: County, case: str, found: Local) -> None:
    (accept,) = of_case(here, "province", "up_pro_accept", case)
    process = of_case(here, "province", "up_pro_process", case)
    (result,) = of_case(here, "province", "up_pro_result", case)
    seen = sorted((str(row["event_start_time"]), row["process_name"], row["handle_user_name"]) for row in process)
    assert seen == sorted((step["KSSJ"], step["HJMC"], step["BLRXM"]) for step in found.steps), "every step once"
    times = [accept["accept_date"], *sorted(row["event_start_time"] for row in process), result["result_date"]]
    assert times == sorted(times), "nothing runs backwards"
    assert str(result["result_date"]) == found.results[0]["BJSJ"]
    assert (result["result_cetr_name"] or "") == (found.results[0]["ZJGZMC"] or "")


def _assert_the_gateway_sees_it(here: County, case: str, found: Local) -> None:
    assert len(of_case(here, "gateway", "zx_case_accept", case, "ProjectNo")) == 1
    (result,) = of_case(here, "gateway", "zx_case_result", case, "ProjectNo")
    assert result["ResultDate"] == found.results[0]["BJSJ"]


def _assert_the_city_sees_it(here: County, case: str, found: Local) -> None:
    documents = [one.content for one in here.held("city", "info") if one.content["content"]["ApasInfo"]["SN"] == case]
    by_type = {kind: [one["content"] for one in documents if one["type"] == kind] for kind in ("10", "20", "30")}
    nodes = [one["Node"] for one in by_type["20"]]
    assert len(by_type["10"]) == 1
    assert sorted((one["StartTime"], one["SName"], one["ProcessedUser"]) for one in nodes) == sorted(
        (step["KSSJ"], step["HJMC"], step["BLRXM"]) for step in found.steps
    ), "every step once"
    (result,) = by_type["30"]
    assert result["ApasInfo"]["ProcessedTime"] == found.results[0]["BJSJ"]
    assert result["ApasInfo"]["XkfileName"] == (found.results[0]["ZJGZMC"] or "")


#: Who of those above takes cases, and how that is checked.
_SEEN_BY: Mapping[str, Callable[[County, str, Local], None]] = {
    "province": _assert_the_province_sees_it,
    "gateway": _assert_the_gateway_sees_it,
    "city": _assert_the_city_sees_it,
}
#: Who takes every step, and the routes of a case, a step and a result.
_ROUTES = {
    "province": ("province-accept", "province-process", "province-result"),
    "city": ("city-case", "city-process", "city-result"),
}


def _assert_the_order(here: County, case: str, found: Local, upper: str) -> None:
    """Check that it was sent the case first, then the steps in their order, then the result; nothing twice."""
    first, each, last = _ROUTES[upper]
    sent = [one for one in here.life(case) if one.system == upper and one.operation == "I"]
    assert len({(one.route, one.key) for one in sent}) == len(sent)
    assert [one.route for one in sent if one.route in _ROUTES[upper]] == [first, *[each] * len(found.steps), last]
    numbers = {step["ID"]: step["XH"] for step in found.steps}
    order = [numbers[one.key] for one in sent if one.route == each]
    assert order == sorted(order)
