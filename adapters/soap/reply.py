"""Decides what an HTTP answer says as SOAP: a fault, a result, or nothing that can be understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from lxml import etree

from adapters.kit.answer import Answer, declared, first_text, json_tree, steps, value_at
from adapters.kit.xmlopened import opened
from adapters.kit.xmlread import HasDtd, NoXml, document_text, safe_root, unescaped
from adapters.soap.envelope import ENVELOPES
from adapters.soap.parts import Reading
from adapters.soap.references import TooManyReferences, dereference
from hub.errors import InDoubt
from hub.model import Json

_URIS = frozenset(uri for uri, _ in ENVELOPES.values())


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """One answer, read. `answer` is what rules are asked about; `trouble` says why it could not be read as declared.

    `tree` is what paths are asked of: the root of the inner XML, the JSON inside, or the first element of the SOAP body. With both,
    a document inside the tree could not be read.
    """

    answer: Answer
    fault: str | None = None
    words: str = ""
    tree: Any = None
    trouble: InDoubt | None = None

    @property
    def torn(self) -> bool:
        """Whether only a part of it could be read: enough to refuse by, too little to say that all is well."""
        return self.trouble is not None and self.tree is not None


class Reader:
    """Reads the answers of one call by its `answer:`."""

    def __init__(self, reading: Reading, namespaces: Mapping[str, str]) -> None:
        self._reading = reading
        self._names = {prefix: uri for prefix, uri in namespaces.items() if prefix}

    def read(self, answer: Answer) -> Reply:
        """Return what the answer says; never raises."""
        if not answer.content.strip() or answer.is_html:
            return Reply(answer)
        try:
            return self._of_envelope(answer, _body(self._parsed(answer)))
        except _Unreadable as problem:
            # A failure status speaks for itself; only an answer that looks like success leaves a doubt.
            return Reply(answer, trouble=problem.failure if answer.status < 300 else None)

    def found(self, reply: Reply, path: str) -> Any:
        """Return what a path gives: elements or texts by XPath, or a JSON value; None when nothing is there."""
        if isinstance(reply.tree, etree._Element):
            return self._xpath(reply.tree, path)
        return None if reply.tree is None else value_at(reply.tree, steps("" if path == "." else path))

    def text(self, reply: Reply, path: str) -> str | None:
        """Return the first thing a path gives as text."""
        return first_text(self.found(reply, path))

    def _parsed(self, answer: Answer) -> etree._Element:
        forced, header = self._reading.charset, declared(answer.headers.get("content-type", ""))
        try:
            text = document_text(answer.content, (forced,) if forced else (), header)
        except NoXml as problem:
            raise _Unreadable("HUB-D-117", f"the answer {problem}") from None
        return _root(text)

    def _of_envelope(self, answer: Answer, body: etree._Element) -> Reply:
        if len(body) == 0:
            return Reply(self._view(answer, "", None), tree=None)
        if etree.QName(body[0]).localname == "Fault":
            return self._of_fault(answer, body[0])
        _dereferenced(body)
        text = self._result(body[0])
        return self._of_tree(answer, text, body[0]) if self._reading.inner == "none" else self._of_inner(answer, text)

    def _of_fault(self, answer: Answer, fault: etree._Element) -> Reply:
        """Read a fault. Where paths are those of a result string, there is none: «any other result» must not mean a fault."""
        code, words = fault_code(fault), fault_words(fault)
        tree = None if self._reading.inner in ("text", "json") else fault
        return Reply(self._view(answer, words, tree, code), code, words, tree)

    def _of_inner(self, answer: Answer, text: str) -> Reply:
        try:
            text = _decoded(text, self._reading.decode)
        except _Unreadable as problem:
            return Reply(self._view(answer, text, None), trouble=problem.failure if answer.status < 300 else None)
        if self._reading.inner == "text" or not text.strip():
            return Reply(self._view(answer, text, text), tree=text)
        try:
            tree = _json(text) if self._reading.inner == "json" else _root(text)
        except _Unreadable as problem:
            return Reply(self._view(answer, text, None), trouble=problem.failure if answer.status < 300 else None)
        return self._of_tree(answer, text, tree)

    def _of_tree(self, answer: Answer, text: str, tree: Any) -> Reply:
        trouble: InDoubt | None = None
        try:
            if isinstance(tree, etree._Element):
                opened(tree, self._reading.documents, self._xpath)
        except NoXml as problem:
            trouble = InDoubt("HUB-D-213" if isinstance(problem, HasDtd) else "HUB-D-117", str(problem))
        return Reply(self._view(answer, text, tree), tree=tree, trouble=trouble if answer.status < 300 else None)

    def _result(self, element: etree._Element) -> str:
        if self._reading.result is not None:
            return first_text(self._xpath(element, self._reading.result)) or ""
        while len(element):
            element = element[0]
        return element.text or ""

    def _view(self, answer: Answer, text: str, tree: Any, fault: str | None = None) -> Answer:
        def select(path: str) -> str | None:
            return self.text(Reply(answer, tree=tree), path)

        return Answer(answer.status, answer.headers, text, fault=fault, select=select)

    def _xpath(self, element: etree._Element, path: str) -> Any:
        names = {"soap": etree.QName(element.getroottree().getroot()).namespace or "", **self._names}
        if names["soap"] not in _URIS:
            names["soap"] = ENVELOPES["1.1"][0]
        try:
            return _xpath(path, tuple(sorted(names.items())))(element)
        except etree.XPathError:  # an undeclared prefix or an unknown function: matches nothing
            return None


@lru_cache(maxsize=512)
def _xpath(path: str, names: tuple[tuple[str, str], ...]) -> etree.XPath:
    return etree.XPath(path, namespaces=dict(names))


class _Unreadable(Exception):
    """An answer that is not what it should be, and how to say so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = InDoubt(code, message)


