"""Decides what a database's error means: one table of vendor numbers and SQLSTATEs, then the class of the driver's exception.

Only codes and the names of columns and constraints are ever quoted: a database's own words hold the row's values.
"""

from __future__ import annotations

import re
from enum import StrEnum

import sqlalchemy as sa

from hub.errors import Failure, InDoubt, Misconfigured, Rejected, Retryable, SourceFailed


class Trouble(StrEnum):
    """What went wrong, as far as anybody must act differently."""

    UNREACHABLE = "the database cannot be reached or the connection was lost"
    LOGIN = "the database refuses the login, or there is no such database"
    SCHEMA = "a table, a column or a unique key is missing"
    FORBIDDEN = "the user lacks a right"
    DUPLICATE = "a row with this key exists"
    INTEGRITY = "the row breaks a constraint of the table, or a trigger refuses it"
    DATA = "a value does not fit its column"
    BUSY = "a lock, a deadlock or a time-out got in the way"
    FULL = "the database has no space left"
    READ_ONLY = "the database is read-only"
    UNKNOWN = "the database reports an error nobody has classified"


class Missing(Exception):
    """A table or column that was declared does not exist; the text names it."""


_T = Trouble
#: SQLSTATE, longest prefix first (ISO/IEC 9075 classes; five characters where PostgreSQL, openGauss and 人大金仓 say more).
#: P0001 here, 1643 and 1644 and ORA-20000 to 20999 below are what somebody's own trigger raises.
_SQLSTATE = {
    "28": _T.LOGIN, "3D000": _T.LOGIN, "08": _T.UNREACHABLE, "57P": _T.UNREACHABLE, "53300": _T.UNREACHABLE,
    "42501": _T.FORBIDDEN, "42P10": _T.SCHEMA, "42P01": _T.SCHEMA, "42703": _T.SCHEMA, "3F000": _T.SCHEMA, "42": _T.SCHEMA,
    "23505": _T.DUPLICATE, "23": _T.INTEGRITY, "44": _T.INTEGRITY, "P0001": _T.INTEGRITY, "22": _T.DATA, "54000": _T.DATA,
    "40003": _T.UNREACHABLE, "40": _T.BUSY, "55P03": _T.BUSY, "57014": _T.BUSY, "53": _T.FULL,
    "25006": _T.READ_ONLY,
}  # fmt: skip
#: MySQL and MariaDB: error numbers of the server (1000-3999) and of the client (2000-2999).
_MYSQL = {
    _T.UNREACHABLE: (1040, 1053, 1077, 1927, 2002, 2003, 2005, 2006, 2013, 2055),
    _T.LOGIN: (1044, 1045, 1049, 1130, 1251, 1698, 4151),
    _T.SCHEMA: (1051, 1054, 1146, 1072, 1109),
    _T.FORBIDDEN: (1142, 1143, 1227, 1370),
    _T.DUPLICATE: (1062, 1586),
    _T.INTEGRITY: (1048, 1216, 1217, 1364, 1451, 1452, 1643, 1644, 3819, 4025),
    _T.DATA: (1118, 1153, 1264, 1265, 1292, 1366, 1367, 1406, 1411, 1690, 3140, 3988),
    _T.BUSY: (1205, 1213, 1020, 1305, 1317, 1969, 3024, 3572),
    _T.FULL: (1021, 1114, 1030, 3675),
    _T.READ_ONLY: (1036, 1290, 1792, 1836),
}
#: SQLite primary result codes (sqlite.org/rescode.html).
_SQLITE = {
    _T.UNREACHABLE: (10, 14), _T.LOGIN: (23, 26), _T.FORBIDDEN: (3,), _T.INTEGRITY: (19,), _T.DATA: (18, 20),
    _T.BUSY: (5, 6, 9, 17), _T.FULL: (13,), _T.READ_ONLY: (8,),
}  # fmt: skip
#: Oracle: ORA numbers, as python-oracledb gives them. Taken from Oracle's error reference, not tried here.
_ORACLE = {
    _T.UNREACHABLE: (1033, 1034, 1089, 3113, 3114, 3135, 12154, 12170, 12505, 12514, 12541, 12543),
    _T.LOGIN: (1005, 1017, 28000, 28001), _T.SCHEMA: (904, 942), _T.FORBIDDEN: (1031,), _T.DUPLICATE: (1,),
    _T.INTEGRITY: (1400, 1407, 2290, 2291, 2292, *range(20000, 21000)),
    _T.DATA: (1401, 1438, 1461, 1722, 1830, 1840, 1843, 1847, 1858, 1861, 12899),
    _T.BUSY: (51, 54, 60, 1013, 8177, 30006), _T.FULL: (1536, 1653, 1654, 19815), _T.READ_ONLY: (16000,),
}  # fmt: skip
_SQLITE_DUPLICATE = frozenset({1555, 2067})  # SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
_NUMBERS = {
    vendor: {number: trouble for trouble, numbers in table.items() for number in numbers}
    for vendor, table in {"mysql": _MYSQL, "sqlite": _SQLITE, "oracle": _ORACLE}.items()
}
#: libpq tells of a refused login in words only, English or Chinese after the server's language.
_LOGIN_WORDS = re.compile(
    r"authentication failed|认证失败|pg_hba\.conf|no password supplied"
    r"|(role|database|user) \".*?\" does not exist|(角色|数据库|用户).*不存在"
)
_NAMES = re.compile(
    r"[Cc]olumn '([\w.]+)'|[Tt]able ['`]([\w.`]+)['`]|constraint failed: ([\w., ]+)$|no such (?:table|column): ([\w.]+)"
)
#: PostgreSQL names a missing or forbidden table or column in words only, English or Chinese.
_OBJECT = re.compile(r"(?:column|relation|table|view|schema|字段|关系|表|模式)\s\"?([\w.]+)")
_MISSING_WORDS = re.compile(r"no such (table|column)|has no column named|ON CONFLICT clause does not match")


