"""What people are told of rounds: the messages that follow when a round is new or comes out differently.

Everything here happens in the transaction of whatever changed the round.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.rounds.post import round_message
from bot.core.rounds.resolve import ResolvedRound
from bot.settings import GameServer
from bot.storage import outbox, round_choices
from bot.storage.engine import Connection


class RoundTelling:
    """Brings the messages of rounds up to date; a first post waits at most `post_max_age`."""

    def __init__(self, *, servers: Mapping[str, GameServer], post_max_age: timedelta) -> None:
        self._servers = servers
        self._post_max_age = post_max_age

    async def tell(
        self,
        conn: Connection,
        server: str,
        round_id: int,
        round_: ResolvedRound,
        now: datetime,
        *,
        to_guilds: bool,
    ) -> bool:
        """Bring the messages of a round up to date; `to_guilds` also opens them where rounds are wanted.

        Gives whether anything was put.
        """
        key = f"round:{round_id}"
        # Only a first message needs its guild.
        channels = dict.fromkeys(await outbox.channels_of(conn, key), 0)
        if to_guilds:
            targets = await round_choices.targets(conn, self._servers[server].guild_ids, server, "posts")
            channels |= {channel_id: guild_id for guild_id, channel_id in targets}
        for channel_id, guild_id in channels.items():
            await outbox.put(
                conn,
                event_key=key,
                guild_id=guild_id,
                channel_id=channel_id,
                message=round_message(round_, server=server),
                now=now,
                expires_at=now + self._post_max_age,
            )
        return bool(channels)
