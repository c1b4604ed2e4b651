"""Measures benchmark (a): mapping and contract check of the national 30-field acceptance record, beside hand-written work.

    python -m benchmarks.mapping [--records 2000] [--rounds 15]

Both sides read the same local records (pinyin columns), fill the same fields of `up_pro_accept` and enforce the same lengths, codes
and required fields: ours from YAML and a contract in GBK, the other in a hand-written function with a pydantic model (validate and
dump). More lines tell what the encoding check and the cross-field checks cost, with the same done by hand on the other side.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, create_model

from hub.mapping import Envelope, Mapping, load

#: target -> (source, most characters, required): the columns of up_pro_accept (national exchange tables, 2019).
COLUMNS: dict[str, tuple[str, int, bool]] = {
    "row_guid": ("ROWGUID", 50, True),
    "project_no": ("BJBH", 50, True),
    "catalog_code": ("JBBM", 12, True),
    "local_catalog_code": ("DFJBBM", 50, False),
    "task_code": ("SXBM", 36, True),
    "local_task_code": ("DFSXBM", 50, False),
    "task_name": ("SXMC", 1000, True),
    "applyer_name": ("SQRMC", 100, True),
    "applyer_type": ("SQRLX", 2, True),
    "applyer_page_type": ("SQRZJLX", 70, True),
    "applyer_page_code": ("SQRZJHM", 500, True),
    "apply_date": ("SBSJ", 19, True),
    "apply_type": ("SQFS", 2, True),
    "legal": ("FRDB", 100, False),
    "contact_name": ("LXRXM", 100, False),
    "contact_type": ("LXRZJLX", 6, False),
    "contact_code": ("LXRSFZJHM", 50, False),
    "contact_mobile": ("LXRSJ", 11, False),
    "zip_code": ("YZBM", 6, False),
    "address": ("TXDZ", 1000, False),
    "org_name": ("SLBMMC", 100, True),
    "org_code": ("SLBMXYDM", 18, True),
    "handle_user_name": ("SLRXM", 100, False),
    "accept_date": ("SLSJ", 19, True),
    "accept_doc_no": ("SLHZH", 50, False),
    "project_name": ("SBMC", 1000, False),
    "project_type": ("SXLX", 2, True),
    "promise_date": ("CNSJ", 19, False),
    "data_source": ("", 3, True),
    "cd_operation": ("", 2, True),
}
CODED = {"applyer_type": {"1": "1", "2": "2", "3": "6"}, "apply_type": {"0": "1", "1": "2"}, "project_type": {"1": "1", "2": "2"}}
TIMES = {"apply_date", "accept_date", "promise_date"}
TRIMMED = {"applyer_name", "applyer_page_code"}


def records(count: int) -> list[dict[str, Any]]:
    """Return made-up local records, all different."""
    return [record(number) for number in range(count)]


def record(number: int) -> dict[str, Any]:
    """Return the made-up local record of that number."""
    day = f"2016-12-{1 + number % 28:02d} {8 + number % 9:02d}:{number % 60:02d}:00"
    return {
        "ROWGUID": f"8f6a0d0e-6211-5125-8000-{number:012d}",
        "BJBH": f"621125{number:012d}",
        "JBBM": "000123004000",
        "DFJBBM": "DF000123",
        "SXBM": f"11621125MB1234567X{number % 10000:04d}001230040",
        "DFSXBM": "DF001",
        "SXMC": "食品经营许可证核发（县级权限）",
        "SQRMC": f" 张三丰{number % 97} ",
        "SQRLX": "123"[number % 3],
        "SQRZJLX": "111",
        "SQRZJHM": "11010519491231002X",
        "SBSJ": day,
        "SQFS": "01"[number % 2],
        "FRDB": "李四",
        "LXRXM": "王五",
        "LXRZJLX": "111",
        "LXRSFZJHM": "11010519491231002X",
        "LXRSJ": f"138{number % 10**8:08d}",
        "YZBM": "748300",
        "TXDZ": "甘肃省定西市漳县武阳镇",
        "SLBMMC": "漳县市场监督管理局",
        "SLBMXYDM": "11621125MB1234567X",
        "SLRXM": "赵六",
        "SLSJ": day,
        "SLHZH": f"SL{number:08d}",
        "SBMC": f"关于张三丰{number % 97}的食品经营许可申请",
        "SXLX": "12"[number % 2],
        "CNSJ": "2017-01-20 18:00:00",
    }


# --- ours ---


def ours(directory: Path, *, checks: bool) -> Mapping:
    """Write the mapping as an integrator would, and load it."""
    fields: dict[str, Any] = {name: _spec(name, source) for name, (source, _, _) in COLUMNS.items()}
    fields |= {"data_source": {"const": "621"}, "cd_operation": "$operation"}
    mapping: dict[str, Any] = {"version": 1, "contract": "up_pro_accept", "fields": fields}
    if checks:
        mapping["checks"] = [
            {"check": "order", "fields": ["apply_date", "accept_date", "promise_date"]},
            {"check": "certificate", "type": "applyer_page_type", "number": "applyer_page_code"},
        ]
    for name, table in CODED.items():
        _write(directory / "codes" / f"{name}.csv", "local,target,label\n" + "".join(f"{a},{b},\n" for a, b in table.items()))
    _write(directory / "contracts" / "up_pro_accept.yaml", yaml.safe_dump(_contract(), allow_unicode=True))
    _write(directory / "accept.yaml", yaml.safe_dump(mapping, allow_unicode=True))
    return load(directory).mappings["accept"]


def _spec(name: str, source: str) -> Any:
    if name in CODED:
        return {"path": source, "code": name}
    if name in TIMES:
        return {"path": source, "do": [{"datetime": "%Y-%m-%d %H:%M:%S"}]}
    return {"path": source, "do": ["trim"]} if name in TRIMMED else source


def _contract() -> dict[str, Any]:
    properties = {
        name: {"type": "string", "minLength": 1, "maxLength": most}
        | ({"enum": sorted({*CODED[name].values()})} if name in CODED else {})
        for name, (_, most, _) in COLUMNS.items()
    }
    required = [name for name, (_, _, needed) in COLUMNS.items() if needed]
    return {"type": "object", "x-encoding": "gbk", "additionalProperties": False, "required": required, "properties": properties}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- by hand ---


def model() -> type[BaseModel]:
    """Return the pydantic model a careful programmer would write for the table."""
    fields: dict[str, Any] = {}
    for name, (_, most, needed) in COLUMNS.items():
        kind = Annotated[str, StringConstraints(min_length=1, max_length=most)]
        fields[name] = (kind, ...) if needed else (kind | None, None)
    return create_model("UpProAccept", __config__=ConfigDict(extra="forbid"), **fields)


def _time(text: str) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")


def by_hand(kind: type[BaseModel], operation: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the hand-written function: build the dictionary, validate it, dump it."""
    applicant, channel, case_type = CODED["applyer_type"], CODED["apply_type"], CODED["project_type"]

    def convert(r: dict[str, Any]) -> dict[str, Any]:
        get = r.get
        made = {
            "row_guid": get("ROWGUID"),
            "project_no": get("BJBH"),
            "catalog_code": get("JBBM"),
            "local_catalog_code": get("DFJBBM"),
            "task_code": get("SXBM"),
            "local_task_code": get("DFSXBM"),
            "task_name": get("SXMC"),
            "applyer_name": r["SQRMC"].strip(),
            "applyer_type": applicant[r["SQRLX"]],
            "applyer_page_type": get("SQRZJLX"),
            "applyer_page_code": r["SQRZJHM"].strip(),
            "apply_date": _time(r["SBSJ"]),
            "apply_type": channel[r["SQFS"]],
            "legal": get("FRDB"),
            "contact_name": get("LXRXM"),
            "contact_type": get("LXRZJLX"),
            "contact_code": get("LXRSFZJHM"),
            "contact_mobile": get("LXRSJ"),
            "zip_code": get("YZBM"),
            "address": get("TXDZ"),
            "org_name": get("SLBMMC"),
            "org_code": get("SLBMXYDM"),
            "handle_user_name": get("SLRXM"),
            "accept_date": _time(r["SLSJ"]),
            "accept_doc_no": get("SLHZH"),
            "project_name": get("SBMC"),
            "project_type": case_type[r["SXLX"]],
            "promise_date": _time(r["CNSJ"]),
            "data_source": "621",
            "cd_operation": operation,
        }
        return kind.model_validate(made).model_dump(exclude_none=True)

    return convert


