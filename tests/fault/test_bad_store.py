"""Proves that a store which cannot be used is refused by name and left as it is, and that one store has one hub."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import configs
from tests.commands import DEADLINE, Directory, until
from tests.servers import store_url

__all__ = ["store_url"]

#: What opens the store: to work on it, to look into it, to copy it.
COMMANDS = [("serve", "--no-http"), ("sync",), ("status",), ("runs",), ("backup", "copy.db")]
#: Root may write everywhere; without this capability the permissions of files hold for root too.
ORDINARY = ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"]


class Site(Directory):
    """A directory with a store that has been worked on."""

    @property
    def store(self) -> Path:
        return self.path / "var" / "hub.db"

    def refused(self, *arguments: str) -> str:
        """Run a command that must be refused, and must leave the store as it is; return what it says."""
        before = self.files()
        done = self.run(*arguments, code=2)
        assert self.files() == before, "a store that is refused must be left alone"
        assert "  File " not in done.stderr
        return done.stderr

    def files(self) -> dict[str, bytes]:
        """Return what there is beside the store, without the files a command of its own makes and locks."""
        return {one.name: one.read_bytes() for one in sorted(self.store.parent.iterdir()) if one.suffix != ".lease"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(configs.write(tmp_path))
    made.run("sync", code=1)  # one record of the example cannot be mapped
    return made


# --- what is in the file ---


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_store_of_a_newer_schema_is_refused_by_every_command(site: Site, command: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(site.store)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    said = site.refused(*command)
    assert "HUB-T-103" in said and "9999" in said
    assert not (site.path / "copy.db").exists()


def no_store(file: Path) -> None:
    file.write_bytes("这不是数据库".encode() * 500)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    """Damage one page deep inside: where the deliveries begin."""
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'delivery'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)


@pytest.mark.parametrize("damage", [no_store, cut, overwritten])
def test_a_damaged_file_is_said_to_be_damaged(site: Site, damage: Callable[[Path], None]) -> None:
    damage(site.store)
    said = site.refused("status")
    assert "HUB-T-107" in said and "hub backup" in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_that_is_no_store_is_refused_by_every_command(site: Site, command: tuple[str, ...]) -> None:
    no_store(site.store)
    assert "HUB-T-107" in site.refused(*command)


def test_a_backup_in_the_place_of_a_damaged_file_is_worked_on(site: Site) -> None:
    site.run("backup", "copy.db")
    no_store(site.store)
    site.refused("sync")
    shutil.copy(site.path / "copy.db", site.store)
    site.run("sync", "--full", code=1)
    assert site.told("runs")[0]["state"] == "done"


# --- where the file is ---


@pytest.mark.parametrize("command", [("serve", "--no-http"), ("sync",)], ids=lambda command: command[0])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_store_that_may_not_be_written_is_refused(site: Site, what: str, command: tuple[str, ...]) -> None:
    place = site.store if what == "file" else site.store.parent
    place.chmod(0o444 if what == "file" else 0o555)
    before = site.store.read_bytes()
    words = [*(ORDINARY if os.geteuid() == 0 else []), *site.command(*command)]
    done = subprocess.run(words, env=site.variables(), capture_output=True, text=True, timeout=60, cwd=site.path, check=False)
    place.chmod(0o755)
    assert done.returncode == 2 and "HUB-T-102" in done.stderr, done.stderr
    assert "  File " not in done.stderr and site.store.read_bytes() == before


@pytest.mark.parametrize("what", ["directory", "parent"])
def test_a_path_that_cannot_hold_a_store_is_refused(tmp_path: Path, what: str) -> None:
    made = Directory(configs.write(tmp_path))
    if what == "directory":
        (tmp_path / "var" / "hub.db").mkdir(parents=True)
    else:
        (tmp_path / "var").write_text("a file")
    assert "HUB-T-102" in made.run("sync", code=2).stderr


# --- two hubs ---


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def on(path: Path, url: str) -> Directory:
    """Return a directory whose hub has its store there."""
    return Directory(configs.write(path, {"config/hub.yaml": configs.HUB.rstrip(" ") + f"    store: {url}\n"}))


def test_of_hubs_that_start_at_once_on_a_new_store_one_works(
    tmp_path: Path, store_url: str, started: list[subprocess.Popen[str]]
) -> None:
    """All of them find no tables and want to make them; one gets the lease, the others say who has it and leave."""
    site = on(tmp_path, store_url)
    started += [site.start("serve", "--no-http") for _ in range(4)]
    until(lambda: sum(process.poll() is not None for process in started) == 3, "three of four have left")
    alive = next(process for process in started if process.poll() is None)
    assert {process.returncode for process in started if process is not alive} == {5}
    log = (tmp_path / "hub.log").read_text()
    assert log.count("HUB-T-110") >= 3 and f"pid {alive.pid}" in log and "  File " not in log
    until(lambda: site.run("status", code=None).returncode != 2, "the store is whole")
    alive.send_signal(signal.SIGTERM)
    assert alive.wait(DEADLINE) == 143


def test_commands_that_start_at_once_on_a_new_store_all_end_well(
    tmp_path: Path, store_url: str, started: list[subprocess.Popen[str]]
) -> None:
    site = on(tmp_path, store_url)
    started += [site.start("status") for _ in range(4)]
    assert {process.wait(DEADLINE) for process in started} == {0}, (tmp_path / "hub.log").read_text()


def test_a_sync_beside_a_hub_at_work_is_done_by_it(site: Site, started: list[subprocess.Popen[str]]) -> None:
    started.append(site.start("serve", "--no-http"))
    until(lambda: site.told("status", code=None)["hub"]["running"], "it serves")
    done = site.run("sync", code=None)
    assert done.returncode in (0, 1) and "at work and does it" in done.stderr
    assert site.told("runs")[0]["state"] == "done"
