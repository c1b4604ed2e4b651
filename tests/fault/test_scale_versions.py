"""Workers of two versions on one store: replaced one by one nothing is lost, and one that is too old refuses to begin."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import text

from hub import __version__
from hub.model import State
from hub.store.opening import HEAD
from tests.commands import ROOT, Directory, until
from tests.fault.crew import Crew, crew, in_order
from tests.servers import fresh_postgresql

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(300)]

MIGRATION = f'''
"""What the next version adds, and this one knows nothing of."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{HEAD}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("novel", sa.Integer(), nullable=False, server_default="0"))
    op.create_table("novelty", sa.Column("id", sa.Integer(), primary_key=True))
'''


def newer(path: Path) -> Path:
    """Return where a program of the next version lies: this one with another number and another schema."""
    for name in ("hub", "adapters", "tests"):
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    _replace(path / "hub" / "__init__.py", f'"{re.escape(__version__)}"', '"99.0.0"')
    _replace(path / "hub" / "store" / "opening.py", f'HEAD = "{HEAD}"', 'HEAD = "9999"')
    (path / "hub" / "store" / "migrations" / "versions" / "9999_next.py").write_text(MIGRATION.lstrip(), "utf-8")
    return path


def _replace(file: Path, old: str, new: str) -> None:
    written, count = re.subn(old, new, file.read_text("utf-8"))
    assert count == 1, f"{file} does not say {old}"
    file.write_text(written, "utf-8")


def test_workers_are_replaced_one_by_one_by_a_newer_version_and_nothing_is_lost(tmp_path: Path) -> None:
    here = tmp_path / "here"
    with fresh_postgresql() as url, crew(here, url, cases=500, partitions=4, pause=0.06, adapter="KeepingAdapter") as team:
        next_one = Directory(here, source=newer(tmp_path / "next"))
        old = [team.start(name="old"), team.start(name="old")]
        team.ask()
        until(lambda: team.delivered(20), "deliveries are on their way")
        for one in old:
            team.start(name="new", directory=next_one)
            assert team.end(one) == 143
        assert _schema(team) == "9999"
        assert {one.version for one in team.workers()} == {"99.0.0"}
        assert not team.delivered(1000), "the upgrade came too late to prove anything"
        until(lambda: team.states() == {State.DELIVERED: 1000}, "the new ones do all that is left")
        assert Counter(team.arrived()) == Counter(key for n in range(500) for key in (f"A{n}", f"A{n}-1"))
        assert in_order(team.arrived())
        assert "HUB-E-142" in team.log()
        _refused(team)


def _refused(team: Crew) -> None:
    """One of the version before that begins now says what is wrong, and touches nothing."""
    before = team.rows()
    late = team.launch(name="late")
    assert late.wait(60) == 2
    assert "HUB-T-103" in team.log()
    assert _schema(team) == "9999"
    assert team.rows() == before


def _schema(team: Crew) -> str:
    with team.store.reading() as connection:
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))
