"""What the outbox knows of events that people subscribe to: which were told where, held, skipped or merged.

Everything is read and written for many channels at once: a popular account is followed in thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.announcements import nonce_for
from bot.core.delivery import OPEN_STATES, OutboxState
from bot.core.notifications.deciding import Rule
from bot.core.notifications.kinds import Kind
from bot.storage.tables import outbox
from bot.texts import text

AT_ONCE = 250
"""So many rows are read or written before the event loop gets its turn."""
READ_AT_ONCE = 5000
"""So many values stand in one condition."""
REMOVED = text("the subscription was removed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """A row of the outbox, `id` 0 for one that is not written yet.

    `message`, `facts` and `placement` are JSON as it is stored. `held_by` names the rule that holds the message or
    let it be skipped. `told_at` is when it was let out, `delivered_revision` 0 while nobody can have seen it.
    `generation` counts how often it is posted anew.
    """

    id: int = 0
    event_key: str
    guild_id: int
    channel_id: int
    direct: bool = False
    message: str
    revision: int = 1
    delivered_revision: int = 0
    state: OutboxState = OutboxState.PENDING
    created_at: datetime
    expires_at: datetime | None = None
    next_try_at: datetime
    tries: int = 0
    first_tried_at: datetime | None = None
    message_id: int | None = None
    old_message_id: int | None = None
    posted_at: datetime | None = None
    delivered_at: datetime | None = None
    error: str = ""
    kind: str = ""
    subject: str = ""
    facts: str | None = None
    held_by: str = ""
    held_until: datetime | None = None
    told_at: datetime | None = None
    why: str = ""
    merged_into: str = ""
    placement: str | None = None
    remove_after_hours: int = 0
    remove_at: datetime | None = None
    removing: bool = False
    generation: int = 0

    @property
    def is_posted(self) -> bool:
        """Whether it stood in its channel once."""
        return self.delivered_revision > 0

    @property
    def is_deleted(self) -> bool:
        """Whether people deleted it."""
        return self.is_posted and self.message_id is None

    @property
    def stands(self) -> bool:
        """Whether people see its text, and it is not being posted anew."""
        return 0 < self.delivered_revision == self.revision and self.old_message_id is None

    def is_to_be_looked_at(self, now: datetime) -> bool:
        """Whether it is held and its time has come; what waits for a digest is told there."""
        is_held = self.state is OutboxState.HELD and self.held_by != Rule.DIGEST
        return is_held and self.held_until is not None and self.held_until <= now

    @property
    def may_stand(self) -> bool:
        """Whether it stands in its channel, or may still come to."""
        return self.told_at is not None and self.state not in _GONE

    @property
    def is_renewed(self) -> bool:
        """Whether it is a first post once more, since the bot has deleted it and its live goes on."""
        return self.generation > 0 and not self.is_posted

    def renewed(self) -> Noted:
        """Give a message that the bot has deleted as one that nobody has tried to post."""
        return replace(
            self,
            **_UNPOSTED,
            generation=self.generation + 1,
            remove_at=None,
            tries=0,
            first_tried_at=None,
            error="",
        )


_GONE = (OutboxState.DEAD, OutboxState.EXPIRED, OutboxState.SKIPPED, OutboxState.REMOVED)
_UNPOSTED: Mapping[str, Any] = {
    "delivered_revision": 0,
    "message_id": None,
    "old_message_id": None,
    "posted_at": None,
    "delivered_at": None,
    "removing": False,
}
_AS_TEXT = ("message", "facts", "placement")
_FIXED = ("event_key", "guild_id", "channel_id", "direct", "created_at")
_BY_DELIVERY = (*_UNPOSTED, "generation")
_COLUMNS = tuple(Noted.__dataclass_fields__)
_read = select(
    *[
        type_coerce(outbox.c[name], Text).label(name) if name in _AS_TEXT else outbox.c[name]
        for name in _COLUMNS
    ]
)
_ADDED = tuple(name for name in _COLUMNS if name not in {"id", *_BY_DELIVERY})
_CHANGEABLE = tuple(name for name in _ADDED if name not in _FIXED)
_new = {
    name: bindparam(f"new_{name}", type_=Text() if name in _AS_TEXT else outbox.c[name].type)
    for name in _ADDED
}
_ADD = insert(outbox).values(**_new, nonce=bindparam("new_nonce", type_=Text()))
_CHANGE = (
    update(outbox).where(outbox.c.id == bindparam("this")).values({name: _new[name] for name in _CHANGEABLE})
)
_RENEW = (
    update(outbox)
    .where(outbox.c.id == bindparam("this"))
    .values(
        **_UNPOSTED,
        thread_id=None,
        in_thread=False,
        published=False,
        generation=bindparam("new_generation"),
        nonce=bindparam("new_nonce"),
    )
)
_HELD = outbox.c.state == OutboxState.HELD
_TOLD = outbox.c.told_at.is_not(None) & outbox.c.state.not_in(_GONE)
_STANDS = (outbox.c.delivered_revision > 0) & outbox.c.message_id.is_not(None)
_MAY_GO = (
    outbox.c.remove_at.is_not(None)
    & (outbox.c.removing == bindparam("no", value=False, type_=outbox.c.removing.type))
    & outbox.c.state.in_((OutboxState.PENDING, OutboxState.PARKED, OutboxState.DELIVERED))
)
# By itself SQLite walks whatever stands: it takes the index on the state.
_BY_REMOVE_AT = "INDEXED BY ix_outbox_remove_at"


async def of_event(conn: AsyncConnection, event_key: str) -> dict[int, Noted]:
    """Read all that is known of an event, by channel, the oldest first."""
    query = _read.where(outbox.c.event_key == event_key).order_by(outbox.c.id).limit(AT_ONCE)
    found: dict[int, Noted] = {}
    last_id = 0
    while some := await _noted(conn, query.where(outbox.c.id > last_id)):
        found |= {one.channel_id: one for one in some}
        last_id = some[-1].id
    return found


async def of_channels(
    conn: AsyncConnection, event_keys: Collection[str], channel_ids: Collection[int]
) -> dict[tuple[str, int], Noted]:
    """Read what is known of some events in some channels."""
    found: dict[tuple[str, int], Noted] = {}
    for channels in _in_parts(channel_ids):
        query = _read.where(outbox.c.event_key.in_(event_keys), outbox.c.channel_id.in_(channels))
        found |= {(one.event_key, one.channel_id): one for one in await _noted(conn, query)}
    return found


async def last_told(
    conn: AsyncConnection, kind: str, subject: str, channel_ids: Collection[int], *, but: str
) -> dict[int, datetime]:
    """Give when a message of a kind about a subject was last let out into channels, but for those of one event.

    What was given up unseen does not count.
    """
    found: dict[int, datetime] = {}
    seen = (outbox.c.delivered_revision > 0) | outbox.c.state.not_in(_GONE)
    for channels in _in_parts(channel_ids):
        query = select(outbox.c.channel_id, func.max(outbox.c.told_at).label("at")).where(
            _alike(kind, subject, channels, but), outbox.c.told_at.is_not(None), seen
        )
        found |= {row.channel_id: row.at for row in await conn.execute(query.group_by(outbox.c.channel_id))}
    return found


async def earlier(
    conn: AsyncConnection, kind: str, subject: str, channel_ids: Collection[int], *, but: str
) -> dict[int, Noted]:
    """Read the last event before this one of which a subject's channels were told, also in another's message."""
    found: dict[int, Noted] = {}
    for channels in _in_parts(channel_ids):
        told = or_(_TOLD, outbox.c.merged_into != "")
        last = select(func.max(outbox.c.id)).where(_alike(kind, subject, channels, but), told)
        query = _read.where(outbox.c.id.in_(last.group_by(outbox.c.channel_id)))
        found |= {one.channel_id: one for one in await _noted(conn, query)}
    return found


def _alike(kind: str, subject: str, channel_ids: Collection[int], but: str) -> ColumnElement[bool]:
    return (
        outbox.c.channel_id.in_(channel_ids)
        & (outbox.c.kind == kind)
        & (outbox.c.subject == subject)
        & (outbox.c.event_key != but)
    )


async def write(conn: AsyncConnection, rows: Sequence[Noted]) -> None:
    """Write rows, new ones and those that were read and changed."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        new = [_added(one) for one in some if not one.id]
        old = [_changed(one) for one in some if one.id]
        if new:
            await conn.execute(_ADD, new)
        if old:
            await conn.execute(_CHANGE, old)
        if renewed := [_renewed(one) for one in some if one.is_renewed]:
            await conn.execute(_RENEW, renewed)


