"""Decides how an XML document is declared in YAML: a tree of elements whose values are literals or placeholders."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from lxml import etree
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from adapters.kit.charset import Charset
from adapters.kit.fields import Plain
from hub.ports import Options


def _xpath(path: str) -> str:
    try:
        etree.XPath(path)
    except etree.XPathSyntaxError as error:
        raise ValueError(f"not an XPath 1.0 expression: {error}") from None
    return path


XPath = Annotated[str, AfterValidator(_xpath)]


class Node(Options):
    """One element of an XML template, or several when `each` or `rows` says so. Values are literals or placeholders.

    element: local name, or prefix:name with a prefix of `namespaces` · namespaces: more prefixes from here down, "" is the default
    namespace · text · cdata · attributes: name -> value, or a placeholder of an object whose fields become attributes ·
    fields: an object whose fields become child elements (lists repeat, objects nest) · rows: an object, one such element per
    field with the field as attribute (`<para k="v"/>`) · each: a list, one such element per item, known inside as `$item` ·
    order: which fields come first, the others follow as they are · optional: left out when its text, fields or rows are empty ·
    document: a whole document, which stands here as text.
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
    document: Nested | None = None

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if self.document is not None and (self.text is not None or self.fields or self.rows or self.children or self.optional):
            raise ValueError(f"{self.element}: document: is all that stands in an element; text, fields, rows, children do not")
        return self


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, list | tuple) else "one"


#: The outermost element of a document, or the elements of a fragment.
Outermost = Annotated[
    Annotated[Node, Tag("one")] | Annotated[tuple[Node, ...], Field(min_length=1), Tag("several")],
    Discriminator(_one_or_several),
]


class Document(Options):
    """A whole document, or a fragment: elements one after the other without a root, as positional formats want them.

    xml: the outermost element, or a list of elements · encoding: which characters the far side's bytes of it can hold · declare:
    what the XML declaration says, `false` for no declaration, unset for the encoding itself; a fragment has none.
    """

    xml: Outermost
    encoding: Charset = "utf-8"
    declare: str | Literal[False] | None = None

    @model_validator(mode="after")
    def _fragment_undeclared(self) -> Self:
        if isinstance(self.xml, tuple) and self.declare:
            raise ValueError("a fragment, several elements without a root, has no XML declaration: leave declare: out")
        return self

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The outermost elements."""
        return self.xml if isinstance(self.xml, tuple) else (self.xml,)

    @property
    def declared(self) -> str:
        """What the XML declaration says; empty for none."""
        if self.declare is None:
            return "" if isinstance(self.xml, tuple) else self.encoding.upper()
        return self.declare or ""


class Nested(Document):
    """A document that is the text of an element of another one.

    pack: what becomes of its bytes before they stand there, in order: gzip (RFC 1952), base64 (RFC 4648, no line breaks). Without
    base64 the document stands there as it is, and its characters must fit the encoding of the outer one too.
    """

    pack: tuple[Literal["gzip", "base64"], ...] = ()

    @model_validator(mode="after")
    def _is_text(self) -> Self:
        if self.pack not in ((), ("base64",), ("gzip", "base64")):
            raise ValueError("pack: is [base64] or [gzip, base64], or left out")
        return self


class Opened(Options):
    """Where an answer holds a document as text: it is read, and paths go on into it.

    at: the elements whose text it is · decode: how it was wrapped, outermost first: escaped once more than XML needs, base64, gzip
    (what is not compressed is left as it is) · charset: of its bytes once base64 is undone, over what it declares itself.
    """

    at: XPath
    decode: tuple[Literal["unescape", "base64", "gzip"], ...] = ()
    charset: Charset | None = None

    @model_validator(mode="after")
    def _of_bytes(self) -> Self:
        if "gzip" in self.decode and "base64" not in self.decode[: self.decode.index("gzip")]:
            raise ValueError("decode: gzip comes after base64: text is never compressed")
        if self.charset is not None and "base64" not in self.decode:
            raise ValueError("charset: is that of bytes, so it needs base64 in decode:")
        return self
