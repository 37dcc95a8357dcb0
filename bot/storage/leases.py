"""Who looks at a game server besides the bot: one lease a server, so that no two programs poll it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update

from bot.storage import status
from bot.storage.engine import Connection
from bot.storage.tables import notes
from bot.storage.upsert import insert_for


def _note(server: str) -> str:
    return f"looked-at-by:{server}"


async def holder(conn: Connection, server: str, now: datetime) -> str:
    """Name who holds the lease of a server, empty where nobody does or its time is over."""
    return _held(await status.note(conn, _note(server)), now)


def _held(written: str, now: datetime) -> str:
    name, _, until = written.partition(" ")
    return name if until and datetime.fromisoformat(until) > now else ""


async def take(conn: Connection, server: str, name: str, now: datetime, until: datetime) -> bool:
    """Take or renew a lease for `name` (without spaces); false where another holds it, or was faster."""
    before, mine = await status.note(conn, _note(server)), f"{name} {until.isoformat()}"
    if _held(before, now) not in {"", name}:
        return False
    if before:
        as_it_was = (notes.c.name == _note(server)) & (notes.c.value == before)
        return (await conn.execute(update(notes).where(as_it_was).values(value=mine))).rowcount == 1
    free = insert_for(conn, notes).values(name=_note(server), value=mine).on_conflict_do_nothing()
    return (await conn.execute(free)).rowcount == 1


async def leave(conn: Connection, server: str, name: str) -> None:
    """Let a lease go, if `name` has it."""
    mine = (notes.c.name == _note(server)) & notes.c.value.startswith(f"{name} ", autoescape=True)
    await conn.execute(delete(notes).where(mine))
