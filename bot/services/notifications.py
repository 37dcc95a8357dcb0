"""How anything the bot says reaches people: services tell what happened, here it is decided where, when and how.

`tell` works in the transaction of whatever happened: each place gets a row of the outbox, that waits for the
deliverer, is held, or says why nothing is posted. What is held is told again by the service when something changes,
and by `NotificationDesk` when its time comes.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.delivery import OutboxState
from bot.core.notifications.digest import Told, digest_message
from bot.core.notifications.kinds import ALL, Kind
from bot.core.notifications.news import News, Place
from bot.core.notifications.options import BUILT_IN, Options
from bot.services.announcements import Announcements
from bot.services.apart import Apart
from bot.services.notification_choices import Choices
from bot.services.notification_drafts import Drafts, Stored
from bot.services.notification_telling import tell_noted
from bot.storage import guilds, notified
from bot.storage.engine import Connection, Database
from bot.storage.notified import Noted
from bot.texts import text

__all__ = ["News", "NotificationDesk", "Place", "places_of", "tell"]

LOOK_EVERY = timedelta(seconds=30)
"""Something may be chosen or told meanwhile by another process."""
AT_ONCE = 50
"""Places, or guilds, looked at before the event loop gets its turn; the rest of a guild comes along."""
DIGEST_FOR = timedelta(hours=12)
"""A digest that no channel took for so long is not posted any more."""
UNREADABLE = text("this version of the bot cannot read it")

log = logging.getLogger(__name__)

_InGuild = TypeVar("_InGuild", Place, Noted)


async def tell(conn: Connection, news: News, places: Iterable[Place], now: datetime) -> bool:
    """Say what happened, or how it is now, where it may be told; gives whether anything was put or changed.

    A place that knows of it already need not know its guild.
    """
    by_channel: dict[int, Place] = {}
    for place in places:
        by_channel.setdefault(place.channel_id, place)
    if not by_channel:
        return False
    noted = await notified.of_event(conn, news.event_key)
    known = [_as_noted(place, noted.get(place.channel_id)) for place in by_channel.values()]
    changes = False
    for some, theirs in _parts(known, noted):
        changes = await tell_noted(conn, news, some, theirs, now) or changes
    return changes


def _parts(
    places: Iterable[_InGuild], noted: Mapping[int, Noted]
) -> Iterator[tuple[list[_InGuild], dict[int, Noted]]]:
    """Give the places of some guilds after the other, with all that is noted of those guilds.

    Each guild has its own choices and pings.
    """
    by_guild: defaultdict[int, list[_InGuild]] = defaultdict(list)
    for place in places:
        by_guild[place.guild_id].append(place)
    known: defaultdict[int, dict[int, Noted]] = defaultdict(dict)
    for channel_id, row in noted.items():
        known[row.guild_id][channel_id] = row
    some: list[_InGuild] = []
    theirs: dict[int, Noted] = {}
    for guild_id, its_places in by_guild.items():
        some += its_places
        theirs |= known[guild_id]
        if len(some) >= AT_ONCE:
            yield some, theirs
            some, theirs = [], {}
    if some:
        yield some, theirs


def _as_noted(place: Place, row: Noted | None) -> Place:
    return place if row is None else replace(place, guild_id=row.guild_id, direct=row.direct)


async def places_of(
    conn: Connection,
    kind: Kind,
    subject: str,
    defaults: Iterable[tuple[int, int]],
    guild_ids: Collection[int],
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) where a kind of message about a subject is told: the defaults and what admins chose.

    A channel in which the narrowest choice is off is left out.
    """
    by_guild: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for place in defaults:
        by_guild[place[0]].append(place)
    asked, places = sorted({*guild_ids}), list[tuple[int, int]]()
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        choices = await Choices.load(conn, kind, subject, some)
        places += choices.places([place for guild_id in some for place in by_guild.pop(guild_id, ())])
    return (*places, *(place for left in by_guild.values() for place in left))


