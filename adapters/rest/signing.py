"""Decides how a signature recipe meets one request: where its values come from and where the result goes."""

from __future__ import annotations

from adapters.kit.http import header
from adapters.kit.sign import Signature, Stamp, put_at, signature
from adapters.kit.templates import Compiler, Scope, Template
from adapters.rest.calls import Draft

_KNOWN = frozenset({"content", "timestamp", "nonce", "secret", "method", "path"})


class Signer:
    """Signs drafts by one recipe."""

    def __init__(self, recipe: Signature, base_path: str = "") -> None:
        self.recipe = recipe
        self._base_path = base_path
        compiler = Compiler(_KNOWN)
        self._fields = [self._field(entry, compiler) for entry in recipe.fields]
        if "*" in self.names:  # for what is pushed to us, where the sender decides what there is to sign
            raise ValueError("the signature of a request names its fields one by one; '*' is none")
        self._needs_content = any(part is not None and "content" in part.names for _, part in self._fields)

    @staticmethod
    def _field(entry: str | dict[str, str], compiler: Compiler) -> tuple[str, Template | None]:
        if isinstance(entry, str):
            return entry, None
        ((name, template),) = entry.items()
        return name, compiler.compile(template)

    @property
    def names(self) -> list[str]:
        """The names that must stand in the request itself."""
        return [name for name, part in self._fields if part is None]

    def sign(self, draft: Draft, stamp: Stamp) -> None:
        """Put the signature into the draft; raises Rejected when a value cannot be signed."""
        scope = Scope(values=self._values(draft, stamp))
        named = draft.values()
        lower = {name.lower(): value for name, value in named.items()}
        pairs = [
            (name, named.get(name, lower.get(name.lower(), "")) if part is None else part.text(scope) or "")
            for name, part in self._fields
        ]
        self._place(draft, signature(self.recipe, pairs))

    def _values(self, draft: Draft, stamp: Stamp) -> dict[str, str]:
        secret = self.recipe.secret
        return {
            "content": draft.content().decode(draft.charset) if self._needs_content else "",
            "timestamp": stamp.text(self.recipe.timestamp),
            "nonce": stamp.nonce,
            "secret": secret.get_secret_value() if secret else "",
            "method": draft.method,
            "path": self._base_path + draft.path,
        }

    def _place(self, draft: Draft, result: str) -> None:
        into = self.recipe.into
        if into.header:
            draft.headers.append(header(into.header, result))
        elif into.query:
            draft.query[into.query] = result
        elif into.form:
            draft.form[into.form] = result
        elif into.body:
            draft.tree = put_at(draft.tree, into.body, result)
