"""Measures benchmark (h): how long a record takes from the source's commit to its receipt, when the hub is idle and when it is not.

    python -m benchmarks.latency [--samples 200] [--seconds 20] [--minutes 2] [--burst 5000] [--share 0.7] [--server URL]

`hub serve` is a process of its own, and so is the far side, which takes one record a call, four at once. Records come in four ways:
a push; a commit in the local database and a wish for a run (POST /api/v1/runs); a commit alone, found by the schedule, which is
every minute at most; and, beside the hub, a commit and a plain script that reads the row, converts and posts it at once. Then a
burst shows what the hub sustains, and the first two ways are measured again at that share of it. Printed are percentiles in ms:
from the commit to the receipt, and of that the hub's own part, from the beginning of acceptance to the receipt. The store keeps
whole ms.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import random
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import orjson
from sqlalchemy import Engine, MetaData, Table, create_engine, func, insert, select

from benchmarks import mapping, markdown, plain, scene, tables
from benchmarks.far import far_side
from benchmarks.hubs import Running, running, until
from hub.model import State
from hub.store import Store, open_store, schema

_KEY = b"a secret of the benchmarks"
_SECRET = "whsec_" + base64.b64encode(_KEY).decode()
_ZONE = ZoneInfo("Asia/Shanghai")
#: The first number of the plain script's records: the hub may find some before they are deleted, and they do not count.
_SCRIPTED = 10**9
#: Seconds between two bursts of the load.
_BEAT = 0.05


def main() -> None:
    """Measure all ways and print the table."""
    options = _options()
    with ExitStack() as stack:
        bench = _set_up(stack, options.server)
        idle = options.samples, 0.25
        rows = [_row("plain script, woken", bench.scripted(*idle), ())]
        rows.append(bench.measured("idle, push", partial(bench.one_by_one, *idle, bench.push)))
        rows.append(bench.measured("idle, commit and POST", partial(bench.one_by_one, *idle, bench.commit_and_wish)))
        if options.minutes:
            often = int(options.minutes * 60 / 1.1)
            rows.append(bench.measured("idle, schedule each minute", partial(bench.one_by_one, often, 1.1, bench.commit)))
        rate = bench.sustained(options.burst)
        for name, give in (("push", bench.push), ("commit and POST", bench.commit_and_wish)):
            load = partial(bench.loaded, rate * options.share, options.seconds, give)
            rows.append(bench.measured(f"{options.share:.0%} of {rate:,.0f}/s, {name}", load))
    print(f"{markdown.about()}; {'PostgreSQL' if options.server else 'SQLite'}; ms\n")
    head = ("", "records", "commit → receipt p50", "p95", "p99", "hub's part p50", "p95", "p99")
    print(markdown.table(head, rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200, help="records of each way while idle, four a second")
    parser.add_argument("--seconds", type=float, default=20, help="of each way under load")
    parser.add_argument("--minutes", type=float, default=2, help="of waiting for the schedule; 0 leaves it out")
    parser.add_argument("--burst", type=int, default=5000, help="records that show what is sustained")
    parser.add_argument("--share", type=float, default=0.7, help="of what is sustained")
    parser.add_argument("--server", default="", help="SQLAlchemy URL of a PostgreSQL database; others are made beside it")
    return parser.parse_args()


def _row(name: str, whole: Sequence[float], own: Sequence[float]) -> list[str]:
    shares = (0.5, 0.95, 0.99)
    cells = [f"{markdown.percentile(values, share) * 1000:,.1f}" if values else "–" for values in (whole, own) for share in shares]
    return [name, f"{len(whole):,}", *cells]


def _set_up(stack: ExitStack, server: str) -> _Bench:
    root = stack.enter_context(scene.directory())
    local, url = (stack.enter_context(scene.database(server, root)) for _ in range(2))
    far = stack.enter_context(far_side())
    scene.configure(root, local=local, store=url, sink=scene.to_rest(far.url))
    _configure_ways_in(root, local)
    tables.fill(local, 0)
    hub = stack.enter_context(running(root, "serve", environment={"TOWN_SECRET": _SECRET}))
    store = open_store(url)
    stack.callback(store.close)
    engine = create_engine(local)
    stack.callback(engine.dispose)
    return _Bench(hub, store, engine, far.url, stack.enter_context(httpx.Client()))


def _configure_ways_in(root: Path, local: str) -> None:
    """Let the local database be read each minute with a short overlap, and a township push."""
    feeds = {"case": {"table": "T_BJ", "key": "BENCHID", "time": "GXSJ", "overlap": "2s"}}
    source = {"adapter": "database", "schedule": {"cron": "* * * * *"}, "options": {"url": local, "feeds": feeds}}
    scene.write(root, "systems/local", {"system": "local", "title": "本地库", **source})
    auth = {"type": "standard-webhooks", "secret": "${TOWN_SECRET}"}
    pushed = {"adapter": "push", "options": {"auth": auth, "feeds": {"case": {"format": "json", "key": ["BENCHID"]}}}}
    scene.write(root, "systems/town", {"system": "town", "title": "乡镇", **pushed})
    scene.write(root, "routes/bench", {"routes": [scene.route("local"), scene.route("town")]})


@dataclass
class _Bench:
    """A running hub, its store seen from outside, and the ways records come to it."""

    hub: Running
    store: Store
    local: Engine
    far: str
    client: httpx.Client
    table: Table = field(default_factory=lambda: tables.local_table(MetaData()))
    given: int = 0

    # --- ways in: each returns the second since 1970 at which the source had committed ---

    def commit(self, numbers: Iterable[int]) -> float:
        """Commit rows in the local database."""
        names = [column.name for column in self.table.columns]
        now = f"{datetime.now(_ZONE):%Y-%m-%d %H:%M:%S}"
        with self.local.begin() as connection:
            rows = [dict(zip(names, (*tables.columns_of(number), now), strict=True)) for number in numbers]
            connection.execute(insert(self.table), rows)
        return time.time()

    def commit_and_wish(self, numbers: Iterable[int]) -> float:
        """Commit rows, and ask for a run."""
        committed = self.commit(numbers)
        self.client.post(f"{self.hub.url}/api/v1/runs", json={"source": "local"}).raise_for_status()
        return committed

    def push(self, numbers: Iterable[int]) -> float:
        """Push rows that the far side has just committed."""
        committed = time.time()
        body = orjson.dumps([{"BENCHID": f"{number:010}", **mapping.record(number)} for number in numbers])
        name, at = uuid.uuid4().hex, str(int(committed))
        signed = base64.b64encode(hmac.digest(_KEY, f"{name}.{at}.".encode() + body, hashlib.sha256)).decode()
        headers = {"webhook-id": name, "webhook-timestamp": at, "webhook-signature": f"v1,{signed}"}
        answer = self.client.post(f"{self.hub.url}/api/v1/push/town/case", content=body, headers=headers)
        answer.raise_for_status()
        return committed

    def _next(self, count: int) -> range:
        self.given += count
        return range(self.given - count, self.given)

    # --- rhythms: each returns when which record was committed ---

    def one_by_one(self, count: int, pause: float, give: Callable[[Iterable[int]], float]) -> dict[int, float]:
        """Give single records, that long apart on average."""
        committed = {}
        for _ in range(count):
            (number,) = numbers = self._next(1)
            committed[number] = give(numbers)
            time.sleep(pause * random.uniform(0.6, 1.4))
        return committed

    def loaded(self, rate: float, seconds: float, give: Callable[[Iterable[int]], float]) -> dict[int, float]:
        """Give so many records a second, in small bursts."""
        committed: dict[int, float] = {}
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            numbers = self._next(max(1, int(rate * passed) - len(committed)))
            committed.update(dict.fromkeys(numbers, give(numbers)))
            time.sleep(max(0.0, _BEAT - (time.monotonic() - began - passed)))
        return committed

    def sustained(self, count: int) -> float:
        """Return how many records a second the hub takes and delivers when it is given them all at once."""
        began = self.commit_and_wish(self._next(count))
        self._settle()
        with self.store.reading() as connection:
            last = connection.scalar(select(schema.delivery.c.changed_at).order_by(schema.delivery.c.changed_at.desc()).limit(1))
        return count / (int(last or 0) / 1000 - began)

    def scripted(self, count: int, pause: float) -> list[float]:
        """Commit single rows and let a plain script that is woken at once read, convert and post each."""
        make = plain.converter()
        taken: list[float] = []
        with plain.ByPost(self.far) as far:
            for _ in range(count):
                numbers = range(_SCRIPTED + len(taken), _SCRIPTED + len(taken) + 1)
                committed = self.commit(numbers)
                with self.local.connect() as reading:
                    query = select(self.table).where(self.table.c.BENCHID.in_([f"{numbers[0]:010}"]))
                    row = reading.execute(query).mappings().one()
                far.take([make(dict(row))])
                taken.append(time.time() - committed)
                time.sleep(pause * random.uniform(0.2, 0.6))
        with self.local.begin() as connection:  # the hub is not to find them
            connection.execute(self.table.delete())
        return taken

    def measured(self, name: str, give: Callable[[], dict[int, float]]) -> list[str]:
        """Give records, wait for their receipts, and return the row of the table."""
        committed = give()
        self._settle()
        ours = schema.delivery
        with self.store.reading() as connection:
            rows = connection.execute(select(ours.c.key, ours.c.created_at, ours.c.changed_at).where(ours.c.id > 0)).all()
        found = [(int(key), created / 1000, changed / 1000) for key, created, changed in rows if int(key) in committed]
        assert len(found) == len(committed), (name, len(found), len(committed))
        print(f"{name}: {len(found):,} records", flush=True)
        return _row(name, [changed - committed[key] for key, _, changed in found], [changed - at for _, at, changed in found])

    def _settle(self) -> None:
        ours = schema.delivery
        query = select(ours.c.id).where(ours.c.state != State.DELIVERED.value, schema.OPEN).limit(1)
        count = select(func.count()).select_from(ours).where(ours.c.key < f"{_SCRIPTED:010}")

        def quiet() -> bool:
            with self.store.reading() as connection:
                return (connection.scalar(count) or 0) >= self.given and connection.execute(query).first() is None

        until(quiet, "everything is delivered", pause=0.5)


if __name__ == "__main__":
    main()
