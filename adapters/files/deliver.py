"""Decides which messages share a file, in what order files are published, and how the hub knows later that one was."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from adapters.files import render
from adapters.files.names import parent, path_of, safe, window_id
from adapters.files.options import Endpoint
from adapters.files.share import Files, Share
from adapters.files.trouble import UNCERTAIN, errors, failure, trouble_of
from adapters.kit.lanes import behind
from hub.errors import Deferred, Failure, InDoubt, Rejected
from hub.model import Message, Receipt, Taken
from hub.ports import Outcome, go_ahead

_NOTE_LIMIT = 64 << 20


@dataclass(slots=True)
class Group:
    """Messages that go into one file, with their places in the call."""

    endpoint: str
    level: int
    members: list[tuple[int, Message]] = field(default_factory=list)


def plan(messages: Sequence[Message], endpoints: Mapping[str, Endpoint]) -> list[Group]:
    """Return the files of one call in the order they must be published.

    A lane may change its endpoint on the way (accept, process, accept): each change lifts it to a higher level, and files are
    published level by level, so a lane's order holds across files (invariant 3).
    """
    at: dict[str, tuple[str, int]] = {}
    shared: dict[tuple[int, str], Group] = {}
    groups: list[Group] = []
    for index, message in enumerate(messages):
        before, level = at.get(message.lane, (message.endpoint, 0))
        level += before != message.endpoint
        at[message.lane] = message.endpoint, level
        group = shared.get((level, message.endpoint))
        if group is None or endpoints[message.endpoint].per == "message":
            group = shared[level, message.endpoint] = Group(message.endpoint, level)
            groups.append(group)
        group.members.append((index, message))
    return sorted(groups, key=lambda group: group.level)


@dataclass(frozen=True, slots=True)
class Note:
    """What the ledger says of one file: where it lay before it was published, its name, and the messages in it."""

    temporary: str
    file: str
    ids: tuple[str, ...]

    def published(self, files: Files) -> bool:
        """Say whether the file got its name: from that moment its temporary name is gone."""
        return files.stat(self.temporary) is None

    def withdraw(self, files: Files) -> bool:
        """Make sure the file never gets its name any more; False when it already has."""
        try:
            files.remove(self.temporary)
        except FileNotFoundError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Job:
    """One file to be written; `earlier` is the note of an attempt that did not end."""

    endpoint: Endpoint
    path: str
    messages: Sequence[Message]
    rows: Sequence[render.Row]
    earlier: Note | None


class Drop:
    """The sending half: writes files where the far side looks for them."""

    def __init__(self, share: Share, endpoints: Mapping[str, Endpoint]) -> None:
        self._share = share
        self._endpoints = endpoints

    def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Publish the messages; one outcome for each. A place that cannot be written to fails all that is left."""
        outcomes: dict[int, Outcome] = {}
        stopped: set[str] = set()
        broken: Failure | None = None
        for group in plan(messages, self._endpoints):
            ready = self._rows(group, outcomes, stopped)
            if not ready:
                continue
            outcome = broken or self._publish(group.endpoint, [message for _, message, _ in ready], [row for _, _, row in ready])
            outcomes.update((index, outcome) for index, _, _ in ready)
            if isinstance(outcome, Failure):
                stopped.update(message.lane for _, message, _ in ready)
                broken = outcome if not isinstance(outcome, InDoubt) else broken
        return [outcomes[index] for index in range(len(messages))]

    def _rows(self, group: Group, outcomes: dict[int, Outcome], stopped: set[str]) -> list[tuple[int, Message, render.Row]]:
        """Return what can be written of a group; the rest gets its outcome here."""
        ready = []
        for index, message in group.members:
            if message.lane in stopped:
                outcomes[index] = behind()
                continue
            try:
                ready.append((index, message, render.row(self._endpoints[group.endpoint], message)))
            except Failure as refusal:
                outcomes[index] = refusal
                stopped.add(message.lane)
        return ready

    def _publish(self, name: str, messages: Sequence[Message], rows: Sequence[render.Row]) -> Outcome:
        endpoint = self._endpoints[name]
        single = endpoint.per == "message"
        path = path_of(endpoint.path, messages, single=single)
        try:
            with self._share.lease() as files:
                note = _read_note(files, self._note_path(endpoint, messages)) if endpoint.proof == "ledger" else None
                if note is not None and note.published(files):
                    return Receipt(Taken.DUPLICATE, reference=path)
                return self._write(files, Job(endpoint, path, messages, rows, note))
        except errors() as error:
            return failure(error, f"endpoint {name} in {self._share.name}")

    def _write(self, files: Files, job: Job) -> Outcome:
        body = render.content(job.endpoint, job.rows, job.messages[0].created)
        written = _write_all(files, [(job.path, body), *self._manifest(job.endpoint, job.path, body, job.messages)])
        try:
            go_ahead()  # before the note, which takes the place of that of whoever has taken over
        except Deferred as not_ours:
            _discard(files, written)
            return not_ours
        if job.endpoint.proof == "ledger":
            self._note(files, job.endpoint, written[-1], job.messages)
            if job.earlier is not None and not job.earlier.withdraw(files):
                # A sender that was thought dead published meanwhile; without its temporary file our own note says so too.
                files.remove(written[-1][0])
                return Receipt(Taken.DUPLICATE, reference=job.path)
        return self._name_all(files, job, written)

    def _name_all(self, files: Files, job: Job, written: Sequence[tuple[str, str]]) -> Outcome:
        """Give every part its name, the manifest last."""
        for temporary, target in written:
            try:
                files.publish(temporary, target)
            except errors() as error:
                if trouble_of(error) in UNCERTAIN:
                    return InDoubt("HUB-D-406", f"endpoint {job.messages[0].endpoint}: no word whether the file got its name")
                if job.endpoint.proof != "ledger":  # a note stands for its temporary file: taking that away would say «published»
                    _discard(files, written)
                raise
        return Receipt(reference=job.path)

    def _manifest(self, endpoint: Endpoint, path: str, body: bytes, messages: Sequence[Message]) -> list[tuple[str, bytes]]:
        if endpoint.manifest is None:
            return []
        name = path.rpartition("/")[2]
        told = render.manifest(endpoint, name, body, messages)
        return [(_beside(path, endpoint.manifest.name.format(file=name)), told)]

    # --- what was published ---

    def find(self, message: Message) -> Receipt | None:
        """Return a receipt if the message was published, None if it certainly was not. Raises a Failure when nobody can tell."""
        endpoint = self._endpoints[message.endpoint]
        try:
            with self._share.lease() as files:
                return Receipt(reference=found) if (found := self._found(files, endpoint, message)) else None
        except errors() as error:
            raise failure(error, f"endpoint {message.endpoint} in {self._share.name}") from error

    def _found(self, files: Files, endpoint: Endpoint, message: Message) -> str | None:
        if files.stat(".") is None:
            raise FileNotFoundError(2, "no such directory")
        if endpoint.proof == "ledger":
            return self._noted(files, message, endpoint)
        return self._standing(files, endpoint, message) if endpoint.per == "message" else self._told(files, endpoint, message)

    def _standing(self, files: Files, endpoint: Endpoint, message: Message) -> str | None:
        """Look for the message's own file with exactly its bytes, and the manifest that makes it complete."""
        path = path_of(endpoint.path, [message], single=True)
        try:
            body = render.content(endpoint, [render.row(endpoint, message)], message.created)
        except Rejected:
            return None
        parts = [(path, body), *self._manifest(endpoint, path, body, [message])]
        return path if all(files.read(target, len(content)) == content for target, content in parts) else None

    def _told(self, files: Files, endpoint: Endpoint, message: Message) -> str | None:
        """Look through the manifests of the files this message may be in."""
        wildcards = dict.fromkeys(("id", "count", "date", "time", "key", "lane", "operation"), "*")
        names = {"batch": safe(message.batch), "endpoint": safe(message.endpoint), "kind": safe(message.kind)}
        pattern = glob.escape(endpoint.path).format_map({**wildcards, **names})
        name = glob.escape(endpoint.manifest.name if endpoint.manifest else "{file}").format(file=pattern.rpartition("/")[2])
        for found in files.match(_beside(pattern, name)):
            told = _json(files.read(found, _NOTE_LIMIT))
            if message.idempotency_key in told.get("ids", ()):
                return str(told.get("file"))
        return None

    # --- the ledger ---

    def _note(self, files: Files, endpoint: Endpoint, last: tuple[str, str], messages: Sequence[Message]) -> None:
        """Write down what is about to be published, before its last file gets its name.

        The temporary name tells later whether that happened: it is gone from the moment the file is published, and the far side,
        which may take the published file away at once, never touches it.
        """
        temporary, path = last
        told = {"temporary": temporary, "file": path, "ids": [message.idempotency_key for message in messages]}
        note = self._note_path(endpoint, messages)
        files.publish(files.write_beside(note, json.dumps(told).encode()), note)

    def _noted(self, files: Files, message: Message, endpoint: Endpoint) -> str | None:
        """Return the file a message was published in, as the ledger knows it."""
        if endpoint.per == "message":
            notes = [self._note_path(endpoint, [message])]
        else:
            directory = parent(self._note_path(endpoint, [message]))
            notes = [f"{directory}/{stat.name}" for stat in files.list(directory)] if files.stat(directory) else []
        for path in notes:
            note = _read_note(files, path)
            if note is not None and message.idempotency_key in note.ids and note.published(files):
                return note.file
        return None

    def _note_path(self, endpoint: Endpoint, messages: Sequence[Message]) -> str:
        first = messages[0]
        name = safe(first.idempotency_key) if endpoint.per == "message" else window_id(messages)
        return f"{endpoint.ledger}/{safe(first.endpoint)}/{safe(first.batch)}/{name}.json"


def _beside(path: str, name: str) -> str:
    directory = parent(path)
    return name if directory == "." else f"{directory}/{name}"


def _write_all(files: Files, parts: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Write every part under a temporary name; return (temporary, final). If one fails, none stays behind."""
    written: list[tuple[str, str]] = []
    try:
        for target, content in parts:
            written.append((files.write_beside(target, content), target))
    except errors():
        _discard(files, written)
        raise
    return written


def _discard(files: Files, written: Sequence[tuple[str, str]]) -> None:
    for temporary, _ in written:
        with suppress(*errors()):
            files.remove(temporary)


def _read_note(files: Files, path: str) -> Note | None:
    told = _json(files.read(path, _NOTE_LIMIT))
    try:
        return Note(str(told["temporary"]), str(told["file"]), tuple(told["ids"]))
    except KeyError:
        return None


def _json(content: bytes | None) -> dict[str, Any]:
    """Return a note or a manifest, empty when it is missing or not ours."""
    try:
        told = json.loads(content or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
