"""The outbox: which message should stand in which channel, and how far each has come."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Text,
    Update,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.announcements import Message, nonce_for
from bot.core.delivery import (
    OPEN_STATES,
    TOO_LATE,
    WAITING_STATES,
    Event,
    OutboxState,
    Outgoing,
    after,
    edit_at,
)
from bot.core.notifications.placement import Placement
from bot.storage.tables import destinations, guilds, lives, outbox
from bot.storage.types import Instant, compact
from bot.storage.upsert import Insert, insert_on
from bot.texts import text, unpacked

MOST_AT_ONCE = 200
FORGOTTEN_AT_ONCE = 2000
COMPARED_AT_ONCE = 10
"""So many messages are written as JSON before the event loop gets its turn."""

_earlier = outbox.alias("earlier")
# The message as it is stored: where it cannot be read, the rest of its row can.
_stored = select(
    *[column for column in outbox.c if column is not outbox.c.message],
    type_coerce(outbox.c.message, Text).label("message"),
)

# Made once: they run at every look, and making a statement costs more than running it.
_NOW = bindparam("now", type_=Instant())
_OPEN = outbox.c.state.in_(OPEN_STATES)
# What was tried may stand in its channel: the deliverer looks for it there before it is given up.
_MAY_EXPIRE = _OPEN & (outbox.c.delivered_revision == 0) & outbox.c.first_tried_at.is_(None)
_blocked = exists().where(destinations.c.channel_id == outbox.c.channel_id, destinations.c.next_try_at > _NOW)
_left = exists().where(guilds.c.guild_id == outbox.c.guild_id, guilds.c.left_at.is_not(None))
_waits_for_another = (outbox.c.delivered_revision == 0) & exists().where(
    _earlier.c.channel_id == outbox.c.channel_id,
    _earlier.c.id < outbox.c.id,
    _earlier.c.delivered_revision == 0,
    _earlier.c.state.in_(OPEN_STATES),
)
_DUE = (
    _stored.where(
        _OPEN & ~_blocked & ~_left,
        outbox.c.next_try_at <= _NOW,
        outbox.c.channel_id.not_in(bindparam("but", expanding=True)),
        ~_waits_for_another,
    )
    .order_by(outbox.c.id)
    .limit(bindparam("most"))
)
_NEXT = select(
    select(func.min(outbox.c.next_try_at)).where(_OPEN, outbox.c.next_try_at > _NOW).scalar_subquery(),
    select(func.min(destinations.c.next_try_at)).where(destinations.c.next_try_at > _NOW).scalar_subquery(),
    select(func.min(outbox.c.expires_at)).where(_MAY_EXPIRE, outbox.c.expires_at > _NOW).scalar_subquery(),
)
_ONE = _stored.where(outbox.c.id == bindparam("outbox_id"))
_BEGIN = (
    update(outbox)
    .where(
        _OPEN,
        outbox.c.id == bindparam("outbox_id"),
        outbox.c.revision == bindparam("as_read"),
        outbox.c.delivered_revision == bindparam("as_delivered"),
        outbox.c.tries == bindparam("as_tried"),
        outbox.c.removing == bindparam("as_removing", type_=outbox.c.removing.type),
        outbox.c.generation == bindparam("as_generated"),
    )
    .values(tries=outbox.c.tries + 1, first_tried_at=func.coalesce(outbox.c.first_tried_at, _NOW))
)
# Why it was given up: what kept it from its channel so long, where that is known.
_WHY_LATE = case((outbox.c.error == "", literal(TOO_LATE, outbox.c.error.type)), else_=outbox.c.error)
_GIVEN_UP = (OutboxState.DEAD, OutboxState.EXPIRED)
_WITHDRAWN = (outbox.c.state == OutboxState.EXPIRED) & (outbox.c.error == "")
_EXPIRED = select(outbox.c.id).where(_MAY_EXPIRE, outbox.c.expires_at <= _NOW).limit(1)


@cache
def _put(dialect: str) -> Insert:
    known = [outbox.c.event_key, outbox.c.channel_id]
    return insert_on(dialect, outbox).on_conflict_do_nothing(index_elements=known)


@cache
def _settle(names: tuple[str, ...]) -> Update:
    new = {name: bindparam(f"new_{name}", type_=outbox.c[name].type) for name in names}
    return update(outbox).where(outbox.c.id == bindparam("outbox_id")).values(new)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A message that this version of the bot cannot read, and why; a newer version may have written it."""

    id: int
    event_key: str
    channel_id: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that was given up, and why."""

    channel_id: int
    title: str
    reason: str


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
    placement: Placement | None = None,
) -> None:
    """Say which message should stand in this channel for this event.

    The first time it is posted; another text later replaces it (an edit, once it was posted); the same
    text changes nothing. A message that is dead, expired or deleted by people stays as it is.
    `channel_id` is the id of a user where `direct` is true.
    """
    data = message.to_json()
    row = {
        "event_key": event_key,
        "guild_id": guild_id,
        "channel_id": channel_id,
        "direct": direct,
        "message": data,
        "nonce": nonce_for(event_key, channel_id),
        "state": OutboxState.PENDING,
        "created_at": now,
        "expires_at": expires_at,
        "next_try_at": now,
        "placement": None if placement is None else placement.to_json(),
    }
    if not (await conn.execute(_put(conn.dialect.name), row)).rowcount:
        await _replace(conn, event_key, channel_id, message, now)


async def _replace(
    conn: AsyncConnection, event_key: str, channel_id: int, message: Message, now: datetime
) -> None:
    this = (outbox.c.event_key == event_key) & (outbox.c.channel_id == channel_id)
    row = (await conn.execute(_stored.where(this))).mappings().one()
    state = OutboxState(row["state"])
    deleted = row["delivered_revision"] > 0 and row["message_id"] is None
    if deleted or state.is_final or getattr(_read(row), "message", None) == message:
        return
    values = {
        "message": message.to_json(),
        "revision": row["revision"] + 1,
        "state": after(state, Event.CHANGED),
    }
    stands = 0 < row["delivered_revision"] == row["revision"] and row["old_message_id"] is None
    at = edit_at(state, stands=stands, posted_at=row["posted_at"], edited_at=row["delivered_at"], now=now)
    if at is not None:
        # An edit is a new errand with a day of its own; a first post keeps the trace of its tries.
        values |= {"tries": 0, "first_tried_at": None, "next_try_at": at, "error": ""}
    await conn.execute(update(outbox).where(this).values(**values))


async def unchanged(conn: AsyncConnection, messages: Mapping[str, Message]) -> set[tuple[str, int]]:
    """Tell for which event and channel `put` would change nothing, in far less time than it takes."""
    same: set[tuple[str, int]] = set()
    keys = list(messages)
    for start in range(0, len(keys), COMPARED_AT_ONCE):
        query = select(outbox.c.event_key, outbox.c.channel_id, type_coerce(outbox.c.message, Text))
        part = query.where(outbox.c.event_key.in_(keys[start : start + COMPARED_AT_ONCE]))
        wanted: dict[str, str] = {}
        for key, channel_id, stored in await conn.execute(part):
            if key not in wanted:
                wanted[key] = compact(messages[key].to_json())
            if wanted[key] == stored:
                same.add((key, channel_id))
    return same


async def withdraw(conn: AsyncConnection, event_key: str, channel_id: int) -> None:
    """Take a message back that nobody tried to post yet; one that was tried may stand there and is left."""
    await conn.execute(
        update(outbox)
        .where(
            outbox.c.event_key == event_key,
            outbox.c.channel_id == channel_id,
            outbox.c.state.in_(WAITING_STATES),
            outbox.c.delivered_revision == 0,
            outbox.c.first_tried_at.is_(None),
        )
        .values(state=OutboxState.EXPIRED, error="")
    )


async def take_back(conn: AsyncConnection, prefix: str) -> None:
    """Delete messages that nobody tried to post yet, by the beginning of their keys: they are to be written anew."""
    await conn.execute(
        delete(outbox).where(
            outbox.c.event_key.startswith(prefix, autoescape=True),
            outbox.c.state.in_(WAITING_STATES),
            outbox.c.delivered_revision == 0,
            outbox.c.first_tried_at.is_(None),
        )
    )


async def channels_of(conn: AsyncConnection, event_key: str) -> tuple[int, ...]:
    """Give the channels a message of this event was put into."""
    found = await conn.execute(
        select(outbox.c.channel_id).where(outbox.c.event_key == event_key).order_by(outbox.c.id)
    )
    return tuple(found.scalars())


async def guilds_of(conn: AsyncConnection, event_key: str) -> dict[int, int]:
    """Give the channels a message of this event was put into, each with its guild."""
    query = select(outbox.c.channel_id, outbox.c.guild_id).where(outbox.c.event_key == event_key)
    return {row.channel_id: row.guild_id for row in await conn.execute(query.order_by(outbox.c.id))}


async def delivered(conn: AsyncConnection, event_key: str) -> dict[int, datetime]:
    """Give the channels in which the message of an event stands as it should, and since when."""
    found = await conn.execute(
        select(outbox.c.channel_id, outbox.c.delivered_at).where(
            outbox.c.event_key == event_key,
            outbox.c.state == OutboxState.DELIVERED,
            outbox.c.delivered_at.is_not(None),
        )
    )
    return {row.channel_id: row.delivered_at for row in found}


async def due(
    conn: AsyncConnection, now: datetime, limit: int = MOST_AT_ONCE, but: Collection[int] = ()
) -> tuple[Outgoing | Unreadable, ...]:
    """Read the messages whose turn it is, the oldest first; none of the channels in `but`.

    First posts of a channel keep their order: one waits until every earlier one was posted or given up.
    Edits wait for nobody. Nothing is due in a blocked channel or in a guild that removed the bot.
    """
    rows = (await conn.execute(_DUE, {"now": now, "most": limit, "but": list(but)})).mappings()
    return tuple(_read(row) for row in rows)


async def next_try_at(conn: AsyncConnection, now: datetime) -> datetime | None:
    """Give the first instant after `now` at which a message, a channel or an expiry is due."""
    return min(filter(None, (await conn.execute(_NEXT, {"now": now})).one()), default=None)


async def load(conn: AsyncConnection, outbox_id: int) -> Outgoing:
    """Read one message, to change it in the same transaction."""
    return _outgoing((await conn.execute(_ONE, {"outbox_id": outbox_id})).mappings().one())


async def note_try(conn: AsyncConnection, message: Outgoing, now: datetime) -> bool:
    """Write that a try begins; a crash during it leaves this trace.

    False, and nothing is written, when the message is not as it was read any more.
    """
    unchanged = {
        "outbox_id": message.id,
        "as_read": message.revision,
        "as_delivered": message.delivered_revision,
        "as_tried": message.tries,
        "as_removing": message.removing,
        "as_generated": message.generation,
    }
    return (await conn.execute(_BEGIN, {"now": now, **unchanged})).rowcount == 1


async def thread_of(conn: AsyncConnection, event_key: str, channel_id: int) -> int | None:
    """Give the thread that was opened for an event in a channel, the post there in a forum; None without one."""
    query = select(outbox.c.thread_id).where(
        outbox.c.event_key == event_key, outbox.c.channel_id == channel_id
    )
    thread_id: int | None = (await conn.execute(query)).scalar()
    return thread_id


async def about(conn: AsyncConnection, outbox_id: int) -> tuple[str, str]:
    """Give the kind and the subject of a message, empty for what nobody subscribes to."""
    query = select(outbox.c.kind, outbox.c.subject).where(outbox.c.id == outbox_id)
    row = (await conn.execute(query)).one()
    return row.kind, row.subject


async def settle(conn: AsyncConnection, outbox_id: int, state: OutboxState, **values: object) -> None:
    """Write how a try ended."""
    changed = {"state": state, **values}
    new = {f"new_{name}": value for name, value in changed.items()}
    await conn.execute(_settle(tuple(changed)), {"outbox_id": outbox_id, **new})


async def to_be_removed(conn: AsyncConnection, outbox_id: int, at: datetime) -> None:
    """Say when a message goes, unless it goes earlier."""
    later = outbox.c.remove_at.is_(None) | (outbox.c.remove_at > at)
    await conn.execute(update(outbox).where(outbox.c.id == outbox_id, later).values(remove_at=at))


async def park(conn: AsyncConnection, channel_id: int) -> None:
    """Park whatever waits for a channel that refuses messages."""
    await _move(conn, Event.BLOCKED, outbox.c.channel_id == channel_id, {})


async def abandon(conn: AsyncConnection, channel_id: int, reason: str) -> int:
    """Give up whatever waits for a channel that is gone; gives how many messages."""
    return await _move(conn, Event.EXHAUSTED, outbox.c.channel_id == channel_id, {"error": reason})


async def unpark(conn: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Let whatever is parked for a channel go on at once."""
    await _move(conn, Event.OPENED, outbox.c.channel_id == channel_id, {"next_try_at": now})


