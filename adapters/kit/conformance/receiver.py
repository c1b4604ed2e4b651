"""What every receiver must prove: only what the far side signed just now is taken, whole, and the same push is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from adapters.kit.conformance.common import Conformance, coded
from adapters.kit.conformance.moves import moves
from hub.errors import PushRefused, Unauthentic
from hub.model import Operation, Push
from hub.ports import Receiver


class ReceiverConformance(Conformance):
    """Tests of `Receiver`. A subclass gives `adapter`, `push` and `kind`."""

    kind: ClassVar[str] = "case"
    #: Text that stands in every record a push holds; no refusal may repeat it.
    personal: ClassVar[str] = "甲某某"
    #: When the tests take place.
    now: ClassVar[datetime] = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)

    def push(self, n: int, *, first: int = 1, at: datetime | None = None) -> Push:
        """Return a push of n records with the keys K00001, K00002 … from `first` on, signed at that time and received now."""
        raise NotImplementedError

    def spoilt(self) -> Push:
        """Return a push of three records of which the second cannot be read."""
        pytest.skip("this class does not say how to spoil a record (spoilt)")

    def broken(self) -> Push:
        """Return an authentic push whose body as a whole cannot be read."""
        pytest.skip("this class does not say how to break a body (broken)")

    def traces(self) -> object:
        return None

    # --- what is taken ---

    def test_is_a_receiver(self, subject: Any) -> None:
        kinds = subject.kinds()
        assert isinstance(subject, Receiver)
        assert self.kind in kinds
        assert subject.largest(self.kind) > 0

    def test_every_record_once_in_order(self, subject: Any) -> None:
        page = subject.receive(self.kind, self.push(25)).page
        assert [record.key for record in page.records] == [f"K{number:05d}" for number in range(1, 26)]
        assert (page.faults, page.cursor) == ((), None)
        for record in page.records:
            assert (record.kind, bool(record.revision)) == (self.kind, True)
            assert record.operation in (Operation.UPDATE, Operation.INSERT, Operation.DELETE)
            assert json.loads(json.dumps(record.data)) == record.data, "data must be JSON-native"

    def test_the_same_push_is_the_same(self, subject: Any) -> None:
        push = self.push(3)
        assert subject.receive(self.kind, push) == subject.receive(self.kind, push)
        assert subject.receive(self.kind, push) == self.adapter().receive(self.kind, push)

    def test_another_push_has_another_number(self, subject: Any) -> None:
        first, second = (subject.receive(self.kind, self.push(1, first=number)) for number in (1, 2))
        assert first.id
        assert first.id != second.id

    def test_a_spoilt_record_is_accounted_for(self, subject: Any) -> None:
        page = subject.receive(self.kind, self.spoilt()).page
        assert len(page.records) == 2, "one broken record must not cost the others"
        (fault,) = page.faults
        assert (fault.kind, bool(fault.key), bool(fault.reason)) == (self.kind, True, True)
        assert self.personal not in fault.reason

    # --- what is not ---

    def test_a_changed_body_is_not_authentic(self, subject: Any) -> None:
        push = self.push(2)
        for at in range(0, len(push.body), max(1, len(push.body) // 20)):
            body = bytearray(push.body)
            body[at] ^= 1
            self._unauthentic(subject, replace(push, body=bytes(body)))
        self._unauthentic(subject, replace(push, body=b""))

    def test_an_unsigned_push_is_not_authentic(self, subject: Any) -> None:
        self._unauthentic(subject, replace(self.push(1), headers={}, query=""))

    def test_no_header_can_be_spared_or_changed(self, subject: Any) -> None:
        push = self.push(1)
        taken = subject.receive(self.kind, push)
        for name in push.headers:
            for headers in ({**push.headers, name: push.headers[name] + "0"}, {k: v for k, v in push.headers.items() if k != name}):
                self._same_or_refused(subject, replace(push, headers=headers), taken)

    def test_no_part_can_be_moved_elsewhere(self, subject: Any) -> None:
        """The letters that are signed stay the same when a field moves into the query, or into the value before it."""
        push = self.push(1)
        taken = subject.receive(self.kind, push)
        for moved in moves(push):
            self._same_or_refused(subject, moved, taken)

    def test_an_old_push_and_one_of_the_future_are_not_authentic(self, subject: Any) -> None:
        for at in (self.now - timedelta(days=1), self.now + timedelta(days=1)):
            self._unauthentic(subject, self.push(1, at=at))

    def test_a_broken_body_is_refused_as_a_whole(self, subject: Any) -> None:
        with pytest.raises(PushRefused) as caught:
            subject.receive(self.kind, self.broken())
        assert not isinstance(caught.value, Unauthentic), "the far side did sign it"
        coded(caught.value)
        assert self.personal not in str(caught.value)

    # --- parts ---

    def _unauthentic(self, subject: Any, push: Push) -> None:
        with pytest.raises(Unauthentic) as caught:
            subject.receive(self.kind, push)
        coded(caught.value)
        assert self.personal not in str(caught.value)

    def _same_or_refused(self, subject: Any, push: Push, taken: Any) -> None:
        """Assert that what was tampered with either counts for nothing or is found out."""
        try:
            assert subject.receive(self.kind, push) == taken
        except PushRefused as error:
            coded(error)
