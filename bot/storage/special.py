"""Statements about special days and status boards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.predictions import SpecialEvent
from bot.core.requester import Requester
from bot.storage.tables import accounts, guilds, special_events, status_boards
from bot.storage.upsert import insert_for


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedBoard:
    """A status board; `put_at` is when it was last brought up to date, None before the first time."""

    channel_id: int
    guild_id: int
    event_key: str
    put_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A special day of a guild, with the account it is about (None: all of the guild's)."""

    guild_id: int
    account_id: int | None
    event: SpecialEvent


# Made once: they run with every plan, and making a statement costs more than running it.
_EVENTS = (
    select(special_events, accounts.c.handle)
    .join(accounts, accounts.c.id == special_events.c.account_id, isouter=True)
    .order_by(special_events.c.day, special_events.c.id)
)
_COUNTRIES = select(guilds.c.guild_id, guilds.c.country).where(
    guilds.c.country != "", guilds.c.left_at.is_(None)
)
_BOARDS = select(status_boards).order_by(status_boards.c.guild_id, status_boards.c.channel_id)
_BOARDS_TO_SHOW = _BOARDS.where(
    status_boards.c.guild_id.not_in(select(guilds.c.guild_id).where(guilds.c.left_at.is_not(None)))
)


async def add_event(
    conn: AsyncConnection, by: Requester, event: SpecialEvent, account_id: int | None, now: datetime
) -> int:
    """Write a special day; gives its id."""
    statement = insert(special_events).values(
        guild_id=by.guild_id,
        account_id=account_id,
        day=event.day.isoformat(),
        name=event.name,
        created_by=by.user_id,
        created_at=now,
    )
    event_id: int = (await conn.execute(statement.returning(special_events.c.id))).scalar_one()
    return event_id


async def remove_event(conn: AsyncConnection, event_id: int) -> None:
    """Delete a special day."""
    await conn.execute(delete(special_events).where(special_events.c.id == event_id))


async def events(conn: AsyncConnection, *, guild_id: int | None = None) -> tuple[Marked, ...]:
    """Read the special days of a guild or of all, by day."""
    query = _EVENTS if guild_id is None else _EVENTS.where(special_events.c.guild_id == guild_id)
    return tuple(
        Marked(
            guild_id=row["guild_id"],
            account_id=row["account_id"],
            event=SpecialEvent(
                id=row["id"],
                day=date.fromisoformat(row["day"]),
                name=row["name"],
                handle=row["handle"] or "",
            ),
        )
        for row in (await conn.execute(query)).mappings()
    )


async def countries(conn: AsyncConnection) -> dict[int, str]:
    """Give the guilds that chose a country, with it."""
    return {row.guild_id: row.country for row in (await conn.execute(_COUNTRIES)).all()}


# --- Boards --------------------------------------------------------------------------------------


async def place_board(conn: AsyncConnection, by: Requester, channel_id: int, event_key: str) -> None:
    """Write that a board stands in a channel; one that did is replaced."""
    values = {"guild_id": by.guild_id, "event_key": event_key, "created_by": by.user_id, "put_at": None}
    await conn.execute(
        insert_for(conn, status_boards)
        .values(channel_id=channel_id, **values)
        .on_conflict_do_update(index_elements=["channel_id"], set_=values)
    )


async def remove_board(conn: AsyncConnection, channel_id: int) -> None:
    """Forget the board of a channel."""
    await conn.execute(delete(status_boards).where(status_boards.c.channel_id == channel_id))


async def board_was_put(conn: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Note that a board was brought up to date."""
    await conn.execute(
        update(status_boards).where(status_boards.c.channel_id == channel_id).values(put_at=now)
    )


async def boards(conn: AsyncConnection, *, guild_id: int | None = None) -> tuple[PlacedBoard, ...]:
    """Read the boards of a guild, or of all guilds that did not remove the bot."""
    query = _BOARDS_TO_SHOW if guild_id is None else _BOARDS.where(status_boards.c.guild_id == guild_id)
    names = PlacedBoard.__dataclass_fields__
    rows = (await conn.execute(query)).mappings().all()
    return tuple(PlacedBoard(**{name: row[name] for name in names}) for row in rows)
