"""Everything that can happen to a hub, each as one step: what sources, far sides, people and machines do to it."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from hub.engine import feedback, maintain, replay
from hub.errors import Fenced
from hub.model import Judgement, Message, Operation, Record, State, Verdict
from hub.settings import Settings, load
from hub.store import Store, actions, cursors, outbox, schema, systems
from hub.store.scopes import Scope
from tests import configs, fakes
from tests.fault import owed, truthful
from tests.fault.mortal import Blow, Fate, Hub, MortalStore
from tests.fault.owed import Outbox
from tests.fault.truthful import Answer, Death

START = datetime(2016, 12, 13, 1, 0, tzinfo=UTC)
TOO_LONG = "名字过长的某某某"
#: What each far side promises; `table` also tells later what it thinks, `asked` wants an approval first, `keyed` is cut in two.
SINKS = {
    "table": "batch: 10, idempotent: true, findable: true, ordered_batch: true",
    "keyed": "idempotent: true",
    "asked": "batch: 3, findable: true",
    "blind": "",
}
SYSTEM = """
    version: 1
    system: {name}
    title: {name}
    adapter: tests.fault.truthful:TruthfulAdapter
    partitions: {partitions}
    retry: [1m, 10m]
    jitter: 0
    feedback: {{every: 5m}}
    options: {{{options}}}
    """
ROUTES = """
      - {{route: {name}-accept, title: 受理, from: local, kind: case, mapping: city/accept, to: {name}/accept, lane: BJBH,
         row: project_no, deletes: true{gate}}}
      - {{route: {name}-process, title: 过程, from: local, kind: step, mapping: city/process, to: {name}/process, lane: BJBH,
         deletes: true, parent: {{route: {name}-accept, key: BJBH}}}}
