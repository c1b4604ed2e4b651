"""Decides, for one configured call, what goes out and what its answer means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from adapters.kit import words
from adapters.kit.answers import AnswerRule, Judge
from adapters.kit.charset import checked
from adapters.kit.templates import Scope
from adapters.kit.values import compiled, extended
from adapters.kit.xmltemplate import Template, Writer
from adapters.soap.envelope import ENVELOPES, Prepared, template_headers, wrapped
from adapters.soap.inner import DigestText, InnerText
from adapters.soap.options import Call, Ruled, SoapOptions, Token
from adapters.soap.reply import Reader, Reply
from adapters.soap.wsdl import Wsdl, parameters_of
from hub.errors import Failure, Misconfigured, Rejected, Retryable
from hub.model import Json, Receipt
from hub.ports import Outcome


@dataclass(frozen=True, slots=True)
class _Meaning:
    outcome: type[Failure]
    code: str
    says: str


#: What a fault means when no rule says otherwise (SOAP 1.1 section 4.4.1, SOAP 1.2 part 1 section 5.4.6). Application servers
#: append to these codes («Server.userException»); what is in no row is not understood, hence tried again.
FAULTS: Mapping[str, _Meaning] = {
    "Client": _Meaning(Rejected, "HUB-D-210", "the far side blames the message"),
    "Sender": _Meaning(Rejected, "HUB-D-210", "the far side blames the message"),
    "Server": _Meaning(Retryable, "HUB-D-211", "the far side blames itself"),
    "Receiver": _Meaning(Retryable, "HUB-D-211", "the far side blames itself"),
    "VersionMismatch": _Meaning(Misconfigured, "HUB-D-212", "the far side speaks another SOAP version"),
    "MustUnderstand": _Meaning(Misconfigured, "HUB-D-212", "the far side does not understand a header"),
    "DataEncodingUnknown": _Meaning(Misconfigured, "HUB-D-212", "the far side does not know the encoding style"),
}
_UNKNOWN_FAULT = _Meaning(Retryable, "HUB-D-211", "a fault no rule understands")
#: Statuses that only carry a fault and add nothing to it; others speak louder than the fault they come with.
_OF_FAULTS = frozenset({200, 202, 400, 500})


class Exchange:
    """One compiled call: builds envelopes, reads and judges answers; sends nothing itself. Safe to use from several threads."""

    def __init__(self, call: Call, options: SoapOptions, wsdl: Wsdl | None, roots: frozenset[str]) -> None:
        """Compile. Raises ValueError on anything that can be known to be wrong before the first message."""
        names = {"soap": wrapping(options), **options.namespaces}
        self._call = call
        self._wsdl = wsdl
        self._options = options
        self._write = Writer(options.charset)
        header = call.header if call.header is not None else () if isinstance(call, Token) else options.header
        self._header = [Template(node, names, roots) for node in header]
        self._body = None if call.body is None else Template(call.body, names, roots)
        self._parameters = compiled(parameters_of(call, options), roots)
        self._inner = None if call.inner is None else InnerText(call.inner, names, roots)
        self._digest = None if call.digest is None else DigestText(call.digest, roots)
        self.reader = Reader(call.answer or options.answer, options.namespaces)
        self._judge = Judge(_rules(call, options))

    def prepare(self, scope: Scope) -> Prepared:
        """Return the envelope for this scope. Raises Rejected, Misconfigured, or what loading the WSDL raises."""
        scope = self._with_inner(scope)
        header = [template.build(scope, self._write) for template in self._header]
        if self._body is not None:
            envelope = wrapped(self._options.version, header, self._body.build(scope, self._write))
            return Prepared(str(self._options.address), envelope, template_headers(self._options.version, self._call.action))
        if self._wsdl is None or self._call.operation is None:
            raise Misconfigured("HUB-D-203", "an operation needs a wsdl")
        parameters = _written(self._parameters(scope), "parameters", self._options.charset)
        return self._wsdl.prepare(self._call.operation, parameters, header)

    def judge(self, reply: Reply) -> Outcome:
        """Return what the answer means: the rules, then the fault's table or HTTP's; never raises."""
        page = reply.answer.is_html
        ruled = self._judge.by_rule(reply.answer, page=page)
        if ruled is not None and not (reply.torn and isinstance(ruled, Receipt)):
            return ruled
        if reply.fault is not None and reply.answer.status in _OF_FAULTS:
            return of_fault(reply.fault, reply.words)
        return reply.trouble or self._judge(reply.answer)

    def _with_inner(self, scope: Scope) -> Scope:
        if self._inner is None and self._digest is None:
            return scope
        text = None if self._inner is None else self._inner.text(scope)
        inside = extended(scope, **({} if text is None else {"inner": text}))
        if self._digest is not None:
            inside = extended(inside, digest=self._digest.text(inside))
        return extended(inside, inner=etree.CDATA(text)) if self._inner is not None and self._inner.cdata else inside


def wrapping(options: SoapOptions) -> str:
    """Return the envelope namespace of template envelopes."""
    return ENVELOPES[options.version][0]


def of_fault(code: str, said: str) -> Failure:
    """Return what a fault means that no rule knows."""
    meaning = _UNKNOWN_FAULT
    for part in code.split():
        meaning = FAULTS.get(part.rpartition(":")[2].partition(".")[0], meaning)
    return meaning.outcome(meaning.code, f"SOAP fault {words.said(code)[:80]}: {meaning.says}", said=words.said(said))


def taken(outcome: Outcome) -> Receipt:
    """Return the receipt; raise the failure."""
    if isinstance(outcome, Failure):
        raise outcome
    return outcome


def _rules(call: Call, options: SoapOptions) -> list[AnswerRule]:
    """Return the rules of a call: a look-up has its own kind, a handshake answers unlike everything else."""
    if not isinstance(call, Ruled):
        return []
    return list(call.answers) if isinstance(call, Token) else [*call.answers, *options.answers]


def _written(value: Json, field: str, charset: str) -> Json:
    """Check every text of the parameters; numbers and truth values are left to zeep's types."""
    if isinstance(value, str):
        return checked(value, field, charset)
    if isinstance(value, Mapping):
        return {name: _written(item, name, charset) for name, item in value.items()}
    return [_written(item, field, charset) for item in value] if isinstance(value, list) else value
