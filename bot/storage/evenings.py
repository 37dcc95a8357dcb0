"""What is kept of evenings: what admins set, which summary tells of which rounds, and where they are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, bindparam, cast, delete, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.delivery import OutboxState
from bot.storage.round_tables import evening_members, evening_posts, evening_teams, round_awards, rounds
from bot.storage.rounds import AT_ONCE
from bot.storage.tables import outbox
from bot.storage.upsert import insert_for

ROUND_POST = "round:"
"""The event key of a round's message is this and the id of the round."""

# Made once: it runs with every look for an evening that is over.
_LAST_ROUND = (
    select(rounds.c.server, rounds.c.ended_at)
    .where(rounds.c.server.in_(bindparam("servers", expanding=True)))
    .order_by(rounds.c.ended_at.desc(), rounds.c.id.desc())
    .limit(1)
)
_GONE = (OutboxState.DEAD, OutboxState.EXPIRED, OutboxState.SKIPPED, OutboxState.REMOVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A message that was put. `stands` is false where it was given up or people deleted it."""

    event_key: str
    guild_id: int
    channel_id: int
    stands: bool


async def is_told_near(conn: AsyncConnection, server: str, since: datetime, until: datetime) -> bool:
    """Tell whether any round of a server that ended in a span has a message or stands in a summary."""
    posted = exists().where(outbox.c.event_key == literal(ROUND_POST) + cast(rounds.c.id, Text))
    summed_up = exists().where(evening_posts.c.round_id == rounds.c.id)
    query = select(rounds.c.id).where(
        rounds.c.server == server, rounds.c.ended_at.between(since, until), posted | summed_up
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def told(conn: AsyncConnection, keys: Iterable[str]) -> tuple[Told, ...]:
    """Read where messages were put, the oldest first."""
    wanted = list(keys)
    found: list[tuple[int, Told]] = []
    columns = (outbox.c.id, outbox.c.event_key, outbox.c.guild_id, outbox.c.channel_id, outbox.c.state)
    more = (outbox.c.delivered_revision, outbox.c.message_id)
    for start in range(0, len(wanted), AT_ONCE):
        query = select(*columns, *more).where(outbox.c.event_key.in_(wanted[start : start + AT_ONCE]))
        for row in await conn.execute(query):
            is_deleted = row.delivered_revision > 0 and row.message_id is None
            one = Told(
                event_key=row.event_key,
                guild_id=row.guild_id,
                channel_id=row.channel_id,
                stands=not is_deleted and OutboxState(row.state) not in _GONE,
            )
            found.append((row.id, one))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


async def team_names(conn: AsyncConnection, file_ids: Collection[int]) -> Mapping[int, dict[int, str]]:
    """Read what admins called the teams, by file and team."""
    query = select(evening_teams).where(evening_teams.c.file_id.in_(file_ids))
    names: dict[int, dict[int, str]] = defaultdict(dict)
    for row in await conn.execute(query):
        names[row.file_id][row.team] = row.name
    return names


async def members(conn: AsyncConnection, file_ids: Collection[int]) -> Mapping[int, dict[str, int]]:
    """Read which players admins put into which team, by file and GUID."""
    query = select(evening_members).where(evening_members.c.file_id.in_(file_ids))
    teams: dict[int, dict[str, int]] = defaultdict(dict)
    for row in await conn.execute(query):
        teams[row.file_id][row.guid] = row.team
    return teams


async def awards(
    conn: AsyncConnection, round_ids: Collection[int]
) -> Mapping[int, list[tuple[str, str, str]]]:
    """Read the awards of rounds (title, player, value) in the order of their file, by round."""
    columns = (round_awards.c.round_id, round_awards.c.title, round_awards.c.name, round_awards.c.value)
    query = select(*columns).where(round_awards.c.round_id.in_(round_ids))
    found: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for row in await conn.execute(query.order_by(round_awards.c.round_id, round_awards.c.number)):
        found[row.round_id].append((row.title, row.name, row.value))
    return found


async def summary_keys(conn: AsyncConnection, round_ids: Collection[int]) -> Mapping[int, str]:
    """Read in which summary each of these rounds stands; those that stand in none are left out."""
    query = select(evening_posts).where(evening_posts.c.round_id.in_(round_ids))
    return {row.round_id: row.event_key for row in await conn.execute(query)}


async def keep_summary(conn: AsyncConnection, round_ids: Iterable[int], event_key: str) -> None:
    """Write in which summary rounds stand."""
    rows = [{"round_id": round_id, "event_key": event_key} for round_id in round_ids]
    if rows:
        insert = insert_for(conn, evening_posts)
        changed = insert.on_conflict_do_update(
            index_elements=["round_id"], set_={"event_key": insert.excluded.event_key}
        )
        await conn.execute(changed, rows)


async def first_round_of(conn: AsyncConnection, event_key: str) -> int | None:
    """Give the id of the earliest round that stands in a summary."""
    query = select(rounds.c.id).join(evening_posts, evening_posts.c.round_id == rounds.c.id)
    mine = query.where(evening_posts.c.event_key == event_key)
    return (await conn.execute(mine.order_by(rounds.c.ended_at, rounds.c.id).limit(1))).scalar()


async def forget_summary(conn: AsyncConnection, round_ids: Collection[int], event_key: str) -> None:
    """Take rounds out of a summary."""
    mine = (evening_posts.c.event_key == event_key) & evening_posts.c.round_id.in_(round_ids)
    await conn.execute(delete(evening_posts).where(mine))


async def last_round(
    conn: AsyncConnection, servers: Collection[str], *, until: datetime | None = None
) -> tuple[str, datetime] | None:
    """Give server and end of the round that ended last on one of these servers, at `until` or before."""
    query = _LAST_ROUND if until is None else _LAST_ROUND.where(rounds.c.ended_at <= until)
    row = (await conn.execute(query, {"servers": list(servers)})).first()
    return None if row is None else (row.server, row.ended_at)


async def maps_played(conn: AsyncConnection, servers: Collection[str]) -> tuple[str, ...]:
    """Name the maps of these servers, the most played first."""
    query = select(rounds.c.map).where(rounds.c.server.in_(servers)).group_by(rounds.c.map)
    return tuple((await conn.execute(query.order_by(func.count().desc(), rounds.c.map))).scalars())
