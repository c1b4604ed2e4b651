"""The one-window journey of a case that a sub-centre carries on, as every sub-centre's test asks about it, from the twins' side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def centre_cases(here: County, centre: str) -> list[str]:
    """Return the numbers of the cases that belong to a sub-centre."""
    return [row[0] for row in here.local("SELECT BJBH FROM T_BJ WHERE SSZX = :centre ORDER BY BJBH", centre=centre)]


def of_case(here: County, system: str, endpoint: str, case: str, field: str = "project_no") -> list[Mapping[str, Any]]:
    """Return what a far side holds of a case at one of its endpoints."""
    return [one.content for one in here.held(system, endpoint) if one.content[field] == case]


def assert_one_continuous_case(here: County, system: str, case: str, steps: Iterable[str]) -> None:
    """Check one case whole: carried on by `system` in these steps, written back, closed, and seen so by province and gateway."""
    found, names = local(here, case), ["窗口受理", *steps]
    assert [step["HJMC"] for step in found.steps] == names
    assert [step["LYXT"] for step in found.steps] == [None, *[system] * (len(names) - 1)]
    assert [result["LYXT"] for result in found.results] == [system]
    assert found.case["BJZT"] == "03", "closed by the result"
    _assert_the_province_sees_it(here, case, found)
    _assert_the_gateway_sees_it(here, case, found)
    _assert_the_order(here, case, len(names))


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


def _assert_the_order(here: County, case: str, steps: int) -> None:
    """Check that the province was sent the case first, then its steps in their order, then the result; nothing twice."""
    sent = [one for one in here.life(case) if one.system == "province" and one.operation == "I"]
    kinds = [one.kind for one in sent if one.kind in ("case", "step", "result")]
    assert kinds == ["case", *["step"] * steps, "result"]
    assert len({(one.kind, one.key) for one in here.life(case) if one.operation == "I" and one.system == "province"}) == len(sent)
    by_key = {step["ID"]: step["XH"] for step in local(here, case).steps}
    numbers = [by_key[one.key] for one in sent if one.kind == "step"]
    assert numbers == sorted(numbers)
