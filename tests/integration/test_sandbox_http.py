"""The HTTP twins over real sockets: every fault as a client meets it, and the control API."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import orjson
import pytest
import zeep

from hub.sandbox.control import Control
from hub.sandbox.farside import FarSide
from hub.sandbox.faults import TAKEN, FaultKind, FaultPlan
from hub.sandbox.proxy import Proxy, Swallow
from hub.sandbox.twins.gateway import PATH, QUERY_ID, GatewayTwin
from hub.sandbox.twins.gateway_contracts import ACCEPT_ID
from hub.sandbox.twins.social import PATH as SOCIAL_PATH
from hub.sandbox.twins.social import SocialTwin
from hub.sandbox.web import Answer, Host, Request
from tests.unit.sandbox import bodies
from tests.unit.sandbox.test_gateway import ACCEPT, form
from tests.unit.sandbox.test_social import FIELDS, envelope


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.stop()
    host.stop()  # twice does no harm


@pytest.fixture
def gateway(host: Host) -> GatewayTwin:
    return GatewayTwin(plan=FaultPlan(delay=0.01, hang=20.0, retry_after=7))


@pytest.fixture
def client(host: Host, gateway: GatewayTwin) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{host.listen(gateway)}", timeout=httpx.Timeout(10.0, read=0.5)) as client:
        yield client


def post(client: httpx.Client, gateway: GatewayTwin, interface: str = ACCEPT_ID, content: object = ACCEPT) -> httpx.Response:
    return client.post(PATH, data=form(gateway, interface, content))


def inside(response: httpx.Response) -> Any:
    """Return what the gateway has as text in its answer."""
    return orjson.loads(response.json()["data"])


def code(response: httpx.Response) -> str:
    return str(inside(response)["code"])


def test_one_connection_carries_many_requests(client: httpx.Client, gateway: GatewayTwin) -> None:
    codes = [code(post(client, gateway, content=bodies.pascal(bodies.accept(case)))) for case in bodies.some_cases(40)]
    assert codes == ["200"] * 40
    assert gateway.stats()["requests"] == 40


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (FaultKind.ERROR_500, 500, "服务暂不可用"),
        (FaultKind.ERROR_503, 503, "服务暂不可用"),
        (FaultKind.HTML_503, 503, "<html>"),
        (FaultKind.HTML_200, 200, "<html>"),
        (FaultKind.TOO_MANY, 429, "频繁"),
        (FaultKind.BUSY, 200, "5001"),
        (FaultKind.REFUSAL, 200, "4001"),
        (FaultKind.SOAP_FAULT, 500, "服务内部错误"),
        (FaultKind.SLOW, 200, r"\"200\""),
        (FaultKind.BAD_GATEWAY, 502, "<html>"),
        (FaultKind.LATE_REJECTION, 200, r"\"200\""),
    ],
)
def test_answered_faults(client: httpx.Client, gateway: GatewayTwin, fault: FaultKind, status: int, said: str) -> None:
    gateway.plan.change(script=[fault])
    response = post(client, gateway)
    assert (response.status_code, said in response.text) == (status, True)
    assert response.headers.get("retry-after") == ("7" if fault is FaultKind.TOO_MANY else None)
    assert len(gateway.held()) == (fault in TAKEN)
    assert code(post(client, gateway)) == ("409" if fault in TAKEN else "200"), "the next request must be served well"
    assert gateway.plan.thrown() == {fault: 1}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (FaultKind.RESET_BEFORE, httpx.NetworkError),
        (FaultKind.RESET_AFTER, httpx.NetworkError),
        (FaultKind.TIMEOUT_AFTER, httpx.ReadTimeout),
    ],
)
def test_unanswered_faults(client: httpx.Client, gateway: GatewayTwin, fault: FaultKind, error: type[Exception]) -> None:
    gateway.plan.change(script=[fault])
    with pytest.raises((error, httpx.RemoteProtocolError)):
        post(client, gateway)
    assert len(gateway.held()) == (fault in TAKEN)
    asked = inside(post(client, gateway, QUERY_ID, {"RowGuid": ACCEPT["RowGuid"]}))
    assert asked["held"] is (fault in TAKEN)
    assert code(post(client, gateway)) == ("409" if fault in TAKEN else "200")


def test_an_endless_answer_goes_on_until_the_client_leaves(client: httpx.Client, gateway: GatewayTwin) -> None:
    gateway.plan.change(script=[FaultKind.ENDLESS])
    with client.stream("POST", PATH, data=form(gateway, ACCEPT_ID, ACCEPT)) as response:
        got = 0
        for chunk in response.iter_raw():
            got += len(chunk)
            if got > 500_000:
                break
    assert got > 500_000 and len(gateway.held()) == 1
    assert code(post(client, gateway)) == "409"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
    ],
)
def test_what_is_no_request_is_turned_away(host: Host, gateway: GatewayTwin, raw: bytes, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", host.listen(gateway)), timeout=10) as peer:
        peer.sendall(raw)
        answer = b"".join(iter(lambda: peer.recv(4096), b""))
    assert answer.split()[1] == status


def test_requests_that_come_in_pieces_or_at_once_are_answered_in_order(host: Host, gateway: GatewayTwin) -> None:
    with socket.create_connection(("127.0.0.1", host.listen(gateway)), timeout=10) as peer:
        one = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
        peer.sendall(one[:9])
        peer.sendall(one[9:] + one + one)
        answer = b""
        while answer.count(b"404 Not Found") < 3:
            answer += peer.recv(4096)
    assert gateway.stats()["requests"] == 3


def test_equal_messages_at_once_are_taken_once(client: httpx.Client, gateway: GatewayTwin) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: code(post(client, gateway)), range(32)))
    assert sorted(codes) == ["200", *["409"] * 31]
    assert (len(gateway.held()), gateway.stats()["duplicates"]) == (1, 31)


def test_a_taken_port_is_an_error(host: Host, gateway: GatewayTwin) -> None:
    port = host.listen(gateway)
    with pytest.raises(OSError):
        host.listen(gateway, port)


def test_the_social_twin_over_http(host: Host) -> None:
    twin = SocialTwin()
    body = ('<?xml version="1.0" encoding="GBK"?>' + envelope(FIELDS)).encode("gbk")
    url = f"http://127.0.0.1:{host.listen(twin)}{SOCIAL_PATH}"
    answer = httpx.post(url, content=body, headers={"Content-Type": "text/xml; charset=GBK", "SOAPAction": '""'})
    assert answer.headers["content-type"] == "text/xml; charset=GBK"
    assert 'result="SB0000000001"' in answer.content.decode("gbk") and len(twin.held()) == 1


def test_a_soap_library_can_read_the_description_and_call(host: Host) -> None:
    twin = SocialTwin()
    client = zeep.Client(f"http://127.0.0.1:{host.listen(twin)}{SOCIAL_PATH}?wsdl")
    with contextlib.closing(client.transport.session):
        system = client.get_element("{http://www.molss.gov.cn/}system")
        paras = [{"usr": twin.user}, {"pwd": twin.password}, {"funid": "F10.01.01"}]
        header = system(para=[{"_attr_1": para} for para in paras])
        rows = [{"_attr_1": {name: value}} for name, value in FIELDS.items()]
        answer = client.service.business(para=rows, _soapheaders=[header])
    assert answer["result"][0]["_attr_1"] == {"result": "SB0000000001"}
    assert twin.held()[0].content == FIELDS


@pytest.fixture
def control(host: Host, gateway: GatewayTwin) -> Iterator[httpx.Client]:
    twins: dict[str, FarSide] = {"gateway": gateway, "social": SocialTwin()}
    with httpx.Client(base_url=f"http://127.0.0.1:{host.listen(Control(twins))}") as client:
        yield client


def test_faults_are_ordered_and_everything_is_told_through_the_control_api(
    client: httpx.Client, control: httpx.Client, gateway: GatewayTwin
) -> None:
    wanted = {"twin": "gateway", "rates": {"busy": 1.0}, "script": ["error_503", None], "limits": {"busy": 1}}
    assert control.post("/_twin/faults", content=orjson.dumps(wanted)).status_code == 200
    answers = [post(client, gateway) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 200, 200, 200]
    assert [code(answer) for answer in answers[1:]] == ["200", "5001", "409"]
    stats = control.get("/_twin/stats").json()
    assert stats["gateway"]["faults"] == {"error_503": 1, "busy": 1} and stats["gateway"]["taken"] == 1
    [held] = control.get("/_twin/held", params={"twin": "gateway"}).json()["gateway"]
    assert (held["endpoint"], held["row"], held["content"]) == (ACCEPT_ID, ACCEPT["RowGuid"], ACCEPT)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"twin": "nobody"}', b'{"twin": "gateway", "rates": {"nonsense": 1}}'])
def test_wrong_orders_are_refused(control: httpx.Client, body: bytes) -> None:
    answer = control.post("/_twin/faults", content=body)
    assert answer.status_code == 400 and "reset_after" in answer.json()["faults"]
    assert control.get("/nowhere").status_code == 404


@pytest.fixture
def proxy(host: Host, gateway: GatewayTwin) -> Iterator[Proxy]:
    with Proxy("127.0.0.1", host.listen(gateway)) as proxy:
        yield proxy
    proxy.stop()  # twice does no harm


@pytest.fixture
def far(proxy: Proxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy.port}", timeout=httpx.Timeout(10.0, read=0.5)) as client:
        yield client


def test_who_connects_as_a_host_stops_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio forgets a connection that it accepted for a server closed since: it would stay open until it is collected."""
    busy, free, asked = threading.Event(), threading.Event(), threading.Event()
    submit = asyncio.run_coroutine_threadsafe

    def submitted(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Future[Any]:
        future = submit(coroutine, loop)
        asked.set()
        return future

    class Slow(GatewayTwin):
        def answer(self, request: Request, fault: FaultKind | None) -> Answer:
            busy.set()
            free.wait(10)
            return super().answer(request, fault)

    host = Host()
    address = ("127.0.0.1", host.listen(Slow()))
    with (
        socket.create_connection(address, timeout=10) as first,
        socket.socket() as second,
        ThreadPoolExecutor(1) as stopping,
        warnings.catch_warnings(record=True) as left_open,
    ):
        warnings.simplefilter("always")
        first.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert busy.wait(10)
        second.connect(address)
        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", submitted)
        stopped = stopping.submit(host.stop)
        assert asked.wait(10)
        free.set()
        stopped.result(10)
        second.settimeout(10)
        with contextlib.suppress(ConnectionResetError):
            assert second.recv(1) == b""
        gc.collect()
    assert [str(one.message) for one in left_open] == []


def test_a_fair_network_passes_everything(far: httpx.Client, proxy: Proxy, gateway: GatewayTwin) -> None:
    proxy.weather.delay = 0.001
    assert [code(post(far, gateway)) for _ in range(3)] == ["200", "409", "409"]
    assert proxy.connections == 1


@pytest.mark.parametrize(("swallow", "held"), [(Swallow.ANSWERS, 1), (Swallow.ALL, 0)])
def test_a_silent_network(far: httpx.Client, proxy: Proxy, gateway: GatewayTwin, swallow: Swallow, held: int) -> None:
    proxy.weather.swallow = swallow
    with pytest.raises(httpx.ReadTimeout):
        post(far, gateway)
    assert len(gateway.held()) == held
    proxy.weather.swallow = Swallow.NOTHING
    assert code(post(far, gateway)) == ("409" if held else "200")


def test_a_network_that_cuts_requests_or_answers(far: httpx.Client, proxy: Proxy, gateway: GatewayTwin) -> None:
    proxy.weather.reset_requests_after = 300
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        post(far, gateway)
    assert not gateway.held()
    proxy.weather.reset_requests_after, proxy.weather.reset_answers_after = None, 20
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        post(far, gateway)
    assert len(gateway.held()) == 1


def test_a_network_that_refuses_and_one_that_is_cut(far: httpx.Client, proxy: Proxy, gateway: GatewayTwin) -> None:
    assert code(post(far, gateway)) == "200"
    proxy.cut()
    assert code(post(far, gateway)) == "409", "an idle connection that was cut is made anew"
    proxy.weather.refuse = True
    proxy.cut()
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        post(far, gateway)


def test_no_thread_is_left_behind() -> None:
    host = Host()
    with Proxy("127.0.0.1", host.listen(GatewayTwin())):
        pass
    host.stop()
    assert not [thread for thread in threading.enumerate() if thread.name in ("sandbox", "proxy")]
