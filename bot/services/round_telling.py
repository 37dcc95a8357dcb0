"""What people are told of rounds: the messages that follow when a round is new or comes out differently.

Everything here happens in the transaction of whatever changed the round. A round changes the score of all
that follow, so the messages of its whole evening are brought up to date; one that reads the same is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.services.evening_reading import REACH, KeptEvening, evenings_around
from bot.services.evening_summaries import renew_summary
from bot.settings import GameServer
from bot.storage import evenings as store
from bot.storage import outbox, round_choices
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
            was_put |= await renew_summary(conn, evening, now)
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
        for (key, channel_id), guild_id in places.items():
            if (key, channel_id) in same:
                continue
            await outbox.put(
                conn,
                event_key=key,
                guild_id=guild_id,
                channel_id=channel_id,
                message=messages[key],
                now=now,
                expires_at=now + self._post_max_age,
            )
        return bool(places.keys() - same)

    async def _wanted(self, conn: Connection, server: str, first: KeptRound) -> dict[tuple[str, int], int]:
        targets = await round_choices.targets(conn, self._servers[server].guild_ids, server, "posts")
        return {(f"{ROUND_POST}{first.id}", channel_id): guild_id for guild_id, channel_id in targets}
