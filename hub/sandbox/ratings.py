"""Decides how people rate a closed case (好差评): which channel, which words, and what the system enters for the silent."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hub.sandbox.worktime import DAY, Worktime

Row = dict[str, Any]

#: T_PJ.PJQD of a rating somebody gave, and how often: the tablet at the window most of all.
_CHANNELS = ("1245678", (52, 14, 8, 12, 8, 2, 4))
_WORDS = {
    "5": ("", "", "服务热情，办得快", "一次办结，非常满意"),
    "4": ("", "流程清楚"),
    "3": ("", "等候时间有点长"),
    "2": ("排队太久", "材料要求没有一次说清"),
    "1": ("跑了三趟才办成", "态度生硬"),
}
#: After so long without a rating the system enters the best one by itself, at window 99 (a habit of county systems).
SILENCE, DEFAULT_WINDOW, DEFAULT_CHANNEL = 2 * DAY, "99", "3"


def ratings(case: Mapping[str, Any], result: Mapping[str, Any], step: str, clock: Worktime, ended: int, until: int) -> list[Row]:
    """Return the rows of T_PJ about a case that ended at `ended` (working seconds); nothing lies behind `until`.

    The rating repeats the level that its result shows (T_JG.MYD). An unhappy one is sometimes followed by a further word.
    """
    rng = Random(f"rating-{case['BJBH']}-{ended}")
    level = result["MYD"]
    moment = ended + (rng.randint(30, DAY) if level else SILENCE)
    if moment > until:
        return []
    first = _common(case, result, step, rng) | _said(rng, level, clock, moment)
    if level not in ("1", "2") or moment + DAY > until or rng.random() < 0.5:
        return [first]
    later = {"ID": _key(rng), "YPJID": first["ID"], "PJCS": 2, "PJNR": "已电话回访，问题已解决", "PJQD": "7"}
    times = {"PJSJ": clock.text(moment + DAY), "GXSJ": clock.saved(moment + DAY)}
    return [first, first | later | times]


def _common(case: Mapping[str, Any], result: Mapping[str, Any], step: str, rng: Random) -> Row:
    copied = ("BJBH", "SXBM", "FSXBM", "SXMC", "SXLX", "SLBMMC", "SLBMXYDM", "SLSJ", "XZQHDM")
    acts = case["SQRLX"] != "1"  # a body rates through the person who acted for it
    return {
        "ID": _key(rng), **{name: case[name] for name in copied}, "BJZT": "03", "HJMC": step,
        "PJRXM": case["SQRMC"], "PJRLX": case["SQRLX"], "PJRZJLX": case["SQRZJLX"], "PJRZJHM": case["SQRZJHM"],
        "PJRSJ": case["SQRSJH"], "DLRXM": case["LXRXM"] if acts else "", "DLRZJLX": case["LXRZJLX"] if acts else "",
        "DLRZJHM": case["LXRSFZJHM"] if acts else "", "BLRXM": result["BLRXM"], "PJZB": "", "PJCS": 1, "FWCS": 1, "YPJID": "",
        "BZ": "", "LYXT": None,
    }  # fmt: skip


def _said(rng: Random, level: str, clock: Worktime, moment: int) -> Row:
    when = {"PJSJ": clock.text(moment), "GXSJ": clock.saved(moment)}
    if not level:
        return {"PJQD": DEFAULT_CHANNEL, "CKH": DEFAULT_WINDOW, "MYD": "5", "PJNR": "", "SFMR": "1"} | when
    channel = rng.choices(*_CHANNELS)[0]
    window = str(rng.randint(1, 36)) if channel in "12" else ""
    return {"PJQD": channel, "CKH": window, "MYD": level, "PJNR": rng.choice(_WORDS[level]), "SFMR": "0"} | when


def _key(rng: Random) -> str:
    return f"{rng.getrandbits(128):032x}"
