"""Decides what an integrator may say about files: where they lie, how they are named and written, and when one is complete."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints, model_validator

from adapters.files.names import is_xml_name, relative, template
from adapters.kit.fields import Seconds
from hub.ports import ConfigPath, Options

Format = Literal["csv", "jsonl", "xml", "xlsx"]
Digest = Literal["sha256", "sm3", "md5"]
Charset = Annotated[
    Literal["utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312"],
    BeforeValidator(lambda value: value.lower().replace("utf8", "utf-8") if isinstance(value, str) else value),
]
RelativePath = Annotated[str, AfterValidator(relative)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
#: One character, also a tab: it is not stripped as other texts are.
Delimiter = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1)]


class Sftp(Options):
    """An SFTP server. Its host key must be known beforehand: pinned here or in a known_hosts file."""

    host: Name
    port: Annotated[int, Field(gt=0, lt=65536)] = 22
    user: Name
    password: SecretStr | None = None
    key: ConfigPath | None = None
    passphrase: SecretStr | None = None
    host_key: str | None = None  # as in a .pub file: "ssh-ed25519 AAAA…"
    known_hosts: ConfigPath | None = None
    directory: str = "."
    timeout: Seconds = 30.0

    @model_validator(mode="after")
    def _known(self) -> Self:
        if (self.host_key is None) == (self.known_hosts is None):
            raise ValueError("give the server's key once: as host_key or in a known_hosts file")
        if self.host_key is not None and len(self.host_key.split()) < 2:
            raise ValueError('host_key is written as in a .pub file: "ssh-ed25519 AAAA…"')
        if self.password is None and self.key is None:
            raise ValueError("give a password or a key")
        return self


class XmlShape(Options):
    """The elements of an XML file: rows under a root; fields are child elements or attributes of their row."""

    root: Name = "rows"
    row: Name = "row"
    style: Literal["elements", "attributes"] = "elements"


class ManifestOut(Options):
    """A file beside the data file, written last: its name, count, size, digest, and the keys of its rows, as JSON."""

    name: Annotated[str, AfterValidator(lambda value: template(value, {"file"}, needs={"file"}))] = "{file}.json"
    digest: Digest = "sha256"


class Endpoint(Options):
    """One kind of outgoing file.

    `columns` maps body fields to titles, in order. `per: message` names each file by `{id}`, the idempotency key; `per: batch`
    puts one window into one file, and `{id}` is a digest of all its idempotency keys. `proof` says how the hub knows later that a
    file was published: `file` (it stays where it is), `ledger` (the far side takes files away; the hub keeps a note of each in
    the directory `ledger`), `none` (it cannot know).
    """

    format: Format
    path: Annotated[str, AfterValidator(lambda value: template(relative(value), PLACES, needs={"id"}))]
    per: Literal["message", "batch"] = "message"
    proof: Literal["none", "file", "ledger"] = "none"
    ledger: RelativePath = ".published"
    columns: Annotated[dict[Name, Name], Field(min_length=1)] | None = None
    ignore: frozenset[str] = frozenset()
    encoding: Charset = "utf-8"
    newline: Literal["lf", "crlf"] = "crlf"
    delimiter: Delimiter = ","
    quote: Literal["minimal", "all"] = "minimal"
    header: bool = True
    sheet: Annotated[str, Field(min_length=1, max_length=31, pattern=r"^[^\[\]:*?/\\]+$")] = "Sheet1"
    xml: XmlShape = XmlShape()
    manifest: ManifestOut | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format in ("csv", "xlsx") and self.columns is None:
            raise ValueError(f"{self.format} needs columns: body field to title, in order")
        if self.per == "batch" and self.proof == "none":
            raise ValueError("per: batch needs proof: file or ledger, else a file in doubt could never be settled")
        if self.per == "batch" and self.proof == "file" and self.manifest is None:
            raise ValueError("per: batch with proof: file needs a manifest, which tells the rows of each file")
        titles = list((self.columns or {}).values())
        if len(set(titles)) < len(titles):
            raise ValueError("two columns have the same title")
        self._writable([*titles, self.xml.root, self.xml.row])
        return self

    def _writable(self, titles: list[str]) -> None:
        for title in titles:
            if self.format == "xml" and not is_xml_name(title):
                raise ValueError(f"{title!r} is no name of an XML element")
            try:
                title.encode("utf-8" if self.format == "xlsx" else self.encoding)
            except UnicodeEncodeError:
                raise ValueError(f"the title {title!r} cannot be written in {self.encoding}") from None


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


Regex = Annotated[str, AfterValidator(_regex)]


class Column(Options):
    """One column of an incoming table.

    `type` matters in workbooks, where a cell may be a number or a date. `matches`: what every value that is not empty looks like as
    a whole; what looks otherwise (a sum row, a shifted cell) is no record.
    """

    field: Name
    type: Literal["any", "text", "number", "date"] = "any"
    matches: Regex | None = None


class Ready(Options):
    """When an incoming file is complete; exactly one of the three.

    manifest: a file of this name has its size and digest. marker: an empty file of this suffix lies beside it. age: size and
    time of change have stayed for so long. `patience`: how long a file may contradict its manifest before it counts as bad.
    """

    manifest: Annotated[str, AfterValidator(lambda value: template(value, {"file"}, needs={"file"}))] | None = None
    digest: Digest = "sha256"
    marker: Annotated[str, Field(min_length=1)] | None = None
    age: Seconds | None = None
    patience: Seconds = 600.0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(way is not None for way in (self.manifest, self.marker, self.age)) != 1:
            raise ValueError("say once when a file is complete: manifest, marker or age")
        return self


def _field(value: object) -> object:
    return {"field": value} if isinstance(value, str) else value


#: A column as it is written: the record's field alone, or what else is said of it.
ColumnEntry: TypeAlias = Annotated[Column, BeforeValidator(_field, json_schema_input_type=str | Column)]


class Layout(Options):
    """What stands in an incoming file, and which field of a row is what of a record.

    `columns` maps titles to record fields. `constants` are fields every record has besides: what the sender leaves unsaid, because
    over there it is always the same. `place` names a field that tells where the row stood; it is no part of the revision. `footer`:
    how the first cell of a last row begins that is no record (a sum, a signature).
    """

    key: Annotated[tuple[Name, ...], Field(min_length=1)]
    revision: str | None = None
    encoding: Charset = "utf-8"
    columns: Annotated[dict[Name, ColumnEntry], Field(min_length=1)] | None = None
    constants: dict[Name, str] = {}
    place: Name | None = None
    footer: Regex | None = None
    extra: Literal["refuse", "ignore"] = "refuse"
    header: Annotated[int, Field(ge=0, le=100)] = 1
    delimiter: Delimiter = ","
    sheet: str | None = None
    xml: XmlShape = XmlShape()
    unpacked: Annotated[int, Field(ge=1)] = 1024**3  # bytes, of one workbook without compression

    @model_validator(mode="after")
    def _named(self) -> Self:
        fields = [
            *(column.field for column in (self.columns or {}).values()),
            *self.constants,
            *([self.place] if self.place else []),
        ]
        if len(set(fields)) < len(fields):
            raise ValueError("two columns, or a column and what is added, have the same field")
        named = [name for name in (*self.key, self.revision) if self.columns and name is not None]
        missing = [name for name in named if name not in fields or name == self.place]
        if missing:
            raise ValueError(f"key and revision must be fields of columns; {', '.join(missing)} is not")
        return self


class Feed(Layout):
    """One kind of incoming file, and the records in it.

    `done` and `bad` are directories that files are moved to once their records are kept; without `done` files stay, and the cursor
    remembers them.
    """

    directory: RelativePath = "."
    pattern: Name
    format: Format
    ready: Ready
    order: Literal["name", "mtime"] = "mtime"
    done: RelativePath | None = None
    bad: RelativePath | None = None
    page: Annotated[int, Field(ge=1, le=10_000)] = 500
    largest: Annotated[int, Field(ge=1)] = 1024**3  # bytes, of one file
    remember: Annotated[int, Field(ge=1, le=10_000)] = 1000  # files that stay

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.format in ("csv", "xlsx") and self.columns is None:
            raise ValueError(f"{self.format} needs columns: title to record field")
        if (self.done is None) != (self.bad is None):
            raise ValueError("done and bad go together: both directories, or neither and files stay")
        if self.directory in (self.done, self.bad):
            raise ValueError("done and bad must be another directory than the one that is read")
        return self


class FilesOptions(Options):
    """Files on a local or mounted disk (`directory`) or an SFTP server (`sftp`)."""

    directory: ConfigPath | None = None
    sftp: Sftp | None = None
    endpoints: dict[Name, Endpoint] = {}
    feeds: dict[Name, Feed] = {}

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if (self.directory is None) == (self.sftp is None):
            raise ValueError("say once where the files lie: directory or sftp")
        return self


#: What a path of an outgoing file may be made of.
PLACES = frozenset({"id", "batch", "endpoint", "kind", "key", "lane", "operation", "date", "time", "count"})
