"""Statements about accounts and their lives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.models import Person, ProfileState, room_started_at
from bot.core.live.transitions import Live, Phase
from bot.storage import notification_rules, overrides, profile_state, stream_choices
from bot.storage.subscriptions import IS_ACTIVE
from bot.storage.subscriptions import hand_over as hand_over_subscriptions
from bot.storage.tables import accounts, live_rooms, lives, requests, subscriptions
from bot.storage.upsert import insert_for
from bot.texts import cut

PLATFORM = "tiktok"
LEASE = timedelta(seconds=90)
"""So long, in the machine's time, nobody else checks an account; longer than a request's own time-out."""
Moment = datetime | BindParameter[datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A followed account. `platform_id` is None until the platform first named the person."""

    id: int
    platform_id: int | None
    handle: str
    nickname: str
    followers: int | None
    profile_state: ProfileState
    last_checked_at: datetime | None
    last_answer: str | None
    last_reason: str
    next_check_at: datetime
    leased_until: datetime | None
    epoch: int

    @property
    def person(self) -> Person:
        """The account as people know it."""
        return Person(
            platform_id=self.platform_id or 0,
            handle=self.handle,
            nickname=self.nickname,
            followers=self.followers,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenLive:
    """A live that is going on, with its account."""

    live_id: int
    account: Account
    live: Live


_followed = exists().where(subscriptions.c.account_id == accounts.c.id, IS_ACTIVE)
_open = lives.c.ended_at.is_(None)
_is_live = exists().where(lives.c.account_id == accounts.c.id, _open)


def _is_free(held_at: Moment, longest: Moment) -> ColumnElement[bool]:
    """An account without a lease, or whose lease is over, or is longer than any: the clock was set back."""
    until = accounts.c.leased_until
    return or_(until.is_(None), until <= held_at, until > longest)


# Made once: they run with every check, and making a statement costs more than running it.
_DUE = (
    select(accounts.c.id)
    .where(
        accounts.c.next_check_at <= bindparam("now"),
        _is_free(bindparam("held_at"), bindparam("longest")),
        _followed,
        ~_is_live,
    )
    .order_by(accounts.c.next_check_at, accounts.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_NEXT = (
    select(accounts.c.next_check_at)
    .where(_is_free(bindparam("held_at"), bindparam("longest")), _followed, ~_is_live)
    .order_by(accounts.c.next_check_at)
    .limit(1)
)
_LEASED = select(accounts.c.next_check_at, accounts.c.leased_until).where(
    accounts.c.leased_until > bindparam("held_at"),
    accounts.c.leased_until <= bindparam("longest"),
    _followed,
    ~_is_live,
)
_BY_ID = select(accounts).where(accounts.c.id == bindparam("account_id"))
_BY_NUMBER, _BY_HANDLE = (
    select(accounts)
    .where(accounts.c.platform == PLATFORM, column == bindparam("wanted"))
    .order_by(accounts.c.id.desc())
    for column in (accounts.c.platform_id, accounts.c.handle)
)
_CLAIM = (
    update(accounts)
    .where(accounts.c.id == bindparam("account_id"), _is_free(bindparam("held_at"), bindparam("longest")))
    .values(leased_until=bindparam("until"), epoch=accounts.c.epoch + 1)
    .returning(accounts)
)
_FINISH = (
    update(accounts)
    .where(accounts.c.id == bindparam("account_id"), accounts.c.epoch == bindparam("as_claimed"))
    .values(
        leased_until=None,
        last_checked_at=bindparam("now"),
        last_answer=bindparam("said"),
        last_reason=bindparam("why"),
    )
)
_FOLLOWED = select(accounts).where(_followed).order_by(accounts.c.handle)
_OPEN_LIVES = select(lives).where(_open).order_by(lives.c.started_at)
_OPEN_LIVES_OF = _OPEN_LIVES.where(lives.c.account_id == bindparam("account_id"))
_LIVE_IDS = select(lives.c.account_id).where(_open)
# By id: a start may lie before an older one's where our clock was wrong.
_LAST_LIVE = (
    select(lives).where(lives.c.account_id == bindparam("account_id")).order_by(lives.c.id.desc()).limit(1)
)
_ROOMS = (
    select(live_rooms.c.room_id)
    .where(live_rooms.c.live_id == bindparam("live_id"))
    .order_by(live_rooms.c.room_id)
)


def _account(row: RowMapping) -> Account:
    kept = {name: row[name] for name in Account.__dataclass_fields__ if name != "profile_state"}
    return Account(**kept, profile_state=ProfileState(row["profile_state"]))


# --- Accounts ----------------------------------------------------------------------------------


async def account_by_id(conn: AsyncConnection, account_id: int) -> Account | None:
    """Read one account."""
    row = (await conn.execute(_BY_ID, {"account_id": account_id})).mappings().first()
    return None if row is None else _account(row)


async def account_for(conn: AsyncConnection, handle: str, platform_id: int | None) -> Account | None:
    """Find a person by the stable id, or by the handle while no id is known."""
    query, wanted = (_BY_NUMBER, platform_id) if platform_id else (_BY_HANDLE, handle)
    row = (await conn.execute(query, {"wanted": wanted})).mappings().first()
    return None if row is None else _account(row)


async def followed_account(conn: AsyncConnection, guild_id: int, handle: str) -> Account | None:
    """Find an account that a guild follows by its handle."""
    query = (
        select(accounts)
        .join(subscriptions, subscriptions.c.account_id == accounts.c.id)
        .where(subscriptions.c.guild_id == guild_id, accounts.c.handle == handle)
    )
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else _account(row)


async def add_account(conn: AsyncConnection, person: Person, state: ProfileState, now: datetime) -> Account:
    """Add an account that is due at once; a `platform_id` of 0 is unknown."""
    statement = insert(accounts).values(
        platform=PLATFORM,
        platform_id=person.platform_id or None,
        handle=person.handle,
        nickname=person.nickname,
        followers=person.followers,
        profile_state=state,
        added_at=now,
        next_check_at=now,
    )
    return _account((await conn.execute(statement.returning(accounts))).mappings().one())


async def claim_account(conn: AsyncConnection, account_id: int, held_at: datetime) -> Account | None:
    """Lease one account for a check; None while another check of it is under way.

    `held_at` is now in the machine's time, here and below.
    """
    until = held_at + LEASE
    lease = {"account_id": account_id, "held_at": held_at, "longest": until, "until": until}
    row = (await conn.execute(_CLAIM, lease)).mappings().first()
    return None if row is None else _account(row)


async def due_account_id(conn: AsyncConnection, now: datetime, held_at: datetime) -> int | None:
    """Give the followed account that has been due the longest and is not known to be live."""
    moments = {"now": now, "held_at": held_at, "longest": held_at + LEASE}
    return (await conn.execute(_DUE, moments)).scalar_one_or_none()


async def next_due_at(conn: AsyncConnection, now: datetime, held_at: datetime) -> datetime | None:
    """Give the instant of the next planned check, None when nothing is followed."""
    moments = {"held_at": held_at, "longest": held_at + LEASE}
    planned = [(await conn.execute(_NEXT, moments)).scalar()]
    leased = (await conn.execute(_LEASED, moments)).all()
    # Too early where the world is fast: then another look is needed.
    planned += [max(at, now + (until - held_at)) for at, until in leased]
    return min((at for at in planned if at is not None), default=None)


async def update_account(conn: AsyncConnection, account_id: int, **values: object) -> None:
    """Change columns of one account."""
    await conn.execute(update(accounts).where(accounts.c.id == account_id).values(**values))


async def finish_check(
    conn: AsyncConnection, account: Account, now: datetime, *, answer: str, reason: str
) -> bool:
    """Write a check's result and end its lease; false when the lease was lost to a later check."""
    this = {"account_id": account.id, "as_claimed": account.epoch}
    said = {"now": now, "said": answer, "why": cut(reason, 200)}
    return (await conn.execute(_FINISH, this | said)).rowcount == 1


async def learn_person(conn: AsyncConnection, account: Account, person: Person) -> Account:
    """Keep what an answer told of a person; two accounts that turn out to be one person become one.

    Returns the account that stays: the one that was known by its stable id, and has the lives.
    """
    same = await account_for(conn, person.handle, person.platform_id)
    looked: dict[str, object] = {}
    if same is not None and same.id != account.id:
        seen = await account_by_id(conn, account.id) or account
        looked = {name: getattr(seen, name) for name in ("last_checked_at", "last_answer", "last_reason")}
        await _hand_over(conn, from_id=account.id, to_id=same.id)
        account = same
    values = looked | {
        "platform_id": person.platform_id,
        "handle": person.handle,
        "nickname": person.nickname or account.nickname,
        "followers": account.followers if person.followers is None else person.followers,
    }
    if same is not None and all(getattr(same, name) == value for name, value in values.items()):
        return same
    statement = update(accounts).where(accounts.c.id == account.id).values(**values).returning(accounts)
    return _account((await conn.execute(statement)).mappings().one())


async def _hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    await hand_over_subscriptions(conn, from_id=from_id, to_id=to_id)
    asked = update(requests).where(requests.c.account_id == from_id)
    await conn.execute(asked.values(account_id=to_id))
    await overrides.hand_over(conn, from_id=from_id, to_id=to_id)
    await stream_choices.hand_over(conn, from_id=from_id, to_id=to_id)
    await profile_state.hand_over(conn, from_id=from_id, to_id=to_id)
    await notification_rules.hand_over(conn, from_id=from_id, to_id=to_id)
    await conn.execute(delete(accounts).where(accounts.c.id == from_id))


async def followed_accounts(conn: AsyncConnection, *, guild_id: int | None = None) -> tuple[Account, ...]:
    """Read the accounts a guild follows (paused ones too), or all that are followed and not paused."""
    query = _FOLLOWED
    if guild_id is not None:
        mine = exists().where(
            subscriptions.c.account_id == accounts.c.id, subscriptions.c.guild_id == guild_id
        )
        query = select(accounts).where(mine).order_by(accounts.c.handle)
    return tuple(_account(row) for row in (await conn.execute(query)).mappings())


# --- Lives -------------------------------------------------------------------------------------


async def last_live(conn: AsyncConnection, account_id: int) -> tuple[int, Live] | None:
    """Read an account's latest live with its id."""
    row = (await conn.execute(_LAST_LIVE, {"account_id": account_id})).mappings().first()
    return None if row is None else (row["id"], _live(row, await _rooms(conn, row["id"])))


async def open_lives(conn: AsyncConnection, *, account_id: int | None = None) -> tuple[OpenLive, ...]:
    """Read every live that is going on (of one account, if given), the oldest first."""
    query = _OPEN_LIVES if account_id is None else _OPEN_LIVES_OF
    found = []
    for row in (await conn.execute(query, {"account_id": account_id})).mappings().all():
        account = await account_by_id(conn, row["account_id"])
        if account is not None:
            live = _live(row, await _rooms(conn, row["id"]))
            found.append(OpenLive(live_id=row["id"], account=account, live=live))
    return tuple(found)


async def live_since(conn: AsyncConnection, account_ids: Collection[int]) -> dict[int, datetime]:
    """Give since when accounts are live; those that are not are missing."""
    since = func.min(lives.c.started_at).label("since")
    query = select(lives.c.account_id, since).where(_open, lives.c.account_id.in_(account_ids))
    return {row.account_id: row.since for row in await conn.execute(query.group_by(lives.c.account_id))}


async def live_account_ids(conn: AsyncConnection) -> frozenset[int]:
    """Give the accounts with a live that is going on."""
    return frozenset((await conn.execute(_LIVE_IDS)).scalars())


async def add_live(conn: AsyncConnection, account_id: int, live: Live) -> int:
    """Write a new live with its rooms; gives its id."""
    statement = insert(lives).values(account_id=account_id, **_columns(live)).returning(lives.c.id)
    live_id: int = (await conn.execute(statement)).scalar_one()
    await _add_rooms(conn, live_id, live.room_ids)
    return live_id


async def save_live(conn: AsyncConnection, live_id: int, live: Live) -> None:
    """Write a live as it is now."""
    await conn.execute(update(lives).where(lives.c.id == live_id).values(**_columns(live)))
    await _add_rooms(conn, live_id, live.room_ids)


async def _add_rooms(conn: AsyncConnection, live_id: int, room_ids: Sequence[int]) -> None:
    rows = [
        {"room_id": room_id, "live_id": live_id, "started_at": room_started_at(room_id)}
        for room_id in room_ids
    ]
    await conn.execute(insert_for(conn, live_rooms).values(rows).on_conflict_do_nothing())


async def _rooms(conn: AsyncConnection, live_id: int) -> tuple[int, ...]:
    return tuple((await conn.execute(_ROOMS, {"live_id": live_id})).scalars())


def _columns(live: Live) -> dict[str, object]:
    return {name: getattr(live, name) for name in Live.__dataclass_fields__ if name != "room_ids"}


def _live(row: RowMapping, room_ids: tuple[int, ...]) -> Live:
    kept = {name: row[name] for name in Live.__dataclass_fields__ if name not in {"room_ids", "phase"}}
    return Live(**kept, phase=Phase(row["phase"]), room_ids=room_ids)
