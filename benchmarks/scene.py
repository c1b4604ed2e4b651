"""Decides what the hub of a benchmark is set up with: databases of its own, one source of cases, one mapping, one target."""

from __future__ import annotations

import multiprocessing
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from sqlalchemy import NullPool, create_engine, make_url

from benchmarks import mapping

_T = TypeVar("_T")
PAGE, BATCH = 1000, 500


def apart(work: Callable[..., _T], *arguments: object) -> _T:
    """Call a function in a process of its own, so that no side inherits the memory and the threads of another."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


@contextmanager
def directory() -> Iterator[Path]:
    """Yield an empty directory."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as name:
        yield Path(name)


@contextmanager
def database(server: str, root: Path) -> Iterator[str]:
    """Yield the URL of a new, empty database: on that server, or a file below `root` when there is none."""
    name = f"hub_bench_{uuid.uuid4().hex[:12]}"
    if not server:
        yield f"sqlite:///{root}/{name}.db"
        return
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def to_table(url: str) -> dict[str, Any]:
    """Return a system that takes batches into an exchange table."""
    endpoints = {"accept": {"table": "up_pro_accept", "key": "row_guid"}}
    return {"adapter": "database", "options": {"url": url, "batch": BATCH, "endpoints": endpoints}}


def to_rest(url: str, *, in_flight: int = 4, batch: int = 1) -> dict[str, Any]:
    """Return a system that takes posts, one record each unless `batch` says otherwise."""
    accept: dict[str, Any] = {"method": "POST", "path": "/accept", "idempotent": True}
    if batch > 1:
        accept["batch"] = {"size": batch}
    answers = [{"path": "/code", "equals": "200", "means": "taken"}]
    options = {"base_url": url, "in_flight": in_flight, "answers": answers, "endpoints": {"accept": accept}}
    return {"adapter": "rest", "in_flight": in_flight, "options": options}


def to_nowhere() -> dict[str, Any]:
    """Return a system inside the hub's own process that takes whole batches at once."""
    return {"adapter": "benchmarks.far:Taking", "options": {"batch": BATCH}}


def configure(root: Path, *, local: str, store: str, sink: dict[str, Any], checks: bool = True, **more: Any) -> None:
    """Write the configuration of one source, one mapping and one sink; `more` are further keys of the sink's system."""
    mapping.ours(root / "mappings", checks=checks)
    hub = {"name": "bench", "title": "压测", "division": "621125", "timezone": "Asia/Shanghai", "store": store}
    feeds = {"case": {"table": "T_BJ", "key": "BENCHID", "time": "GXSJ", "page": PAGE}}
    source = {"adapter": "database", "options": {"url": local, "feeds": feeds}}
    write(root, "hub", hub)
    write(root, "systems/local", {"system": "local", "title": "本地库", **source})
    write(root, "systems/bench", {"system": "bench", "title": "对方", **sink, **more})
    write(root, "routes/bench", {"routes": [route("local")]})


def route(source: str) -> dict[str, str]:
    """Return the route from a source to the sink."""
    what = {"title": "受理", "from": source, "kind": "case", "mapping": "accept", "to": "bench/accept", "lane": "BJBH"}
    return {"route": "accept" if source == "local" else f"accept-{source}", **what}


def write(root: Path, name: str, content: dict[str, Any]) -> None:
    """Write one file of `config/`."""
    path = root / "config" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"version": 1, **content}, allow_unicode=True, sort_keys=False), "utf-8")