def _added(one: Noted) -> dict[str, Any]:
    bound = {f"new_{name}": getattr(one, name) for name in _ADDED}
    return {**bound, "new_nonce": nonce_for(one.event_key, one.channel_id)}


def _changed(one: Noted) -> dict[str, Any]:
    return {**{f"new_{name}": getattr(one, name) for name in _CHANGEABLE}, "this": one.id}


def _renewed(one: Noted) -> dict[str, Any]:
    nonce = nonce_for(one.event_key, one.channel_id, one.generation)
    return {"this": one.id, "new_generation": one.generation, "new_nonce": nonce}


# --- What the desk looks for ---------------------------------------------------------------------


async def due(conn: AsyncConnection, now: datetime) -> tuple[str, ...]:
    """Name the events of which something that is held is to be looked at again, the oldest first."""
    query = select(outbox.c.event_key).where(
        _HELD, outbox.c.held_until <= now, outbox.c.held_by != Rule.DIGEST
    )
    rows = await conn.execute(query.group_by(outbox.c.event_key).order_by(func.min(outbox.c.id)))
    return tuple(rows.scalars())


async def due_digests(conn: AsyncConnection, now: datetime) -> tuple[tuple[int, int], ...]:
    """Give the channels, with their guild, whose digest is due."""
    query = select(outbox.c.guild_id, outbox.c.channel_id).where(
        _HELD, outbox.c.held_until <= now, outbox.c.held_by == Rule.DIGEST
    )
    rows = await conn.execute(query.distinct().order_by(outbox.c.guild_id, outbox.c.channel_id))
    return tuple((row.guild_id, row.channel_id) for row in rows)