def trouble(error: sa.exc.DBAPIError) -> Trouble:
    """Classify what a driver raised."""
    origin = error.orig
    if error.connection_invalidated:
        return Trouble.UNREACHABLE
    # the number first: MySQL's SQLSTATEs are coarse, a missing right and a missing table share one
    found = _by_number(origin) or _by_sqlstate(origin) or _by_words(str(origin))
    return found or _by_class(error)


def _by_sqlstate(origin: BaseException | None) -> Trouble | None:
    state = getattr(origin, "sqlstate", None)
    if not isinstance(state, str):
        return None
    return next((_SQLSTATE[state[:size]] for size in (5, 3, 2) if state[:size] in _SQLSTATE), None)


def _by_number(origin: BaseException | None) -> Trouble | None:
    vendor, number = vendor_number(origin)
    if vendor == "sqlite":
        return Trouble.DUPLICATE if number in _SQLITE_DUPLICATE else _NUMBERS["sqlite"].get(number & 0xFF)
    return _NUMBERS.get(vendor, {}).get(number)


def vendor_number(origin: BaseException | None) -> tuple[str, int]:
    """Return which table of numbers holds for this driver's error, and the number; ("", 0) when it has none."""
    if origin is None:
        return "", 0
    number = getattr(origin, "sqlite_errorcode", None)
    if isinstance(number, int):
        return "sqlite", number
    first = origin.args[0] if origin.args else None
    if isinstance(first, int):
        return "mysql", first
    number = getattr(first, "code", None)
    return ("oracle", number) if isinstance(number, int) else ("", 0)


def _by_words(words: str) -> Trouble | None:
    if _LOGIN_WORDS.search(words):
        return Trouble.LOGIN
    if words.startswith("Could not decode to UTF-8"):  # sqlite3 says so without a code
        return Trouble.DATA
    return Trouble.SCHEMA if _MISSING_WORDS.search(words) else None


def _by_class(error: sa.exc.DBAPIError) -> Trouble:
    classes: list[tuple[type[sa.exc.DBAPIError], Trouble]] = [
        (sa.exc.IntegrityError, Trouble.INTEGRITY),
        (sa.exc.DataError, Trouble.DATA),
        (sa.exc.ProgrammingError, Trouble.SCHEMA),
        (sa.exc.OperationalError, Trouble.UNREACHABLE if _without_code(error) else Trouble.UNKNOWN),
        (sa.exc.InterfaceError, Trouble.UNREACHABLE),
    ]
    return next((found for kind, found in classes if isinstance(error, kind)), Trouble.UNKNOWN)


