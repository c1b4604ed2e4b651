"""The API on a real socket over a hub at work: runs asked for are carried out, the token is demanded, reload takes files over."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from hub.api.server import OPEN_PAGES, listening
from hub.engine.service import Service
from hub.errors import HubError, Misconfigured
from hub.settings import HttpSettings
from hub.store import partitions
from tests import configs, fakes, working

WHO = {"actor": "operator", "reason": "test"}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    fakes.forget()
    return configs.write(tmp_path / "site")


@pytest.fixture
def service(here: Path) -> Iterator[Service]:
    with working.at_work(here) as service:
        yield service


@pytest.fixture
def api(service: Service, here: Path) -> Iterator[httpx.Client]:
    with (
        listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server,
        httpx.Client(base_url=f"http://{server.host}:{server.port}", trust_env=False) as client,
    ):
        yield client


def ended(api: httpx.Client, location: str) -> Callable[[], bool]:
    return lambda: api.get(location).json()["ended_at"] is not None


def test_a_run_asked_for_is_carried_out_and_adds_up(api: httpx.Client) -> None:
    location = api.post("/api/v1/runs", json={"source": "local"}).headers["Location"]
    working.until(ended(api, location))
    run = api.get(location).json()
    assert (run["state"], run["read"], run["accepted"], run["adds_up"]) == ("done", 3, 3, True)
    working.until(lambda: len(fakes.far("city").taken) == 2)


def test_one_key_at_once_from_many_is_one_run(api: httpx.Client) -> None:
    def ask(_: int) -> int:
        answer = api.post("/api/v1/runs", json={"source": "local"}, headers={"Idempotency-Key": "same"})
        number: int = answer.json()["id"]
        return number

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1


def test_pause_keeps_messages_back_and_resume_lets_them_go(api: httpx.Client) -> None:
    api.post("/api/v1/systems/city/pause", json=WHO)
    working.until(ended(api, api.post("/api/v1/runs", json={"source": "local"}).headers["Location"]))
    city = api.get("/api/v1/systems/city").json()
    assert (city["open"], city["backlog"]["pending"]["count"]) == (False, 2)
    assert fakes.far("city").arrived == []
    api.post("/api/v1/systems/city/resume", json=WHO)
    working.until(lambda: len(fakes.far("city").taken) == 2)


def test_a_misconfigured_system_is_paused_and_tells_its_code(api: httpx.Client) -> None:
    fakes.far("city").down = Misconfigured("HUB-D-110", "refused: 401")
    api.post("/api/v1/runs", json={"source": "local"})
    working.until(lambda: api.get("/api/v1/systems/city").json()["standing"]["paused"])
    standing = api.get("/api/v1/systems/city").json()["standing"]
    assert (standing["paused_by"], standing["code"]) == ("hub", "HUB-D-110")


def test_a_dead_letter_mended_in_the_mapping_goes_out_after_reload_and_retry(api: httpx.Client, here: Path) -> None:
    working.until(ended(api, api.post("/api/v1/runs", json={"source": "local"}).headers["Location"]))
    configs.put(here, "mappings/contracts/city/accept.yaml", configs.CONTRACT_ACCEPT.replace("maxLength: 6", "maxLength: 20"))
    assert api.post("/-/reload").json()["systems"] == ["city", "local"]
    wish = {**WHO, "code": "HUB-M-103", "remap": True, "confirm": True}
    assert api.post("/api/v1/dead/retry", json=wish).json() == {"retried": 1, "still_unmappable": 0}
    working.until(lambda: "A2" in [message.key for message in fakes.far("city").taken])


def test_bad_files_are_refused_with_every_finding_and_the_old_ones_stay(api: httpx.Client, here: Path) -> None:
    before = api.get("/version").json()["configuration"]
    configs.put(here, "config/systems/city.yaml", configs.CITY + "batchh: 3\n    retrry: []\n")
    answer = api.post("/-/reload")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert len(answer.json()["findings"]) >= 2
    assert api.get("/version").json()["configuration"] == before
    assert "hub_config_last_reload_successful 0.0" in api.get("/metrics").text
    configs.put(here, "config/systems/city.yaml", configs.CITY.replace("市平台", "市级平台"))
    assert api.post("/-/reload").json()["configuration"] != before
    assert "hub_config_last_reload_successful 1.0" in api.get("/metrics").text


def test_a_token_guards_everything_but_the_open_pages(service: Service, here: Path) -> None:
    http = HttpSettings(token=SecretStr("a-long-and-secret-token"))
    with (
        listening(service, lambda: working.settings_of(here), http, port=0) as server,
        httpx.Client(base_url=f"http://{server.host}:{server.port}", trust_env=False) as client,
    ):
        for page in OPEN_PAGES:
            assert client.get(page).status_code == 200, page
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "a-long-and-secret-token"}):
            answer = client.get("/api/v1/systems", headers=given)
            assert (answer.status_code, answer.json()["code"], answer.headers["WWW-Authenticate"]) == (401, "HUB-X-110", "Bearer")
        assert client.post("/-/reload").status_code == 401
        assert client.get("/api/v1/systems", headers={"Authorization": "Bearer a-long-and-secret-token"}).status_code == 200


def test_a_hub_whose_partition_was_taken_over_is_not_ready(api: httpx.Client, service: Service) -> None:
    assert api.get("/readyz").status_code == 200

    def held() -> bool:
        with service.store.reading() as connection:
            return "deliver:city:0" in [one.name for one in partitions.holdings(connection)]

    working.until(held)
    with service.store.writing() as connection:
        partitions.take(connection, "deliver:city:0", "another hub", service.exchange.clock())
    api.post("/api/v1/runs", json={"source": "local"})
    working.until(lambda: api.get("/readyz").status_code == 503)
    assert api.get("/readyz").json()["checks"]["engine"] == ["deliver:city:0"]


def test_a_port_that_is_taken_is_an_error_with_a_code(service: Service, here: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with (
            pytest.raises(HubError) as refused,
            listening(service, lambda: working.settings_of(here), HttpSettings(), port=other.getsockname()[1]),
        ):
            pass
    assert refused.value.code == "HUB-X-115"
