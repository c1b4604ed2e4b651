"""Decides what `${NAME}`, `${NAME:-default}` and `${file:PATH}` in the files of `config/` stand for; `$${` is a plain `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hub.documents import Document, suggest
from hub.model import Finding, Json, Place

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inner>[^{}]*)\}|\$\{")
_NAME = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
#: Secrets are short; anything longer was named by mistake.
MAX_SECRET_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fill:
    """Fills in one file's texts. `beside` is the file's directory, where relative `${file:…}` paths start."""

    env: Mapping[str, str]
    beside: Path
    found: list[Finding]

    def document(self, document: Document) -> Document:
        """Return the document with every text filled in; what is missing is added to `found` and left as written."""
        return replace(document, data=self._value(document.data, document, ()))

    def _value(self, value: Json, document: Document, path: tuple[str | int, ...]) -> Json:
        if isinstance(value, dict):
            return {key: self._value(inner, document, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._value(inner, document, (*path, index)) for index, inner in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _REFERENCE.sub(lambda match: self._one(match, document.place(path)), value)
        return value

    def _one(self, match: re.Match[str], place: Place) -> str:
        if match[0] == "$${":
            return "${"
        inner = match["inner"] or ""
        if inner.startswith("file:"):
            secret = self._file(inner.removeprefix("file:"), place)
            return match[0] if secret is None else secret
        named = _NAME.fullmatch(inner)
        if named is None:
            hint = "write ${NAME}, ${NAME:-default} or ${file:PATH}; a plain ${ is written $${"
            self.found.append(Finding("HUB-C-133", "this ${ is not closed or names no variable", place, hint))
            return match[0]
        return self._variable(named["name"], named["default"], place)

    def _variable(self, name: str, default: str | None, place: Place) -> str:
        value = self.env.get(name)
        if default is not None:
            return value or default
        if value is None:
            hint = suggest(name, self.env) or f"set {name} in the environment or in config/hub.env"
            self.found.append(Finding("HUB-C-131", f"the variable {name} is not set", place, hint))
            return f"${{{name}}}"
        return value

    def _file(self, name: str, place: Place) -> str | None:
        try:
            path = self.beside / name
            if path.stat().st_size > MAX_SECRET_BYTES:
                raise OSError(0, f"larger than {MAX_SECRET_BYTES} bytes")
            return path.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            self.found.append(Finding("HUB-C-132", f"the file {name!r} named here cannot be read: {reason}", place))
            return None


def read_env(path: Path, shown: str, found: list[Finding]) -> dict[str, str]:
    """Return the NAME=value lines of a file: `#` comments, an optional `export`, matching quotes around a value are dropped."""
    values: dict[str, str] = {}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        found.append(Finding("HUB-C-134", f"the file of variables cannot be read: {reason}", Place(shown)))
        return values
    for number, line in enumerate(lines, 1):
        text = line.strip()
        match = _LINE.fullmatch(text)
        if match:
            values[match["name"]] = _unquoted(match["value"])
        elif text and not text.startswith("#"):
            found.append(Finding("HUB-C-134", "this line is not NAME=value", Place(shown, number, 1)))
    return values


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
