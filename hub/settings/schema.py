"""Decides which keys the files of `config/` may hold: the pydantic classes behind every check and the editors' JSON Schema."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, WithJsonSchema

from hub.mapping.conditions import Condition
from hub.settings.flow import DOWN_AFTER
from hub.settings.model import DEFAULT_JITTER, DEFAULT_PORT, DEFAULT_RETRY

_DURATION = re.compile(r"([1-9][0-9]*)([smhd])")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)%")
#: Share of what a target has that may be deleted there within a day, and how many may be in any case.
DEFAULT_SHARE, DEFAULT_ALWAYS = 0.05, 10
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: object) -> timedelta:
    """Return the length of time written `30s`, `2m`, `1h` or `7d`. Raises ValueError.

    >>> duration("90s")
    datetime.timedelta(seconds=90)
    """
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("a length of time is a whole number and a unit, for example 30s, 10m, 6h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("there is no such timezone; use Asia/Shanghai") from error
    return name


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["30s", "10m", "6h"]}),
]
#: What systems, routes and the hub itself are called: in metrics, file names and addresses, so plain letters only.
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
#: A way into a record's data: `a.b.c`.
DataPath = Annotated[str, StringConstraints(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]


#: A time of the day, and one with its date; both in the hub's timezone.
Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Moment = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]$")]
Days = Literal["workdays", "restdays", "daily"] | list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]


class Edge(BaseModel):
    """Base of all file classes: unknown keys are errors; a number where text is due is taken as written."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True)


# --- config/hub.yaml ---


class HttpEntry(Edge):
    """Where the hub listens."""

    listen: str = Field(
        default="127.0.0.1",
        description="Address to listen on; any other than loopback needs a token. 监听地址，非本机地址必须配置 token",
    )
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="TCP port; 0 takes a free one. 端口")
    token: SecretStr | None = Field(
        default=None, min_length=16, description="Bearer token callers must show. 访问令牌，写成 ${NAME} 或 ${file:…}"
    )

    @property
    def for_others(self) -> bool:
        """Whether machines other than this one reach it."""
        try:
            return not ipaddress.ip_address(self.listen).is_loopback
        except ValueError:
            return self.listen != "localhost"


class DatasetEntry(Edge):
    """One dataset (库): kinds of records that belong together."""

    title: Title = Field(description="Its name for people. 名称")
    kinds: list[Annotated[str, StringConstraints(min_length=1)]] = Field(
        [], description="kind, or system/kind: what its records are called. 记录种类"
    )
    note: str = Field("", description="For readers. 备注，如“推测，待确认”")


class PlatformEntry(Edge):
    """One platform (平台): systems that belong together."""

    title: Title = Field(description="Its name for people. 名称")
    systems: list[Id] = Field([], description="Its systems. 属于它的系统")
    note: str = Field("", description="For readers. 备注，如“推测，待确认”")


class HubFile(Edge):
    """config/hub.yaml: the hub itself."""

    version: Literal[1] = Field(description="Format of this file. 文件格式版本")
    name: Id = Field(description="The hub's id. 中枢标识")
    title: Title = Field(description="Its name for people. 中枢名称")
    division: str = Field(pattern=r"^[0-9]{6,12}$", description="Administrative division code (GB/T 2260). 行政区划代码")
    timezone: Annotated[str, AfterValidator(_timezone)] = Field("Asia/Shanghai", description="Of schedules and mappings. 时区")
    store: str = Field(
        "sqlite:///var/hub.db", min_length=1, description="SQLAlchemy URL; a relative SQLite path starts beside config/. 存储"
    )
    http: HttpEntry = Field(HttpEntry(), description="The HTTP interface. HTTP 接口")
    datasets: dict[Id, DatasetEntry] = Field({}, description="Groups of kinds of records. 数据库分组（如六库）")
    platforms: dict[Id, PlatformEntry] = Field({}, description="Groups of systems. 系统分组（如六平台）")


# --- config/systems/*.yaml ---


