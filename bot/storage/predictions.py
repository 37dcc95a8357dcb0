"""Statements about what was predicted, how it came out, and how each day went."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, delete, exists, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.budget import DAY, HOUR, Ledger
from bot.core.live.calibration import BINS
from bot.core.live.models import Answer
from bot.core.live.outcomes import OutcomeSum
from bot.core.live.predictions import DayScore, Recommendation
from bot.storage.tables import day_scores, lives, predictions, requests
from bot.storage.upsert import insert_for

REJOINED = timedelta(days=2)
"""A live may be found, or learned of, so long after the hour in which it started."""
KEPT = timedelta(days=35)
AT_ONCE = 500
_HOUR = HOUR // timedelta(microseconds=1)
_LOOKED_WITHIN = DAY // timedelta(microseconds=1)
_ONE = 1_000_000
"""Chances are stored in millionths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """What was said of one account and hour, by the model of `policy`.

    `started` is None until it is known whether a live did.
    """

    account_id: int
    hour: datetime
    policy: str
    probability: float
    live: float
    confidence: float
    recommendation: Recommendation
    started: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A discovery check that was made."""

    account_id: int | None
    at: datetime
    answer: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A live as it was found."""

    account_id: int
    started_at: datetime
    found_at: datetime


async def store(conn: AsyncConnection, said: Sequence[Prediction]) -> None:
    """Write what is said of hours that have not begun; what was said of them before is replaced."""
    for first in range(0, len(said), AT_ONCE):
        rows = [asdict(one) for one in said[first : first + AT_ONCE]]
        statement = insert_for(conn, predictions).values(rows)
        fresh = {
            name: statement.excluded[name]
            for name in ("policy", "probability", "live", "confidence", "recommendation")
        }
        await conn.execute(statement.on_conflict_do_update(index_elements=["account_id", "hour"], set_=fresh))


async def join(conn: AsyncConnection, now: datetime) -> None:
    """Write of each hour that is over whether a live was seen to start in it; late news mends it for two days.

    An hour after which nobody looked within a day stays open: nothing is known of it.
    """
    began = type_coerce(predictions.c.hour, BigInteger)
    start = type_coerce(lives.c.started_at, BigInteger)
    seen = exists().where(
        lives.c.account_id == predictions.c.account_id, start >= began, start < began + _HOUR
    )
    asked = type_coerce(requests.c.asked_at, BigInteger)
    looked = exists().where(
        requests.c.account_id == predictions.c.account_id,
        requests.c.answer.in_([Answer.OFFLINE, Answer.LIVE]),
        asked >= began + _HOUR,
        asked < began + _HOUR + _LOOKED_WITHIN,
    )
    over = (predictions.c.hour > now - REJOINED, predictions.c.hour <= now - HOUR)
    for happened, condition in ((True, seen), (False, ~seen & looked)):
        statement = update(predictions).where(*over, condition).values(started=happened)
        await conn.execute(statement)


async def add_missed(conn: AsyncConnection, hour: datetime, expected: Sequence[tuple[int, float]]) -> None:
    """Keep how many lives of accounts are expected to have gone by unseen within an hour."""
    for account_id, missed in expected:
        this = (predictions.c.account_id == account_id, predictions.c.hour == hour)
        more = predictions.c.expected_missed + missed
        await conn.execute(update(predictions).where(*this).values(expected_missed=more))


async def load(
    conn: AsyncConnection, account_ids: Collection[int], since: datetime, until: datetime
) -> tuple[Prediction, ...]:
    """Read what was said of hours from `since` until before `until`, in order."""
    query = (
        select(predictions)
        .where(
            predictions.c.account_id.in_(account_ids),
            predictions.c.hour >= since,
            predictions.c.hour < until,
        )
        .order_by(predictions.c.account_id, predictions.c.hour)
    )
    names = Prediction.__dataclass_fields__
    rows = (await conn.execute(query)).mappings().all()
    return tuple(
        Prediction(
            **{name: row[name] for name in names if name != "recommendation"},
            recommendation=Recommendation(row["recommendation"]),
        )
        for row in rows
    )


