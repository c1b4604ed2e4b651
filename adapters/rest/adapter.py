"""Decides how the rest adapter keeps the hub's contract: which endpoint takes a message, what it promises, what it can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from adapters.kit.answers import Judge
from adapters.kit.lanes import batches_in_lane_order, each_in_lane_order
from adapters.rest.endpoints import Delivery
from adapters.rest.feedback import Verdicts
from adapters.rest.feeds import Reader, read_all
from adapters.rest.options import RestOptions
from adapters.rest.session import Session
from hub.errors import Failure, Misconfigured
from hub.model import Guarantees, Message, Page, Receipt, VerdictPage
from hub.ports import Options, Outcome


class RestAdapter:
    """A far side that speaks HTTP. Serves as sink for its `endpoints`, as source for its `feeds`."""

    name: ClassVar[str] = "rest"
    options: ClassVar[type[Options]] = RestOptions

    def __init__(self, options: RestOptions, *, system: str) -> None:
        self.system = system
        self._options = options
        self._session = Session(options)
        self._deliveries = {name: Delivery(endpoint, options, self._session) for name, endpoint in options.endpoints.items()}
        self._readers = {kind: Reader(kind, feed, options, self._session) for kind, feed in options.feeds.items()}
        self._verdicts = Verdicts(options.feedback, options, self._session)
        self._check_call = self._session.compile(options.check) if options.check else None
        self._sends_batches = any(delivery.size > 1 for delivery in self._deliveries.values())

    def guarantees(self) -> Guarantees:
        """Promise what holds for every endpoint; messages of one lane are sent in order, whatever the batch."""
        endpoints = self._options.endpoints.values()
        sizes = {delivery.size for delivery in self._deliveries.values()}
        return Guarantees(
            idempotent=bool(endpoints) and all(endpoint.idempotent for endpoint in endpoints),
            findable=bool(endpoints) and all(endpoint.find for endpoint in endpoints),
            ordered_batch=True,
            batch=max(sizes, default=1),
            in_flight=self._options.in_flight,
            singly=len(sizes) > 1,  # what fits into the largest batch is several requests of another
        )

    def endpoints(self) -> frozenset[str]:
        """Return the configured endpoints."""
        return frozenset(self._deliveries)

    def kinds(self) -> frozenset[str]:
        """Return the kinds that have a feed."""
        return frozenset(self._readers)

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._session.close()

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Deliver in lane order, in one request each or in batches."""
        if not self._sends_batches:
            return each_in_lane_order(messages, lambda message: self._delivery(message).send_one(message))
        return batches_in_lane_order(
            messages,
            lambda message: (message.endpoint, self._delivery(message).size),
            lambda batch: self._delivery(batch[0]).send(batch) if len(batch) > 1 else [self._one(batch[0])],
        )

    def find(self, message: Message) -> Receipt | None:
        """Look a message up as its endpoint's `find` says."""
        return self._delivery(message).find(message)

    def check(self) -> None:
        """Ask as `check` says; without it fetch a token, or else only connect. Raises a Failure."""
        options = self._options.check
        if self._check_call is not None and options is not None:
            judge = Judge([*options.answers, *self._options.answers], expect=options.expect)
            outcome = judge(self._session.ask(self._check_call))
            if isinstance(outcome, Failure):
                raise outcome
            return
        if self._session.tokens is not None:
            self._session.tokens.current()
        self._session.http.reach(self._options.base_url)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Read every feed from where `cursor` says, in the order they are configured."""
        return read_all(self._readers, cursor)

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        """Read the verdicts of every feedback, in the order they are configured. Raises SourceFailed."""
        return self._verdicts.pages(cursor)

    def _one(self, message: Message) -> Outcome:
        return self._delivery(message).send_one(message)

    def _delivery(self, message: Message) -> Delivery:
        found = self._deliveries.get(message.endpoint)
        if found is None:
            raise Misconfigured("HUB-D-111", f"system {self.system} has no endpoint {message.endpoint}")
        return found
