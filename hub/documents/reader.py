"""Decides what is YAML here: the strict core of version 1.2, read without recursion, with the place of every value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from hub.errors import ConfigurationError
from hub.model import Finding, Json, Place

#: A way into a document: keys and list positions.
Way: TypeAlias = tuple[str | int, ...]

#: Far above anything a person writes, far below anything that hurts.
MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 500_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# YAML 1.2 core, except that a leading zero makes text (division and item codes start with one), and so do 0x, 0o, .inf, .nan.
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TEXT_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})


@dataclass(frozen=True, slots=True)
class Document:
    """One file's plain data (dict with text keys, list, str, int, float, bool, None) and where each part of it stands."""

    file: str
    data: Json
    _marks: dict[Way, tuple[int, int]] = field(default_factory=dict, repr=False)

    def place(self, path: Sequence[str | int] = ()) -> Place:
        """Return where `path` stands; of something missing, where the nearest thing around it stands. Never raises."""
        whole = tuple(path)
        for length in range(len(whole), -1, -1):
            if mark := self._marks.get(whole[:length]):
                return Place(self.file, *mark, dotted(whole))
        return Place(self.file, path=dotted(whole))


def dotted(path: Iterable[str | int]) -> str:
    """Write a path for people.

    >>> dotted(("routes", 0, "when", "path"))
    'routes[0].when.path'
    """
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return written.removeprefix(".")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return «did you mean …?» for a misspelt word, or an empty text.

    >>> suggest("pathh", ["path", "code"])
    'did you mean path?'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else ""


# --- reading ---


def read(path: Path, root: Path | None = None) -> Document:
    """Read one YAML file. Places name it relative to `root` when it lies there. Raises ConfigurationError with every finding."""
    name = _name(path, root)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refusal("HUB-C-105", f"the file is larger than {MAX_BYTES} bytes", Place(name))
        source = path.read_bytes()
    except OSError as error:
        raise _refusal("HUB-C-102", f"the file cannot be read: {error.strerror}", Place(name)) from error
    return parse(source, name)


def parse(source: bytes | str, file: str) -> Document:
    """Read YAML text or UTF-8 bytes; `file` is the name that places show. Raises ConfigurationError with every finding."""
    text = source if isinstance(source, str) else _decoded(source, file)
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        builder.found.append(_syntax(error, text, file))
    if builder.found:
        raise ConfigurationError(builder.found)
    return Document(file, builder.root, builder.marks)


def _name(path: Path, root: Path | None) -> str:
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return str(path)


def _refusal(code: str, message: str, place: Place, hint: str = "") -> ConfigurationError:
    return ConfigurationError([Finding(code, message, place, hint)])


def _decoded(source: bytes, file: str) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = source[: error.start].decode("utf-8", "replace")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"the file is not UTF-8: byte 0x{source[error.start]:02X} cannot stand here"
        raise _refusal("HUB-C-102", message, place, "save it as UTF-8 (it may be GBK now)") from None


def _syntax(error: yaml.YAMLError, text: str, file: str) -> Finding:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character YAML forbids, reported by byte or character offset
        bad = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
        start = bad.start() if bad else 0
        message = f"character U+{ord(text[start]):04X} is not allowed in YAML" if bad else "this is not YAML"
        return Finding("HUB-C-101", message, _at(file, text, start), "remove the control character")
    problem = getattr(error, "problem", None) or "this is not YAML"
    hint = "indent with spaces, never with tabs" if "\\t" in problem or text[mark.index : mark.index + 1] == "\t" else ""
    return Finding("HUB-C-101", f"YAML syntax: {problem}", Place(file, mark.line + 1, mark.column + 1), hint)


