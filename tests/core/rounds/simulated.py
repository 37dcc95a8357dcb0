"""Evenings played by a die: what everybody did in each round, and the files a server would write of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.core.rounds.samples import header

COUNTED = (
    "damage_given",
    "damage_received",
    "gibs",
    "self_kills",
    "team_kills",
    "team_gibs",
    "kills",
    "deaths",
)
TAIL = {"damage_given": 0, "damage_received": 1, "gibs": 4, "self_kills": 5, "team_kills": 6, "team_gibs": 7}
WIDTHS = (33, 36, 37, 38)


@dataclass(kw_only=True)
class Person:
    """A client of the server; `total` are the counters of his session."""

    guid: str
    side: int
    rounds: int = 0
    total: dict[str, int] = field(default_factory=dict)
    did: dict[str, int] = field(default_factory=dict)
    left: bool = False

    def add(self, **numbers: int) -> None:
        for name, number in numbers.items():
            self.total[name] = self.total.get(name, 0) + number
            self.did[name] = self.did.get(name, 0) + number

    def forget(self) -> None:
        """Connect again: the session is a new one, and what was done in this round before is lost."""
        self.total, self.did, self.rounds = {}, {}, 0


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file and the truth of its round; `tenths` is the played time in tenths of a minute."""

    name: str
    content: bytes
    players: dict[str, dict[str, int]]
    first: str | None
    succeeded: bool
    tenths: int
    is_early: bool
    aborted: bool = False


class Evening:
    """Maps one after the other, with all that happens between and in rounds."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.clock = datetime(2025, 10, 19, 21, 0, self.luck.randrange(60))  # noqa: DTZ001 -- a wall clock
        self.width = self.luck.choice(WIDTHS)
        self.people = [Person(guid=f"{at:08X}", side=1 + at % 2) for at in range(self.luck.randint(4, 12))]
        self.number = len(self.people)
        self.files: list[Written] = []

    def play(self, maps: int) -> list[Written]:
        for _ in range(maps):
            name = self.luck.choice(["supply", "te_escape2", "a-b_c"])
            start = self.luck.choice([0, 0, 1])
            for person in self.people:
                person.total, person.rounds, person.left = {}, start, False
            if start == 0 and self.luck.random() < 0.1:
                self._round("another_map", 1, 100, None, cut_short=True)
                for person in self.people:
                    person.total = {}
            first = self._round(name, 1, 100, None)
            if (fate := self.luck.random()) < 0.9:
                self._between()
                limit = first.tenths if first.succeeded else 100
                self._round(name, 2, limit, first.name, cut_short=fate < 0.1)
            self.people = [person for person in self.people if not person.left]
            while len(self.people) < 4:
                self._join()
        return self.files

    def _between(self) -> None:
        comes_back = self.luck.choice(self.people) if self.luck.random() < 0.4 else None
        for person in self.people:
            person.rounds += 1
            person.side = 3 - person.side if person.side < 3 else 1
            happens = self.luck.random()
            if person is comes_back and person.total.get("damage_given"):
                person.forget()
                person.rounds = self.luck.choice([0, 1])  # in time to count the round that ended, or not
            elif happens < 0.1 and sum(not one.left for one in self.people) > 3:
                person.left = True
                person.side = 3
        if self.luck.random() < 0.3:
            self._join()

    def _join(self) -> None:
        self.number += 1
        self.people.append(Person(guid=f"{self.number:08X}", side=self.luck.choice([1, 2])))

    def _round(
        self, name: str, number: int, limit: int, first: str | None, *, cut_short: bool = False
    ) -> Written:
        """Play a round; one that a change of the map cuts short is labelled as the other half."""
        label = 3 - number if cut_short else number
        succeeded = self.luck.random() < 0.6
        held_early = not succeeded and limit > 30 and self.luck.random() < 0.4
        tenths = self.luck.randint(15, max(15, limit - 5)) if succeeded or held_early else limit
        tenths = min(tenths, limit)
        for person in self.people:
            person.did = {}
        for person in self.people:
            if person.side < 3:
                person.add(tenths=tenths, alive=tenths * self.luck.randint(50, 90) // 100, shots=1)
        self._fight()
        self.clock += timedelta(minutes=tenths / 10 + self.luck.uniform(0.5, 4))
        told = _minutes(tenths if succeeded else limit)
        if cut_short:
            told = "71:05" if label == 2 else "0:00"
        head = header(label, _minutes(limit), told, winner=2 if succeeded else 1, map_name=name)
        seen = [person for person in self.people if person.total.get("shots")]
        self.luck.shuffle(seen)
        content = "".join(f"{line}\n" for line in (head, *map(self._line, seen)))
        file = Written(
            name=f"{self.clock:%Y-%m-%d-%H%M%S}-{name}-round-{label}.txt",
            content=content.encode(),
            players={person.guid: dict(person.did) for person in seen if person.did},
            first=first,
            succeeded=succeeded,
            tenths=tenths,
            is_early=not succeeded and limit - tenths > 1,
            aborted=cut_short,
        )
        self.files.append(file)
        return file

    def _fight(self) -> None:
        playing = [person for person in self.people if person.side < 3]
        for _ in range(self.luck.randint(20, 150)):
            killer, victim = self.luck.sample(playing, 2)
            damage = self.luck.randint(1, 200)
            died = self.luck.random() < 0.4
            killer.add(damage_given=damage, kills=died, shots=5, hits=2, heads=self.luck.randint(0, 1))
            victim.add(damage_received=damage, deaths=died)
            self.luck.choice(playing).add(**{self.luck.choice(COUNTED[2:6]): 1})

    def _line(self, person: Person) -> str:
        total = person.total
        tail = ["0"] * 38
        for name, at in TAIL.items():
            tail[at] = str(total.get(name, 0))
        played = total.get("tenths", 0)
        tail[8] = f"{100 * total.get('alive', 0) / played if played else 0:.1f}"
        tail[9] = "0" if person.side == 3 else str(self.luck.randint(0, 90))
        tail[22] = f"{played / 10:.1f}"
        tail[20] = str(self.luck.randrange(10**6))
        if self.width == 33:
            tail = [*tail[:28], *tail[29:34]]
        numbers = " ".join(str(total.get(name, 0)) for name in ("hits", "shots", "kills", "deaths", "heads"))
        return (
            f"{person.guid}\\^{self.luck.randrange(9)}n{person.guid}\\{person.rounds}\\{person.side}"
            f"\\{1 << 4} {numbers} \t" + "\t".join(tail[: self.width])
        )


def _minutes(tenths: int) -> str:
    return f"{tenths // 10}:{tenths % 10 * 6:02}"
