"""Decides which configured call serves which port of the hub: endpoints deliver, feeds read, look-ups settle doubts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

from adapters.kit.answers import compiled
from adapters.kit.lanes import each_in_lane_order
from adapters.kit.tls import reach
from adapters.soap.call import Exchange, taken
from adapters.soap.feed import FeedbackReader, FeedReader
from adapters.soap.options import Endpoint, Find, FindRule, SoapOptions
from adapters.soap.placeholders import OF_CHECK, OF_MESSAGE
from adapters.soap.reply import Reply
from adapters.soap.rows import dumped, loaded
from adapters.soap.session import Session
from hub.errors import InDoubt, Misconfigured, Retryable
from hub.model import Guarantees, Message, Page, Receipt, VerdictPage
from hub.ports import Options, Outcome

T = TypeVar("T")


class SoapAdapter:
    """A SOAP system: sink through its endpoints, source through its feeds. Safe to use from several threads."""

    name: ClassVar[str] = "soap"
    options: ClassVar[type[Options]] = SoapOptions

    def __init__(self, options: Options, *, system: str) -> None:
        """Compile every call; open nothing. Raises ValueError with the path of what is wrong."""
        if not isinstance(options, SoapOptions):
            raise TypeError(f"SoapAdapter takes SoapOptions, not {type(options).__name__}")
        self._options = options
        self._system = system
        self._session = _at("token", partial(Session, options))
        self._exchanges: dict[str, Exchange] = {}
        for path, call in options.calls():
            if isinstance(call, Endpoint | Find) or path == "check":
                roots = OF_CHECK if path == "check" else OF_MESSAGE
                self._exchanges[path] = _at(path, partial(self._session.exchange, call, roots))
        self._feeds = {
            kind: _at(f"feeds.{kind}", partial(FeedReader, kind, feed, self._session)) for kind, feed in options.feeds.items()
        }
        self._feedback = {
            name: _at(f"feedback.{name}", partial(FeedbackReader, name, feedback, self._session))
            for name, feedback in options.feedback.items()
        }

    def guarantees(self) -> Guarantees:
        """Return what the configuration promises: each promise holds only if every endpoint makes it."""
        endpoints = self._options.endpoints.values()
        return Guarantees(
            idempotent=bool(endpoints) and all(endpoint.idempotent for endpoint in endpoints),
            findable=bool(endpoints) and all(endpoint.find is not None for endpoint in endpoints),
            ordered_batch=True,
            batch=self._options.batch,
            in_flight=self._options.in_flight,
            singly=True,
        )

    def endpoints(self) -> frozenset[str]:
        """Return the names of the endpoints."""
        return frozenset(self._options.endpoints)

    def kinds(self) -> frozenset[str]:
        """Return the kinds of the feeds."""
        return frozenset(self._feeds)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send one by one, each lane in order, stopping a lane at its first failure."""
        return each_in_lane_order(messages, self._send_one)

    def find(self, message: Message) -> Receipt | None:
        """Return the receipt if the far side has the message, None if it has not. Raises a Failure when that cannot be known."""
        endpoint = self._options.endpoints.get(message.endpoint)
        if endpoint is None or endpoint.find is None:
            raise InDoubt("HUB-D-133", f"endpoint {message.endpoint} has no find: nobody can look the message up")
        return self._look_up(endpoint.find, self._exchanges[f"endpoints.{message.endpoint}.find"], message)

    def check(self) -> None:
        """Load the WSDL, then shake hands, or make the harmless call, or at least connect. Raises a Failure."""
        if self._session.wsdl is not None:
            self._session.wsdl.bound()
        self._session.shake_hands()
        if "check" in self._exchanges:
            exchange = self._exchanges["check"]
            taken(exchange.judge(self._session.ask(exchange, self._session.scope(None))))
        elif not self._session.has_token:
            reach(self._session.address(), self._options.tls, self._options.timeouts.connect)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the pages of every feed, in the order they are configured. Raises SourceFailed."""
        places = loaded(cursor)
        for kind, feed in self._feeds.items():
            for page, place in feed.pages(places.get(kind)):
                places[kind] = place
                yield replace(page, cursor=dumped(places))

    def verdicts(self, cursor: str | None) -> Iterator[VerdictPage]:
        """Yield the verdicts of every feedback, in the order they are configured. Raises SourceFailed."""
        places = loaded(cursor)
        for name, feedback in self._feedback.items():
            for page, place in feedback.pages(places.get(name)):
                places[name] = place
                yield replace(page, cursor=dumped(places))

    def close(self) -> None:
        """Close all connections; may be called twice."""
        self._session.close()

    def _send_one(self, message: Message) -> Receipt:
        exchange = self._exchanges.get(f"endpoints.{message.endpoint}")
        if exchange is None:
            raise Misconfigured("HUB-D-207", f"system {self._system} has no endpoint {message.endpoint}")
        return taken(exchange.judge(self._session.ask(exchange, self._session.scope(message))))

    def _look_up(self, find: Find, exchange: Exchange, message: Message) -> Receipt | None:
        reply = self._session.ask(exchange, self._session.scope(message))
        readable = 200 <= reply.answer.status < 300 and reply.fault is None and reply.tree is not None and not reply.torn
        for rule in find.answers:
            if compiled(rule)(reply.answer) and (readable or not rule.by_absence):
                return _receipt(rule, reply) if rule.means == "taken" else None
        taken(exchange.judge(reply))
        raise Retryable("HUB-D-118", f"HTTP {reply.answer.status}: no rule of find understands the answer")


def _receipt(rule: FindRule, reply: Reply) -> Receipt:
    return Receipt(reference=reply.answer.select(rule.reference) if rule.reference else None)


def _at(path: str, make: Callable[[], T]) -> T:
    """Compile; say where in the options it failed."""
    try:
        return make()
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
