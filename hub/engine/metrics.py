"""The metrics contract: every series the hub exports, with its labels; all labels are bounded, none is a key."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from hub.mapping import Severity
from hub.model import Circuit, State, Taken
from hub.quality import catalogue
from hub.store.runs import RunState, Trigger
from hub.store.views import OPEN

disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series, and nothing here asks for them

#: Seconds; from a fast gateway to a request nobody waits for any more.
_ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
#: Seconds; from «at once» to «the target was down over the week-end».
_AGE_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 72 * 3600)

#: The values labels may take, beside the configured systems and routes.
RESULTS = ("read", "accepted", "unchanged", "rejected", "filtered")
MAPPED = ("mapped", "unmappable")
OUTCOMES = (*(one.value for one in Taken), "retryable", "in-doubt", "deferred", "rejected", "misconfigured")
FINALS = tuple(state.value for state in (State.DELIVERED, State.ACCEPTED, State.CONFIRMED, State.REJECTED, State.HELD, State.DEAD))
VERDICTS = tuple(one.value for one in (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED))
POLLS = ("ok", "failed", "unreadable")
PUSHES = ("taken", "repeated", "refused", "unauthentic")
#: The numbers of the rule catalogue; an issue that bears none of them counts as the last.
RULES = (*catalogue(), "-")
SEVERITIES = tuple(one.value for one in Severity)
#: The state of what is pending behind a held delivery: nothing a hub could send.
BEHIND = "behind"
QUEUED = (*(state.value for state in OPEN), BEHIND)
STEPS = ("deliver", "collect", "feedback", "schedule", "maintain", "look")


class Metrics:
    """One set of series in a registry of its own, so that two hubs in one process never mix (tests, demo)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._sources()
        self._deliveries()
        self._systems()
        self._hub()

    def _sources(self) -> None:
        add = self.registry
        self.records = Counter("hub_source_records", "Records read, by what became of them", ["system", "result"], registry=add)
        self.mapped = Counter("hub_mapped_records", "Records mapped for a route", ["route", "result"], registry=add)
        self.pushes = Counter("hub_pushes", "Pushes that came, by what became of them", ["system", "result"], registry=add)
        self.issues = Counter(
            "hub_quality_issues", "Issues that mappings and contracts found, by rule", ["rule", "severity"], registry=add
        )
        self.runs = Counter("hub_sync_runs", "Ended runs", ["system", "trigger", "verdict"], registry=add)
        self.broken = Counter("hub_run_equation_broken", "Ended runs whose account does not add up", ["system"], registry=add)
        self.short = Gauge("hub_feed_short", "1 while a feed gives less than is expected of it", ["system", "kind"], registry=add)
        self.run_seconds = Histogram(
            "hub_sync_run_duration_seconds", "Length of runs", ["system"], registry=add, buckets=_AGE_BUCKETS
        )
        self.last_success = Gauge(
            "hub_sync_last_success_timestamp_seconds", "When a run of the source last read to its end", ["system"], registry=add
        )
        self.next_run = Gauge("hub_sync_next_run_timestamp_seconds", "When the source is due next", ["system"], registry=add)

    def _deliveries(self) -> None:
        add = self.registry
        self.attempts = Counter("hub_delivery_attempts", "Closed attempts", ["system", "outcome"], registry=add)
        self.final = Counter("hub_deliveries", "Deliveries that reached this state", ["system", "final"], registry=add)
        self.polls = Counter("hub_feedback_polls", "Polls for later verdicts", ["system", "result"], registry=add)
        self.rate_wait = Counter(
            "hub_rate_limit_wait_seconds",
            "Seconds that due deliveries waited because the rate allowed no call",
            ["system"],
            registry=add,
        )
        self.attempt_seconds = Histogram(
            "hub_delivery_attempt_duration_seconds",
            "Length of one call of a sink",
            ["system"],
            registry=add,
            buckets=_ATTEMPT_BUCKETS,
        )
        self.end_to_end = Histogram(
            "hub_delivery_end_to_end_seconds",
            "From acceptance in the hub to receipt",
            ["system"],
            registry=add,
            buckets=_AGE_BUCKETS,
        )

    def _systems(self) -> None:
        add = self.registry
        self.queue = Gauge(
            "hub_queue_records",
            "Deliveries in an open state; behind: pending, but after a held one",
            ["system", "state"],
            registry=add,
        )
        self.oldest = Gauge(
            "hub_queue_oldest_timestamp_seconds",
            "When the oldest owed delivery was accepted that waits for no person",
            ["system"],
            registry=add,
        )
        self.circuit = Gauge(
            "hub_circuit_breaker_state",
            "1 for how the system's circuit stands, 0 for the others",
            ["system", "state"],
            registry=add,
        )
        self.closed = Gauge("hub_system_closed", "1 outside its opening hours and during its maintenance", ["system"], registry=add)
        self.at_risk = Gauge(
            "hub_deadline_at_risk_records", "Pending deliveries promised for a time within a day, or past", ["system"], registry=add
        )
        self.paused = Gauge("hub_system_paused", "1 while nothing is sent to the system on purpose", ["system"], registry=add)
        self.resting = Gauge("hub_system_resting", "1 while a target that is down is left alone", ["system"], registry=add)

    def _hub(self) -> None:
        add = self.registry
        self.store_bytes = Gauge("hub_store_size_bytes", "Size of the store", registry=add)
        self.errors = Counter("hub_engine_errors", "Errors of the hub itself, by step", ["step"], registry=add)
        self.workers = Gauge("hub_workers", "Workers that share this store and beat, as this one sees it", registry=add)
        self.held = Gauge("hub_partitions_held", "Partitions this worker is at", registry=add)
        self.build = Gauge("hub_build_info", "Always 1", ["version"], registry=add)
        self.config = Gauge("hub_config_info", "Always 1", ["digest"], registry=add)
        self.reload_ok = Gauge("hub_config_last_reload_successful", "1 when the last reload was taken over", registry=add)
        self.reload_at = Gauge(
            "hub_config_last_reload_success_timestamp_seconds", "When a configuration was last taken over", registry=add
        )

    def begin(self, *, version: str, digest: str, sources: Iterable[str], sinks: Iterable[str], systems: Iterable[str],
              routes: Iterable[str], polled: Iterable[str] = (), pushed: Iterable[str] = (),
              expected: Iterable[tuple[str, str]] = ()) -> None:  # fmt: skip
        """Put every series of this configuration at zero, and forget gauges of systems that are no longer configured.

        A counter that first appears with its first increment hides that increment from `rate()`.
        """
        self._forget()
        self.build.labels(version).set(1)
        self.config.labels(digest).set(1)
        for step in STEPS:
            self.errors.labels(step)
        _begin(self.mapped, routes, MAPPED)
        _begin(self.issues, RULES, SEVERITIES)
        _begin(self.polls, polled, POLLS)
        _begin(self.pushes, pushed, PUSHES)
        for system, kind in expected:
            self.short.labels(system, kind)
        for name in sources:
            self._begin_source(name)
        for name in sinks:
            self._begin_sink(name)
        for name in systems:
            self._begin_system(name)

    def _forget(self) -> None:
        of_systems = (self.queue, self.oldest, self.paused, self.resting, self.circuit, self.closed, self.at_risk, self.short)
        for gauge in (*of_systems, self.next_run, self.last_success, self.build, self.config):
            gauge.clear()

    def _begin_source(self, name: str) -> None:
        for result in RESULTS:
            self.records.labels(name, result)
        for trigger, verdict in product(Trigger, VERDICTS):
            self.runs.labels(name, trigger.value, verdict)
        self.run_seconds.labels(name)
        self.broken.labels(name)
        self.last_success.labels(name)

    def _begin_sink(self, name: str) -> None:
        for outcome in OUTCOMES:
            self.attempts.labels(name, outcome)
        for final in FINALS:
            self.final.labels(name, final)
        self.rate_wait.labels(name)
        self.attempt_seconds.labels(name)
        self.end_to_end.labels(name)

    def _begin_system(self, name: str) -> None:
        self.paused.labels(name)
        self.resting.labels(name)
        self.closed.labels(name)
        for circuit in Circuit:
            self.circuit.labels(name, circuit.value).set(circuit is Circuit.CLOSED)
        self.oldest.labels(name)
        for state in QUEUED:
            self.queue.labels(name, state)


def _begin(counter: Counter, names: Iterable[str], results: Iterable[str]) -> None:
    for name, result in product(names, results):
        counter.labels(name, result)
