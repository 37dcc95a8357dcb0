"""Statements about who records which live: what the monitor wants, who holds the room, what was seen there.

The monitor makes a row, moves it to another room and ends it; a recorder claims it by a lease and reports.
A lease is of the machine's time, and so is every `now` here but that of the monitor's statements.
Whether a lease still holds is a matter of its epoch alone: a recorder that was late writes on until another one
has taken the room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.transitions import Live, Phase
from bot.core.streams.recording import ACTIVE, Happening, RecordingState, after
from bot.storage.stream_tables import recordings, stream_choices
from bot.storage.subscriptions import IS_ACTIVE
from bot.storage.tables import accounts, lives, subscriptions
from bot.storage.types import Flag
from bot.texts import cut

LEASE = timedelta(seconds=10)
"""So long a room stays with a recorder that is not heard of; a killed one is missed for as long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """A live to be recorded and how the monitor last saw it; `epoch` is that of the lease."""

    live_id: int
    account_id: int
    platform_id: int | None
    handle: str
    room_id: int
    state: RecordingState
    epoch: int
    wanted_at: datetime
    ended_seen_at: datetime | None
    first_connected_at: datetime | None
    last_event_at: datetime | None
    viewers: int | None
    last_seen_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a recorder says of the room it is in; None where it has nothing new to say.

    `ended_at` counts only while the live has not moved on to another room than `room_id`.
    """

    room_id: int
    happening: Happening | None = None
    trouble: str | None = None
    ended_at: datetime | None = None
    paused_at: datetime | None = None
    resumed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the recording of a live says of it."""

    state: RecordingState
    ended_at: datetime | None
    paused_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BeingRecorded:
    """A recording as `/status` shows it."""

    account_id: int
    handle: str
    state: RecordingState
    trouble: str
    is_held: bool


# Made once: they run with every second of a live, and making a statement costs more than running it.
_is_active = recordings.c.state.in_(sorted(ACTIVE))
_switched_off = exists().where(
    stream_choices.c.account_id == subscriptions.c.account_id,
    stream_choices.c.guild_id == subscriptions.c.guild_id,
    stream_choices.c.record == literal(value=False, type_=Flag()),
)
_WANTED = select(
    exists().where(subscriptions.c.account_id == bindparam("account_id"), IS_ACTIVE, ~_switched_off)
)
_KNOWN = select(recordings.c.state, recordings.c.room_id, recordings.c.paused_seen_at).where(
    recordings.c.live_id == bindparam("live_id")
)
_ROOMS = (
    select(
        *[recordings.c[name] for name in ("live_id", "account_id", "room_id", "state", "epoch")],
        *[
            recordings.c[name]
            for name in ("wanted_at", "ended_seen_at", "first_connected_at", "last_event_at")
        ],
        accounts.c.handle,
        accounts.c.platform_id,
        lives.c.viewers,
        lives.c.last_seen_at,
    )
    .join(accounts, accounts.c.id == recordings.c.account_id)
    .join(lives, lives.c.id == recordings.c.live_id)
    .order_by(recordings.c.wanted_at, recordings.c.live_id)
)
_is_free = or_(
    recordings.c.holder == "",
    recordings.c.leased_until.is_(None),
    recordings.c.leased_until <= bindparam("now"),
    recordings.c.leased_until > bindparam("longest"),  # the clock was set back
)
_FREE = _ROOMS.where(_is_active, _is_free)
_HELD = _ROOMS.where(recordings.c.holder == bindparam("holder"))
_TAKE = (
    update(recordings)
    .where(recordings.c.live_id == bindparam("this"))
    .values(holder=bindparam("by"), epoch=recordings.c.epoch + 1, leased_until=bindparam("until"))
)
_of_lease = (
    (recordings.c.live_id == bindparam("this"))
    & (recordings.c.holder == bindparam("by"))
    & (recordings.c.epoch == bindparam("as_claimed"))
)
_RENEW = (
    update(recordings).where(recordings.c.holder == bindparam("by")).values(leased_until=bindparam("until"))
)
_LEAVE = update(recordings).where(_of_lease).values(holder="", leased_until=None)
_FREE_OF = (
    update(recordings).where(recordings.c.holder == bindparam("by")).values(holder="", leased_until=None)
)
_ANY_ACTIVE = select(exists().where(_is_active))
_SEEN = (
    select(recordings.c.live_id, recordings.c.state, recordings.c.ended_seen_at, recordings.c.paused_seen_at)
    .join(lives, lives.c.id == recordings.c.live_id)
    .where(lives.c.ended_at.is_(None))
)


