"""Decides what a configuration file says: strict YAML 1.2 with the place of every value, and every complaint with its line.

What other modules use::

    read(path, root=None) -> Document                       raises ConfigurationError
    parse(source, file) -> Document                         raises ConfigurationError
    findings(error, document, prefix=(), *, model=None) -> list[Finding]
    suggest(word, known) -> str

`findings` turns a pydantic `ValidationError` into findings with lines; `prefix` is the path, inside the document, of what was
validated; `model` (the pydantic class that was validated) lets it say «did you mean» for an unknown key.
"""

from hub.documents.complaints import findings
from hub.documents.reader import Document, dotted, parse, read, resolve, suggest

__all__ = ["Document", "dotted", "findings", "parse", "read", "resolve", "suggest"]