def _without_code(error: sa.exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) is None and vendor_number(error.orig)[1] == 0


def said(error: sa.exc.DBAPIError) -> str:
    """Return the error's code, table, column and constraint: all that can be quoted without quoting the row."""
    origin = error.orig
    state = getattr(origin, "sqlstate", None)
    vendor, number = vendor_number(origin)
    code = f"SQLSTATE {state}" if isinstance(state, str) else f"{vendor} {number}" if vendor else type(origin).__name__
    details = getattr(origin, "diag", None)
    names = [getattr(details, f"{what}_name", None) for what in ("column", "constraint")] if details else []
    names += ["".join(found).replace("`", "") for found in _NAMES.findall(str(origin))]
    if isinstance(state, str) and state.startswith(("42", "3F")):  # about what there is and who may: no value is in it
        names += _OBJECT.findall(str(origin).partition("\n")[0])
    return " ".join([code, *(name for name in names if name)])


_OUTCOMES: dict[Trouble, tuple[type[Failure], str]] = {
    Trouble.UNREACHABLE: (Retryable, "HUB-D-301"),
    Trouble.LOGIN: (Misconfigured, "HUB-D-302"),
    Trouble.SCHEMA: (Misconfigured, "HUB-D-303"),
    Trouble.FORBIDDEN: (Misconfigured, "HUB-D-304"),
    Trouble.DUPLICATE: (Rejected, "HUB-D-305"),
    Trouble.INTEGRITY: (Rejected, "HUB-D-306"),
    Trouble.DATA: (Rejected, "HUB-D-307"),
    Trouble.BUSY: (Retryable, "HUB-D-308"),
    Trouble.FULL: (Retryable, "HUB-D-309"),
    Trouble.READ_ONLY: (Misconfigured, "HUB-D-310"),
    Trouble.UNKNOWN: (Retryable, "HUB-D-311"),
}
_SOURCE_CODES = {
    Trouble.UNREACHABLE: "HUB-S-301",
    Trouble.LOGIN: "HUB-S-302",
    Trouble.SCHEMA: "HUB-S-303",
    Trouble.FORBIDDEN: "HUB-S-304",
    Trouble.BUSY: "HUB-S-305",
    Trouble.READ_ONLY: "HUB-S-307",
}
_SET_UP = frozenset({Trouble.LOGIN, Trouble.SCHEMA, Trouble.FORBIDDEN, Trouble.READ_ONLY})
#: What one row is guilty of; anything else concerns the whole batch.
OF_THE_ROW = frozenset({Trouble.DUPLICATE, Trouble.INTEGRITY, Trouble.DATA})
#: Worth another try at once, within one page or one connecting.
PASSING = frozenset({Trouble.UNREACHABLE, Trouble.BUSY})


def failure(error: sa.exc.DBAPIError, where: str) -> Failure:
    """Return the outcome an error during a send means for the message, or for the whole batch."""
    found = trouble(error)
    outcome, code = _OUTCOMES[found]
    return outcome(code, f"{where}: {found.value}", said=said(error))


def doubt(error: sa.exc.DBAPIError, where: str) -> InDoubt:
    """Return the outcome of a connection that was lost while the transaction was being committed."""
    return InDoubt("HUB-D-312", f"{where}: the connection was lost during the commit", said=said(error))


def missing(error: Missing) -> Misconfigured:
    """Return the outcome of a declared table or column that does not exist."""
    return Misconfigured("HUB-D-303", str(error))


def source_failed(error: sa.exc.DBAPIError, where: str) -> SourceFailed:
    """Return what to raise when reading failed."""
    found = trouble(error)
    code = _SOURCE_CODES.get(found, "HUB-S-306")
    return SourceFailed(code, f"{where}: {found.value} ({said(error)})", misconfigured=found in _SET_UP)


def source_missing(error: Missing) -> SourceFailed:
    """Return what to raise when a feed's table or column does not exist."""
    return SourceFailed("HUB-S-303", str(error), misconfigured=True)