"""
#: What a former owner must leave as it is.
WRITTEN = (schema.delivery, schema.window, schema.attempt, schema.record, schema.run, schema.cursor, schema.system)
CASES, STEPS = ("A", "B"), ("A-1", "A-2", "B-1")  # a case and its steps share a lane
EVENTS = ("version", "version", "version", "same", "delete", "unmappable")


@cache
def configuration(sinks: tuple[str, ...], *, roomy: bool) -> Settings:
    """Return the configuration with these far sides; a roomy one takes long names."""
    contract = configs.CONTRACT_ACCEPT.replace("maxLength: 6", f"maxLength: {60 if roomy else 6}")
    files: dict[str, str | None] = {
        f"config/systems/{name}.yaml": SYSTEM.format(name=name, options=options, partitions=1 + (name == "keyed"))
        for name, options in SINKS.items()
        if name in sinks
    }
    routes = "".join(ROUTES.format(name=name, gate=", gate: true" * (name == "asked")) for name in sinks)
    local = configs.LOCAL.replace(", records: records.json", ", page: 2").replace('schedule: {cron: "*/5 * * * *"}', "")
    files |= {"config/systems/city.yaml": None, "config/routes/city.yaml": f"version: 1\nroutes:{routes}"}
    files |= {"config/systems/local.yaml": local, "mappings/contracts/city/accept.yaml": contract}
    with tempfile.TemporaryDirectory() as directory:
        configs.write(Path(directory), files)
        return load(Path(directory), env={})


class World:
    """One store, the hubs that ever worked on it, its far sides, and the dictionary that knows what must be owed."""

    def __init__(self, store: Store, sinks: tuple[str, ...]) -> None:
        truthful.forget()
        fakes.forget()
        self.now, self.roomy, self._revisions = START, False, 0
        self.sinks, self.wrong, self.frozen = sinks, list[str](), list[Hub]()
        self._fate = Fate(looks=self._look)
        self._store = MortalStore(store.engine, self._fate)
        self._pool = ThreadPoolExecutor(8)
        self.model = Outbox(sinks, tries=3, unmappable=self._unmappable)
        self.hub = self._start()
        for name in sinks:
            truthful.side(name).witness = self._arrives
            truthful.side(name).meanwhile = self._meanwhile

    def sink(self, which: int) -> str:
        """Return one of the far sides."""
        return self.sinks[which % len(self.sinks)]

    def close(self) -> None:
        """End all threads and connections."""
        self._pool.shutdown()
        self._store.close()

    # --- what the source and the far sides do ---

    def offer(self, key: str, what: str) -> None:
        """Let the source tell something of a record: a new version, the same once more, one that cannot be mapped, its end."""
        last = next((one for one in reversed(self.model.offered) if one.key == key), None)
        if what == "same":
            self._tell(last) if last else None
            return
        self._revisions += 1
        kind, case = ("step" if key in STEPS else "case"), key.split("-")[0]
        name = TOO_LONG if what == "unmappable" else f"v{self._revisions}"
        operation = Operation.DELETE if what == "delete" else Operation.UPDATE
        self._tell(Record(kind, key, f"r{self._revisions}", {"BJBH": case, "SQRMC": name, "ZT": "1"}, operation))

    def read(self, at: int, blow: Blow) -> None:
        """Read the source; the hub meets its fate at the `at`-th transaction (0: it does not)."""
        with self._struck(at, blow):
            run = self.hub.read()
            assert run.adds_up, "read is not accepted + unchanged + rejected (invariant 6)"

    def deliver(self, system: str, answers: Sequence[Answer], deaf: int, at: int, blow: Blow) -> None:
        """Send what is due to one far side, which answers so."""
        far = truthful.side(system)
        far.answers, far.deaf = deque(answers), deaf
        with self._struck(at, blow):
            for desk in self.hub.desks(system):
                self.hub.deliver(desk)
        far.answers.clear()

    def judge(self, which: int, judgement: Judgement) -> None:
        """Let the exchange table's later check say something about a case it has, if it has one."""
        far = truthful.side("table")
        cases = [one for one in far.arrived if one.endpoint == "accept" and far.kept[one.idempotency_key]]
        if cases:
            one = cases[which % len(cases)]
            far.verdicts.append(Verdict("accept", one.key, one.batch, judgement, told=f"V{len(far.verdicts)}"))
            self.model.judged(one, judgement)
            feedback.poll(self.hub.exchange, "table")

    def wait(self, time: timedelta) -> None:
        """Let time pass, and do the chores."""
        self.now += time
        if time > timedelta(days=3):
            self.model.say(self.model.in_state(State.ACCEPTED), "silent")
        maintain.maintain(self.hub.exchange)

    # --- what people do ---

    def retry(self, system: str, *, remap: bool) -> None:
        """Retry the dead letters of a system, as they are or mapped anew."""
        self.model.say(self.model.in_state(State.DEAD, State.REJECTED), "retry")
        replay.retry(self.hub.exchange, Scope(system=system), remap=remap, actor="test", reason="mended")

    def decide(self, system: str, state: State) -> None:
        """Decide about what is held: send it, call it delivered, or give it up."""
        self.model.decided(system, state)
        with self._store.writing() as connection:
            actions.decide_held(connection, Scope(system=system), state, actor="test", reason="decided", now=self.now)

    def give_up(self, system: str) -> None:
        """Give up what is dead, held or parked."""
        self.model.say(self.model.in_state(State.DEAD, State.REJECTED, State.HELD, State.PARKED), "cancel")
        with self._store.writing() as connection:
            actions.cancel(connection, Scope(system=system), actor="test", reason="given up", now=self.now)

    def pause(self, system: str) -> None:
        """Stop sending to a system."""
        with self._store.writing() as connection:
            systems.pause(connection, system, "test", self.now)

    def resume(self, system: str) -> None:
        """Send to a system again."""
        with self._store.writing() as connection:
            systems.resume(connection, system, self.now)

    def reload(self) -> None:
        """Work on with the other configuration."""
        self.roomy = not self.roomy
        self.hub = self._start()

    # --- what happens to hubs ---

    def freeze(self) -> None:
        """Let the hub freeze; another one takes over."""
        self.frozen.append(self.hub)
        self._takes_over()

    def wake(self) -> None:
        """Let a frozen hub wake: it can neither settle what it sent nor send anything (fencing)."""
        if not self.frozen:
            return
        former, before = self.frozen.pop(), self._everything()
        for desk in former.desks():
            with suppress(Fenced):
                former.deliver(desk)
        with pytest.raises(Fenced):
            former.read()
        assert self._everything() == before, "a former owner wrote or sent something"

    # --- what must be ---

    def check(self) -> None:
        """The model had nothing to complain about, and nothing is doubled."""
        assert not self.wrong, self.wrong[0]
        for name in self.sinks:
            self.model.at_most_once(name, truthful.side(name))

    def calm(self) -> None:
        """Let all be well for a month, chores included: whatever can move has arrived then."""
        for _ in range(8):
            self.wait(timedelta(days=4))
            for system in self.sinks:
                self.resume(system)
                self.deliver(system, (), 0, 0, Blow.DIES_BEFORE)
        self.check()
        self.model.rests()

    # --- how it is done ---

    def _tell(self, record: Record) -> None:
        self.model.offered.append(record)
        fakes.far("local").records.append(record)

    def _unmappable(self, record: Record) -> bool:
        return not self.roomy and record.kind == "case" and record.data["SQRMC"] == TOO_LONG

    def _start(self) -> Hub:
        return Hub(configuration(self.sinks, roomy=self.roomy), self._store, lambda: self.now, self._pool)

    def _takes_over(self) -> None:
        self._fate.at = 0
        with self._store.reading() as connection:
            self.model.say(outbox.in_flight(connection), "doubtful")
        self.hub = self._start()

    @contextmanager
    def _struck(self, at: int, blow: Blow) -> Iterator[None]:
        """Let the hub meet its fate at the `at`-th transaction that writes; after a death another hub takes over."""
        self._fate.at, self._fate.blow = at, blow
        working = self.hub
        try:
            yield
        except Death:
            self._takes_over()
        except OperationalError:
            with self._store.reading() as connection:
                self.model.say(outbox.in_flight(connection), "doubtful")
        except Fenced:
            assert self.hub is not working, "fenced without a new owner"
        self._fate.at, self.model.thawed = 0, False

    def _meanwhile(self) -> None:
        """Another hub takes over and does what there is to do, while a call of this one is on its way."""
        self._takes_over()
        sides = [truthful.side(name) for name in self.sinks]
        later = [(side, side.answers) for side in sides]
        for side in sides:
            side.answers = deque()
        for desk in self.hub.desks():
            self.hub.deliver(desk)
        for side, answers in later:
            side.answers = answers
        self.model.thawed = True

    def _look(self) -> None:
        with self._store.reading() as connection, self._noted():
            cursor = cursors.get(connection, "source:local")
            self.model.look(owed.read(connection), int(cursor or 0), outbox.in_flight(connection))

    def _arrives(self, system: str, message: Message, answer: Answer, before: Sequence[Message]) -> None:
        with self._noted():
            self.model.arrives(system, message, answer, {one.id for one in before})

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Keep what the model complains about inside the hub's own code, which would take it for an adapter's bug."""
        try:
            yield
        except AssertionError as wrong:
            self.wrong.append(str(wrong))

    def _everything(self) -> Any:
        with self._store.reading() as connection:
            tables = [
                connection.execute(sa.select(table)).all() for table in (schema.delivery, schema.window, schema.record, schema.run)
            ]
        return tables, [list(truthful.side(name).arrived) for name in self.sinks]
