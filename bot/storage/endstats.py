"""Awards and duels of rounds, from their files of endstats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.endstats import NEAREST, Award, PlayerDuel
from bot.core.rounds.files import FileState, RoundName
from bot.storage.round_tables import round_awards, round_duels, round_files, round_players


@dataclass(frozen=True, kw_only=True, slots=True)
class EndstatsFile:
    """An imported file of endstats with its raw bytes."""

    id: int
    name: str
    content: bytes


async def near_endstats(conn: AsyncConnection, server: str, round_: RoundName) -> tuple[EndstatsFile, ...]:
    """Read the imported files of endstats that can be those of a round."""
    reach = round(NEAREST / timedelta(seconds=1))
    # By their whole names, which an index finds and no collation can order differently.
    names = [
        f"{round_.wall_clock + timedelta(seconds=apart):%Y-%m-%d-%H%M%S}-{round_.map}-round-{round_.round}-endstats.txt"
        for apart in range(-reach, reach + 1)
    ]
    query = select(round_files.c.id, round_files.c.name, round_files.c.content).where(
        round_files.c.server == server,
        round_files.c.name.in_(names),
        round_files.c.content.is_not(None),
        round_files.c.state != FileState.IGNORED,
    )
    rows = (await conn.execute(query.order_by(round_files.c.name))).mappings()
    return tuple(EndstatsFile(**row) for row in rows)


async def player_names(conn: AsyncConnection, round_id: int) -> Mapping[str, str]:
    """Read the names of a round's players by their GUID."""
    query = select(round_players.c.guid, round_players.c.name).where(round_players.c.round_id == round_id)
    return {row.guid: row.name for row in await conn.execute(query)}


async def keep_endstats(
    conn: AsyncConnection,
    round_id: int,
    file_id: int,
    awards: Iterable[Award],
    duels: Iterable[PlayerDuel],
) -> None:
    """Write what a file says of a round, in place of what any file said before."""
    await forget_endstats(conn, round_id)
    same = {"round_id": round_id, "file_id": file_id}
    rows = [
        {**same, "number": number, "title": award.title, "name": award.name, "value": award.value}
        for number, award in enumerate(awards)
    ]
    if rows:
        await conn.execute(insert(round_awards), rows)
    duel_rows = [
        {
            **same,
            "guid": duel.guid,
            "opponent_guid": duel.opponent_guid,
            "kills": duel.kills,
            "deaths": duel.deaths,
        }
        for duel in duels
    ]
    if duel_rows:
        await conn.execute(insert(round_duels), duel_rows)


async def forget_endstats(conn: AsyncConnection, round_id: int) -> None:
    """Delete the awards and duels of a round."""
    for table in (round_awards, round_duels):
        await conn.execute(delete(table).where(table.c.round_id == round_id))
