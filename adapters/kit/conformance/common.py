"""What both conformance classes stand on: one adapter, its far side, and the switches that break it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from hub.errors import Failure, HubError
from hub.model import Guarantees
from hub.ports import Checkable, Options

#: What every error code looks like: owner, area letter, number.
CODE = re.compile(r"^[A-Z][A-Z0-9]*-[A-Z]-\d{3}$")


class Conformance:
    """The part common to sources and sinks. A subclass must give `adapter` and `traces`; the switches are optional."""

    #: Most seconds a test waits for concurrent calls to end; a bound against hanging, not a measure of speed.
    patience: ClassVar[float] = 60.0
    #: Names of tests of what the adapter does not promise: they are taken off the class, so that a run that skips nothing means it.
    leaves_out: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Take off what `leaves_out` names; raises TypeError for a name that is no test of this class."""
        super().__init_subclass__(**keywords)
        for name in sorted(cls.__dict__.get("leaves_out", ())):
            if not name.startswith("test_") or not hasattr(cls, name):
                raise TypeError(f"{cls.__name__} leaves out {name!r}, which is no test of the kit")
            setattr(cls, name, None)

    def adapter(self) -> Any:
        """Return a fresh, unused instance that talks to this test's far side. The kit closes it."""
        raise NotImplementedError

    def traces(self) -> object:
        """Return everything that can be seen of the far side; equal before and after `check`."""
        raise NotImplementedError

    def go_down(self) -> None:
        """Make the far side unreachable until `come_back`."""
        pytest.skip("this class does not say how to take the far side down (go_down)")

    def come_back(self) -> None:
        """Make the far side reachable again, holding what it held."""
        pytest.skip("this class does not say how to bring the far side back (come_back)")

    @pytest.fixture
    def subject(self) -> Iterator[Any]:
        """Give one adapter and close it after the test."""
        subject = self.adapter()
        yield subject
        subject.close()

    def test_keeps_to_the_form(self, subject: Any) -> None:
        assert issubclass(subject.options, Options)
        assert isinstance(subject.name, str)
        assert subject.name
        assert isinstance(subject.guarantees(), Guarantees)
        assert subject.guarantees().batch >= 1
        assert subject.guarantees().in_flight >= 1

    def test_close_twice(self) -> None:
        unused = self.adapter()
        unused.close()
        unused.close()

    def test_construction_opens_nothing(self) -> None:
        self.go_down()
        self.adapter().close()

    def test_check_changes_nothing(self, subject: Any) -> None:
        if not isinstance(subject, Checkable):
            pytest.skip("the adapter offers no check")
        before = self.traces()
        subject.check()
        assert self.traces() == before

    def test_check_says_when_the_far_side_is_down(self, subject: Any) -> None:
        if not isinstance(subject, Checkable):
            pytest.skip("the adapter offers no check")
        self.go_down()
        with pytest.raises(Failure) as caught:
            subject.check()
        coded(caught.value)


def coded(error: HubError) -> None:
    """Assert that the error has a code `hub explain` can know, and says something."""
    assert CODE.match(error.code), f"{error.code!r} is no error code"
    assert error.message
