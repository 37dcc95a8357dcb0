"""Statements that take up and save the tally of a recorded live.

One batch is a handful of statements, whatever its size: what it touches is read, `bot.core.streams.booking` settles it,
and the rows are written by upserts. There is one writer at a time (`bot.storage.engine`), so what was read still holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, tuple_, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.anonymous import anonymous
from bot.core.streams.booking import (
    COUNTED,
    OF_GIFTS,
    UNIQUE,
    Booked,
    Known,
    KnownPerson,
    PersonRow,
    Row,
    book,
)
from bot.core.streams.gifts import GiftKey, KeptGift
from bot.core.streams.minutes import MINUTE, minute_of
from bot.core.streams.models import StreamMinute
from bot.core.streams.tally import NOBODY, Batch, Kept, Memory
from bot.core.streams.values import ValueSource, Worth
from bot.storage import gift_sums, privacy
from bot.storage.gift_kinds import learn
from bot.storage.gift_sums import Given
from bot.storage.stream_reading import minutes_of
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    recordings,
    stream_choices,
    stream_comments,
    stream_gifts,
    stream_minutes,
    stream_people,
)
from bot.storage.types import BIGINT, Json
from bot.storage.upsert import Upsert

AT_ONCE = 1000
"""So many rows are looked up in one statement."""
_LENGTHS = (1, 4, 16, 64, 256, AT_ONCE)

_SECONDS = ("viewer_seconds", "watched_seconds", "connected_seconds")
_DROPPED = ("dropped_joins", "coalesced_likes")
_INSTANTS = ("first_at", "last_at", "last_comment_at", "last_gift_at")
_LIVE = bindparam("live", type_=BIGINT)

_KEPT = select(recordings.c.batches, recordings.c.memory).where(recordings.c.live_id == _LIVE)
_FOLLOWERS = select(contributions.c.person_id).where(
    contributions.c.live_id == _LIVE, contributions.c.follows > 0
)
_SHOWN = ("viewers", "viewers_at", "peak_viewers", "peak_at", "first_connected_at", "last_event_at")
_RECORDING = select(
    *[recordings.c[name] for name in ("account_id", "batches", "entered", "room_likes", *_SHOWN)]
).where(recordings.c.live_id == _LIVE)

_ACTS = [contributions.c[name] for name in (*COUNTED, "gifts", "guest_gifts") if name != "joins"]
_PEOPLE = select(
    contributions.c.person_id,
    (contributions.c.comments > 0).label("commented"),
    (contributions.c.likes > 0).label("liked"),
    (contributions.c.gifts > 0).label("gave"),
    (sum(_ACTS[1:], start=_ACTS[0]) > 0).label("acted"),
    *[contributions.c[name] for name in _INSTANTS],
).where(contributions.c.live_id == _LIVE, contributions.c.person_id.in_(bindparam("some", expanding=True)))
_KEY = [stream_gifts.c[name] for name in GiftKey._fields]
_OF_GIFT = ("count", "diamonds_each", "value_from", "first_at", "last_at")
_GIFTS = select(*_KEY, *[stream_gifts.c[name] for name in _OF_GIFT]).where(
    stream_gifts.c.live_id == _LIVE, tuple_(*_KEY).in_(bindparam("some", expanding=True))
)
_KEEPS_COMMENTS = (
    select(stream_choices.c.guild_id)
    .where(stream_choices.c.account_id == bindparam("account"), stream_choices.c.keep_comments)
    .limit(1)
)
_UNSCORED = (
    select(*[stream_minutes.c[name] for name in StreamMinute.__dataclass_fields__])
    .where(
        stream_minutes.c.live_id == _LIVE,
        stream_minutes.c.minute < bindparam("until"),
        stream_minutes.c.activity.is_(None),
    )
    .order_by(stream_minutes.c.minute)
)
_SCORE = (
    update(stream_minutes)
    .where(stream_minutes.c.live_id == _LIVE, stream_minutes.c.minute == bindparam("at"))
    .values(activity=bindparam("new_activity"), influence=bindparam("new_influence"))
)

_ADDED = (*_SECONDS, "connections", *COUNTED, *OF_GIFTS, "unvalued_gifts", *UNIQUE, "likers", *_DROPPED)
_TOTALS = (
    update(recordings)
    .where(recordings.c.live_id == _LIVE)
    .values(
        {
            **{
                name: recordings.c[name] + bindparam(f"add_{name}", type_=recordings.c[name].type)
                for name in _ADDED
            },
            **{name: bindparam(f"new_{name}") for name in ("batches", "entered", "room_likes", *_SHOWN)},
            "memory": func.coalesce(bindparam("new_memory", type_=Json), recordings.c.memory),
        }
    )
)

_CONTRIBUTIONS = Upsert(contributions, added=(*COUNTED, *OF_GIFTS), replaced=_INSTANTS)
_GIFTS_OF = Upsert(contribution_gifts, added=("count", "diamonds"))
_STREAKS = Upsert(stream_gifts, key=("live_id", *GiftKey._fields), replaced=_OF_GIFT)
_NAMES = Upsert(stream_people, replaced=("handle", "nickname", "seen_at"))
_COMMENTS = Upsert(stream_comments)
_MINUTES = Upsert(
    stream_minutes,
    added=(*_SECONDS, *COUNTED, *OF_GIFTS, *UNIQUE, *_DROPPED),
    earlier=("viewers_first",),
    later=("viewers_last",),
    lowest=("viewers_min",),
    highest=("viewers_max",),
)


async def load(conn: AsyncConnection, live_id: int) -> Kept:
    """Read what a recorder must know to take up (again) the recording of a live, whose row is there."""
    row = (await conn.execute(_KEPT, {"live": live_id})).one()
    followers = (await conn.execute(_FOLLOWERS, {"live": live_id})).scalars()
    return Kept(
        batches=row.batches,
        memory=Memory.from_json(row.memory),
        followers=frozenset(followers),
        scored=[minute for minute in await minutes_of(conn, live_id) if minute.activity is not None],
    )


async def save(conn: AsyncConnection, live_id: int, batch: Batch) -> None:
    """Add a batch to the rows of a live; one that was saved already changes nothing.

    Who asked to be forgotten is asked in the same transaction: what a recorder remembers of that may be seconds old.
    """
    row = (await conn.execute(_RECORDING, {"live": live_id})).mappings().one()
    if batch.number <= row["batches"]:
        return
    batch = anonymous(batch, (await privacy.forgotten(conn)).viewer)
    kinds = await learn(conn, batch)
    gifts = await _kept_gifts(conn, live_id, batch)
    booked = book(batch, Known(people=await _kept_people(conn, live_id, batch), gifts=gifts, kinds=kinds))
    await _save_gifts(conn, live_id, booked)
    await _save_people(conn, live_id, row["account_id"], booked)
    await _put(conn, _MINUTES, live_id, booked.minutes)
    await _save_comments(conn, live_id, row["account_id"], batch)
    await _save_scores(conn, live_id, batch, row["last_event_at"])
    await conn.execute(_TOTALS, {"live": live_id, **_totals(batch, booked, row)})


async def _kept_people(conn: AsyncConnection, live_id: int, batch: Batch) -> dict[int, KnownPerson]:
    found: dict[int, KnownPerson] = {}
    for some in _parts(batch.people.keys() | {key.person_id for key in batch.gifts}):
        for row in await conn.execute(_PEOPLE, {"live": live_id, "some": some}):
            found[row[0]] = KnownPerson(*row[1:])
    return found


async def _kept_gifts(conn: AsyncConnection, live_id: int, batch: Batch) -> dict[GiftKey, KeptGift]:
    found: dict[GiftKey, KeptGift] = {}
    for some in _parts(batch.gifts):
        for row in (await conn.execute(_GIFTS, {"live": live_id, "some": some})).mappings():
            found[GiftKey(*[row[name] for name in GiftKey._fields])] = KeptGift(
                count=row["count"],
                worth=Worth(row["diamonds_each"], ValueSource(row["value_from"])),
                first_at=row["first_at"],
                last_at=row["last_at"],
            )
    return found


def _parts(keys: Iterable[Any]) -> Iterable[list[Any]]:
    """Cut keys into lists of few different lengths, so that a driver can keep the statements ready."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        part = ordered[start : start + AT_ONCE]
        length = next(length for length in _LENGTHS if length >= len(part))
        yield part + part[-1:] * (length - len(part))


