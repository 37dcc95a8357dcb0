"""Writes what admins set of the teams of an evening; `evenings` reads it.

An evening has no row of its own: what is set stands at the file of one of its rounds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.round_tables import evening_members, evening_teams


async def name_team(
    conn: AsyncConnection, file_id: int, team: int, name: str | None, *, instead_of: Collection[int]
) -> bool:
    """Call a team, 0 or 1, something from a file on, in place of what it is called at the files `instead_of`.

    Without a name it has its letter again. False where it was so already.
    """
    value = None if name is None else {"name": name}
    return await _set(conn, evening_teams, {"team": team}, value, [file_id, *instead_of])


async def put_player(
    conn: AsyncConnection, file_id: int, guid: str, team: int | None, *, instead_of: Collection[int]
) -> bool:
    """Put a player into a team, 0 or 1, in place of what was set at the files `instead_of`.

    Without a team the rounds say where the player belongs. False where it was so already.
    """
    value = None if team is None else {"team": team}
    return await _set(conn, evening_members, {"guid": guid}, value, [file_id, *instead_of])


async def _set(
    conn: AsyncConnection,
    table: Table,
    key: Mapping[str, object],
    value: Mapping[str, object] | None,
    file_ids: Sequence[int],
) -> bool:
    """Let a value, or none, stand for a key at the first file alone; gives whether that changed anything."""
    these = [table.c.file_id.in_(file_ids), *(table.c[name] == one for name, one in key.items())]
    before = (await conn.execute(select(table).where(*these))).mappings().all()
    if [{name: row[name] for name in value or ()} for row in before] == ([value] if value else []):
        return False
    await conn.execute(delete(table).where(*these))
    if value:
        await conn.execute(insert(table).values({**key, **value, "file_id": file_ids[0]}))
    return True


async def reset_teams(conn: AsyncConnection, file_ids: Collection[int]) -> bool:
    """Forget all that was set at these files; false where nothing was."""
    results = [
        await conn.execute(delete(table).where(table.c.file_id.in_(file_ids)))
        for table in (evening_teams, evening_members)
    ]
    return any(result.rowcount for result in results)
