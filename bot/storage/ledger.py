"""The budget ledger: a row is written before a request leaves, and completed with its answer.

A row counts from `asked_at`, the latest instant at which the request can have reached the platform: first
that is `MAY_TAKE` after the claim, then when the answer was there. So the platform itself never sees more
in a window than a limit says, however long the database or the network take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.budget import DAY, Ledger, Limit, free_at
from bot.core.live.models import Answer
from bot.storage.tables import requests
from bot.texts import cut

MAY_TAKE = timedelta(seconds=60)
"""So long after its claim a request may leave; longer than a commit and a request's own time-out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A request that wants to leave. `guild_id` is the guild whose people asked, None for the bot itself."""

    ledger: Ledger
    purpose: str
    account_id: int | None = None
    guild_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What an `Ask` must keep: `per_day` (and `per_hour`, if any) in its ledger, `per_minute` over all requests.

    An ask of a guild's people also keeps `people`, over what all guilds ask, and `guild`, over its own.
    """

    per_day: Limit
    per_minute: Limit
    people: Limit
    guild: Limit
    per_hour: Limit | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The answer to an `Ask`: the ledger row that was written, or when to try again."""

    request_id: int | None
    free_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LastAsked:
    """The last request about an account: why it was made, when, and what came back."""

    purpose: str
    at: datetime
    answer: str | None
    reason: str


_PLATFORM = [Ledger.DISCOVERY, Ledger.FOLLOWUP]  # what the platform itself is asked
# Made once: they run with every request. The index begins with the ledger, so all of them are named.
_ASKED = select(requests.c.asked_at).where(
    requests.c.asked_at > bindparam("since"), requests.c.ledger.in_(_PLATFORM)
)
_IN_LEDGER = select(requests.c.asked_at).where(
    requests.c.asked_at > bindparam("since"), requests.c.ledger == bindparam("ledger")
)
_USED = select(func.count()).where(
    requests.c.asked_at > bindparam("since"), requests.c.ledger == bindparam("ledger")
)
_LAST_ASKED = select(func.max(requests.c.asked_at)).where(requests.c.purpose == bindparam("purpose"))
_LAST_ASKED_ABOUT = _LAST_ASKED.where(requests.c.account_id == bindparam("account_id"))
_CLAIM = insert(requests).returning(requests.c.id)
_ANSWERED = (
    update(requests)
    .where(requests.c.id == bindparam("request_id"))
    .values(answer=bindparam("said"), reason=bindparam("why"), asked_at=bindparam("at"))
)
_BY_PEOPLE = _IN_LEDGER.where(requests.c.guild_id.is_not(None))
_BY_GUILD = _IN_LEDGER.where(requests.c.guild_id == bindparam("guild_id"))


def _latest(*which: ColumnElement[bool]) -> Select[*tuple[datetime | None, ...]]:
    """Make a query for the last instant in each ledger of the platform; with the ledger the index begins."""
    in_order = select(requests.c.asked_at).where(*which).order_by(requests.c.asked_at.desc()).limit(1)
    return select(*[in_order.where(requests.c.ledger == name).scalar_subquery() for name in _PLATFORM])


_LAST_REQUEST = _latest()
# Nor without an answer: what is NULL equals nothing.
_LAST_ANSWERED = _latest(requests.c.answer != Answer.UNKNOWN)


async def claim(conn: AsyncConnection, ask: Ask, limits: Limits, now: datetime) -> Claim:
    """Write the ledger row if every limit still holds with it; otherwise write nothing."""
    free = await free_from(conn, ask, limits, now)
    if free > now:
        return Claim(request_id=None, free_at=free)
    return Claim(request_id=await enter(conn, ask, now), free_at=now)


async def enter(conn: AsyncConnection, ask: Ask, now: datetime) -> int:
    """Write the ledger row of a request that may leave now; gives its id."""
    row = {
        "ledger": ask.ledger,
        "purpose": ask.purpose,
        "account_id": ask.account_id,
        "guild_id": ask.guild_id,
        "asked_at": now + MAY_TAKE,
    }
    request_id: int = (await conn.execute(_CLAIM, row)).scalar_one()
    return request_id


