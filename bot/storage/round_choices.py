"""What admins chose about the rounds of a server: switches by guild, and what is left out of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.round_tables import ignored_maps, ignored_players, round_choices, voided_rounds
from bot.storage.tables import guilds
from bot.storage.types import Flag
from bot.storage.upsert import insert_for


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundChoices:
    """A guild's switches for a server.

    A server is watched while one of its guilds has `monitoring` on; a guild without it is told nothing.
    """

    monitoring: bool = True
    posts: bool = True
    evenings: bool = True
    milestones: bool = True


_SWITCHES = [round_choices.c[field.name] for field in fields(RoundChoices)]
# Made once: they run with every look at a server, and making a statement costs more than running it.
_CHOICES = select(*_SWITCHES).where(
    round_choices.c.guild_id == bindparam("guild_id"), round_choices.c.server == bindparam("server")
)
_SWITCHED = select(round_choices.c.guild_id, round_choices.c.monitoring).where(
    round_choices.c.server == bindparam("server"),
    round_choices.c.guild_id.in_(bindparam("guild_ids", expanding=True)),
)
_HERE = select(guilds.c.guild_id).where(
    guilds.c.guild_id.in_(bindparam("guild_ids", expanding=True)), guilds.c.left_at.is_(None)
)
_TARGETS = (
    _HERE.add_columns(guilds.c.rounds_channel_id)
    .where(guilds.c.rounds_channel_id.is_not(None))
    .order_by(guilds.c.guild_id)
)


async def choices(conn: AsyncConnection, guild_id: int, server: str) -> RoundChoices:
    """Read the switches of a guild for a server; without a choice everything is on."""
    row = (await conn.execute(_CHOICES, {"guild_id": guild_id, "server": server})).mappings().first()
    return RoundChoices(**row) if row else RoundChoices()


async def targets(
    conn: AsyncConnection, guild_ids: Collection[int], server: str, switch: str
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) of each of these guilds that wants rounds and still has the bot.

    It has `switch` on, and its monitoring of the server.
    """
    rows = (await conn.execute(_TARGETS, {"guild_ids": list(guild_ids)})).all()
    found = []
    for row in rows:
        chosen = await choices(conn, row.guild_id, server)
        if chosen.monitoring and getattr(chosen, switch):
            found.append((row.guild_id, row.rounds_channel_id))
    return tuple(found)


async def watching(conn: AsyncConnection, guild_ids: Collection[int], server: str) -> tuple[int, ...]:
    """Give those of these guilds that have the bot and monitor the server."""
    off = select(round_choices.c.guild_id).where(
        round_choices.c.server == server, round_choices.c.monitoring == literal(value=False, type_=Flag())
    )
    query = select(guilds.c.guild_id).where(
        guilds.c.guild_id.in_(guild_ids), guilds.c.left_at.is_(None), guilds.c.guild_id.not_in(off)
    )
    return tuple((await conn.execute(query.order_by(guilds.c.guild_id))).scalars())


async def choose(conn: AsyncConnection, guild_id: int, server: str, switch: str, *, on: bool) -> None:
    """Write one switch of a guild for a server; `switch` is a field of `RoundChoices`."""
    statement = insert_for(conn, round_choices).values(guild_id=guild_id, server=server, **{switch: on})
    await conn.execute(
        statement.on_conflict_do_update(index_elements=["guild_id", "server"], set_={switch: on})
    )


async def is_watched(conn: AsyncConnection, guild_ids: Collection[int], server: str) -> bool:
    """Tell whether a server of these guilds is to be looked at: not when whoever has the bot has it off."""
    these = {"guild_ids": list(guild_ids)}
    chosen = await conn.execute(_SWITCHED, {**these, "server": server})
    off = {row.guild_id for row in chosen if not row.monitoring}
    if not off:
        return True
    return bool(set((await conn.execute(_HERE, these)).scalars()) - off)


# --- What is left out of the tables; `recount` in `rounds` makes it so ----------------------------


async def ignore_map(conn: AsyncConnection, server: str, map_name: str, *, ignored: bool) -> bool:
    """Leave a map out, or take it in again; false where it was so already."""
    return await _set(conn, ignored_maps, {"server": server, "map": map_name}, there=ignored)


async def ignore_player(conn: AsyncConnection, server: str, guid: str, *, ignored: bool) -> bool:
    """Leave a player out, or take him in again; false where it was so already."""
    return await _set(conn, ignored_players, {"server": server, "guid": guid}, there=ignored)


async def void_round(conn: AsyncConnection, file_id: int, by: int, now: datetime) -> bool:
    """Make the round of a file void; false where it was already."""
    return await _set(
        conn, voided_rounds, {"file_id": file_id}, {"voided_by": by, "voided_at": now}, there=True
    )


async def restore_round(conn: AsyncConnection, file_id: int) -> bool:
    """Take a void round in again; false where it was not void."""
    return await _set(conn, voided_rounds, {"file_id": file_id}, there=False)


async def maps_ignored(conn: AsyncConnection, servers: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Read the maps left out, as server and map."""
    query = select(ignored_maps.c.server, ignored_maps.c.map).where(ignored_maps.c.server.in_(servers))
    rows = await conn.execute(query.order_by(ignored_maps.c.server, ignored_maps.c.map))
    return tuple((row.server, row.map) for row in rows)


async def players_ignored(conn: AsyncConnection, servers: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Read the players left out, as server and GUID."""
    query = select(ignored_players.c.server, ignored_players.c.guid).where(
        ignored_players.c.server.in_(servers)
    )
    rows = await conn.execute(query.order_by(ignored_players.c.server, ignored_players.c.guid))
    return tuple((row.server, row.guid) for row in rows)


async def _set(
    conn: AsyncConnection,
    table: Table,
    key: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
    *,
    there: bool,
) -> bool:
    """Let a row be there or not; gives whether that changed anything."""
    if there:
        statement: Any = insert_for(conn, table).values(**key, **(more or {})).on_conflict_do_nothing()
    else:
        this: list[ColumnElement[bool]] = [table.c[name] == value for name, value in key.items()]
        statement = delete(table).where(*this)
    return bool((await conn.execute(statement)).rowcount)
