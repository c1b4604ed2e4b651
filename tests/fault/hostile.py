"""A far side over HTTP that answers what no far side should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

SOAP = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body></soap:Envelope>'
#: Ten entities, each ten of the one before: a few hundred bytes that mean 10^10 characters.
_LOL = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
BILLION_LAUGHS = f'<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY e0 "ha">{_LOL}]>' + SOAP.format("<r>&e10;</r>")
#: One long entity, used often: no nesting to notice.
QUADRATIC = f'<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY a "{"a" * 50_000}">]>' + SOAP.format(f"<r>{'&a;' * 50_000}</r>")
#: Deeper than any parser's stack.
DEEP = SOAP.format("<a>" * 200_000 + "</a>" * 200_000)
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + SOAP.format("<r>&x;</r>")


@contextmanager
def answering(body: bytes, content_type: str = "text/xml; charset=utf-8", **headers: str) -> Iterator[str]:
    """Serve one answer to every request; yields the address."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            for name, value in {"content-type": content_type, "content-length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