# --- The monitor -------------------------------------------------------------------------------


async def keep_up(
    conn: AsyncConnection, live_id: int, account_id: int, live: Live, now: datetime, *, record: bool
) -> None:
    """Take in how a live stands now: begin, move, reopen or end its recording.

    One is begun if `record` and an active guild that follows the account has not switched it off.
    """
    known = (await conn.execute(_KNOWN, {"live_id": live_id})).one_or_none()
    if live.phase is Phase.ENDED:
        if known is not None:
            await _happened(conn, live_id, known.state, Happening.ENDED)
        return
    if known is None:
        if record and await is_wanted(conn, account_id):
            await _begin(conn, live_id, account_id, live.room_ids[-1], now)
        return
    values: dict[str, object] = {"paused_seen_at": live.paused_at}
    if known.room_id != live.room_ids[-1] or known.state == RecordingState.DONE:
        values |= {"room_id": live.room_ids[-1], "ended_seen_at": None}
        values["state"] = after(RecordingState(known.state), Happening.REOPENED)
    if len(values) > 1 or known.paused_seen_at != live.paused_at:
        await conn.execute(update(recordings).where(recordings.c.live_id == live_id).values(**values))


async def is_wanted(conn: AsyncConnection, account_id: int) -> bool:
    """Tell whether an active guild follows the account and has not switched its recording off."""
    return bool((await conn.execute(_WANTED, {"account_id": account_id})).scalar())


async def start(
    conn: AsyncConnection, live_id: int, account_id: int, room_id: int, now: datetime
) -> RecordingState | None:
    """Record a live that is on because somebody says so; gives the state before, None where there was no recording."""
    known = (await conn.execute(_KNOWN, {"live_id": live_id})).one_or_none()
    if known is None:
        await _begin(conn, live_id, account_id, room_id, now)
        return None
    await _happened(conn, live_id, known.state, Happening.STARTED, stopped_by=None, ended_seen_at=None)
    return RecordingState(known.state)


async def stop(conn: AsyncConnection, live_id: int, by: int) -> RecordingState | None:
    """Record a live no more, for the user `by`; gives the state before, None where there is no recording."""
    known = (await conn.execute(_KNOWN, {"live_id": live_id})).one_or_none()
    if known is None:
        return None
    if RecordingState(known.state) in ACTIVE:
        await _happened(conn, live_id, known.state, Happening.STOPPED, stopped_by=by, trouble="")
    return RecordingState(known.state)


async def seen_in_open_lives(conn: AsyncConnection) -> Mapping[int, Seen]:
    """Give what the recordings say of the lives that are going on, by live."""
    rows = (await conn.execute(_SEEN)).all()
    return {
        row.live_id: Seen(
            state=RecordingState(row.state), ended_at=row.ended_seen_at, paused_at=row.paused_seen_at
        )
        for row in rows
    }


async def peak_viewers(conn: AsyncConnection, live_id: int) -> int | None:
    """Give the highest count of viewers that was recorded; None without any."""
    query = select(recordings.c.peak_viewers).where(recordings.c.live_id == live_id)
    return (await conn.execute(query)).scalar()


async def _begin(conn: AsyncConnection, live_id: int, account_id: int, room_id: int, now: datetime) -> None:
    row = {"live_id": live_id, "account_id": account_id, "room_id": room_id, "wanted_at": now}
    await conn.execute(insert(recordings).values(**row, state=RecordingState.WAITING))


async def _happened(
    conn: AsyncConnection, live_id: int, state: str, happening: Happening, **values: object
) -> None:
    values["state"] = after(RecordingState(state), happening)
    await conn.execute(update(recordings).where(recordings.c.live_id == live_id).values(**values))


# --- The recorder ------------------------------------------------------------------------------


async def anything_to_record(conn: AsyncConnection) -> bool:
    """Tell whether any live is to be recorded now."""
    return bool((await conn.execute(_ANY_ACTIVE)).scalar())


