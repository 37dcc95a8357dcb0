"""Tables of players over the servers of a guild: `/top players`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.requester import Requester, servers_meant
from bot.core.rounds.metrics import METRICS, RATING, Metric, Per, in_an_evening, related
from bot.core.rounds.periods import Period, Span, evening_began, span_of
from bot.core.rounds.ranking import Ranking, rank_measured
from bot.core.rounds.top import TopPlayers
from bot.errors import InputRefused
from bot.settings import GameServer
from bot.storage import guilds, player_sums
from bot.storage.engine import Connection, Database
from bot.texts import text

COMPARED: Mapping[str, Metric] = {**METRICS, RATING.key: RATING}
"""What players can be compared by."""

_LONGEST_EVENING = timedelta(days=2)


class Leaderboards:
    """Ranks the players of the servers that belong to a guild; those of others are not even there."""

    def __init__(
        self,
        *,
        database: Database,
        servers: Mapping[str, GameServer],
        clock: Clock,
        default_time_zone: str,
    ) -> None:
        self._database = database
        self._servers = servers
        self._clock = clock
        self._default_time_zone = default_time_zone

    def servers_of(self, by: Requester) -> tuple[str, ...]:
        """Name the game servers of the requester's guild, for the owner too: the answer is public there."""
        return servers_of(self._servers, by.guild_id)

    async def top(
        self,
        by: Requester,
        metric: str,
        period: Period,
        *,
        per: Per = Per.TOTAL,
        min_rounds: int | None = None,
        server: str | None = None,
    ) -> TopPlayers:
        """Rank players over a period of the guild's zone; a rating is always of all time.

        Raises what `chosen` raises.
        """
        found, servers = self.chosen(by, metric, server)
        asked = related(found, per)
        async with self._database.read() as conn:
            known = await guilds.load(conn, by.guild_id)
            zone = ZoneInfo(known.time_zone if known else self._default_time_zone)
            if asked is RATING:
                period = Period.ALL_TIME
            span = span_of(period, self._clock.now(), zone)
            if period is Period.LAST_EVENING:
                asked = in_an_evening(asked)
                servers, span = await _last_evening(conn, servers)
            ranking = await rank(conn, servers, asked, span, min_rounds=min_rounds)
        return TopPlayers(ranking=ranking, period=period, span=span, servers=servers, zone=zone)

    def chosen(self, by: Requester, metric: str, server: str | None) -> tuple[Metric, tuple[str, ...]]:
        """Give the metric and the servers that are meant. Raises `InputRefused`, `NotAllowed`, `NothingThere`."""
        if metric not in COMPARED:
            raise InputRefused(text("Choose one of the suggestions."))
        return COMPARED[metric], self._servers_meant(by, server)

    def _servers_meant(self, by: Requester, server: str | None) -> tuple[str, ...]:
        return servers_meant(self.servers_of(by), server)


def servers_of(servers: Mapping[str, GameServer], guild_id: int) -> tuple[str, ...]:
    """Name the game servers that belong to a guild."""
    return tuple(name for name, settings in servers.items() if guild_id in settings.guild_ids)


async def rank(
    conn: Connection,
    servers: Collection[str],
    metric: Metric,
    span: Span,
    *,
    min_rounds: int | None = None,
) -> Ranking:
    """Rank the players of some servers by a metric; nobody is rated before as many maps as a rating takes."""
    if metric is RATING:
        found = await player_sums.rating_all(conn, servers, metric)
        fewest = max(RATING.minimum.rounds, min_rounds or 0)
        return rank_measured(found.measured, found.names, metric, min_rounds=fewest)
    found = await player_sums.measure_all(conn, servers, metric, since=span.since, until=span.until)
    return rank_measured(found.measured, found.names, metric, min_rounds=min_rounds)


async def _last_evening(conn: Connection, servers: Collection[str]) -> tuple[tuple[str, ...], Span]:
    """Give the server on which people played last, and the span of that evening."""
    last = await player_sums.last_rounds(conn, servers, _LONGEST_EVENING)
    return (tuple(servers), Span()) if last is None else ((last[0],), Span(since=evening_began(last[1])))