async def _save_gifts(conn: AsyncConnection, live_id: int, booked: Booked) -> None:
    rows = [
        {
            **key._asdict(),
            "count": gift.count,
            "diamonds_each": gift.worth.each,
            "value_from": gift.worth.source,
            "first_at": gift.first_at,
            "last_at": gift.last_at,
        }
        for key, gift in booked.gifts.items()
    ]
    await _put(conn, _STREAKS, live_id, rows)
    kinds = [
        {"person_id": person_id, "gift_id": gift_id, "count": count, "diamonds": diamonds}
        for (person_id, gift_id), (count, diamonds) in booked.of_kinds.items()
    ]
    await _put(conn, _GIFTS_OF, live_id, kinds)


async def _save_people(conn: AsyncConnection, live_id: int, account_id: int, booked: Booked) -> None:
    contributed = [(live_id, account_id, *row) for row in booked.people]
    await _CONTRIBUTIONS.put(conn, ("live_id", "account_id", *PersonRow._fields), contributed)
    rows = [
        {
            "person_id": person_id,
            "handle": viewer.handle,
            "nickname": viewer.nickname,
            "seen_at": booked.last_at,
        }
        for person_id, viewer in booked.names.items()
    ]
    await _put(conn, _NAMES, None, rows)
    kinds: defaultdict[int, set[int]] = defaultdict(set)
    for person_id, gift_id in booked.of_kinds:
        kinds[person_id].add(gift_id)
    given = [
        Given(
            person_id=row.person_id,
            gifts=row.gifts,
            diamonds=row.diamonds,
            estimated_diamonds=row.estimated_diamonds,
            last_gift_at=row.last_gift_at,
            kinds=frozenset(kinds[row.person_id] if row.person_id != NOBODY else ()),
        )
        for row in booked.people
        if row.person_id in kinds and row.last_gift_at is not None
    ]
    await gift_sums.add(conn, live_id, given)