class NotificationDesk:
    """Looks at what is held when its time comes, writes digests, and lets messages go that stood long enough."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        clock: Clock,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._look_every = look_every
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._apart = Apart()

    async def step(self) -> datetime:
        """Do what is due; gives when to look again."""
        now = self._clock.now()
        async with self._database.read() as conn:
            events = await notified.due(conn, now)
            digests = await notified.due_digests(conn, now)
            removals = await notified.has_removals(conn, now)
        for event_key in events:
            await self._alone(event_key, self._release(event_key))
        for guild_id, channel_id in digests:
            await self._alone(f"digest:{guild_id}:{channel_id}", self._sum_up(guild_id, channel_id))
        if removals:
            async with self._database.write("notifications.remove") as conn:
                count = await notified.remove(conn, self._clock.now())
            log.info("%d message(s) stood long enough and are deleted", count)
        if events or digests or removals:
            self._announcements.wake()
        now = self._clock.now()
        async with self._database.read() as conn:
            upcoming = await notified.next_at(conn, now)
        latest = now + self._look_every
        return min(upcoming or latest, latest)

    async def _release(self, event_key: str) -> None:
        async with self._database.write("notifications.release") as conn:
            await _release(conn, event_key, self._clock.now())

    async def _sum_up(self, guild_id: int, channel_id: int) -> None:
        async with self._database.write("notifications.digest") as conn:
            await _sum_up(conn, guild_id, channel_id, self._clock.now())

    async def _alone(self, what: str, work: Awaitable[None]) -> None:
        """Do one thing; where that fails it is tried at each look, and keeps no other waiting."""
        await self._apart.do(what, work, lambda error: log.error("%s cannot be told", what, exc_info=error))


async def _release(conn: Connection, event_key: str, now: datetime) -> None:
    """Tell again, as it was told last, what is held of an event and is to be looked at."""
    noted = await notified.of_event(conn, event_key)
    held = [row for row in noted.values() if row.is_to_be_looked_at(now)]
    for some, theirs in _parts(held, noted):
        await _release_some(conn, some, theirs, now)


async def _release_some(
    conn: Connection, held: Sequence[Noted], noted: Mapping[int, Noted], now: datetime
) -> None:
    stored = Stored()
    news: News | None = None
    places: list[Place] = []
    for row in held:
        told, message = stored.news(row), stored.message(row.message)
        if told is None or message is None:
            await notified.write(conn, [replace(row, state=OutboxState.DEAD, error=UNREADABLE)])
            continue
        news = told
        place = Place(guild_id=row.guild_id, channel_id=row.channel_id, message=message, direct=row.direct)
        places.append(replace(place, role_id=stored.role_id(row)))
    if news is not None:
        await tell_noted(conn, news, places, noted, now)


async def _sum_up(conn: Connection, guild_id: int, channel_id: int, now: datetime) -> None:
    """Put the digest of a channel, of what is still wanted there."""
    rows, stored = await notified.digested(conn, guild_id, channel_id, now), Stored()
    whys: dict[int, str] = {}
    told: list[Told] = []
    options = BUILT_IN
    chosen = {
        about: await Choices.load(conn, Kind(about[0]), about[1], [guild_id])
        for about in dict.fromkeys((row.kind, row.subject) for row in rows)
    }
    for row in rows:
        choices = chosen[row.kind, row.subject]
        paused_until = choices.paused_until(channel_id)
        if choices.is_off(channel_id):
            whys[row.id] = text("switched off in this channel")
        elif paused_until is not None and paused_until > now:
            whys[row.id] = text("paused until {until}", until=paused_until)
        else:
            whys[row.id] = text("told in the digest")
            news, message = stored.news(row), stored.message(row.message)
            if news is not None and message is not None:
                options = choices.options(guild_id, channel_id)
                told.append(Told(title=message.title, url=message.url, at=news.began_at))
    await notified.write(
        conn, [replace(row, state=OutboxState.SKIPPED, why=whys[row.id], held_until=None) for row in rows]
    )
    if told:
        zone = (await guilds.zones(conn, [guild_id])).get(guild_id, ZoneInfo("UTC"))
        key = await _free_key(conn, f"digest:{guild_id}:{channel_id}:{now.astimezone(zone).date()}")
        await notified.write(conn, [_digest_row(rows[0], key, digest_message(told), options, now)])


def _digest_row(like: Noted, key: str, message: Message, options: Options, now: datetime) -> Noted:
    """Give the row of a digest, which stands where the first of its messages would."""
    news = News(kind=Kind(like.kind), subject=ALL, event_key=key, began_at=now)
    drafts = Drafts(news)
    return Noted(
        event_key=key,
        guild_id=like.guild_id,
        channel_id=like.channel_id,
        direct=like.direct,
        message=drafts.message(message, "", None),
        created_at=now,
        next_try_at=now,
        expires_at=now + DIGEST_FOR,
        kind=like.kind,
        facts=drafts.facts({"role_id": None, "pings": False, "pinged": None}),
        told_at=now,
        placement=drafts.placement(message, replace(options, thread=False), ""),
        remove_after_hours=options.delete_after_hours or 0,
    )


async def _free_key(conn: Connection, key: str) -> str:
    """Give a key no digest has: a channel can have several a day, of kinds with another time or after a change."""
    number, free = 1, key
    while await notified.of_event(conn, free):
        number += 1
        free = f"{key}:{number}"
    return free
