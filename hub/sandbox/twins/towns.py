"""Decides how the thirteen townships hand their cases over: files dropped in a folder of their own, or pushes to the hub."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, ClassVar

import httpx

from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.flaws import Flaw, unsayable
from hub.sandbox.ledger import Held
from hub.sandbox.twins.town_cases import Told, corrected, filings
from hub.sandbox.twins.town_files import written
from hub.sandbox.twins.town_forms import FORMS, Form
from hub.sandbox.twins.town_mischief import Mischief, mischief
from hub.sandbox.twins.town_posts import SECRET, STALE, WORD, Post, posts, signed, tampered

#: Cases of one township for so many of the hall; at least a handful.
_SHARE, _LEAST = 200, 4
#: Cases kept back for the files that nobody can read.
_SPARE = 2
#: Seconds the hub may take to answer a push.
_PATIENCE = 30.0


class Town(FarSide):
    """One township. It gives and takes nothing."""

    form: ClassVar[Form]

    def __init__(self, ground: Ground) -> None:
        self.plan = FaultPlan()  # it does not answer, so it cannot answer wrongly
        self.clean = ground.rates.missing == 0
        count = max(_LEAST, ground.cases // _SHARE)
        told = filings(self.form, ground.seed, count, ground.rates, sound=_SPARE)
        self.told, self.spare = told[:count], told[count:]
        self.rounds = 0

    @classmethod
    def on(cls, ground: Ground) -> Town:
        """Build it; it makes its cases up at once."""
        return cls(ground)

    def held(self) -> list[Held]:
        """Return nothing: the hub brings it nothing."""
        return []

    def flaws(self) -> list[Flaw]:
        """Return what is wrong with the cases it tells of, and which of the others not everybody can be told."""
        wrong = [one.flaw for one in self.told if one.flaw is not None]
        sound = [one for one in (*self.told, *self.spare) if one.flaw is None]
        names = {"SQRMC": "name"} | ({"LXRXM": "contact"} if "contact" in self.form.titles else {})
        mains = ((one.number, {column: one.values[field] for column, field in names.items()}) for one in sound)
        return wrong + [flaw for number, main in mains for flaw in unsayable(number, main)]

    def mended(self) -> Told:
        """Return the newest version of one sound case: its telephone number was wrong."""
        return corrected(next(one for one in self.told if one.flaw is None))


class FileTown(Town):
    """A township that drops files into a folder of its own and takes them away never: the hub moves them."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.root = ground.directory.resolve() / "towns"
        self.folder = self.root / self.form.system.removeprefix("town-")
        spare = [one.values for one in self.spare]
        self.bad: list[Mischief] = [] if self.clean else mischief(self.form, spare)

    def create(self) -> None:
        """Make the folders, and drop the first file."""
        for part in ("in", "done", "bad"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self._drop(self._named("第一批"), written(self.form, [one.values for one in self.told]))

    def work(self) -> int:
        """Drop, once, what follows: the first file again under another name, the unreadable ones, and a corrected case."""
        self.rounds += 1
        if self.rounds > 1:
            return 0
        dropped = self._drop(self._named("第一批(1)"), written(self.form, [one.values for one in self.told]))
        for one in self.bad:
            dropped += self._drop(one.name, one.content)
        return dropped + self._drop(self._named("更正"), written(self.form, [self.mended().values]))

    def environment(self, address: str) -> dict[str, str]:
        """Return where all townships have their folders."""
        return {"TOWNS_DIR": str(self.root)}

    def offered(self) -> list[tuple[str, str]]:
        """Return every case in its files, and every file and row that cannot be read: those must be accounted for, too."""
        keys = [one.number for one in self.told] + [key for one in self.bad for key in one.broken]
        return [("case", key) for key in keys + ([self.spare[0].number] if self.bad else [])]

    def flaws(self) -> list[Flaw]:
        """Return what is wrong with its cases and its files."""
        return super().flaws() + [flaw for one in self.bad for flaw in one.flaws(self.form)]

    def stats(self) -> dict[str, Any]:
        """Return how many files lie where."""
        lying = {part: len(list((self.folder / part).glob("*"))) for part in ("in", "done", "bad")}
        return {"taken": 0, "files": lying, "faults": Counter[str]()}  # nothing is ever brought to a township

    def _named(self, what: str) -> str:
        return f"办件-{what}.{self.form.format}"

    def _drop(self, name: str, content: bytes) -> int:
        """Put a file there, whole, unless it lies somewhere already; its marker or manifest comes last."""
        if any((self.folder / part / name).exists() for part in ("in", "done", "bad")):
            return 0
        here = self.folder / "in"
        (here / f"{name}.part").write_bytes(content)
        (here / f"{name}.part").rename(here / name)
        if self.form.way == "manifest":
            (here / f"{name}.sha256").write_text(f"{hashlib.sha256(content).hexdigest()}  {name}\n", "utf-8")
        else:
            (here / f"{name}.ok").touch()
        return 1


class PushTown(Town):
    """A township behind a gateway that lets nobody in: it pushes. It tries the hub's door, too, as a stranger would."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._hub = ""
        self._waiting = [*posts(self.form, [one.values for one in self.told], "a"), *posts(self.form, [self.mended().values], "b")]
        self._answered: list[Post] = []
        self._counts: Counter[str] = Counter()

    def meet(self, hub: str) -> None:
        """Learn where the hub listens."""
        self._hub = hub

    def environment(self, address: str) -> dict[str, str]:
        """Return what it signs with."""
        name = self.form.system.upper().replace("-", "_")
        return {f"{name}_SECRET": SECRET if self.form.way == "webhook" else WORD}

    def work(self) -> int:
        """Push what has not been answered yet, in its order, each of it twice; returns how many requests were taken."""
        if not self._hub:
            return 0
        with httpx.Client(base_url=self._hub, trust_env=False, timeout=_PATIENCE) as client:
            return self._push_all(client)

    def offered(self) -> list[tuple[str, str]]:
        """Return every case the hub has said to have."""
        return [("case", key) for key in dict.fromkeys(key for post in self._answered for key in post.keys)]

    def stats(self) -> dict[str, Any]:
        """Return the counts so far; `misjudged`: strangers let in, repeats taken for news, answers that do not add up."""
        counts = {name: self._counts[name] for name in ("requests", "taken", "refused", "misjudged")}
        return counts | {"waiting": len(self._waiting), "faults": Counter[str]()}

    def _push_all(self, client: httpx.Client) -> int:
        taken = 0
        while self._waiting:
            post = self._waiting[0]
            try:
                if not self._push(client, post):
                    break
            except httpx.HTTPError:
                break  # nobody there, or no answer: the same again at the next round
            self._answered.append(self._waiting.pop(0))
            taken += 1
        return taken

    def _push(self, client: httpx.Client, post: Post) -> bool:
        """Push, and say whether the hub has it for certain."""
        first = self._post(client, *signed(self.form, post))
        if first.status_code == 404:
            self._hub = ""  # a hub that knows no such township: nobody asks it again
        if first.status_code != 200:
            self._counts["refused"] += 1
            return False
        self._judge(first.json(), post)
        self._strangers(client, post)
        again = self._post(client, *signed(self.form, post))
        sound = again.status_code == 200 and again.json() == {**first.json(), "repeated": True}
        self._counts["misjudged"] += not sound
        self._counts["taken"] += 1
        return True

    def _strangers(self, client: httpx.Client, post: Post) -> None:
        """Try to get in with changed contents, and with what was signed long ago."""
        body, headers = signed(self.form, post)
        self._counts["misjudged"] += self._post(client, tampered(body), headers).status_code != 401
        self._counts["misjudged"] += self._post(client, *signed(self.form, post, late=STALE)).status_code != 401

    def _judge(self, told: dict[str, Any], post: Post) -> None:
        adds_up = told["read"] == told["accepted"] + told["unchanged"] + told["rejected"] == len(post.keys)
        named = tuple(one["key"] for one in told["records"]) == post.keys
        self._counts["misjudged"] += not (adds_up and named)

    def _post(self, client: httpx.Client, body: bytes, headers: Any) -> httpx.Response:
        self._counts["requests"] += 1
        return client.post(f"/api/v1/push/{self.form.system}/case", content=body, headers=headers)


def _far_side(form: Form) -> type[Town]:
    kind = FileTown if form.way in ("marker", "manifest") else PushTown
    return type(form.system, (kind,), {"name": form.system, "form": form, "__doc__": f"{form.name}."})


#: The thirteen townships.
TOWNS = tuple(_far_side(form) for form in FORMS)