async def outcomes(
    conn: AsyncConnection, account_ids: Collection[int], since: datetime, until: datetime
) -> tuple[OutcomeSum, ...]:
    """Sum up what became of the hours from `since` until before `until`; those nobody can judge are left out."""
    chance = type_coerce(predictions.c.probability, BigInteger)
    number = chance // (_ONE // BINS)
    query = (
        select(number, predictions.c.started, func.count(), func.sum(chance), func.sum(chance * chance))
        .where(
            predictions.c.account_id.in_(account_ids),
            predictions.c.hour >= since,
            predictions.c.hour < until,
            predictions.c.started.is_not(None),
        )
        .group_by(number, predictions.c.started)
        .order_by(number, predictions.c.started)
    )
    return tuple(
        OutcomeSum(
            number=min(row[0], BINS - 1),  # a chance of exactly 1 belongs to the last bin
            started=row[1],
            hours=row[2],
            chances=int(row[3]) / _ONE,
            squares=int(row[4]) / _ONE**2,
        )
        for row in (await conn.execute(query)).all()
    )


async def expected_missed(
    conn: AsyncConnection, since: datetime, until: datetime, account_ids: Collection[int] | None = None
) -> float:
    """Sum up how many lives are expected to have gone by unseen, of some accounts or of all."""
    query = select(func.sum(type_coerce(predictions.c.expected_missed, BigInteger))).where(
        predictions.c.hour >= since, predictions.c.hour < until
    )
    if account_ids is not None:
        query = query.where(predictions.c.account_id.in_(account_ids))
    return int((await conn.execute(query)).scalar() or 0) / _ONE


async def forget_before(conn: AsyncConnection, instant: datetime) -> None:
    """Delete what was said of hours long over."""
    await conn.execute(delete(predictions).where(predictions.c.hour < instant))


async def checks_between(conn: AsyncConnection, since: datetime, until: datetime) -> tuple[Asked, ...]:
    """Read the discovery checks from `since` until before `until`, in order."""
    query = (
        select(requests.c.account_id, requests.c.asked_at, requests.c.answer)
        .where(
            requests.c.ledger == Ledger.DISCOVERY, requests.c.asked_at >= since, requests.c.asked_at < until
        )
        .order_by(requests.c.asked_at)
    )
    return tuple(
        Asked(account_id=row[0], at=row[1], answer=row[2]) for row in (await conn.execute(query)).all()
    )


async def lives_between(
    conn: AsyncConnection,
    since: datetime,
    until: datetime,
    account_ids: Collection[int] | None = None,
) -> tuple[Seen, ...]:
    """Read the lives that started from `since` until before `until`, of some accounts or of all."""
    names = tuple(Seen.__dataclass_fields__)
    query = select(*[lives.c[name] for name in names]).where(
        lives.c.started_at >= since, lives.c.started_at < until
    )
    if account_ids is not None:
        query = query.where(lives.c.account_id.in_(account_ids))
    rows = (await conn.execute(query.order_by(lives.c.started_at))).mappings().all()
    return tuple(Seen(**{name: row[name] for name in names}) for row in rows)


# --- Scores --------------------------------------------------------------------------------------


async def save_score(conn: AsyncConnection, score: DayScore) -> None:
    """Write how a day went; an earlier score of it is replaced."""
    figures = asdict(score)
    day = figures.pop("day").isoformat()
    statement = insert_for(conn, day_scores).values(day=day, figures=figures)
    await conn.execute(statement.on_conflict_do_update(index_elements=["day"], set_={"figures": figures}))


async def scores_since(conn: AsyncConnection, day: date) -> tuple[DayScore, ...]:
    """Read the scores of a day and all later ones, in order."""
    query = select(day_scores).where(day_scores.c.day >= day.isoformat()).order_by(day_scores.c.day)
    rows = (await conn.execute(query)).all()
    return tuple(_day_score(row.day, row.figures) for row in rows)


def _day_score(day: str, figures: Mapping[str, Any]) -> DayScore:
    """Read a score; figures that another release kept beside these are left out."""
    known = {name: figures[name] for name in DayScore.__dataclass_fields__ if name != "day"}
    return DayScore(day=date.fromisoformat(day), **known)