async def free_from(conn: AsyncConnection, ask: Ask, limits: Limits, now: datetime) -> datetime:
    """Give the earliest instant at which a request keeps every limit (`now` when it does already)."""
    holding = [(limits.per_day, _IN_LEDGER), (limits.per_minute, _ASKED)]
    if limits.per_hour is not None:
        holding.append((limits.per_hour, _IN_LEDGER))
    if ask.guild_id is not None:
        holding += [(limits.people, _BY_PEOPLE), (limits.guild, _BY_GUILD)]
    names = {"ledger": ask.ledger, "guild_id": ask.guild_id}
    free = [
        free_at(now, await _asked_since(conn, now - limit.window, query, names), limit)
        for limit, query in holding
    ]
    return max(free)


async def answered(
    conn: AsyncConnection, request_id: int, answer: str, reason: str = "", *, at: datetime
) -> None:
    """Complete a ledger row with what came back, and when."""
    said = {"request_id": request_id, "said": answer, "why": cut(reason, 200), "at": at}
    await conn.execute(_ANSWERED, said)


async def used(conn: AsyncConnection, ledger: Ledger, now: datetime) -> int:
    """Count the requests of the last 24 hours (those "in the future" count too)."""
    return (await conn.execute(_USED, {"ledger": ledger, "since": now - DAY})).scalar_one()


async def discovery_checks(conn: AsyncConnection, now: datetime) -> Sequence[datetime]:
    """Give the instants of the discovery checks of the last 24 hours (those "in the future" too), in order."""
    return await asked_in(conn, Ledger.DISCOVERY, now)


async def asked_in(conn: AsyncConnection, ledger: Ledger, now: datetime) -> Sequence[datetime]:
    """Give the instants of a ledger's requests of the last 24 hours (those "in the future" too), in order."""
    return sorted(await _asked_since(conn, now - DAY, _IN_LEDGER, {"ledger": ledger}))


async def last_answered_at(conn: AsyncConnection) -> datetime | None:
    """Give when a request was last answered with something that could be used."""
    return max(filter(None, (await conn.execute(_LAST_ANSWERED)).one()), default=None)


async def last_request_at(conn: AsyncConnection) -> datetime | None:
    """Give when a request last left, whatever came back."""
    return max(filter(None, (await conn.execute(_LAST_REQUEST)).one()), default=None)


async def last_asked_at(
    conn: AsyncConnection, purpose: str, account_id: int | None = None
) -> datetime | None:
    """Give when a request of this purpose (for this account, if given) last left."""
    query = _LAST_ASKED if account_id is None else _LAST_ASKED_ABOUT
    about = {"purpose": purpose, "account_id": account_id}
    latest: datetime | None = (await conn.execute(query, about)).scalar_one()
    return latest


async def last_of(conn: AsyncConnection, account_id: int) -> LastAsked | None:
    """Give the last request about an account, None where there is none (any more)."""
    query = select(requests).where(requests.c.account_id == account_id)
    row = (await conn.execute(query.order_by(requests.c.asked_at.desc()).limit(1))).mappings().first()
    if row is None:
        return None
    return LastAsked(purpose=row["purpose"], at=row["asked_at"], answer=row["answer"], reason=row["reason"])


async def forget_before(conn: AsyncConnection, instant: datetime, *, answers_before: datetime) -> None:
    """Delete rows no rolling window can reach any more; what an account answered is kept for longer."""
    teaches = requests.c.account_id.is_not(None) & requests.c.answer.is_not(None)
    await conn.execute(delete(requests).where(requests.c.asked_at < instant - timedelta(days=1), ~teaches))
    await conn.execute(delete(requests).where(requests.c.asked_at < answers_before))


async def _asked_since(
    conn: AsyncConnection, instant: datetime, query: Select[datetime], names: Mapping[str, object]
) -> Sequence[datetime]:
    return (await conn.execute(query, {"since": instant, **names})).scalars().all()
