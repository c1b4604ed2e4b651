"""Decides what the people of the transport office (运管) do: take files out of their folder, carry cases on, keep the vehicles."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, update

from hub.sandbox.caseload import Caseload, Submission
from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.ledger import Held
from hub.sandbox.national import moment
from hub.sandbox.office import Office
from hub.sandbox.twins.transport_files import Bad, complete, opened
from hub.sandbox.twins.transport_tables import (
    CASE_COLUMNS,
    VIEWS,
    YZ_BJ,
    YZ_BJHJ,
    YZ_BJJG,
    YZ_VEHICLEINFO,
    create,
    result_row,
    stamp,
    step_row,
    vehicle_row,
)

#: Who carries out an item, by words of its name; "" is in every name.
OFFICES = {
    "运输证": Office("运管", ("受理审核", "车辆核验", "制证发证"), "道路运输证", "YZ"),
    "": Office("运管", ("受理审核", "现场核查", "审批发证"), "道路运输经营许可证", "XK"),
}
#: Vehicles that were there before.
VEHICLES = 12


class TransportTwin(FarSide):
    """The office's folder: `in` for what comes, `done` for what was taken, `bad` for what was not, with the reason beside it."""

    name = "transport"

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        self.plan = FaultPlan()  # a folder does not misbehave by message
        self._cases = Caseload()
        self._told = [0, 0]  # how many steps and results stand in the database already
        self._refused: Counter[str] = Counter()
        self._engine: Engine | None = None

    @classmethod
    def on(cls, ground: Ground) -> TransportTwin:
        """Build the office over its folder and its database."""
        return cls(ground.directory / "transport", ground.url("transport"))

    def create(self) -> None:
        """Create the folder, the tables, and the vehicles that were there before."""
        for name in ("in", "done", "bad"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        with self._open().begin() as connection:
            for number in range(_size(connection, YZ_VEHICLEINFO), VEHICLES):
                connection.execute(insert(YZ_VEHICLEINFO).values(vehicle_row(number, {}, {})))

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def environment(self, address: str) -> dict[str, str]:
        """Return where its folder is."""
        return {"TRANSPORT_DIR": str(self.directory.resolve())}

    def held(self) -> list[Held]:
        """Return every case taken out of a file; endpoint is the file's form."""
        with self._open().connect() as connection:
            rows = connection.execute(select(YZ_BJ)).mappings().all()
        return [Held(Path(row["来源文件"]).suffix[1:], row["办件编号"], {name: row[name] for name in CASE_COLUMNS}) for row in rows]

    def stats(self) -> dict[str, Any]:
        """Return the counts so far: cases, files by what became of them, and why files were refused."""
        files = {name: len(list((self.directory / name).glob("[!.]*.json"))) for name in ("in", "done", "bad")}
        with self._open().connect() as connection:
            rows = {"taken": _size(connection, YZ_BJ), "vehicles": _size(connection, YZ_VEHICLEINFO)}
        counts: dict[str, Any] = {**rows, "files": files, "refused": dict(self._refused)}
        return counts | self._cases.counts() | {"order_violations": 0, "faults": Counter[str]()}

    def work(self) -> int:
        """Empty the folder, carry the cases on, and write down what came of it."""
        moved = sum(self._take(*found) for found in list(complete(self.directory / "in")))
        moved += self._cases.work()
        with self._open().begin() as connection:
            self._write(connection)
        return moved

    def _take(self, path: Path, manifest: Path, told: Any) -> int:
        try:
            rows = opened(path, manifest, told).rows
        except Bad as bad:
            self._refused[str(bad)] += 1
            self._move("bad", path, manifest)
            (self.directory / "bad" / f"{path.name}.txt").write_text(str(bad), encoding="utf-8")
            return 1
        with self._open().begin() as connection:
            for row in rows:
                _keep(connection, row | {"来源文件": path.name, "更新时间": stamp()})
        for row in rows:
            accepted = moment(row["受理时间"])
            office = next(one for words, one in OFFICES.items() if words in row["事项名称"])
            assert accepted is not None, "judged before"
            self._cases.take(Submission(row["办件编号"], "", office, accepted))
        self._move("done", path, manifest)
        return len(rows)

    def _move(self, where: str, *paths: Path) -> None:
        for path in paths:
            if path.exists():
                path.rename(self.directory / where / path.name)

    def _write(self, connection: Connection) -> None:
        steps, results = self._cases.progress(self._told[0]), self._cases.outcomes(self._told[1])
        for number, step in steps:
            connection.execute(insert(YZ_BJHJ).values(step_row(step)))
            self._told[0] = number
        for number, result in results:
            row = result_row(result)
            connection.execute(insert(YZ_BJJG).values(row))
            if row["运输证号"]:
                case = connection.execute(select(YZ_BJ).where(YZ_BJ.c.办件编号 == result.case)).mappings().one()
                vehicle = vehicle_row(_size(connection, YZ_VEHICLEINFO), dict(case), row)
                connection.execute(insert(YZ_VEHICLEINFO).values(vehicle))
            self._told[1] = number

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = create(self.url)
        return self._engine


class TransportViewTwin(FarSide):
    """What the office shows of its database: three views, to be read and nothing else."""

    name = "transport-view"

    def __init__(self, url: str) -> None:
        self.url = url
        self.plan = FaultPlan()
        self._engine: Engine | None = None

    @classmethod
    def on(cls, ground: Ground) -> TransportViewTwin:
        """Build it over the office's database."""
        return cls(ground.url("transport"))

    def create(self) -> None:
        """Create the views that are missing."""
        self._open()

    def stop(self) -> None:
        """Close the connections; may be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def environment(self, address: str) -> dict[str, str]:
        """Return where the views are."""
        return {"TRANSPORT_VIEW_URL": self.url}

    def held(self) -> list[Held]:
        """Return nothing: nobody can write there."""
        return []

    def stats(self) -> dict[str, Any]:
        """Return how many rows each view shows."""
        with self._open().connect() as connection:
            rows = {view: _size(connection, table) for view, table in VIEWS.values()}
        return {"taken": 0, "rows": rows, "order_violations": 0, "faults": Counter[str]()}

    def offered(self) -> list[tuple[str, str]]:
        """Return every row that the views show."""
        with self._open().connect() as connection:
            return [
                (kind, "|".join(str(value) for value in row))
                for kind, (_, table) in VIEWS.items()
                for row in connection.execute(select(*table.primary_key.columns))
            ]

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = create(self.url)
        return self._engine


def _size(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _keep(connection: Connection, row: dict[str, str]) -> None:
    """Write a case down; one that came before is replaced."""
    here = YZ_BJ.c.办件编号 == row["办件编号"]
    if not connection.execute(update(YZ_BJ).where(here).values(row)).rowcount:
        connection.execute(insert(YZ_BJ).values(row))
