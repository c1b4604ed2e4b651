"""Pushes over a real socket: durable before the 2xx, accounted like a run, guarded by the signature alone, bounded."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from hub.api import push as way_in
from hub.api.server import listening
from hub.engine.service import Service
from hub.settings import HttpSettings
from hub.store import open_store, partitions, runs, schema
from hub.store.runs import Run, RunState, Trigger
from hub.store.ticks import ticks
from tests import configs, fakes, working
from tests.integration.test_serve import Served, hub
from tests.pushing import SECRET, md5_sorted, webhook

TOWN = f"""
    version: 1
    system: town
    title: 武阳镇
    adapter: push
    contact: 武阳镇便民服务中心
    schemas: {{case: local/case}}
    options:
      auth: {{type: standard-webhooks, secret: {SECRET}}}
      feeds:
        case:
          columns: {{办件号: BJBH, 申请人: SQRMC, 类型: SXLX}}
          key: [BJBH]
          largest: 100000
          most: 500
    """
ROUTE = """
    version: 1
    routes:
      - {route: town-case, title: 乡镇办件, from: town, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}
    """
PATH = "/api/v1/push/town/case"


def rows(*keys: str, name: str = "甲某某", **more: Any) -> bytes:
    return json.dumps([{"办件号": key, "申请人": name, "类型": "1", **more} for key in keys], ensure_ascii=False).encode()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    fakes.forget()
    return configs.write(tmp_path / "site", {"config/systems/town.yaml": TOWN, "config/routes/town.yaml": ROUTE})


@pytest.fixture
def service(here: Path) -> Iterator[Service]:
    with working.at_work(here) as service:
        yield service


@pytest.fixture
def town(service: Service, here: Path) -> Iterator[Callable[..., httpx.Response]]:
    """Give what pushes to a hub whose API is guarded by a token."""
    http = HttpSettings(token=SecretStr("a-long-and-secret-token"))
    with (
        listening(service, lambda: working.settings_of(here), http, port=0) as server,
        httpx.Client(base_url=f"http://{server.host}:{server.port}", trust_env=False) as client,
    ):

        def push(body: bytes, number: str = "n-1", path: str = PATH, **given: Any) -> httpx.Response:
            headers = {**webhook(body, number, at=given.pop("at", None)), **given.pop("headers", {})}
            return client.post(path, content=body, headers=headers)

        yield push


def latest(service: Service) -> Run:
    with service.store.reading() as connection:
        return runs.latest(connection, limit=1, source="town")[0]


def versions(service: Service) -> int:
    with service.store.reading() as connection:
        return connection.scalar(select(func.count()).select_from(schema.record).where(schema.record.c.source == "town")) or 0


def test_a_push_is_a_run_that_adds_up_and_its_records_go_on(town: Callable[..., httpx.Response], service: Service) -> None:
    answer = town(rows("B1", "B2", "B3"))
    told = answer.json()
    assert answer.status_code == 200
    assert (told["read"], told["accepted"], told["unchanged"], told["rejected"], told["repeated"]) == (3, 3, 0, 0, False)
    assert [(one["key"], one["result"]) for one in told["records"]] == [("B1", "accepted"), ("B2", "accepted"), ("B3", "accepted")]
    run = latest(service)
    assert (run.id, run.trigger, run.state, run.read, run.adds_up) == (told["run"], Trigger.PUSH, RunState.DONE, 3, True)
    working.until(lambda: {one.key for one in fakes.far("city").taken} == {"B1", "B2", "B3"})


def test_every_record_is_told_its_fate_and_no_value(town: Callable[..., httpx.Response], service: Service) -> None:
    body = json.dumps(
        [
            {"办件号": "B1", "申请人": "甲某某"},
            {"办件号": "B2", "申请人": "名字过长的某某某"},
            {"办件号": "B3", "类型": 5},
            {"办件号": "", "申请人": "乙某某"},
        ]
    ).encode()
    answer = town(body)
    told = {one["key"]: one for one in answer.json()["records"]}
    assert [told[key]["result"] for key in ("B1", "B2", "B3")] == ["accepted", "accepted", "rejected"]
    assert (told["B1"]["code"], told["B2"]["code"], told["B3"]["code"]) == (None, "HUB-M-103", "HUB-M-102")
    assert told["B2"]["issues"][0]["path"] == "applyer_name"
    assert [one["code"] for one in answer.json()["records"]][3] == "HUB-S-242"
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, 2)
    assert "名字过长" not in answer.text
    assert latest(service).adds_up


def test_the_same_push_again_gets_the_same_answer_and_leaves_one_version(
    town: Callable[..., httpx.Response], service: Service
) -> None:
    first, again = town(rows("B1")), town(rows("B1"))
    assert again.json() == {**first.json(), "repeated": True}
    later = town(rows("B1"), at=datetime.now(UTC) + timedelta(seconds=60))  # signed anew, as at a later try
    assert later.json() == again.json()
    assert versions(service) == 1


def test_a_form_signed_anew_is_still_the_same_push(here: Path) -> None:
    """Time and signature stand in the body, so that a later try has other bytes."""
    auth = "{type: signature, fields: ['*'], order: sorted, digest: md5, secret_at: suffix, secret: s, timestamp: s, "
    auth += "timestamp_in: ts, id_in: no, into: {form: sign}}"
    form = TOWN.replace(f"{{type: standard-webhooks, secret: {SECRET}}}", auth)
    form = form.replace("columns:", "format: form\n          extra: ignore\n          columns:")
    configs.put(here, "config/systems/town.yaml", form)
    now = int(datetime.now(UTC).timestamp())
    with working.at_work(here) as service, listening(
        service, lambda: working.settings_of(here), HttpSettings(), port=0
    ) as server, httpx.Client(base_url=f"http://{server.host}:{server.port}", trust_env=False) as client:  # fmt: skip

        def push(at: int, **fields: str) -> dict[str, Any]:
            told = {"ts": str(at), "no": "n-1", "申请人": "甲某某", **fields}
            answer: dict[str, Any] = client.post(PATH, data={**told, "sign": md5_sorted(told, "s")}).json()
            return answer

        first = push(now - 9, 办件号="B1")
        assert (first["accepted"], push(now, 办件号="B1")) == (1, {**first, "repeated": True})
        assert push(now, 办件号="B2")["code"] == "HUB-X-145"
        broken = push(now - 9, no="n-2", 办件号="")
        assert (broken["rejected"], push(now, no="n-2", 办件号="")) == (1, {**broken, "repeated": True})
        assert versions(service) == 2


def test_the_same_contents_under_another_number_are_unchanged(town: Callable[..., httpx.Response], service: Service) -> None:
    town(rows("B1"))
    told = town(rows("B1"), "n-2").json()
    assert (told["unchanged"], told["records"][0]["result"], told["repeated"]) == (1, "unchanged", False)
    assert versions(service) == 1


def test_an_old_push_captured_and_sent_again_cannot_undo_a_newer_one(town: Callable[..., httpx.Response], service: Service) -> None:
    captured = (rows("B1", name="甲某某"), "n-1")
    town(*captured)
    town(rows("B1", name="乙某某"), "n-2")
    assert town(*captured).json()["repeated"] is True
    assert versions(service) == 2


def test_a_number_used_for_another_push_is_refused(town: Callable[..., httpx.Response], service: Service) -> None:
    town(rows("B1"))
    answer = town(rows("B2"))
    assert (answer.status_code, answer.json()["code"]) == (422, "HUB-X-145")
    assert versions(service) == 1


def test_many_at_once_are_kept_one_after_the_other(town: Callable[..., httpx.Response], service: Service) -> None:
    def push(number: int) -> int:
        answer = town(rows("B1", "B2"), f"n-{number % 4}")
        assert answer.status_code in (200, 429), answer.text
        return answer.status_code

    with ThreadPoolExecutor(6) as pool:
        assert 200 in set(pool.map(push, range(24)))
    assert versions(service) == 2


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"headers": {"webhook-signature": ""}}, 401, "HUB-S-601"),
        ({"headers": {"webhook-signature": "v1,AAAA"}}, 401, "HUB-S-602"),
        ({"headers": {"Authorization": "Bearer a-long-and-secret-token", "webhook-signature": ""}}, 401, "HUB-S-601"),
        ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, 401, "HUB-S-603"),
        ({"path": "/api/v1/push/twon/case"}, 404, "HUB-X-140"),
        ({"path": "/api/v1/push/local/case"}, 404, "HUB-X-140"),
        ({"path": "/api/v1/push/town/cases"}, 404, "HUB-X-140"),
        ({"body": b" " * 100_001}, 413, "HUB-X-141"),
        ({"body": b"[{"}, 422, "HUB-S-610"),
        ({"body": rows(*(str(number) for number in range(501)))}, 422, "HUB-S-611"),
        ({"headers": {"Content-Type": "application/json; charset=gbk"}}, 422, "HUB-S-220"),
    ],
)
def test_what_is_refused_is_a_problem_with_a_code(
    town: Callable[..., httpx.Response], service: Service, given: dict[str, Any], status: int, code: str
) -> None:
    answer = town(given.pop("body", rows("B1")), **given)
    assert (answer.status_code, answer.json()["code"], answer.headers["content-type"]) == (status, code, "application/problem+json")
    assert answer.json()["remedy"]["zh"]
    assert versions(service) == 0


def test_an_authentic_push_that_cannot_be_read_is_a_failed_run(town: Callable[..., httpx.Response], service: Service) -> None:
    town(b'[{"a" 1}]')
    run = latest(service)
    assert (run.trigger, run.state, run.code, run.reason) == (
        Trigger.PUSH, RunState.FAILED, "HUB-S-610", "line 1, column 7: no JSON"
    )  # fmt: skip
    metric = service.metrics.registry.get_sample_value("hub_pushes_total", {"system": "town", "result": "refused"})
    assert metric == 1


def test_a_push_nobody_signed_writes_nothing(town: Callable[..., httpx.Response], service: Service) -> None:
    town(rows("B1"), headers={"webhook-signature": "v1,AAAA"})
    with service.store.reading() as connection:
        assert runs.latest(connection, limit=5, source="town") == []
    assert service.metrics.registry.get_sample_value("hub_pushes_total", {"system": "town", "result": "unauthentic"}) == 1


def test_a_body_without_end_is_cut(service: Service, here: Path) -> None:
    """Chunks without a Content-Length: no more of it is held than is allowed, and the connection ends."""
    with (
        listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server,
        socket.create_connection((server.host, server.port), timeout=10) as sender,
    ):
        sender.sendall(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(11):
            sender.sendall(b"2710\r\n" + b" " * 10_000 + b"\r\n")
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"HUB-X-141" in answer


def test_a_body_that_never_comes_and_too_many_of_them(service: Service, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_in, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(way_in, "AT_ONCE", 1)
    with (
        listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server,
        socket.create_connection((server.host, server.port), timeout=10) as slow,
    ):
        head = f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
        slow.sendall(head.encode())
        assert b"100 Continue" in slow.recv(100)  # it is inside now
        other = httpx.post(f"http://{server.host}:{server.port}{PATH}", content=b"{}", trust_env=False)
        assert (other.status_code, other.json()["code"], other.headers["Retry-After"]) == (429, "HUB-X-143", "1")
        assert b"".join(iter(lambda: slow.recv(65536), b"")).startswith(b"HTTP/1.1 408 ")


def test_another_owner_of_its_partition_ends_it(town: Callable[..., httpx.Response], service: Service) -> None:
    town(rows("B1"))
    with service.store.writing() as connection:
        partitions.take(connection, "push:town", "another hub", service.exchange.clock())
    answer = town(rows("B2"), "n-2")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "HUB-E-101", "5")
    assert service.ended() == ["push:town"]
    assert versions(service) == 1


def test_its_partition_is_taken_anew_where_the_lease_was(town: Callable[..., httpx.Response], service: Service) -> None:
    town(rows("B1"))
    with service.store.writing() as connection:
        partitions.take(connection, "push:town", "another hub", service.exchange.clock())
    assert town(rows("B2"), "n-2").status_code == 503
    service.exchange.lease.since = ticks()
    assert service.ended() == []
    assert town(rows("B2"), "n-2").is_success
    assert versions(service) == 2


def test_a_hub_that_is_being_stopped_takes_nothing(town: Callable[..., httpx.Response], service: Service) -> None:
    service.stop()
    answer = town(rows("B1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB-X-144")


def test_a_hub_whose_store_another_has_now_takes_nothing(town: Callable[..., httpx.Response], service: Service) -> None:
    service.exchange.lease.refused = True
    answer = town(rows("B1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB-X-144")
    service.exchange.lease.refused = False
    assert town(rows("B1")).status_code == 200


def test_a_reload_keeps_taking_pushes(town: Callable[..., httpx.Response], service: Service, here: Path) -> None:
    pushing, answers = threading.Event(), list[int]()

    def push() -> None:
        for number in range(40):
            answers.append(town(rows(f"B{number}"), f"n-{number}").status_code)
            pushing.set()

    thread = threading.Thread(target=push)
    thread.start()
    pushing.wait(working.PATIENCE)
    service.reload(lambda: working.settings_of(here))
    thread.join(working.PATIENCE)
    answers.append(town(rows("B40"), "n-40").status_code)  # the others may all have come while it reloaded
    assert set(answers) <= {200, 503} and len(answers) == 41
    assert versions(service) == answers.count(200)
    assert answers[-1] == 200


def test_what_only_pushes_is_not_read(service: Service, here: Path) -> None:
    with listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server:
        answer = httpx.post(f"http://{server.host}:{server.port}/api/v1/runs", json={"source": "town"}, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (422, "HUB-X-146")


def test_the_command_line_says_so_too(here: Path) -> None:
    done = hub(here, "sync", "town")
    assert (done.returncode, "HUB-X-146" in done.stderr) == (2, True)
    done = hub(here, "sync", "--json")
    assert [run["source"] for run in json.loads(done.stdout)] == ["local"]


def test_a_schedule_for_what_pushes_is_a_finding(here: Path) -> None:
    configs.put(here, "config/systems/town.yaml", TOWN.replace("title:", 'schedule: {cron: "*/5 * * * *"}\n    title:'))
    done = hub(here, "check")
    assert done.returncode == 2
    assert "HUB-C-149" in done.stdout
    assert "it pushes by itself" in done.stdout


def test_killed_right_after_the_answer_nothing_is_lost(here: Path, tmp_path: Path) -> None:
    served = Served(here, tmp_path / "log")
    taken: list[str] = []
    try:
        url = served.url() + PATH
        with httpx.Client(trust_env=False) as client:
            for number in range(20):
                body = rows(f"B{number:02d}")
                if client.post(url, content=body, headers=webhook(body, f"n-{number}")).status_code == 200:
                    taken.append(f"B{number:02d}")
            os.kill(served.process.pid, signal.SIGKILL)
    finally:
        served.process.kill()
        served.process.communicate()
    store = open_store(working.settings_of(here).store)
    with store.reading() as connection:
        kept = set(connection.scalars(select(schema.record.c.key).where(schema.record.c.source == "town")))
        account = [run for run in runs.latest(connection, limit=50, source="town") if run.state is RunState.DONE]
    store.close()
    assert len(taken) == 20
    assert kept == set(taken)
    assert sum(run.accepted for run in account) == 20


def test_a_push_cut_short_by_a_kill_is_told_as_interrupted_and_can_come_again(here: Path) -> None:
    with working.at_work(here) as service, service.store.writing() as connection:
        cut = runs.begin_push(connection, "town", service.exchange.clock())  # what a kill before T1 leaves behind
    with working.at_work(here) as service, listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server:
        with service.store.reading() as connection:
            left = runs.get(connection, cut.id)
        assert left is not None
        assert left.state is RunState.INTERRUPTED
        body = rows("B1")
        url = f"http://{server.host}:{server.port}{PATH}"
        assert httpx.post(url, content=body, headers=webhook(body, "n-1"), trust_env=False).json()["accepted"] == 1


def test_the_script_of_the_page_pushes(service: Service, here: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text("utf-8")
    script = re.search(r"```bash\n(# push\.sh.*?)```", page, re.DOTALL)
    assert script is not None
    (tmp_path / "push.sh").write_text(script[1], "utf-8")
    (tmp_path / "cases.json").write_bytes(rows("B1"))
    with listening(service, lambda: working.settings_of(here), HttpSettings(), port=0) as server:
        url = f"http://{server.host}:{server.port}{PATH}"
        words = ["sh", "push.sh", url, SECRET, "n-1", "cases.json"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1
