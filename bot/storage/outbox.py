"""The outbox: which message should stand in which channel, and how far each has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.announcements import Message, nonce_for
from bot.core.delivery import Event, OutboxState, after
from bot.storage.tables import outbox
from bot.storage.upsert import insert_for


async def put(
    conn: AsyncConnection,
    *,
    event_key: str,
    guild_id: int,
    channel_id: int,
    message: Message,
    now: datetime,
    direct: bool = False,
    expires_at: datetime | None = None,
) -> None:
    """Say which message should stand in this channel for this event.

    The first time it is posted; another text later replaces it (an edit, once it was posted); the same
    text changes nothing. A message that is dead, expired or deleted by people stays as it is.
    `channel_id` is the id of a user where `direct` is true.
    """
    data = message.to_json()
    inserted = await conn.execute(
        insert_for(conn, outbox)
        .values(
            event_key=event_key,
            guild_id=guild_id,
            channel_id=channel_id,
            direct=direct,
            message=data,
            nonce=nonce_for(event_key, channel_id),
            state=OutboxState.PENDING,
            created_at=now,
            expires_at=expires_at,
            next_try_at=now,
        )
        .on_conflict_do_nothing(index_elements=[outbox.c.event_key, outbox.c.channel_id])
    )
    if not inserted.rowcount:
        await _replace(conn, event_key, channel_id, message, now)


async def _replace(
    conn: AsyncConnection, event_key: str, channel_id: int, message: Message, now: datetime
) -> None:
    this = (outbox.c.event_key == event_key) & (outbox.c.channel_id == channel_id)
    row = (await conn.execute(select(outbox).where(this).with_for_update())).one()
    state = OutboxState(row.state)
    deleted = row.delivered_revision > 0 and row.message_id is None
    if deleted or state.is_final or Message.from_json(row.message) == message:
        return
    values = {
        "message": message.to_json(),
        "revision": row.revision + 1,
        "state": after(state, Event.CHANGED),
    }
    if state is OutboxState.DELIVERED:
        # An edit is a new errand with a day of its own; a first post keeps the trace of its tries.
        values |= {"tries": 0, "first_tried_at": None, "next_try_at": now, "error": ""}
    await conn.execute(update(outbox).where(this).values(**values))


async def channels_of(conn: AsyncConnection, event_key: str) -> tuple[int, ...]:
    """Give the channels a message of this event was put into."""
    found = await conn.execute(
        select(outbox.c.channel_id).where(outbox.c.event_key == event_key).order_by(outbox.c.id)
    )
    return tuple(found.scalars())
