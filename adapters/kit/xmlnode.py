"""Decides how an XML document is declared in YAML: a tree of elements whose values are literals or placeholders."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from adapters.kit.charset import Charset
from adapters.kit.fields import Plain
from hub.ports import Options


class Node(Options):
    """One element of an XML template, or several when `each` or `rows` says so. Values are literals or placeholders.

    element: local name, or prefix:name with a prefix of `namespaces` · namespaces: more prefixes from here down, "" is the default
    namespace · text · cdata · attributes: name -> value, or a placeholder of an object whose fields become attributes ·
    fields: an object whose fields become child elements (lists repeat, objects nest) · rows: an object, one such element per
    field with the field as attribute (`<para k="v"/>`) · each: a list, one such element per item, known inside as `$item` ·
    order: which fields come first, the others follow as they are · optional: left out when its text, fields or rows are empty.
    """

    element: str = Field(min_length=1)
    namespaces: dict[str, str] = {}
    text: Plain | None = None
    cdata: bool = False
    attributes: dict[str, Plain] | str = {}
    fields: str | None = None
    rows: str | None = None
    each: str | None = None
    order: tuple[str, ...] = ()
    optional: bool = False
    children: tuple[Node, ...] = ()


class Document(Options):
    """A whole document.

    encoding: which characters the far side's bytes of it can hold · declare: what the XML declaration says, `false` for no
    declaration, unset for the encoding itself.
    """

    xml: Node
    encoding: Charset = "utf-8"
    declare: str | Literal[False] | None = None