async def digested(conn: AsyncConnection, guild_id: int, channel_id: int, now: datetime) -> tuple[Noted, ...]:
    """Read what a guild's digest that is due in a channel, or for a person, tells of, the oldest first."""
    query = _read.where(
        _HELD,
        outbox.c.guild_id == guild_id,
        outbox.c.channel_id == channel_id,
        outbox.c.held_until <= now,
        outbox.c.held_by == Rule.DIGEST,
    )
    return tuple(await _noted(conn, query.order_by(outbox.c.id)))


async def has_removals(conn: AsyncConnection, now: datetime) -> bool:
    """Tell whether `remove` would find something."""
    query = select(outbox.c.id).where(_MAY_GO, _STANDS, outbox.c.remove_at <= now).limit(1)
    query = query.with_hint(outbox, _BY_REMOVE_AT, "sqlite")
    return (await conn.execute(query)).first() is not None


async def remove(conn: AsyncConnection, now: datetime) -> int:
    """Hand messages whose time is over to the deliverer, to be deleted; gives how many.

    What is on its way keeps the trace of its tries: a message that is posted anew may stand there already.
    """
    late = update(outbox).where(_MAY_GO, _STANDS, outbox.c.remove_at <= now)
    anew = {"tries": 0, "first_tried_at": None, "next_try_at": now, "error": ""}
    standing = late.where(outbox.c.state == OutboxState.DELIVERED)
    on_its_way = late.where(outbox.c.state.in_(OPEN_STATES))
    moved = (await conn.execute(on_its_way.values(removing=True))).rowcount
    values = {"removing": True, "state": OutboxState.PENDING, **anew}
    return moved + (await conn.execute(standing.values(**values))).rowcount