async def free_rooms(conn: AsyncConnection, now: datetime, *, but: Collection[int] = ()) -> tuple[Room, ...]:
    """Read the lives to be recorded that no recorder holds, the longest wanted first; `but` are left out."""
    rooms = await _rooms(conn, _FREE, {"now": now, "longest": now + LEASE})
    return tuple(room for room in rooms if room.live_id not in but)


async def claim(
    conn: AsyncConnection, holder: str, now: datetime, *, most: int, but: Collection[int] = ()
) -> tuple[Room, ...]:
    """Lease free rooms for a recorder, at most so many; gives them with their new epochs.

    `but` are the lives it has in hand: a lease of its own that lapsed is renewed, not taken anew.
    """
    found = (await free_rooms(conn, now, but=but))[:most]
    for room in found:
        await conn.execute(_TAKE, {"this": room.live_id, "by": holder, "until": now + LEASE})
    return tuple(replace(room, epoch=room.epoch + 1) for room in found)


async def renew(conn: AsyncConnection, holder: str, now: datetime) -> tuple[Room, ...]:
    """Renew every lease of a recorder; gives the rooms it still holds, as they are now.

    Nothing may be written of a room that is missing, or that has another epoch than it was claimed with.
    """
    await conn.execute(_RENEW, {"by": holder, "until": now + LEASE})
    return await held_rooms(conn, holder)


async def held_rooms(conn: AsyncConnection, holder: str) -> tuple[Room, ...]:
    """Read the rooms a recorder holds, as they are now."""
    return await _rooms(conn, _HELD, {"holder": holder})


async def leave(conn: AsyncConnection, holder: str, room: Room) -> None:
    """Give a room back, if it is still held."""
    await conn.execute(_LEAVE, {"this": room.live_id, "by": holder, "as_claimed": room.epoch})


async def free_of(conn: AsyncConnection, holder: str) -> int:
    """Take every room from a recorder that is known to be dead; gives how many those were."""
    return (await conn.execute(_FREE_OF, {"by": holder})).rowcount


async def report(conn: AsyncConnection, live_id: int, said: Report) -> RecordingState:
    """Write what a recorder says of a room it holds; gives the state that comes of it."""
    known = (await conn.execute(_KNOWN, {"live_id": live_id})).one()
    state = RecordingState(known.state)
    values: dict[str, object] = {}
    if said.happening is not None:
        values["state"] = state = after(state, said.happening)
    if said.trouble is not None:
        values["trouble"] = cut(said.trouble, 200)
    if known.room_id == said.room_id:
        if said.ended_at is not None:
            values["ended_seen_at"] = said.ended_at
        if said.resumed:
            values["paused_seen_at"] = None
        if said.paused_at is not None:
            values["paused_seen_at"] = said.paused_at
    if values:
        await conn.execute(update(recordings).where(recordings.c.live_id == live_id).values(**values))
    return state


async def _rooms(conn: AsyncConnection, query: Select[Any], names: Mapping[str, object]) -> tuple[Room, ...]:
    rows = (await conn.execute(query, names)).mappings()
    return tuple(Room(**{**row, "state": RecordingState(row["state"])}) for row in rows)


# --- /status -----------------------------------------------------------------------------------


async def nobody_records(conn: AsyncConnection, now: datetime) -> bool:
    """Tell whether a live is to be recorded that no recorder holds."""
    return bool(await free_rooms(conn, now))


async def being_recorded(
    conn: AsyncConnection, now: datetime, *, account_ids: Collection[int]
) -> tuple[BeingRecorded, ...]:
    """Read which of these accounts' lives are to be recorded now."""
    is_held = (recordings.c.holder != "") & (recordings.c.leased_until > now)
    query = (
        select(
            recordings.c.account_id,
            accounts.c.handle,
            recordings.c.state,
            recordings.c.trouble,
            func.coalesce(is_held, literal(value=False)).label("is_held"),
        )
        .join(accounts, accounts.c.id == recordings.c.account_id)
        .where(_is_active, recordings.c.account_id.in_(account_ids))
        .order_by(accounts.c.handle)
    )
    rows = (await conn.execute(query)).mappings()
    return tuple(
        BeingRecorded(**{**row, "state": RecordingState(row["state"]), "is_held": bool(row["is_held"])})
        for row in rows
    )
