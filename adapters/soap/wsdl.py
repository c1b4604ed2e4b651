"""Decides what a WSDL may pull in and which operation builds an envelope; zeep builds, it never sends and never downloads."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree
from zeep import Client, Settings
from zeep.exceptions import Error as ZeepError
from zeep.proxy import ServiceProxy
from zeep.wsdl.bindings.soap import Soap11Binding, Soap12Binding, SoapBinding
from zeep.xsd import Element

from adapters.kit.http import Headers, Http
from adapters.kit.protocol import by_status
from adapters.soap import encoded
from adapters.soap.envelope import Prepared, credentials
from adapters.soap.options import Call, SoapOptions, Token, wsdl_location
from adapters.soap.schemas import bundled
from hub.errors import Failure, Misconfigured, Rejected
from hub.model import Json


class Loader:
    """What zeep takes for its transport: loads only the WSDL and what stands beside it, and hands envelopes back unsent."""

    def __init__(self, root: str, http: Http, headers: Headers = ()) -> None:
        self._root = root
        self._http = http
        self._headers = headers
        self.documents: list[bytes] = []  # everything loaded, as it came

    def load(self, url: str) -> bytes:
        """Return a document. Raises Misconfigured HUB-D-202 for a place outside, HUB-D-201 for a file that cannot be read."""
        kept = bundled(str(url))
        if kept is not None:
            return kept
        parts = urlsplit(str(url))
        far = parts.scheme in ("http", "https")
        own = self._fetch(str(url)) if far else self._read(Path(unquote(parts.path) if parts.scheme == "file" else str(url)))
        self.documents.append(own)
        return own

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> Prepared:
        """Return the envelope instead of sending it: the answer is judged as HTTP before anybody reads it as SOAP."""
        return Prepared(address, envelope, dict(headers))

    def _fetch(self, url: str) -> bytes:
        if urlsplit(self._root)[:2] != urlsplit(url)[:2]:
            raise _outside(url)
        answer = self._http.request("GET", url, headers=self._headers)
        if 200 <= answer.status < 300:
            return answer.content
        raise by_status(answer.status, answer.headers)

    def _read(self, path: Path) -> bytes:
        home = Path(self._root).parent.resolve()
        if self._root.startswith(("http://", "https://")) or not path.resolve().is_relative_to(home):
            raise _outside(path.name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise Misconfigured("HUB-D-201", f"{path.name} cannot be read: {error.strerror}") from error


def _outside(place: str) -> Misconfigured:
    hint = "save that document beside the WSDL and make the import relative"
    return Misconfigured("HUB-D-202", f"the WSDL imports {place[:200]}, which is neither beside it nor bundled", hint=hint)


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A service of a WSDL, ready to build envelopes for one address; `encoded`: operation -> encoding style, if it has one."""

    proxy: ServiceProxy
    binding: Any
    address: str
    encoded: Mapping[str, str]


class Wsdl:
    """One WSDL, loaded at first use and kept, and the service it binds. Safe to use from several threads."""

    def __init__(self, options: SoapOptions, http: Http) -> None:
        self._options = options
        self._location = wsdl_location(options.wsdl or "")
        self._loader = Loader(self._location, http, credentials(options.basic))
        self._lock = threading.Lock()
        self._bound: Bound | None = None

    def bound(self) -> Bound:
        """Return the bound service; load it if that has not happened.

        Raises Misconfigured HUB-D-201, 202 or 203, and what loading over HTTP raises; the next call then tries again.
        """
        with self._lock:
            if self._bound is None:
                self._bound = self._bind()
            return self._bound

    def prepare(self, operation: str, parameters: Json, header: Sequence[etree._Element]) -> Prepared:
        """Return the envelope of a call. Raises Rejected HUB-D-205 when the values do not fit the operation's types."""
        bound = self.bound()
        call = bound.proxy[operation]
        positional, named = (parameters, {}) if isinstance(parameters, list) else ((), dict(parameters or {}))
        try:
            prepared: Prepared = call(*positional, **named, **({"_soapheaders": list(header)} if header else {}))
        except (TypeError, ZeepError) as error:  # zeep's words here are names of elements and types, no values
            raise Rejected("HUB-D-205", f"{operation}: {str(error)[:400]}") from error
        except (ValueError, AttributeError, ArithmeticError, LookupError) as error:
            name = type(error).__name__
            raise Rejected("HUB-D-205", f"{operation}: a value does not fit its XML Schema type ({name})") from error
        if operation in bound.encoded:
            encoded.write_types(prepared.envelope, bound.binding.get(operation).input.body.type, bound.encoded[operation])
        return prepared

    def _bind(self) -> Bound:
        client = self._load()
        port = _port(client, self._options)
        address = self._options.address or port.binding_options.get("address")
        if not address:
            raise Misconfigured("HUB-D-203", "the WSDL names no address", hint="say address:")
        for path, call in self._options.calls():
            if call.operation is not None:
                _fits(port.binding, path, call, self._options)
        name = port.binding.name
        styles = encoded.styles(self._loader.documents, port.binding.nsmap["soap"], etree.QName(name).localname)
        return Bound(client.create_service(str(name), address), port.binding, str(address), styles)

    def _load(self) -> Any:
        settings = Settings(strict=self._options.strict, forbid_dtd=True, forbid_entities=True, raw_response=True)
        make: Any = Client  # untyped
        try:
            return make(self._location, transport=self._loader, settings=settings)
        except Failure:
            raise
        except (ZeepError, etree.LxmlError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError) as error:
            raise Misconfigured("HUB-D-201", f"the WSDL cannot be used: {type(error).__name__}: {str(error)[:300]}") from error


