"""What people are told of rounds: the messages that follow when a round is new or comes out differently.

Everything here happens in the transaction of whatever changed the round. A round changes the score of all
that follow, so the messages of its whole evening are brought up to date; one that reads the same is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.notifications.kinds import Kind, server_subject
from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.post import round_facts
from bot.services.evening_reading import REACH, KeptEvening, evenings_around
from bot.services.evening_summaries import renew_summary
from bot.services.notifications import News, Place, tell
from bot.services.round_places import round_places
from bot.settings import GameServer
from bot.storage import evenings as store
from bot.storage import outbox
from bot.storage.engine import Connection
from bot.storage.evenings import ROUND_POST
from bot.storage.resolved_rounds import KeptRound

_NO_GUILD = 0  # only a first message needs its guild


class RoundTelling:
    """Brings the messages of rounds up to date; a first post waits at most `post_max_age`."""

    def __init__(self, *, servers: Mapping[str, GameServer], post_max_age: timedelta) -> None:
        self._servers = servers
        self._post_max_age = post_max_age

    async def rounds_changed(
        self, conn: Connection, server: str, around: datetime, now: datetime, new: str | None = None
    ) -> bool:
        """Bring up to date what is told of the evening in which rounds changed; gives whether anything was put.

        `around` is an instant in that evening, such as the end of the round that changed. `new` names the file
        of a round that ended then and is to be posted for the first time, unless it is too old or silent.
        """
        is_fresh = new is not None and now - around <= self._post_max_age
        if not is_fresh and not await store.is_told_near(conn, server, around - REACH, around + REACH):
            return False  # a backfill of years loads no evening
        was_put = False
        for evening in await evenings_around(conn, server, around):
            first = next((one for one in evening.rounds if one.told.key == new and not one.silent), None)
            was_put |= await self._tell_rounds(conn, evening, first if is_fresh else None, now)
            was_put |= await renew_summary(conn, evening, now, expires_after=self._post_max_age)
        return was_put

    async def _tell_rounds(
        self, conn: Connection, evening: KeptEvening, first: KeptRound | None, now: datetime
    ) -> bool:
        """Put the messages of an evening where they are already, and that of the first one where it is wanted."""
        by_key = {f"{ROUND_POST}{one.id}": one for one in evening.rounds}
        places = {(one.event_key, one.channel_id): _NO_GUILD for one in await store.told(conn, by_key)}
        if first is not None:
            places |= await self._wanted(conn, evening.server, first)
        awards = await store.awards(conn, [by_key[key].id for key, _ in places])
        messages = {
            key: evening.message_of(by_key[key], awards.get(by_key[key].id, ()))
            for key in dict.fromkeys(key for key, _ in places)
        }
        same = await outbox.unchanged(conn, messages)
        was_put = False
        for key, message in messages.items():
            changed = [
                Place(guild_id=guild_id, channel_id=channel_id, message=message)
                for (event_key, channel_id), guild_id in places.items()
                if event_key == key and (key, channel_id) not in same
            ]
            news = self._news(evening.server, by_key[key].told, key)
            was_put |= await tell(conn, news, changed, now)
        return was_put

    def _news(self, server: str, told: EveningRound, key: str) -> News:
        return News(
            kind=Kind.ROUND,
            subject=server_subject(server),
            event_key=key,
            facts=round_facts(told.resolved, server=server),
            began_at=told.began_at,
            expires_after=self._post_max_age,
        )

    async def _wanted(self, conn: Connection, server: str, first: KeptRound) -> dict[tuple[str, int], int]:
        targets = await round_places(conn, Kind.ROUND, server, self._servers[server].guild_ids)
        return {(f"{ROUND_POST}{first.id}", channel_id): guild_id for guild_id, channel_id in targets}