def _decoded(text: str, steps: Sequence[str]) -> str:
    """Undo what the far side did to its result; a blank may be `+`, as Java's URLEncoder writes it."""
    for step in steps:
        if step == "unescape":
            text = unescaped(text)
            continue
        try:
            text = unquote_plus(text, encoding="gb18030" if step == "url-gbk" else "utf-8", errors="strict")
        except UnicodeDecodeError:
            raise _Unreadable("HUB-D-117", f"the result is not {step}-encoded as declared") from None
    return text


def _root(text: str) -> etree._Element:
    try:
        return safe_root(text)
    except HasDtd:
        raise _Unreadable("HUB-D-213", "the answer brings a DTD, which is never read") from None
    except NoXml:
        raise _Unreadable("HUB-D-117", "the answer is no readable XML") from None


def _json(text: str) -> Json:
    tree = json_tree(Answer(200, None, text))
    if tree is None:
        raise _Unreadable("HUB-D-117", "the result is no readable JSON")
    return tree


def _body(root: etree._Element) -> etree._Element:
    name = etree.QName(root)
    body = root.find(f"{{{name.namespace}}}Body") if name.localname == "Envelope" and name.namespace in _URIS else None
    if body is None:
        raise _Unreadable("HUB-D-117", "the answer is XML, but no SOAP envelope")
    return body


def _dereferenced(body: etree._Element) -> None:
    try:
        dereference(body)
    except TooManyReferences:
        raise _Unreadable("HUB-D-214", "the answer's references unfold without bound") from None


def _children(element: etree._Element) -> Mapping[str, etree._Element]:
    return {etree.QName(child).localname: child for child in element}


def fault_code(fault: etree._Element) -> str:
    """Return the fault code as sent; in SOAP 1.2 the value and its sub-codes, a blank between."""
    parts = _children(fault)
    if "Code" not in parts:
        return (parts["faultcode"].text or "").strip() if "faultcode" in parts else ""
    return " ".join((value.text or "").strip() for value in parts["Code"].iter() if etree.QName(value).localname == "Value")


def fault_words(fault: etree._Element) -> str:
    """Return the far side's words in a fault."""
    parts = _children(fault)
    words = parts.get("faultstring", parts.get("Reason"))
    return "" if words is None else " ".join("".join(words.itertext()).split())
