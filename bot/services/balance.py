"""Who is there, and how they could be split: `/rounds balance`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.rounds.balance import Present, balance_message, nobody_message
from bot.core.rounds.names import people_named
from bot.core.rounds.rating import Rating
from bot.core.rounds.teams import playing_sides
from bot.ports import GameQuery
from bot.storage import ratings as store
from bot.storage.engine import Connection, Database
from bot.storage.resolved_rounds import read_rounds

LAST_ROUND_WITHIN = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class _There:
    """The names of those on a server by GUID, or by a key of their own where nobody knows them."""

    server: str
    names: Mapping[str, str]
    last_round_at: datetime | None = None


class Balance:
    """Asks the game servers who is there; where one does not tell, its last round does."""

    def __init__(self, *, database: Database, queries: Mapping[str, GameQuery], clock: Clock) -> None:
        self._database = database
        self._queries = queries
        self._clock = clock

    async def teams(self, servers: Sequence[str]) -> Message:
        """Propose even teams on one of these servers: on the one with most people. Raises `StorageError`."""
        told = dict(zip(servers, await asyncio.gather(*map(self._names, servers)), strict=True))
        async with self._database.read() as conn:
            there = await self._who_is_there(conn, told)
            if there is None:
                return nobody_message(servers[0])
            ratings = await store.ratings_of(conn, there.names)
        players = {
            key: Present(name=name, rating=ratings.get(key, Rating())) for key, name in there.names.items()
        }
        return balance_message(players, server=there.server, last_round_at=there.last_round_at)

    async def _names(self, server: str) -> tuple[str, ...] | None:
        """Give the names of the people on a server now; None where it does not tell."""
        query = self._queries.get(server)
        answer = None if query is None else await query.ask()
        return None if answer is None else people_named(answer.names)

    async def _who_is_there(
        self, conn: Connection, told: Mapping[str, Sequence[str] | None]
    ) -> _There | None:
        """Choose the server with most people; without any, a round that has just been; then an empty server."""
        answers = {server: names for server, names in told.items() if names is not None}
        fullest = max(answers, key=lambda server: len(answers[server]), default=None)
        if fullest is not None and answers[fullest]:
            return _There(server=fullest, names=await _by_guid(conn, answers[fullest]))
        silent = [server for server in told if server not in answers]
        since = self._clock.now() - LAST_ROUND_WITHIN
        for last in reversed(await read_rounds(conn, silent, since=since)):
            sides = playing_sides(last.told.resolved)
            names = {one.guid: one.name for one in last.told.resolved.players if one.guid in sides}
            return _There(server=last.server, names=names, last_round_at=last.told.resolved.ended_at)
        return None if fullest is None else _There(server=fullest, names={})


async def _by_guid(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Find whose names these are. Of several with one name only the first can be the one who is known."""
    known = await store.players_called(conn, names)
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        guid = known.get(name)
        found[f"#{number}" if guid is None or guid in found else guid] = name
    return found
