"""A TikTok whose truth is made from the seed alone, and its own record of who asked what when."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.core.live.models import Answer, Observation, Person, Profile, ProfileState, Sighting
from bot.errors import SourceUnavailable
from tools.simulation.faults import DAY, HOUR, MINUTE, luck_of
from tools.simulation.life import Life
from tools.simulation.nature import Nature


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One room, open from `start` to `end` (true seconds), and perhaps paused for a part of it."""

    room_id: int
    start: float
    end: float
    paused: tuple[float, float] = (0.0, 0.0)

    def is_open(self, at: float) -> bool:
        """Say whether the room exists at an instant."""
        return self.start <= at < self.end

    def is_paused(self, at: float) -> bool:
        """Say whether it shows nothing at an instant."""
        return self.paused[0] <= at < self.paused[1]


@dataclass(kw_only=True, slots=True)
class Streamer:
    """A person; `renamed_at` is when `handle` becomes `later_handle`."""

    platform_id: int
    handle: str
    rooms: tuple[Room, ...]
    renamed_at: float = float("inf")
    later_handle: str = ""

    def handle_at(self, at: float) -> str:
        """Give the handle at an instant."""
        return self.later_handle if at >= self.renamed_at else self.handle

    def room_at(self, at: float) -> Room | None:
        """Give the room that is open at an instant."""
        return next((room for room in self.rooms if room.is_open(at)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as it arrived. `loop` names the task that sent it; `handle` is empty where it was about many."""

    at: float
    kind: str
    loop: str
    handle: str = ""

    @property
    def is_discovery(self) -> bool:
        """Whether the bot's plan sent it, not a follow-up and not a person."""
        return self.kind == "check" and self.loop == "live checks"


@dataclass(kw_only=True, slots=True)
class Given:
    """The last answer a task of the bot got about a person, and whether that person was live in truth."""

    who: int
    answer: Answer
    room: Room | None


@dataclass(kw_only=True, slots=True)
class TikTok:
    """The platform. `given` holds, for each task, the answer it has not yet written down."""

    nature: Nature
    people: list[Streamer]
    asked: list[Asked] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    given: dict[str, Given] = field(default_factory=dict)

    def find(self, handle: str) -> Streamer | None:
        """Find who has a handle, or a number, now."""
        now = self.nature.time
        return next(
            (one for one in self.people if handle in {one.handle_at(now), str(one.platform_id)}), None
        )

    def arrives(self, kind: str, handle: str = "") -> None:
        """Note a request."""
        asked = Asked(at=self.nature.time, kind=kind, loop=task_name(), handle=handle)
        self.asked.append(asked)
        self.nature.note(f"tiktok: {kind} {handle} by {asked.loop}")

    def trouble(self) -> SourceUnavailable | None:
        """Give what is wrong with the platform now."""
        faults = self.nature.faults("tiktok")
        if "429 with Retry-After" in faults:
            seconds = float(self.nature.luck.randrange(30, 7200))
            return SourceUnavailable("HTTP 429", blocked=True, retry_after_seconds=seconds)
        if "429" in faults:
            return SourceUnavailable("HTTP 429", blocked=True)
        if "waf page" in faults:
            return SourceUnavailable("a page in place of an answer", blocked=True)
        if "time-outs" in faults or self.nature.happens(0.01):
            return SourceUnavailable("no answer")
        return None


def task_name() -> str:
    """Name the task that runs; those of the bot's loops have the names of the loops."""
    task = asyncio.current_task()
    return "" if task is None else task.get_name()


class TikTokLine:
    """Implements `bot.ports.LiveSource` for one life of the bot."""

    def __init__(self, tiktok: TikTok, life: Life, clock: Clock) -> None:
        self._tiktok = tiktok
        self._life = life
        self._clock = clock

    async def check(self, handle: str) -> Observation:
        """Answer as the platform would."""
        await self._life.point(f"check {handle}")
        tiktok, nature = self._tiktok, self._tiktok.nature
        who = tiktok.find(handle)
        tiktok.arrives("check", handle)
        tiktok.under_way[handle] += 1
        if tiktok.under_way[handle] > 1:
            nature.fail("no_overlapping_checks", f"two checks of {handle} at once")
        try:
            trouble = tiktok.trouble()
            await self._life.point(f"checked {handle}", nature.delay(0.1, 3.0) if trouble is None else 10.0)
        finally:
            tiktok.under_way[handle] -= 1
        return self._observation(who, trouble)

    def _observation(self, who: Streamer | None, trouble: SourceUnavailable | None) -> Observation:
        at, now = self._clock.now(), self._tiktok.nature.time
        room = None if who is None else who.room_at(now)
        if trouble is not None:
            answer = Observation(
                answer=Answer.UNKNOWN,
                seen_at=at,
                reason=str(trouble),
                blocked=trouble.blocked,
                retry_after_seconds=trouble.retry_after_seconds,
            )
        elif who is None:
            answer = Observation(answer=Answer.OFFLINE, seen_at=at, not_found=True)
        elif room is None:
            answer = Observation(answer=Answer.OFFLINE, seen_at=at, person=self._person(who))
        else:
            sighting = self._sighting(room)
            answer = Observation(answer=Answer.LIVE, seen_at=at, sighting=sighting, person=self._person(who))
        # An answer whose write failed must not be taken for the next one of this task.
        self._tiktok.given.pop(task_name(), None)
        if who is not None:
            self._tiktok.given[task_name()] = Given(who=who.platform_id, answer=answer.answer, room=room)
        self._tiktok.nature.note(f"tiktok: {answer.answer} {answer.reason}")
        return answer

    def _person(self, who: Streamer) -> Person:
        handle = who.handle_at(self._tiktok.nature.time)
        return Person(platform_id=who.platform_id, handle=handle, nickname=handle.title())

    def _sighting(self, room: Room) -> Sighting:
        nature = self._tiktok.nature
        return Sighting(
            room_id=room.room_id,
            started_at=nature.clock.at(room.start // 1),
            title=f"room {room.room_id}",
            viewers=nature.luck.randrange(500),
            paused=room.is_paused(nature.time),
        )

    async def profile(self, handle: str) -> Profile:
        """Answer as the profile page would."""
        await self._life.point(f"profile {handle}")
        self._tiktok.arrives("profile")
        trouble = self._tiktok.trouble()
        await self._life.point("profile read", self._tiktok.nature.delay(0.1, 3.0))
        if trouble is not None:
            raise trouble
        who = self._tiktok.find(handle)
        if who is None:
            return Profile(state=ProfileState.NOT_FOUND)
        return Profile(state=ProfileState.ACTIVE, person=self._person(who))

    async def rooms_alive(self, room_ids: Sequence[int]) -> Mapping[int, bool]:
        """Answer which rooms are open."""
        await self._life.point("sweep")
        nature = self._tiktok.nature
        self._tiktok.arrives("sweep")
        trouble = self._tiktok.trouble()
        await self._life.point("swept", nature.delay(0.1, 3.0))
        if trouble is not None:
            raise trouble
        if "sweep empty" in nature.faults("tiktok"):
            return {}
        alive = {room.room_id for one in self._tiktok.people if (room := one.room_at(nature.time))}
        return {room_id: room_id in alive for room_id in room_ids}


def make_people(seed: int, start: float, days: float) -> list[Streamer]:
    """Make the people of a seed and all their rooms; `start` is the first instant since 1970."""
    luck = luck_of(seed, "people")
    people = [
        Streamer(
            platform_id=1000 + number,
            handle=f"streamer{number}",
            rooms=tuple(_rooms(1000 + number, start, days, luck)),
        )
        for number in range(luck.randrange(2, 5))
    ]
    if luck.random() < 0.4:
        people[0].renamed_at = luck.uniform(0.2, 0.7) * days * DAY
        people[0].later_handle = "renamed0"
        if luck.random() < 0.5:  # somebody else takes the old handle
            people.append(
                Streamer(
                    platform_id=9000,
                    handle="nobody",
                    rooms=tuple(_rooms(9000, start, days, luck)),
                    renamed_at=people[0].renamed_at + luck.uniform(0, DAY),
                    later_handle=people[0].handle,
                )
            )
    return people


def _rooms(platform_id: int, start: float, days: float, luck: random.Random) -> list[Room]:
    rooms: list[Room] = []
    usual, at = luck.uniform(0, 24) * HOUR, 0.0
    for day in range(int(days)):
        begins = max(day * DAY + usual + luck.gauss(0, 1.5 * HOUR), at + HOUR)
        if luck.random() > 0.6:
            continue
        for _ in range(luck.choice((1, 1, 1, 2, 3))):  # a live that breaks off goes on in a new room
            ends = begins + luck.lognormvariate(0, 0.8) * HOUR
            pause = luck.uniform(begins, ends) if luck.random() < 0.2 else begins
            resumed = min(ends, pause + luck.uniform(MINUTE, 20 * MINUTE)) if pause > begins else begins
            room_id = (int(start + begins) << 32) + platform_id
            rooms.append(Room(room_id=room_id, start=begins, end=ends, paused=(pause, resumed)))
            begins = ends + luck.choice((MINUTE, 5 * MINUTE, 40 * MINUTE))
            at = ends
    return rooms