class ScheduleEntry(Edge):
    """When a source is read by itself."""

    cron: str = Field(description="Five fields: minute hour day month weekday. 定时表达式：分 时 日 月 周")
    overlap: Literal["skip", "queue"] = Field(
        "skip", description="What a due run does while the last one still works. 上一次未完时：跳过或排队"
    )
    misfire: Literal["once", "skip"] = Field(
        "once", description="Due times missed while the hub was down. 停机错过的：补一次或跳过"
    )
    jitter: Duration | None = Field(None, description="Start up to so much later. 随机推迟的上限")


class FeedbackEntry(Edge):
    """How later verdicts are fetched."""

    every: Duration = Field(description="How often to ask. 轮询间隔")


class BreakerEntry(Edge):
    """When a target counts as down, and how long it is left alone."""

    after: int = Field(DOWN_AFTER, ge=1, description="Windows in a row that met nothing but trouble. 连续几次全无成果即熔断")
    rest: tuple[Duration, ...] | None = Field(
        None, min_length=1, description="Rests before the first, second, … probe; unset: as `retry`, up to 10m. 熔断多久后试探"
    )


class RateEntry(Edge):
    """Most calls of the target, over all partitions and workers together."""

    second: int | None = Field(None, ge=1, description="In any second. 任意一秒内最多调用几次")
    minute: int | None = Field(None, ge=1, description="In any minute. 任意一分钟内最多调用几次")
    day: int | None = Field(None, ge=1, description="On one calendar day, in the hub's timezone. 每个自然日最多调用几次")


class HoursEntry(Edge):
    """One stretch of time in which a target takes something."""

    days: Days = Field(
        "workdays", description="workdays and restdays by the working calendar, daily, or weekdays. 哪些天（含调休）"
    )
    start: Clock = Field(alias="from", description="HH:MM, in the hub's timezone. 从几点")
    end: Clock = Field(alias="to", description="HH:MM; not later than from: on the next day. 到几点，不晚于 from 即次日")


class MaintenanceEntry(Edge):
    """One stretch of time in which nothing is sent."""

    days: Days | None = Field(None, description="As in hours; unset: daily. With dates it has no meaning. 哪些天，缺省每天")
    start: Clock | Moment = Field(alias="from", description="HH:MM, or YYYY-MM-DD HH:MM for a single time. 从何时")
    end: Clock | Moment = Field(alias="to", description="HH:MM, or YYYY-MM-DD HH:MM for a single time. 到何时")


class ExpectEntry(Edge):
    """How many rows a kind must give in each period."""

    at_least: int = Field(default=1, ge=1, description="So many rows, changed or not. 至少多少条")
    per: Literal["day", "workday", "week"] = Field(default="workday", description="In each of these. 每天、每工作日或每周")


class SystemFile(Edge):
    """config/systems/*.yaml: one far side."""

    version: Literal[1] = Field(description="Format of this file. 文件格式版本")
    system: Id = Field(description="The system's id. 系统标识")
    title: Title = Field(description="Its name for people. 系统名称")
    adapter: str = Field(min_length=1, description="rest, soap, database, files, an installed adapter, or module:NAME. 适配器")
    options: dict[str, Any] = Field({}, description="The adapter's own options. 适配器选项")
    contact: str = Field("", description="Whom to call when it fails. 联系人，出错时显示给值班人员")
    retry: tuple[Duration, ...] = Field(
        DEFAULT_RETRY, description="Waits between tries; after the last: dead. 重试间隔，用完即入死信"
    )
    jitter: float = Field(DEFAULT_JITTER, ge=0, le=1, description="Waits vary by this share. 重试间隔的随机浮动比例")
    batch: int | None = Field(None, ge=1, description="Most messages in one call, under the adapter's own limit. 每次最多条数")
    in_flight: int | None = Field(None, ge=1, description="Most calls at once, under the adapter's own limit. 最大并发调用数")
    breaker: BreakerEntry | None = Field(None, description="When the target counts as down. 熔断")
    rate: RateEntry | None = Field(None, description="Most calls a second, minute and day. 限速")
    hours: list[HoursEntry] = Field([], description="When the target is open; unset: always. 对方的开放时间，之外不发送")
    maintenance: list[MaintenanceEntry] = Field([], description="When nothing is sent. 对方的维护时间，其间不发送")
    partitions: int = Field(1, ge=1, le=256, description="Share the lanes over so many workers. 分区数")
    schedule: ScheduleEntry | None = Field(None, description="When to read it as a source. 采集计划")
    schemas: dict[str, str] = Field({}, description="kind -> mappings/schemas/…: what its records look like. 源数据结构")
    expect: dict[str, ExpectEntry] = Field({}, description="kind -> how much it must give; less is a finding. 各类记录至少给多少")
    feedback: FeedbackEntry | None = Field(None, description="Fetch later verdicts. 轮询校验结果")