async def expire(conn: AsyncConnection, now: datetime) -> int:
    """Give up first posts that nobody tried and that came too late; gives how many."""
    late = _MAY_EXPIRE & (outbox.c.expires_at <= now)
    return await _move(conn, Event.EXPIRED, late, {"error": _WHY_LATE})


async def has_expired(conn: AsyncConnection, now: datetime) -> bool:
    """Tell whether `expire` would find something."""
    return (await conn.execute(_EXPIRED, {"now": now})).first() is not None


async def count_by_state(conn: AsyncConnection, guild_id: int | None = None) -> Mapping[OutboxState, int]:
    """Count messages by state, of one guild or of all; not those that were taken back."""
    query = select(outbox.c.state, func.count()).where(~_WITHDRAWN).group_by(outbox.c.state)
    if guild_id is not None:
        query = query.where(outbox.c.guild_id == guild_id)
    return {OutboxState(state): count for state, count in (await conn.execute(query)).all()}


async def dead_letters(conn: AsyncConnection, guild_id: int, limit: int = 5) -> tuple[DeadLetter, ...]:
    """Read the latest messages of a guild that were given up, also those that became too old."""
    query = (
        _stored.where(outbox.c.guild_id == guild_id, outbox.c.state.in_(_GIVEN_UP), ~_WITHDRAWN)
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    rows = (await conn.execute(query)).mappings().all()
    return tuple(
        DeadLetter(channel_id=row["channel_id"], title=_title(_read(row)), reason=row["error"])
        for row in rows
    )


async def forget_before(conn: AsyncConnection, instant: datetime) -> int:
    """Delete messages nothing has happened to since, at most `FORGOTTEN_AT_ONCE`; gives how many.

    What still waits is kept, what is held only while its time is to come, and the message of a live that is on: it will be edited.
    """
    still_on = select(literal("live:") + cast(lives.c.id, Text)).where(lives.c.ended_at.is_(None))
    waits = outbox.c.state.in_(OPEN_STATES) | (
        (outbox.c.state == OutboxState.HELD)
        & (func.coalesce(outbox.c.held_until, outbox.c.created_at) >= literal(instant, Instant()))
    )
    old = select(outbox.c.id).where(
        ~waits,
        func.coalesce(outbox.c.delivered_at, outbox.c.created_at) < literal(instant, Instant()),
        outbox.c.event_key.not_in(still_on),
    )
    return (await conn.execute(delete(outbox).where(outbox.c.id.in_(old.limit(FORGOTTEN_AT_ONCE))))).rowcount


async def _move(
    conn: AsyncConnection, event: Event, which: ColumnElement[bool], values: Mapping[str, object]
) -> int:
    """Apply an event to many messages, state by state, as the table of `bot.core.delivery` says."""
    moved = 0
    for state in OPEN_STATES:
        if after(state, event) is not state:
            statement = update(outbox).where(which, outbox.c.state == state)
            moved += (await conn.execute(statement.values(state=after(state, event), **values))).rowcount
    return moved


def _outgoing(row: RowMapping) -> Outgoing:
    kept = {name: row[name] for name in Outgoing.__dataclass_fields__}
    message = Message.from_json(unpacked(json.loads(row["message"])))
    placement = None if row["placement"] is None else Placement.from_json(row["placement"])
    read = {"message": message, "state": OutboxState(row["state"]), "placement": placement}
    return Outgoing(**(kept | read))


def _read(row: RowMapping) -> Outgoing | Unreadable:
    try:
        return _outgoing(row)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
        reason = text("this version of the bot cannot read it ({problem})", problem=problem)
        return Unreadable(
            id=row["id"], event_key=row["event_key"], channel_id=row["channel_id"], reason=reason
        )


def _title(message: Outgoing | Unreadable) -> str:
    return message.message.title if isinstance(message, Outgoing) else message.event_key