def with_encoding(convert: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Add the check that every text can be written in GBK, as by hand: one field after the other."""

    def checked(r: dict[str, Any]) -> dict[str, Any]:
        made = convert(r)
        for value in made.values():
            value.encode("gbk")
        return made

    return checked


def with_checks(convert: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Add time order and the identity number's check digits, by the library."""
    from stdnum.cn import ric

    def checked(r: dict[str, Any]) -> dict[str, Any]:
        made = convert(r)
        times = [datetime.fromisoformat(made[name]) for name in ("apply_date", "accept_date", "promise_date")]
        if times != sorted(times):
            raise ValueError("order")
        if made["applyer_page_type"] == "111":
            ric.validate(made["applyer_page_code"])
        return made

    return checked


# --- measuring ---


VERSUS = {
    "ours (mapping, contract, GBK)": "by hand + pydantic",
    "ours, with time order and identity number": "by hand, with time order and identity number",
}


def measure(sides: dict[str, Callable[[dict[str, Any]], Any]], data: list[dict[str, Any]], rounds: int) -> dict[str, float]:
    """Return microseconds per record, median of rounds; the sides take turns, so that a busy machine slows all alike."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    gc.disable()
    for _ in range(rounds):
        for name, work in sides.items():
            start = time.perf_counter()
            for one in data:
                work(one)
            taken[name].append((time.perf_counter() - start) / len(data) * 1e6)
        gc.collect()
    gc.enable()
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=15)
    options = arguments.parse_args()
    data = records(options.records)
    envelope = Envelope(operation="I", time=datetime.now(UTC))
    with tempfile.TemporaryDirectory() as directory:
        plain = ours(Path(directory) / "plain", checks=False)
        full = ours(Path(directory) / "full", checks=True)
    hand = by_hand(model(), "I")
    body, issues = plain.apply(data[0], envelope)
    assert not issues and body == hand(data[0]), (issues, body)
    sides: dict[str, Callable[[dict[str, Any]], Any]] = {
        "ours (mapping, contract, GBK)": lambda one: plain.apply(one, envelope),
        "by hand + pydantic": hand,
        "by hand + pydantic + GBK": with_encoding(hand),
        "ours, with time order and identity number": lambda one: full.apply(one, envelope),
        "by hand, with time order and identity number": with_checks(with_encoding(hand)),
    }
    found = measure(sides, data, options.rounds)
    for name, taken in found.items():
        print(f"{name:40} {taken:7.2f} µs   {1e6 / taken:9,.0f} records/s")
    for name, other in VERSUS.items():
        print(f"{name}: {found[other] / found[name]:.2f} × the speed of «{other}»")


if __name__ == "__main__":
    main()