def _at(file: str, text: str, index: int) -> Place:
    return Place(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


# --- building the data out of the parser's events, without recursion ---


@dataclass(slots=True)
class _Open:
    """A collection that is not closed yet."""

    value: dict[str, Json] | list[Json]
    path: Way
    anchor: str | None
    start: int  # nodes seen before it
    key: str | None = None  # of a mapping: the key whose value is due
    sequence: int = 0


@dataclass(slots=True)
class _Builder:
    file: str
    found: list[Finding] = field(default_factory=list)
    marks: dict[Way, tuple[int, int]] = field(default_factory=dict)
    root: Json = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Json, int]] = field(default_factory=dict)
    nodes: int = 0
    documents: int = 0

    def take(self, event: Any) -> None:
        """Take the parser's next event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._document(event)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._stop("HUB-C-104", "there is more than one document in this file", event)

    def _stop(self, code: str, message: str, event: Any, hint: str = "") -> ConfigurationError:
        self._find(code, message, event, hint)
        return ConfigurationError(self.found)

    def _find(self, code: str, message: str, event: Any, hint: str = "") -> None:
        mark = event.start_mark
        self.found.append(Finding(code, message, Place(self.file, mark.line + 1, mark.column + 1, dotted(self._path())), hint))

    def _path(self) -> Way:
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return top.path if top.key is None else (*top.path, top.key)

    def _count(self, event: Any, nodes: int = 1) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise self._stop("HUB-C-105", f"the file unfolds to more than {MAX_NODES} values", event)

    def _scalar(self, event: Any) -> None:
        self._count(event)
        if event.tag not in _TEXT_TAGS:
            self._find("HUB-C-104", f"the tag {event.tag} is not allowed", event, "quote the value if it is text")
        if self._key_due():
            self._key(event)
            return
        plain = event.implicit[0]
        self._value(resolve(event.value) if plain else event.value, event)

    def _key_due(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _key(self, event: Any) -> None:
        top = self.stack[-1]
        if event.value in top.value:
            first = self.marks[(*top.path, event.value)][0]
            self._find("HUB-C-103", f"the key {event.value!r} stands here twice (first in line {first})", event)
        top.key = event.value
        self.marks[(*top.path, event.value)] = (event.start_mark.line + 1, event.start_mark.column + 1)

    def _value(self, value: Json, event: Any) -> None:
        self.marks.setdefault(self._path(), (event.start_mark.line + 1, event.start_mark.column + 1))
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = (value, 1)
        if not self.stack:
            self.root = value
        elif isinstance(top := self.stack[-1].value, list):
            top.append(value)
        else:
            top[self.stack[-1].key or ""] = value
            self.stack[-1].key = None

    def _open(self, event: Any) -> None:
        self._count(event)
        if self._key_due():
            raise self._stop("HUB-C-104", "a key must be plain text", event)
        if event.tag not in {None, "!"}:
            self._find("HUB-C-104", f"the tag {event.tag} is not allowed", event)
        if len(self.stack) >= MAX_DEPTH:
            raise self._stop("HUB-C-105", f"nested deeper than {MAX_DEPTH}", event)
        path = self._path()
        value: dict[str, Json] | list[Json] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._value(value, event)
        if event.anchor is not None:  # not usable inside itself: known only once it is closed
            del self.anchors[event.anchor]
        self.stack.append(_Open(value, path, event.anchor, self.nodes))

    def _close(self) -> None:
        top = self.stack.pop()
        if top.anchor is not None:
            self.anchors[top.anchor] = (top.value, self.nodes - top.start + 1)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors or self._key_due():
            raise self._stop("HUB-C-104", f"the alias *{event.anchor} cannot stand here", event)
        value, nodes = self.anchors[event.anchor]
        self._count(event, nodes)  # what it unfolds to counts: a bomb of aliases is refused
        self._value(value, event)


def resolve(text: str) -> Json:
    """Return what a plain (unquoted) scalar means in YAML 1.2's core schema, with leading zeros kept as text.

    >>> resolve("0621125"), resolve("621125"), resolve("yes"), resolve("12:30"), resolve("2016-12-13"), resolve("true")
    ('0621125', 621125, 'yes', '12:30', '2016-12-13', True)
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) and len(text) < 40:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