# --- config/routes/*.yaml ---


class ParentEntry(Edge):
    """What must be taken first."""

    route: Id = Field(description="A route to the same system. 父记录的路由，必须送往同一系统")
    key: DataPath = Field(description="Where in this record the parent's key stands. 父记录键所在的字段")


def share(text: object) -> float:
    """Return the share written `5%`. Raises ValueError.

    >>> share("5%"), share("0.5%")
    (0.05, 0.005)
    """
    match = _SHARE.fullmatch(text) if isinstance(text, str) else None
    if match is None or float(match[1]) > 100:
        raise ValueError("a share is a number from 0 to 100 and a percent sign, for example 5%")
    return float(match[1]) / 100


class DeletesEntry(Edge):
    """How many deletions a target is told within a day before somebody must confirm them."""

    at_most: Annotated[float, BeforeValidator(share), WithJsonSchema({"type": "string", "pattern": f"^{_SHARE.pattern}$"})] = Field(
        default=DEFAULT_SHARE, description="Share of what the target has, for example 5%. 占对方已有的比例"
    )
    always: int = Field(default=DEFAULT_ALWAYS, ge=0, description="So many may go in any case. 再少也允许的条数")
    approver: Title = Field(default="批量删除审批人", description="Who confirms what is beyond. 超出的由谁审批")


class RouteEntry(Edge):
    """One route: which records go where, mapped how."""

    route: Id = Field(description="The route's id. 路由标识")
    title: Title = Field(description="Its name for people. 路由名称")
    source: Id = Field(alias="from", description="The source system. 源系统")
    kind: str = Field(min_length=1, description="The kind of record. 记录种类")
    when: Condition | None = Field(None, description="Only records that fulfil this condition. 条件")
    mapping: str = Field(min_length=1, description="mappings/<this>.yaml. 映射")
    to: str = Field(pattern=r"^[^/\s]+/\S+$", description="system/endpoint. 目标系统/端点")
    lane: DataPath = Field(
        description="Path of the order key: deliveries that share it go strictly one after the other. 顺序键，如办件编号"
    )
    parent: ParentEntry | None = Field(None, description="What must be taken first. 必须先送达的父记录")
    deadline: DataPath | None = Field(
        None, description="Path of the moment the case was promised for: a backlog drains by it. 承诺办结时间，积压时先送急的"
    )
    row: str | None = Field(
        None, min_length=1, description="Body field that is the row id over there, matched by feedback. 对方的行标识字段"
    )
    deletes: bool | DeletesEntry = Field(
        False,
        description="Tell the target when the source deletes a record it has, within limits. 来源删除时告知对方，超限的等人确认",
    )
    gate: bool | Title = Field(
        False, description="Hold every delivery until a person approves; the title of whoever must. 需人工审批，可写由谁审批"
    )


class RoutesFile(Edge):
    """config/routes/*.yaml: some routes."""

    version: Literal[1] = Field(description="Format of this file. 文件格式版本")
    routes: list[RouteEntry] = Field(description="The routes. 路由")
