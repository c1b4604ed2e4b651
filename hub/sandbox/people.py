"""Decides who applies: invented persons and bodies with right check digits, some with rare characters or a dotted name.

No real person can be meant: identity numbers (GB 11643) carry birth years 1900 to 1919, mobile numbers the prefix 14000, which is
not given to persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faker import Faker
from stdnum.cn import ric

from hub.sandbox.county import DIVISION, TOWNSHIPS, credit_code

#: In GBK, but not in GB 2312.
IN_GBK = "喆堃镕珺"
#: Only in GB 18030: nobody who writes GBK can say them.
OUTSIDE_GBK = "䶮㛃𬎆"
_DOTTED_FRONT = ("阿卜杜", "法土麦", "伊斯玛", "才让", "古丽", "卓玛", "哈力克", "阿依夏")
_DOTTED_BACK = ("依布拉", "热合曼", "扎西", "努尔", "多杰", "买买提", "草什姐", "旺姆")
_ROADS = ("武阳路", "盐川路", "贵清路", "城关街", "中心街", "新街村", "河口村", "上街村", "孙家峡村", "石门村")
_TOWNS = tuple(TOWNSHIPS.items())
#: Which credit-code prefix (登记管理部门 + 机构类别) and name ending a local applicant kind has.
_BODIES = {"2": ("91", ""), "4": ("11", "办公室"), "5": ("12", "服务中心"), "6": ("51", "协会")}


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person."""

    name: str
    identity: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies, in the local system's codes; `contact` acts for it."""

    kind: str  # T_BJ.SQRLX
    name: str
    paper: str  # T_BJ.SQRZJLX
    number: str
    legal: str
    contact: Person
    division: str
    address: str


class Population:
    """An endless supply of applicants; equal for equal seeds."""

    def __init__(self, rng: Random, fake_seed: str, *, rare: float) -> None:
        self._rng = rng
        self._rare = rare
        self._fake = Faker("zh_CN")
        self._fake.seed_instance(fake_seed)

    def staff(self) -> str:
        """Return an ordinary name, for those who handle cases."""
        return str(self._fake.name())

    def name(self) -> str:
        """Return a person's name: rare characters or a dotted name at the chosen rate."""
        roll = self._rng.random()
        if roll >= self._rare:
            return self.staff()
        if roll < self._rare * 0.25:
            return f"{self._rng.choice(_DOTTED_FRONT)}·{self._rng.choice(_DOTTED_BACK)}"
        characters = IN_GBK if roll < self._rare * 0.75 else OUTSIDE_GBK
        return self.staff()[0] + self._rng.choice(characters)

    def person(self) -> Person:
        """Return a person with a right identity number and an eleven-digit mobile number."""
        rng = self._rng
        birth = f"19{rng.randrange(20):02}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
        front = f"{DIVISION}{birth}{rng.randrange(1, 1000):03}"
        return Person(self.name(), front + ric.calc_check_digit(front + "0"), f"14000{rng.randrange(10**6):06}")

    def applicant(self, wanted: str) -> Applicant:
        """Return an applicant; `wanted` is P (a person), E (a body) or B (either)."""
        rng = self._rng
        division, town = rng.choice(_TOWNS)
        address = f"甘肃省定西市漳县{town}{rng.choice(_ROADS)}{rng.randint(1, 300)}号"
        if wanted == "P" or (wanted == "B" and rng.random() < 0.6):
            person = self.person()
            contact = person if rng.random() < 0.8 else self.person()
            return Applicant("1", person.name, "SF", person.identity, "", contact, division, address)
        return self._body(division, address)

    def _body(self, division: str, address: str) -> Applicant:
        rng = self._rng
        kind = rng.choices(("2", "4", "5", "6"), (90, 2, 5, 3))[0]
        prefix, ending = _BODIES[kind]
        name = f"漳县{self._fake.company()}" if kind == "2" else f"漳县{self._fake.last_name()}家{rng.choice(_ROADS)}{ending}"
        return Applicant(kind, name, "XYDM", credit_code(rng, prefix), self.name(), self.person(), division, address)
