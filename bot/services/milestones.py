"""Round numbers that players reach: claimed for good with the round that reached them, and told once.

A round that is news claims in the transaction that writes it. What it came to is its own part of the totals,
so it makes no difference what else changed with it. Whatever else was reached, by old and silent rounds, is
claimed without a word when they are all in: so a backfill sums everybody once, and not with every file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.core.markup import escape
from bot.core.notifications.kinds import Kind, server_subject
from bot.core.rounds.milestone_post import milestone_message
from bot.core.rounds.milestones import Milestone, MilestoneDecision, decide
from bot.services.beside import beside
from bot.services.leaderboards import servers_of
from bot.services.notifications import News, Place, tell
from bot.services.round_places import round_places
from bot.settings import GameServer
from bot.storage import guilds
from bot.storage import milestones as store
from bot.storage.engine import Connection, Database
from bot.storage.milestones import NewRound


class Milestones:
    """Claims and tells what a new round reached; nobody hears of one that ended `news_for` ago."""

    def __init__(self, *, servers: Mapping[str, GameServer], news_for: timedelta) -> None:
        self._servers = servers
        self._news_for = news_for

    async def round_came(self, conn: Connection, file_id: int, now: datetime) -> bool:
        """Claim what the players of a file's round have reached, if it is news; gives whether anything was put.

        It is told where the guild has milestones switched on.
        """
        new = await store.new_round(conn, file_id)
        if not new.counted or new.silent or now - new.ended_at > self._news_for:
            return False
        guild_ids = self._servers[new.server].guild_ids
        places = await round_places(conn, Kind.MILESTONE, new.server, guild_ids)
        was_put = False
        for guild_id in await guilds.present_among(conn, guild_ids):
            channels = [channel_id for guild, channel_id in places if guild == guild_id]
            was_put |= await self._reached(conn, new, guild_id, channels, now)
        return was_put

    async def claim_rest(self, database: Database, server: str, now: datetime) -> None:
        """Claim without a word whatever was reached on a server and nobody has claimed yet."""
        found: dict[int, dict[str, tuple[Milestone, ...]]] = {}
        async with database.read() as conn:
            for guild_id in await guilds.present_among(conn, self._servers[server].guild_ids):
                totals = await store.totals(conn, servers_of(self._servers, guild_id))
                claimed = await store.claimed(conn, guild_id)
                found[guild_id] = await beside(len(totals), _unclaimed, totals, claimed)
        if any(found.values()):
            async with database.write("rounds.claim") as conn:
                for guild_id, own in found.items():
                    await store.claim(conn, guild_id, own, now)

    async def _reached(
        self,
        conn: Connection,
        new: NewRound,
        guild_id: int,
        channels: Sequence[int],
        now: datetime,
    ) -> bool:
        standings = await store.standings(conn, servers_of(self._servers, guild_id), new.id)
        claimed = await store.claimed(conn, guild_id, standings.keys())
        decisions: dict[str, MilestoneDecision] = {
            guid: decide(one.before, one.after, claimed.get(guid, frozenset()))
            for guid, one in standings.items()
        }
        await store.claim(conn, guild_id, {guid: one.claim for guid, one in decisions.items()}, now)
        told = {guid: one.announce for guid, one in decisions.items() if one.announce}
        was_put = False
        for guid, reached in sorted(told.items()):
            first = reached[0]
            message = milestone_message(standings[guid].name, reached, server=new.server)
            news = News(
                kind=Kind.MILESTONE,
                subject=server_subject(new.server),
                # What is claimed is claimed once, so no other message ever has this key.
                event_key=f"milestone:{guild_id}:{guid}:{first.counter}:{first.threshold}",
                facts={"server": escape(new.server, 60)},
                began_at=new.ended_at,
                expires_after=self._news_for,
            )
            places = [Place(guild_id=guild_id, channel_id=one, message=message) for one in channels]
            was_put |= await tell(conn, news, places, now)
        return was_put


def _unclaimed(
    totals: Mapping[str, Mapping[str, int | None]], claimed: Mapping[str, frozenset[Milestone]]
) -> dict[str, tuple[Milestone, ...]]:
    """Give what players have reached and not claimed, by GUID."""
    reached = {guid: decide({}, own, claimed.get(guid, frozenset())).claim for guid, own in totals.items()}
    return {guid: own for guid, own in reached.items() if own}