async def look_again(
    conn: AsyncConnection, kind: str, *, channel_id: int | None = None, guild_id: int | None = None
) -> None:
    """Let what is held of a kind in a channel or a guild be looked at now: something else was chosen."""
    this = outbox.c.channel_id == channel_id if guild_id is None else outbox.c.guild_id == guild_id
    held = update(outbox).where(_HELD, this, outbox.c.kind == kind, outbox.c.held_by != Rule.DIGEST)
    await conn.execute(held.values(held_until=outbox.c.created_at))


async def take_back_held(conn: AsyncConnection, subject: str, guild_id: int) -> None:
    """Delete live alerts about a subject that are held in a guild: should it be wanted again, they are told anew."""
    about = (outbox.c.subject == subject) & (outbox.c.kind == Kind.LIVE)
    await conn.execute(delete(outbox).where(_HELD, outbox.c.guild_id == guild_id, about))


async def held_subjects(conn: AsyncConnection, kind: str, channel_id: int) -> frozenset[str]:
    """Give what is held of a kind in a channel, by subject."""
    query = select(outbox.c.subject).where(_HELD, outbox.c.channel_id == channel_id, outbox.c.kind == kind)
    return frozenset((await conn.execute(query.distinct())).scalars())


async def let_go(
    conn: AsyncConnection,
    guild_id: int,
    kinds: Collection[str],
    subjects: Collection[str],
    channel_ids: Collection[int] | None = None,
) -> None:
    """Give up what is held in a guild, or in some channels of it, about subjects that nobody wants any more."""
    held = update(outbox).where(
        _HELD,
        outbox.c.guild_id == guild_id,
        outbox.c.kind.in_(kinds),
        outbox.c.subject.in_(subjects),
    )
    if channel_ids is not None:
        held = held.where(outbox.c.channel_id.in_(channel_ids))
    await conn.execute(held.values(state=OutboxState.SKIPPED, held_until=None, why=REMOVED))


async def rename_subject(conn: AsyncConnection, old: str, new: str) -> None:
    """Let whatever was told or is held about one subject be about another."""
    await conn.execute(update(outbox).where(outbox.c.subject == old).values(subject=new))


async def next_at(conn: AsyncConnection, now: datetime) -> datetime | None:
    """Give the first instant after `now` at which something held or standing is to be looked at."""
    held_until = select(func.min(outbox.c.held_until)).where(_HELD, outbox.c.held_until > now)
    remove_at = select(func.min(outbox.c.remove_at)).where(_MAY_GO, outbox.c.remove_at > now)
    remove_at = remove_at.with_hint(outbox, _BY_REMOVE_AT, "sqlite")
    found = (await conn.execute(select(held_until.scalar_subquery(), remove_at.scalar_subquery()))).one()
    return min(filter(None, found), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldForLook:
    """An event of which something is held by a rule that a look can open, from `since` on."""

    event_key: str
    rule: str
    since: datetime


async def held_for_a_look(conn: AsyncConnection) -> tuple[HeldForLook, ...]:
    """Read what waits to be seen still on, or for viewers."""
    since = func.min(func.coalesce(outbox.c.held_until, outbox.c.created_at)).label("since")
    query = select(outbox.c.event_key, outbox.c.held_by, since).where(
        _HELD, outbox.c.held_by.in_((Rule.DELAY, Rule.VIEWERS))
    )
    rows = await conn.execute(query.group_by(outbox.c.event_key, outbox.c.held_by))
    return tuple(HeldForLook(event_key=row.event_key, rule=row.held_by, since=row.since) for row in rows)


async def waits_for_viewers(conn: AsyncConnection, event_key: str) -> bool:
    """Tell whether anything of an event is held until more people watch."""
    query = select(outbox.c.id).where(
        _HELD, outbox.c.event_key == event_key, outbox.c.held_by == Rule.VIEWERS
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def _noted(conn: AsyncConnection, query: Select[Any]) -> list[Noted]:
    return [_of_row(row) for row in (await conn.execute(query)).mappings()]


def _of_row(row: RowMapping) -> Noted:
    return Noted(**{**row, "state": OutboxState(row["state"])})


def _in_parts(values: Collection[int]) -> Iterator[list[int]]:
    in_order = list(values)
    for start in range(0, len(in_order), READ_AT_ONCE):
        yield in_order[start : start + READ_AT_ONCE]
