"""Outages: a server that is away, a refused login, an answer lost on the way. Real servers behind a relay."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.database import DatabaseAdapter
from hub.errors import InDoubt, Misconfigured, Retryable, SourceFailed
from hub.model import Receipt, Taken
from tests.databases import ACCEPT, UP_PRO_ACCEPT, adapter, ddl, engine, make, message, rows, run
from tests.relay import Relay, relayed

OPTIONS: dict[str, Any] = {
    "endpoints": {"accept": ACCEPT},
    "feeds": {"case": {"table": "up_pro_accept", "key": "row_guid", "time": "cd_time", "page": 1}},
}


class Far:
    """A real server behind a relay, a direct view of it, and an adapter that goes through the relay."""

    def __init__(self, relay: Relay, direct: sa.Engine, subject: DatabaseAdapter) -> None:
        self.relay, self.direct, self.subject = relay, direct, subject


@pytest.fixture
def far(server_url: str) -> Iterator[Far]:
    relay, url = relayed(server_url)
    with engine(server_url) as direct, adapter(url, **OPTIONS) as subject:
        ddl(direct, UP_PRO_ACCEPT)
        yield Far(relay, direct, subject)
    relay.go_down()


def test_connection_lost_during_the_commit_is_in_doubt_and_the_look_up_settles_it(far: Far) -> None:
    far.subject.send([message(1)])
    far.relay.lose_answer_to = b"COMMIT"
    outcomes = far.subject.send([message(2), message(3)])
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]
    assert all(outcome.code == "HUB-D-312" for outcome in outcomes if isinstance(outcome, InDoubt))
    assert rows(far.direct, "SELECT count(*) FROM up_pro_accept") == [(3,)]  # only the answer was lost
    assert [far.subject.find(message(n)) for n in (2, 3, 4)] == [Receipt(Taken.DUPLICATE), Receipt(Taken.DUPLICATE), None]


def test_connection_lost_before_the_commit_is_tried_again(far: Far) -> None:
    far.subject.send([message(1)])
    far.relay.lose_answer_to = b"INSERT INTO"
    (outcome,) = far.subject.send([message(2)])
    assert isinstance(outcome, Retryable)
    assert far.subject.send([message(2)]) == [Receipt()]
    assert rows(far.direct, "SELECT count(*) FROM up_pro_accept") == [(2,)]


def test_kept_connections_are_replaced_after_a_restart(far: Far) -> None:
    far.subject.send([message(1)])
    far.relay.go_down()
    far.relay.come_back()
    assert far.subject.send([message(2)]) == [Receipt()]


def test_reading_survives_a_cut_between_two_pages(far: Far) -> None:
    far.subject.send([message(1), message(2)])
    reading = far.subject.read(None)
    next(reading)
    far.relay.go_down()
    far.relay.come_back()
    assert next(reading).records[0].key == "G00002"
    reading.close()


def test_outage_while_reading_leaves_the_cursor_before_the_rest(far: Far) -> None:
    far.subject.send([message(1), message(2)])
    reading = far.subject.read(None)
    first = next(reading)
    far.relay.go_down()
    with pytest.raises(SourceFailed) as caught:
        next(reading)
    assert (caught.value.code, caught.value.misconfigured) == ("HUB-S-301", False)
    far.relay.come_back()
    assert [record.key for page in far.subject.read(first.cursor) for record in page.records] == ["G00002"]


def test_locked_rows_are_tried_again_later(server_url: str) -> None:
    options = {**OPTIONS, "statement_timeout": "1s"}
    with engine(server_url) as over_there, adapter(server_url, **options) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        subject.send([message(1)])
        with over_there.connect() as somebody:
            somebody.execute(sa.text("UPDATE up_pro_accept SET remark = 'mine'"))
            (outcome,) = subject.send([message(1)])
            somebody.rollback()
        assert isinstance(outcome, Retryable)
        assert subject.send([message(1)]) == [Receipt()]


def test_two_senders_of_the_same_rows_end_with_one_each(database_url: str) -> None:
    with engine(database_url) as over_there, adapter(database_url, **OPTIONS) as subject:
        ddl(over_there, UP_PRO_ACCEPT)
        forwards = [message(n) for n in range(200)]
        with ThreadPoolExecutor(2) as pool:
            for _ in range(5):
                list(pool.map(subject.send, [forwards, forwards[::-1]], timeout=60))
        assert rows(over_there, "SELECT count(*) FROM up_pro_accept") == [(200,)]


@pytest.mark.parametrize("change", [{"database": "no_such_database"}, {"username": "nobody_here", "password": "secret-word"}])
def test_refused_login_is_misconfigured_and_says_no_secret(server_url: str, change: dict[str, str]) -> None:
    url = sa.make_url(server_url).set(**change).render_as_string(hide_password=False)
    with adapter(url, **OPTIONS) as subject:
        assert "secret-word" not in repr(subject)
        with pytest.raises(Misconfigured) as caught:
            subject.check()
        assert caught.value.code == "HUB-D-302"
        assert "secret-word" not in f"{caught.value}{caught.value.said}"
        with pytest.raises(SourceFailed) as failed:
            list(subject.read(None))
        assert (failed.value.code, failed.value.misconfigured) == ("HUB-S-302", True)


def test_sqlite_file_is_never_made_by_looking(tmp_path: Any) -> None:
    with adapter(f"sqlite:///{tmp_path}/absent.db", **OPTIONS) as subject:
        with pytest.raises(Misconfigured, match=r"absent\.db"):
            subject.check()
        with pytest.raises(SourceFailed):
            list(subject.read(None))
    assert list(tmp_path.iterdir()) == []


def test_sqlite_file_that_is_read_only_or_no_database(tmp_path: Any) -> None:
    (tmp_path / "text.db").write_text("这不是数据库" * 100, encoding="utf-8")
    with adapter(f"sqlite:///{tmp_path}/text.db", **OPTIONS) as subject, pytest.raises(Misconfigured):
        subject.check()


def test_relative_sqlite_file_is_looked_for_beside_the_configuration(tmp_path: Any) -> None:
    options = DatabaseAdapter.options.model_validate({"url": "sqlite:///var/local.db"}, context={"base": tmp_path})
    assert str(tmp_path / "var" / "local.db") in options.url.get_secret_value()  # type: ignore[attr-defined]


def test_work_goes_on_after_close(database_url: str) -> None:
    with engine(database_url) as over_there:
        ddl(over_there, UP_PRO_ACCEPT)
        run(over_there, "DELETE FROM up_pro_accept")
    subject = make(database_url, **OPTIONS)
    subject.send([message(1)])
    subject.close()
    subject.close()
