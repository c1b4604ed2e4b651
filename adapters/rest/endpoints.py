"""Decides what delivering to one endpoint means: one message a request or several, how the answer is judged, how to look up."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.kit import words
from adapters.kit.answer import as_text, json_selector, json_tree, steps, value_at, xml_tree
from adapters.kit.answers import Answer, Judge, compiled
from adapters.kit.http import Headers, header
from adapters.kit.protocol import by_status
from adapters.kit.templates import MESSAGE, Compiler, Scope, dumps
from adapters.rest.options import Batch, Endpoint, Find, FindRule, RestOptions
from adapters.rest.session import Session
from hub.errors import InDoubt, Rejected, Retryable
from hub.model import Message, Receipt, Taken
from hub.ports import Outcome


class Delivery:
    """One endpoint, compiled. Raises ValueError when its options do not fit together."""

    def __init__(self, endpoint: Endpoint, options: RestOptions, session: Session) -> None:
        self._session = session
        self._judge = Judge([*endpoint.answers, *options.answers], expect=endpoint.expect, fixed_path=endpoint.fixed_path)
        self._call = session.compile(endpoint, "$items" if endpoint.batch else "$body")
        name = options.idempotency_key if endpoint.idempotency_key is None else endpoint.idempotency_key
        self._key_header = name if name and endpoint.batch is None else None
        self._batch = Results(endpoint.batch) if endpoint.batch else None
        self.size = endpoint.batch.size if endpoint.batch else 1
        self._find = Lookup(endpoint.find, session) if endpoint.find else None
        if endpoint.batch is None and "items" in self._call.names:
            raise ValueError(f"{endpoint.path}: $items needs batch")

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Send these in one request, if the endpoint takes batches; one outcome per message, same order.

        Raises the Failure that holds for all of them.
        """
        if self._batch is None:
            return [self.send_one(message) for message in messages]
        values = {"items": [self._batch.item(message) for message in messages]}
        answer = self._session.ask(self._call, messages[0], values)
        return self._batch.outcomes(answer, _taken(self._judge(answer)), messages)

    def send_one(self, message: Message) -> Receipt:
        """Send one message; raises a Failure unless it was taken."""
        if self._batch is not None:
            return _taken(self.send([message])[0])
        answer = self._session.ask(self._call, message, extra=self._keyed(message))
        return _taken(self._judge(answer))

    def find(self, message: Message) -> Receipt | None:
        """Return the receipt if the far side has the message, None if it certainly has not; raises a Failure if unknown."""
        if self._find is None:
            raise InDoubt("HUB-D-133", f"endpoint {message.endpoint} has no find: nobody can look the message up")
        return self._find(message)

    def _keyed(self, message: Message) -> Headers:
        if self._key_header is None:
            return ()
        try:
            return (header(self._key_header, message.idempotency_key),)
        except (ValueError, UnicodeEncodeError):
            raise Rejected("HUB-D-132", "the idempotency key holds a character no header may hold") from None


def _taken(outcome: Outcome) -> Receipt:
    if isinstance(outcome, Receipt):
        return outcome
    raise outcome


class Results:
    """Splits the answer to a batch into one outcome per message."""

    def __init__(self, batch: Batch) -> None:
        compiler = Compiler(MESSAGE)
        self._item = compiler.compile(batch.item)
        self._key = compiler.compile(batch.key)
        self._path = steps(batch.results) if batch.results is not None else None
        self._match = steps(batch.match) if batch.match is not None else None
        self._judge = Judge(batch.answers)

    def item(self, message: Message) -> object:
        """Return what this message becomes inside the batch."""
        return self._item.render(Scope(message))

    def outcomes(self, answer: Answer, whole: Receipt, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Return what the answer to a batch that was taken says of each message; without `results` the receipt is everybody's."""
        if self._path is None:
            return [whole] * len(messages)
        results = value_at(json_tree(answer), self._path)
        rows = results if isinstance(results, list) else []
        found: dict[object, object] = self._by_match(rows) if self._match else dict(enumerate(rows))
        return [self._one(found.get(self._name(at, message))) for at, message in enumerate(messages)]

    def _name(self, at: int, message: Message) -> object:
        return self._key.text(Scope(message)) if self._match else at

    def _by_match(self, rows: list[object]) -> dict[object, object]:
        return {as_text(value_at(row, self._match or ())): row for row in rows}

    def _one(self, result: object) -> Outcome:
        if result is None:
            return InDoubt("HUB-D-118", "the answer to the batch says nothing about this message")
        return self._judge(Answer(200, {}, dumps(result), select=json_selector(result)))


class Lookup:
    """Asks whether a message arrived."""

    def __init__(self, find: Find, session: Session) -> None:
        self._session = session
        self._call = session.compile(find)
        self._rules = [(rule, compiled(rule)) for rule in find.answers]
        self._pages_count = find.expect == "any"

    def __call__(self, message: Message) -> Receipt | None:
        """Return receipt or None by the first rule that matches; raises a Failure when none does, for then nobody knows."""
        answer = self._session.ask(self._call, message)
        if answer.trouble is not None:
            raise answer.trouble
        if self._pages_count or not answer.is_html:
            for rule, holds in self._rules:
                if holds(answer) and (_readable(answer) or not rule.by_absence):
                    return _receipt(rule, answer) if rule.means == "taken" else None
        if 200 <= answer.status < 300:
            raise Retryable("HUB-D-118", f"HTTP {answer.status}: no rule of find understands the answer", said=words.heard(answer))
        raise by_status(answer.status, answer.headers, said=words.heard(answer), fixed_path=True)


def _readable(answer: Answer) -> bool:
    """Whether what an answer does not hold is certainly not there."""
    tree = xml_tree(answer) if answer.is_markup else json_tree(answer)
    return 200 <= answer.status < 300 and tree is not None


def _receipt(rule: FindRule, answer: Answer) -> Receipt:
    reference = answer.select(rule.reference) if rule.reference else None
    return Receipt(Taken.TAKEN, reference, words.said(answer.select(rule.said) if rule.said else ""))
