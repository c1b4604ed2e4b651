"""A far side that nothing can be asked of and that keeps what it gets twice twice: one line a message, forced to the disk.

Name it in YAML as `adapter: tests.fault.appending:AppendingAdapter`. It promises nothing, so the hub must not repeat what may have
arrived.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hub.model import Guarantees, Message, Receipt, Taken
from hub.ports import ConfigPath, Options, Outcome
from tests.fault.plain import PlainAdapter, PlainOptions


class AppendingOptions(PlainOptions):
    """`pause`: seconds between having the message and saying so, as a network has them."""

    file: ConfigPath
    pause: float = 0.0


class AppendingAdapter(PlainAdapter):
    """A sink: neither idempotent nor findable, one message a call."""

    name: ClassVar[str] = "appending"
    options: ClassVar[type[Options]] = AppendingOptions

    def __init__(self, options: Options, *, system: str) -> None:
        assert isinstance(options, AppendingOptions)
        super().__init__(options, system=system)
        self._options = options

    def guarantees(self) -> Guarantees:
        return Guarantees()

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        for message in messages:
            with self._options.file.open("a") as file:
                file.write(f"{self.line(message)}\n")
                file.flush()
                os.fsync(file.fileno())
            time.sleep(self._options.pause)
        return [Receipt() for _ in messages]

    def line(self, message: Message) -> str:
        """Return what is written of a message."""
        return message.key


class KeepingAdapter(AppendingAdapter):
    """A sink that can be asked, and told twice: it knows by idempotency keys, for all processes, what it has, and keeps it once."""

    name: ClassVar[str] = "keeping"

    def guarantees(self) -> Guarantees:
        return Guarantees(idempotent=True, findable=True)

    def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        return [self._keep(message) for message in messages]

    def find(self, message: Message) -> Receipt | None:
        return Receipt() if self._kept(message).exists() else None

    def _keep(self, message: Message) -> Receipt:
        try:
            self._kept(message).touch(exist_ok=False)
        except FileExistsError:
            return Receipt(Taken.DUPLICATE)
        super().send([message])
        return Receipt()

    def _kept(self, message: Message) -> Path:
        return self._options.file.parent / f"kept-{message.idempotency_key}"


class NamingAdapter(KeepingAdapter):
    """The same, and it writes the name down that each version of a case has."""

    name: ClassVar[str] = "naming"

    def line(self, message: Message) -> str:
        return f"{message.key}={message.body['applyer_name']}"
