"""Decides how one case goes: apply, accept, steps, sometimes a special procedure, materials, a result, sometimes a fee."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from hub.sandbox.county import County, Item
from hub.sandbox.people import Applicant, Population
from hub.sandbox.ratings import ratings
from hub.sandbox.worktime import DAY, Worktime

Row = dict[str, Any]

_STEPS = ("材料审核", "现场勘验", "部门审批", "制证发证")
_OPINIONS = ("材料齐全，符合法定形式", "经审核符合条件，同意", "情况属实，同意办理", "拟同意，请领导审定", "经现场核查，符合要求")
_SPECIALS = {
    "BZ": ("补正材料", "申请材料不齐全，一次性告知补正"),
    "TZ": ("听证", "涉及利害关系人重大利益，依法举行听证"),
    "YC": ("延长审批期限", "情况复杂，经批准延长审批期限"),
    "GS": ("公示", "依规定将拟办理结果公示"),
}
#: T_BJ.SXLX of what the hall takes in and the upper level decides: 上报件.
REPORTED = "4"
_RESULTS = ("Y", "N", "T", "Z", "B")
_REFUSALS = {
    "N": "经审查不符合法定条件，不予许可",
    "T": "逾期未补正材料，退件处理",
    "Z": "申请人主动撤回申请",
    "B": "已转报上级主管部门办理",
}


@dataclass(slots=True)
class Case:
    """One case as rows of the approval database: table name -> rows."""

    number: str
    rows: dict[str, list[Row]] = field(
        default_factory=lambda: {name: [] for name in ("T_BJ", "T_BZ", "T_TBCX", "T_CL", "T_JG", "T_SF", "T_PJ", "T_FJ")}
    )

    @property
    def main(self) -> Row:
        """The row of T_BJ."""
        return self.rows["T_BJ"][0]


class Lifecycles:
    """Makes cases. Times are working seconds; nothing that would happen after `until` has happened yet."""

    def __init__(self, county: County, people: Population, rng: Random, clock: Worktime, *, until: int) -> None:
        self._county, self._people, self._rng, self._clock, self._until = county, people, rng, clock, until
        self._staff = [people.staff() for _ in range(120)]
        self._serials: dict[str, int] = {}

    def serial(self, day: str, taken: int) -> None:
        """Say that the numbers up to `taken` of that day (`yyyyMMdd`) are used."""
        self._serials[day] = taken

    def case(self, applied: int, *, closed: bool) -> Case:
        """Make a case applied for at `applied`; unless `closed` it stays open."""
        item = self._rng.choices(self._county.items, self._county.weights)[0]
        applicant = self._people.applicant(item.applicants)
        accepted = applied + self._rng.randint(60, 3 * 3600)
        case = Case(self._number(item, applied))
        case.rows["T_BJ"].append(self._main(case.number, item, applicant, applied, accepted))
        self._materials(case, item, accepted)
        if item.centre or case.main["SXLX"] == REPORTED:
            self._dispatch(case, item, applicant, accepted)
            return case
        last = self._steps(case, item, accepted, closed=closed)
        if closed and last + 1800 <= self._until:
            self._close(case, item, applicant, last)
        return case

    def filed(self, item: Item, who: Applicant, applied: int, materials: Sequence[tuple[str, str]], *, filing: str) -> Case:
        """Make the case that the hall opens for an application that came in online; it stays open.

        `materials` are names and files, `filing` the application's number.
        """
        accepted = min(applied + self._rng.randint(600, 3 * 3600), self._until)
        case = Case(self._number(item, applied))
        main = self._main(case.number, item, who, applied, accepted)
        case.rows["T_BJ"].append(main | {"SQFS": "1", "SBLSH": filing, "SXLX": "1" if item.days < 2 else "2"})
        for number, (name, file) in enumerate(materials, start=1):
            row = self._child(case, accepted) | {"XH": number, "CLMC": name, "SQFS": "2", "CLSL": 1, "FJMC": file, "BZ": ""}
            case.rows["T_CL"].append(row)
        if item.centre:
            self._dispatch(case, item, who, accepted)
        else:
            self.step(
                case, 1, "网上预审", accepted, min(accepted + self._rng.randint(60, 1800), self._until), last=False, action="2"
            )
        return case

    def finished(self, case: Case, item: Item, who: Applicant) -> None:
        """Take the last step of such a case, decide it, and take the fee of what is granted."""
        moment = min(self._clock.at(datetime.fromisoformat(case.main["SLSJ"])) + self._rng.randint(3600, DAY), self._until)
        self.step(case, 2, "部门审批", moment, moment, last=True)
        self.result(case, item.certificate, moment)
        if item.fee and case.rows["T_JG"][0]["BJJGDM"] == "Y":
            self._fee(case, item, who, moment)

    def clerk(self) -> str:
        """Return one of those who handle cases."""
        return self._rng.choice(self._staff)

    def _dispatch(self, case: Case, item: Item, who: Applicant, accepted: int) -> None:
        """Hand the case on, to its sub-centre or upwards: the hall takes it in, and the fee with it; the rest comes from there."""
        done = min(accepted + self._rng.randint(60, 1200), self._until)
        self.step(case, 1, "窗口受理", accepted, done, last=False, action="4")
        if item.fee:
            self._fee(case, item, who, done)

    def _number(self, item: Item, applied: int) -> str:
        day = self._clock.text(applied)[:10].replace("-", "")
        serial = self._serials[day] = self._serials.get(day, 0) + 1
        return f"{item.task}{day}{serial:04}"

    def _main(self, number: str, item: Item, who: Applicant, applied: int, accepted: int) -> Row:
        rng, clock = self._rng, self._clock
        contact = who.contact
        return {
            "BJBH": number, "SXBM": item.task, "JBBM": item.catalogue, "SXMC": item.name, "FSXBM": item.handle, "FSXMC": item.name,
            "SXXZ": item.nature, "SXLX": _case_type(rng, item), "SXBB": 1, "SQRLX": who.kind, "SQRMC": who.name,
            "SQRZJLX": who.paper, "SQRZJHM": who.number, "SQRSJH": contact.mobile, "FRDB": who.legal, "LXRXM": contact.name,
            "LXRSJ": contact.mobile, "LXRZJLX": "SF", "LXRSFZJHM": contact.identity, "TXDZ": who.address, "YZBM": "748300",
            "SQFS": rng.choices("0124", (62, 25, 3, 10))[0], "SBXMMC": f"关于{who.name}申请{item.name}的办件",
            "SBSJ": clock.text(applied), "SLSJ": clock.text(accepted), "SLBMMC": item.department.name,
            "SLBMXYDM": item.department.credit_code, "SLRXM": rng.choice(self._staff), "SLHZH": f"SL{number[-12:]}",
            "CNQXGZR": item.days, "CNBJSJ": clock.text(accepted + max(item.days, 1) * DAY), "XZQHDM": item.department.division,
            "SSZX": item.centre, "BJCXMM": f"{rng.randrange(10**6):06}", "BJZT": "01", "SBLSH": "", "BZ": "", "LYXT": None,
            "GXSJ": clock.saved(accepted),
        }  # fmt: skip

    def _child(self, case: Case, moment: int) -> Row:
        return {"ID": f"{self._rng.getrandbits(128):032x}", "BJBH": case.number, "LYXT": None, "GXSJ": self._clock.saved(moment)}

    def _materials(self, case: Case, item: Item, accepted: int) -> None:
        count = self._rng.choices((0, 1, 2, 3), (30, 45, 20, 5))[0]
        for number, name in enumerate(item.materials[:count], start=1):
            way = self._rng.choices("01234", (30, 25, 30, 10, 5))[0]
            attached = f"{name}.pdf" if way in "23" else ""
            row = self._child(case, accepted) | {
                "XH": number,
                "CLMC": name,
                "SQFS": way,
                "CLSL": self._rng.randint(1, 3),
                "FJMC": attached,
            }
            case.rows["T_CL"].append(row | {"BZ": ""})
            if attached:
                self._attach(case, "T_CL", row, attached)

    def _attach(self, case: Case, table: str, row: Row, name: str) -> None:
        """Keep a small file that belongs to this row."""
        number = hashlib.blake2b(row["ID"].encode(), digest_size=16).hexdigest()
        owner = {"BJBH": case.number, "SSB": table, "SSID": row["ID"], "FJMC": name, "LYXT": None, "GXSJ": row["GXSJ"]}
        case.rows["T_FJ"].append(owner | {"ID": number, "NR": f"%PDF-1.4\n% {name} {row['ID']}\n%%EOF\n".encode()})

    def _steps(self, case: Case, item: Item, accepted: int, *, closed: bool) -> int:
        """Add the steps; return when the last one (or its special procedure) ended."""
        wanted = 1 if item.days < 2 else self._rng.choices((1, 2, 3, 4), (45, 35, 15, 5))[0]
        names = ("受理办结",) if item.days < 2 else _STEPS[:wanted]
        moment = accepted
        for number, name in enumerate(names, start=1):
            start = moment + self._rng.randint(60, 1800)
            end = start + self._rng.randint(120, 1 + item.days * DAY // (wanted + 1) + 1800)
            if end > self._until or (not closed and number > 1):
                return self._until
            self.step(case, number, name, start, end, last=number == len(names))
            moment = end
            if item.days > 2 and self._rng.random() < 0.08:
                moment = self._special(case, item, moment)
        return moment

    def step(self, case: Case, number: int, name: str, start: int, end: int, *, last: bool, action: str = "") -> None:
        """Add one step that ran from `start` to `end`; done at once, it often has no end of its own."""
        rng = self._rng
        unended = name == "受理办结" and rng.random() < 0.1
        action = action or ("6" if last else rng.choices("243", (90, 6, 4))[0])
        row = {"XH": number, "HJMC": name, "HJZT": action, "BLRXM": rng.choice(self._staff), "BLYJ": rng.choice(_OPINIONS)}
        times = {"KSSJ": self._clock.text(start), "JSSJ": "" if unended else self._clock.text(end), "BZ": ""}
        case.rows["T_BZ"].append(self._child(case, end) | row | times)
        case.main["BJZT"] = "02"

    def _special(self, case: Case, item: Item, moment: int) -> int:
        code = self._rng.choices(tuple(_SPECIALS), (60, 8, 12, 20))[0]
        name, reason = _SPECIALS[code]
        start, end = moment + 300, moment + 300 + self._rng.randint(1, 4) * DAY
        if end > self._until:
            return moment
        row = {"TBCXZL": code, "TBCXZLMC": name, "TBCXKSRQ": self._clock.text(start), "TBCXJSRQ": self._clock.text(end)}
        words = {"TBCXQDLY": reason, "SQRXM": case.main["LXRXM"], "TBCXPZR": self._rng.choice(self._staff), "TBCXJG": "已完成"}
        case.rows["T_TBCX"].append(self._child(case, end) | row | words | {"BLYJ": "同意继续办理", "BZ": ""})
        return end

    def _close(self, case: Case, item: Item, who: Applicant, last: int) -> None:
        ended = last + self._rng.randint(60, 1500)
        self.result(case, item.certificate, ended)
        if item.fee and case.rows["T_JG"][0]["BJJGDM"] == "Y" and self._rng.random() < 0.6:
            self._fee(case, item, who, ended)

    def result(self, case: Case, certificate: str, ended: int) -> None:
        """Close the case at `ended`; a granted one may yield a certificate, any other says why."""
        rng = self._rng
        code = rng.choices(_RESULTS, (930, 25, 25, 10, 10))[0]
        granted = certificate if code == "Y" else ""
        courier, praise = "1" if rng.random() < 0.1 else "0", rng.choices(("5", "4", "3", "2", "1", ""), (50, 8, 2, 1, 1, 38))[0]
        row = {
            "BLRXM": rng.choice(self._staff),
            "BJSJ": self._clock.text(ended),
            "BJJGDM": code,
            "BJJGMS": _REFUSALS.get(code, "办结"),
        }
        paper = {"ZJGZMC": granted, "ZJBH": f"漳{case.number[-12:]}" if granted else "", "ZJYXQX": "2099-12-31" if granted else ""}
        case.rows["T_JG"].append(self._child(case, ended) | row | paper | {"SFKD": courier, "MYD": praise, "BZ": ""})
        if granted:
            self._attach(case, "T_JG", case.rows["T_JG"][0], f"{granted}.pdf")
        case.main["BJZT"] = "03"
        made = ratings(case.main, row | {"MYD": praise}, case.rows["T_BZ"][-1]["HJMC"], self._clock, ended, self._until)
        case.rows["T_PJ"] += made

    def _fee(self, case: Case, item: Item, who: Applicant, ended: int) -> None:
        paid = {
            "JKDH": f"62{self._rng.randrange(10**14):014}",
            "SFXMMC": f"{item.certificate or item.name}工本费",
            "SFJE": item.fee,
        }
        where = {"SFDW": item.department.name, "SFRXM": self._rng.choice(self._staff), "JEDWDM": "CNY", "BZ": ""}
        when = {"SFSJ": self._clock.text(ended), "JKR": who.name}
        case.rows["T_SF"].append(self._child(case, ended) | paid | where | when)


def _case_type(rng: Random, item: Item) -> str:
    if item.days < 2:
        return "1"
    return rng.choices("234", (96, 3, 1))[0]
