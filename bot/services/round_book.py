"""What people look up about rounds: evenings and maps. It reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.rounds.evening_post import evening_message
from bot.core.rounds.evenings import Evening, group_evenings
from bot.core.rounds.map_post import map_message
from bot.core.rounds.team_words import map_title
from bot.errors import InputRefused, NothingThere
from bot.services.beside import beside
from bot.services.evening_reading import REACH, KeptEvening, evenings_around, evenings_between
from bot.storage import evenings as store
from bot.storage.engine import Connection, Database
from bot.storage.resolved_rounds import read_rounds
from bot.texts import text

SUGGESTED_OVER = timedelta(days=60)
MOST_AT_ONCE = 3
"""Evenings of a date, or servers with a map, that one answer shows."""
_DAY = timedelta(days=1)
_NOT_THEN = text("No round was played then.")
_NOTHING_YET = text("No round has been imported yet.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which evening somebody means: by its local date, and by its local time where a date has several."""

    day: date
    began: time | None

    def fits(self, evening: Evening, zone: ZoneInfo) -> bool:
        """Tell whether an evening is meant."""
        began_at = evening.began_at.astimezone(zone)
        is_time = self.began is None or (began_at.hour, began_at.minute) == (
            self.began.hour,
            self.began.minute,
        )
        return evening.day(zone) == self.day and is_time


class RoundBook:
    """Gives messages about past rounds of servers that the person may see."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def evening(self, servers: Sequence[str], when: str | None, time_zone: str) -> tuple[Message, ...]:
        """Give the evenings of a local date, `YYYY-MM-DD`, that of a time with `HH:MM` after it.

        Without a date that which is played now, else the last one. Several evenings stay several. Raises
        `InputRefused`, `NothingThere`.
        """
        zone, now = ZoneInfo(time_zone), self._clock.now()
        asked = None if when is None else _asked(when)
        async with self._database.read() as conn:
            if asked is None:
                found = await self._latest(conn, servers, now)
            else:
                found = await _on(conn, servers, asked, zone)
        if not found:
            raise NothingThere(_NOT_THEN if when else _NOTHING_YET)
        return tuple(
            evening_message(one.scored, server=one.server, zone=zone, is_running=not one.is_over(now))
            for one in found[-MOST_AT_ONCE:]
        )

    async def _latest(self, conn: Connection, servers: Sequence[str], now: datetime) -> list[KeptEvening]:
        """Give the evenings that are played now on some of these servers, else the one that ended last."""
        latest = []
        for server in servers:
            last = await store.last_round(conn, [server])
            if last is not None:
                latest.append((await evenings_around(conn, server, last[1]))[-1])
        running = [one for one in latest if not one.is_over(now)]
        return running or sorted(latest, key=lambda one: one.ended_at)[-1:]

    async def recent(self, servers: Sequence[str], time_zone: str) -> tuple[str, ...]:
        """Name the last evenings by local date and time, the newest first, as `evening` takes them."""
        zone = ZoneInfo(time_zone)
        async with self._database.read() as conn:
            last = await store.last_round(conn, servers)
            if last is None:
                return ()
            since = last[1] - SUGGESTED_OVER
            evenings = [
                evening
                for server in servers
                for evening in group_evenings(
                    one.told for one in await read_rounds(conn, [server], since=since, with_players=False)
                )
            ]
        began = sorted((one.began_at for one in evenings), reverse=True)
        return tuple(dict.fromkeys(f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in began))

    async def map(self, servers: Sequence[str], name: str) -> tuple[Message, ...]:
        """Give the record of a map on each of these servers where it was played. Raises `NothingThere`."""
        found = []
        async with self._database.read() as conn:
            for server in servers:
                played = await store.maps_played(conn, [server])
                if (wanted := _meant(name, played)) is not None:
                    rounds = [one.told for one in await read_rounds(conn, [server], map_name=wanted)]
                    found.append((server, wanted, rounds))
        if not found:
            raise NothingThere(text("That map was not played."))
        return tuple(
            [
                await beside(len(rounds), map_message, rounds, wanted, server=server)
                for server, wanted, rounds in found[:MOST_AT_ONCE]
            ]
        )

    async def maps(self, servers: Sequence[str]) -> tuple[str, ...]:
        """Name the maps that were played on some of these servers, the most played first."""
        async with self._database.read() as conn:
            return await store.maps_played(conn, servers)


def _asked(when: str) -> Asked:
    day, _, began = when.strip().partition(" ")
    try:
        return Asked(
            day=date.fromisoformat(day), began=time.fromisoformat(began.strip()) if began.strip() else None
        )
    except ValueError:
        raise InputRefused(text("A date looks like 2026-11-21.")) from None


async def _on(conn: Connection, servers: Sequence[str], asked: Asked, zone: ZoneInfo) -> list[KeptEvening]:
    """Give the evenings that are meant, the oldest first; rounds around the day show where they begin."""
    try:
        midnight = datetime.combine(asked.day, time(), zone)
        since, until = midnight - REACH, midnight + _DAY + REACH
        found = [one for server in servers for one in await evenings_between(conn, server, since, until)]
    except OverflowError:  # a day at the end of the calendar
        return []
    meant = [one for one in found if asked.fits(Evening(rounds=one.scored.rounds), zone)]
    return sorted(meant, key=lambda one: one.ended_at)


def _meant(name: str, played: Sequence[str]) -> str | None:
    """Find a map by its name or by what people call it; of several the most played one."""
    wanted = name.strip().casefold()
    exact = (one for one in played if one.casefold() == wanted)
    called = (one for one in played if map_title(one).casefold() == wanted)
    return next(exact, None) or next(called, None)
