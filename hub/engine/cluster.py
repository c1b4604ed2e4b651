"""The engine of many workers on one PostgreSQL: Procrastinate says who works on what, now; the outbox stays the truth.

A job is the name of a partition, and exists only while there is something to do in it. It takes the partition, which fences whoever
had it, works for a bounded time, and ends. Who is gone is told by the roster's beats, and its jobs are forgotten: the next look at
the outbox makes new ones.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.job_context import JobContext
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.engine import look
from hub.engine.exchange import Exchange
from hub.engine.front import Front
from hub.engine.gate import SharedGate
from hub.engine.jobs import Jobs
from hub.engine.roster import Roster
from hub.engine.turns import LOOK_SECONDS, Turns
from hub.store import dialect, enginetables, workers

log = logging.getLogger(__name__)

#: Most partitions one worker is at at once: the store's connections are shared with HTTP.
MOST = 24
#: Seconds between tries to come back to a store that is away.
RETURN_SECONDS = 1.0
TASK = "hub"
#: Deliveries and readings never wait for each other.
DELIVERIES, READINGS = "deliver", "read"

_ORPHANS = """
SELECT job.id, job.lock FROM procrastinate_jobs job JOIN procrastinate_events event ON event.job_id = job.id
WHERE job.status = 'doing' AND event.type = 'started' AND job.lock IS NOT NULL
GROUP BY job.id HAVING max(event.at) < now() - make_interval(secs => %(lost)s)
"""


class _Share(Worker):
    """A worker of one queue that takes no more than its share, and looks for the next job as soon as one is done."""

    def __init__(self, app: App, queue: str, parts: int, roster: Roster) -> None:
        super().__init__(
            app,
            queues=[queue],
            concurrency=min(MOST, max(1, parts)),
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            fetch_job_polling_interval=LOOK_SECONDS,
        )
        self.over = threading.Event()
        self._parts, self._roster = parts, roster
        self._kept = 0

    async def live(self) -> None:
        """Run until stopped, also when that happened before."""
        if not self.over.is_set():
            await self.run()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        self.over.set()  # the jobs under way wind down at once
        super().stop()  # type: ignore[no-untyped-call]

    def _start_side_tasks(self) -> list[asyncio.Task[Any]]:
        return [*super()._start_side_tasks(), asyncio.create_task(self._sharing(), name="share")]

    async def _process_job(self, context: JobContext) -> None:
        try:
            await super()._process_job(context)
        except exceptions.ConnectorException as error:
            log.info("the end of %s could not be written: %s", context.job.lock, error, extra={"event": "engine.job_gone"})
        finally:
            self._new_job_event.set()  # what waited behind it is told to nobody

    async def _sharing(self) -> None:
        """Keep back the slots that are beyond our share."""
        while True:
            surplus = self.concurrency - min(self.concurrency, self._roster.share(self._parts))
            if self._kept > surplus:
                self._kept -= 1
                self._job_semaphore.release()
            elif self._kept < surplus:
                await self._job_semaphore.acquire()
                self._kept += 1
            else:
                await asyncio.sleep(LOOK_SECONDS)


class ClusterEngine(Front):
    """Works for one exchange beside other processes on the same store (see `hub.engine.port.Engine`)."""

    def __init__(self, exchange: Exchange, *, scheduled: bool = True) -> None:
        super().__init__(exchange)
        self._turns = Turns(exchange, scheduled=scheduled)
        self._roster = Roster(exchange)
        exchange.unbroken, exchange.clock = self._roster.unbroken, self._roster.clock
        self._stopping = threading.Event()
        self._rung: set[str] = set()
        self._bell = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._workers: list[_Share] = []
        self._jobs = Jobs(exchange, self._roster, self.wake, self._stopping)

    def start(self) -> None:
        """Join the workers and begin to work. Raises StoreUnfit HUB-T-102 where the engine's tables cannot be made."""
        try:
            self._install()
        except DBAPIError as error:
            raise dialect.unreachable(error) from error
        self._gates = {one.name: SharedGate(self._exchange, one.name) for one in self._exchange.settings.sources() if one.pushes}
        self._roster.join()
        self._thread.start()

    def wake(self, *systems: str) -> None:
        """Look at these systems at once, and let whichever worker is free begin."""
        if self._stopping.is_set():
            return
        with suppress(RuntimeError):  # the loop has just been closed
            self._loop.call_soon_threadsafe(self._ring, systems)

    def _ring(self, systems: Iterable[str]) -> None:
        self._rung.update(systems)
        self._bell.set()

    def stop(self, within: float) -> bool:
        """Finish what is in flight and end; False when something was still at it after `within` seconds."""
        self._stopping.set()
        until = time.monotonic() + within
        late = [gate for gate in self._gates.values() if not gate.close(until)]
        if self._thread.is_alive():
            with suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._end)
            self._thread.join(max(0.0, until - time.monotonic()))
        clean = not self._thread.is_alive() and not late
        self._jobs.close(wait=clean)
        if clean:
            self._roster.leave()
        return clean

    def _end(self) -> None:
        self._bell.set()
        for worker in self._workers:
            worker.stop()

    def ended(self) -> list[str]:
        """Return `engine` when it has ended although nobody stopped it."""
        died = self._thread.ident is not None and not self._thread.is_alive()
        return ["engine"] if died and not self._stopping.is_set() else []

    # --- inside the loop's thread ---

    def _run(self) -> None:
        executor = ThreadPoolExecutor(2 * MOST + 4, thread_name_prefix="job")
        self._loop.set_default_executor(executor)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            executor.shutdown()
            self._loop.close()

    async def _live(self) -> None:
        """Work until stopped; whatever ends a session, another begins."""
        while not self._stopping.is_set():
            try:
                await self._session()
            except (SQLAlchemyError, exceptions.ConnectorException, OSError) as error:
                log.warning("the store does not answer: %s", type(error).__name__, extra={"event": "engine.store_away"})
            except Exception:
                log.exception("the engine failed and begins anew", extra={"event": "engine.error"})
                self._exchange.metrics.errors.labels("schedule").inc()
            if not self._stopping.is_set():
                await asyncio.sleep(RETURN_SECONDS)

    async def _session(self) -> None:
        await asyncio.to_thread(self._exchange.lease.look)  # whatever ended the session before may have ended that, too
        if self._exchange.lease.refused:
            return
        await asyncio.to_thread(self._install)
        app = self._app()
        async with app.open_async():
            deliveries = _Share(app, DELIVERIES, look.most_deliveries(self._exchange), self._roster)
            self._workers = [deliveries, _Share(app, READINGS, look.most_readings(self._exchange), self._roster)]
            if self._stopping.is_set():
                return
            parts = [self._together(self._looking(app)), *(self._together(worker.live()) for worker in self._workers)]
            for failure in await asyncio.gather(*parts, return_exceptions=True):
                if failure is not None:
                    raise failure

    async def _together(self, part: Awaitable[None]) -> None:
        """Carry out one part of a session; when it ends, for whatever reason, the others do."""
        try:
            await part
        finally:
            self._end()

    def _app(self) -> App:
        url = self._exchange.store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        options = {
            **dialect.server_arguments(f"search_path={enginetables.SCHEMA}"),
            "application_name": f"hub {self._exchange.owner}",
        }
        app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=4, kwargs=options))
        app.task(name=TASK)(self._job)
        return app

    def _install(self) -> None:
        if enginetables.install(self._exchange.store.engine, "procrastinate_jobs", SchemaManager.get_schema()):
            log.info("the engine's tables are new", extra={"event": "engine.installed"})

    def _job(self, name: str) -> None:
        self._jobs.do(name, self._over)

    def _over(self) -> bool:
        """Tell whether nothing more is to be begun: stopped, a session that ends, or another hub that works on the store."""
        ended = any(worker.over.is_set() for worker in self._workers)
        return ended or self._stopping.is_set() or self._exchange.lease.refused

    async def _looking(self, app: App) -> None:
        """Each second, and when the bell rings: find what there is to do and say so to all workers."""
        while not self._over():
            rung, self._rung = self._rung, set()
            self._bell.clear()
            for name in await asyncio.to_thread(self._turns.look, rung):
                await self._defer(app, name)
            if self._roster.sure:
                await self._forget_orphans(app)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), LOOK_SECONDS)

    async def _defer(self, app: App, name: str) -> None:
        queue = DELIVERIES if name.startswith("deliver:") else READINGS
        with suppress(exceptions.AlreadyEnqueued):
            await app.configure_task(TASK, queue=queue, lock=name, queueing_lock=name).defer_async(name=name)

    async def _forget_orphans(self, app: App) -> None:
        """Forget the jobs no living worker says it is at: of the dead, the frozen, and those whose end was not written."""
        manager = app.job_manager
        left = await manager.connector.execute_query_all_async(_ORPHANS, lost=workers.LOST.total_seconds())
        held = {name for one in self._roster.living for name in one.holds} if left else set()
        for job in left:
            if job["lock"] not in held:
                log.warning("%s is taken over: who was at it is gone", job["lock"], extra={"event": "engine.taken_over"})
                with suppress(exceptions.ConnectorException):  # another worker was quicker
                    await manager.finish_job_by_id_async(job["id"], Status.ABORTED, delete_job=True)
                await self._defer(app, job["lock"])