def _port(client: Any, options: SoapOptions) -> Any:
    """Return the port to use: the named one, else the first of the wanted SOAP version, else the first SOAP port."""
    wanted = Soap11Binding if options.version == "1.1" else Soap12Binding
    ports = [
        port
        for service in client.wsdl.services.values()
        for port in service.ports.values()
        if options.service in (None, service.name) and options.port in (None, port.name) and isinstance(port.binding, SoapBinding)
    ]
    if not ports:
        raise Misconfigured("HUB-D-203", "the WSDL has no such SOAP service and port", hint="look at service: and port:")
    return next((port for port in ports if isinstance(port.binding, wanted)), ports[0])


def _fits(binding: Any, path: str, call: Call, options: SoapOptions) -> None:
    """Check that the operation is there and takes the parameters that are configured. Raises Misconfigured HUB-D-203."""
    known = sorted(binding.all())
    if call.operation not in known:
        hint = _close(str(call.operation), known)
        raise Misconfigured("HUB-D-203", f"{path}: the WSDL has no operation {call.operation!r}", hint=hint)
    names = input_names(binding, str(call.operation))
    problem = _misfit(call, options, names) if names else None
    if problem is not None:
        raise Misconfigured("HUB-D-203", f"{path}: {call.operation} {problem[0]}", hint=problem[1])


def _misfit(call: Call, options: SoapOptions, names: Mapping[str, bool]) -> tuple[str, str] | None:
    """Return what is wrong with the parameters, and a hint; `$body` for all of them can only be judged with a record at hand."""
    given = parameters_of(call, options)
    if isinstance(given, list):
        return None if len(given) <= len(names) else (f"takes {len(names)} parameters, not {len(given)}", ", ".join(names)[:200])
    if not isinstance(given, dict):
        return None
    unknown = [name for name in given if name not in names]
    if unknown:
        return f"has no parameter {unknown[0]!r}", _close(unknown[0], list(names))
    lacking = [name for name, required in names.items() if required and name not in given]
    return (f"lacks its parameter {lacking[0]!r}", f"wanted: {', '.join(names)[:200]}") if lacking else None


def parameters_of(call: Call, options: SoapOptions) -> Json:
    """Return the call's parameters behind the system's leading ones. Raises ValueError when they cannot be joined."""
    if call.operation is None or not options.parameters or isinstance(call, Token):
        return call.parameters
    if isinstance(call.parameters, dict):
        return {**options.parameters, **call.parameters}
    if isinstance(call.parameters, list):
        return [*options.parameters.values(), *call.parameters]
    raise ValueError(f"parameters: {call.parameters} cannot be joined with the system's parameters; list them by name")


def input_names(binding: Any, operation: str) -> dict[str, bool]:
    """Return an operation's parameters, in order, and which must be there; empty when it takes one plain value or none."""
    body: Any = binding.get(operation).input.body
    elements = getattr(body.type, "elements", []) if body is not None else []
    return {name: _required(element) for name, element in elements}


def _required(element: Any) -> bool:
    return isinstance(element, Element) and not element.is_optional and not element.nillable and element.default is None


def _close(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)[:200]}"