async def _save_comments(conn: AsyncConnection, live_id: int, account_id: int, batch: Batch) -> None:
    """Keep the words of comments where an admin of any guild switched it on."""
    if not batch.comments or (await conn.execute(_KEEPS_COMMENTS, {"account": account_id})).first() is None:
        return
    rows = [
        {"message_id": one.message_id, "person_id": one.person_id, "at": one.at, "words": one.words}
        for one in sorted(batch.comments, key=lambda one: one.message_id)
    ]
    await _put(conn, _COMMENTS, live_id, rows)


async def _save_scores(conn: AsyncConnection, live_id: int, batch: Batch, last_at: datetime | None) -> None:
    """Score the minutes that are over, once a new one has begun."""
    if batch.last_event_at is None:
        return
    minute = minute_of(batch.last_event_at)
    if not batch.is_over and (last_at is None or minute_of(last_at) >= minute):
        return
    until = minute + MINUTE if batch.is_over else minute
    rows = (await conn.execute(_UNSCORED, {"live": live_id, "until": until})).mappings()
    scores = batch.scores.of([StreamMinute(**row) for row in rows])
    found = [
        {"live": live_id, "at": at, "new_activity": one.activity, "new_influence": one.correlation}
        for at, one in scores.items()
    ]
    if found:
        await conn.execute(_SCORE, found)


def _totals(batch: Batch, booked: Booked, row: RowMapping) -> Row:
    """Give the parameters of `_TOTALS`."""
    memory = batch.memory
    higher = batch.peak_viewers is not None and batch.peak_viewers > (row["peak_viewers"] or -1)
    events = [at for at in (row["last_event_at"], batch.last_event_at) if at is not None]
    new = {
        "batches": batch.number,
        "entered": row["entered"] if memory is None or not memory.entered else sum(memory.entered.values()),
        "room_likes": row["room_likes"] if memory is None or not memory.likes else sum(memory.likes.values()),
        "viewers": row["viewers"] if batch.viewers is None else batch.viewers,
        "viewers_at": batch.viewers_at or row["viewers_at"],
        "peak_viewers": batch.peak_viewers if higher else row["peak_viewers"],
        "peak_at": batch.peak_at if higher else row["peak_at"],
        "first_connected_at": row["first_connected_at"] or batch.first_connected_at,
        "last_event_at": max(events, default=None),
        "memory": memory and memory.to_json(),
    }
    added = {**booked.totals, "connections": batch.connections}
    return {f"add_{name}": added[name] for name in _ADDED} | {f"new_{name}": one for name, one in new.items()}


async def _put(conn: AsyncConnection, upsert: Upsert, live_id: int | None, rows: Sequence[Row]) -> None:
    if rows:
        of_live = {} if live_id is None else {"live_id": live_id}
        columns = (*of_live, *rows[0])
        await upsert.put(conn, columns, [(*of_live.values(), *row.values()) for row in rows])
