"""Proves the province's gateway in both directions: applications come down, their fate goes back, in the clear and encrypted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import select

from hub.model import State
from hub.sandbox.faults import FaultKind
from hub.sandbox.street import Sandbox
from hub.sandbox.twins.gateway_contracts import ACCEPT_ID, FEE_ID, RESULT_ID, STATUS_ID
from hub.sandbox.twins.jpaas import Sealing
from hub.store import schema
from tests.commands import Directory
from tests.e2e.county import County, county

WAITING, LATER = 24, 6


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Give a county in which everything has come to its end."""
    with county(tmp_path_factory.mktemp("gateway"), "gateway", cases=80) as here:
        here.rounds()
        yield here


def statuses(here: County) -> dict[str, str]:
    """Return the furthest state that the gateway was told of each application."""
    told: dict[str, str] = {}
    for one in here.held("gateway", STATUS_ID):
        filing, state = one.content["SBLSH"], one.content["SLZTDM"]
        told[filing] = max(told.get(filing, ""), state)
    return told


def test_applications_come_down_and_none_is_left_unanswered(here: County) -> None:
    assert here.failing() == []
    came = here.held("local", "T_WSSQ")
    assert len(came) == WAITING + LATER - 1, "all but the one whose certificate no code table knows"
    said = statuses(here)
    assert set(said) == {one.row for one in came}
    fates = Counter(said.values())
    assert fates["3"] > 5 and fates["4"] > 1 and not fates["1"]
    ((waiting,),) = here.local("SELECT count(*) FROM T_BJ WHERE SBLSH <> '' AND SSZX <> ''")
    assert fates["2"] == waiting, "only a sub-centre that is not here keeps a case open"


def test_the_province_sees_one_story(here: County) -> None:
    accepted = {one.content["ProjectNo"]: one.content for one in here.held("gateway", ACCEPT_ID)}
    ended = {one.content["ProjectNo"] for one in here.held("gateway", RESULT_ID)}
    for content in (one.content for one in here.held("gateway", STATUS_ID)):
        case, state = content.get("ProjectNo"), content["SLZTDM"]
        if state in "23":
            assert (accepted[case]["SBLSH"], accepted[case]["ApplyType"]) == (content["SBLSH"], "2")
        assert (state == "4") is ("BSLYY" in content)
        assert state != "3" or case in ended
    assert here.sandbox.gateway.stats()["order_violations"] == 0


def test_an_unknown_code_is_a_dead_letter_and_no_guess(here: County) -> None:
    (group,) = here.dead("local")
    assert (group.stage, group.count) == ("map", 1) and "SQRZJLX: code" in group.reason
    strange = min(here.sandbox.gateway.filings.numbers())
    assert strange not in {one.row for one in here.held("local", "T_WSSQ")}


def test_a_correction_reaches_the_application_and_leaves_the_halls_decision_alone(here: County) -> None:
    corrected = max(number for number in here.sandbox.gateway.filings.numbers() if int(number[2:]) <= WAITING)
    ((mobile, state),) = here.local("SELECT LXRSJ, ZT FROM T_WSSQ WHERE SBLSH = :number", number=corrected)
    assert mobile == "14000621125" and state in ("SL", "BJ", "BY")
    assert here.states("local") == Counter({State.DELIVERED: WAITING + LATER, State.DEAD: 1}), "one of them came twice"


def test_the_fee_of_a_dispatched_case_goes_up(here: County) -> None:
    handed_over = {number for (number,) in here.local("SELECT BJBH FROM T_BJ WHERE SSZX <> ''")}
    paid = {number for (number,) in here.local("SELECT BJBH FROM T_SF")} & handed_over
    told = {one.content["ProjectNo"] for one in here.held("gateway", FEE_ID)}
    assert paid and paid <= told


def test_nothing_new_means_nothing_moves(here: County) -> None:
    before = here.sandbox.gateway.stats()
    here.rounds()
    after = here.sandbox.gateway.stats()
    assert {name for name in before if before[name] != after[name]} == {"requests"}


def test_a_late_refusal_comes_back_and_the_corrected_case_goes_again(tmp_path: Path) -> None:
    def once(sandbox: Sandbox) -> None:
        sandbox.gateway.plan.change(script=[FaultKind.LATE_REJECTION])

    with county(tmp_path, "gateway", arrange=once) as here:
        here.rounds()
        (group,) = here.dead("gateway")
        assert (group.code, group.stage, group.count) == ("HUB-E-121", "feedback", 1)
        with here.service.store.reading() as connection:
            ours = schema.delivery
            refused = connection.execute(select(ours.c.key, ours.c.row).where(ours.c.id == group.sample)).one()
        here.local("UPDATE T_BJ SET TXDZ = '漳县武阳镇', GXSJ = datetime('now', '+8 hours') WHERE BJBH = :case", case=refused.key)
        here.rounds()
        assert here.dead("gateway") == [] and here.failing() == []
        (row,) = [one.content for one in here.held("gateway", ACCEPT_ID) if one.row == refused.row]
        assert (row["Address"], row["Cd_operation"]) == ("漳县武阳镇", "U")
        assert "后台复核不通过" in str(here.life(refused.key))


def test_the_secret_leaves_the_signature_with_one_line(tmp_path: Path) -> None:
    def unsigned(sandbox: Sandbox) -> None:
        sandbox.gateway.wire = replace(sandbox.gateway.wire, secret="")

    def one_line_less(directory: Directory) -> None:
        file = directory.path / "config/systems/gateway.yaml"
        lines = file.read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if "{app_secret: $secret}" not in line]
        assert len(kept) == len(lines) - 1
        file.write_text("".join(kept), "utf-8")

    with county(tmp_path, "gateway", cases=3, arrange=unsigned, prepare=one_line_less) as here:
        here.rounds()
        assert here.failing() == []
        assert here.sandbox.gateway.stats()["refused"] == {}
        assert len(statuses(here)) == WAITING + LATER - 1


@pytest.mark.parametrize("sealing", ["sm4", "sm2"])
def test_content_is_encrypted_both_ways_when_the_province_demands_it(tmp_path: Path, sealing: str) -> None:
    if sealing == "sm2":
        pytest.importorskip("gmalg", reason="gmalg is not installed (the extra `sm`)")

    def demand(sandbox: Sandbox) -> None:
        sandbox.gateway.wire = replace(sandbox.gateway.wire, sealing=cast(Sealing, sealing))

    def obey(directory: Directory) -> None:
        cipher = "sm4-cbc" if sealing == "sm4" else "sm2"
        shown = (f"  # seal: {{cipher: {cipher},", f"  seal: {{cipher: {cipher},")
        directory.change("config/systems/gateway.yaml", shown, ("  # unseal:", "  unseal:"))

    with county(tmp_path, "gateway", cases=3, arrange=demand, prepare=obey) as here:
        here.rounds()
        assert here.failing() == []
        assert here.sandbox.gateway.stats()["refused"] == {}
        assert len(statuses(here)) == WAITING + LATER - 1
