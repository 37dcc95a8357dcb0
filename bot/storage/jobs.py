"""The queue of jobs of one host: every statement about the table `jobs`.

A job is put inside the transaction that needs it, so that neither is there without the other. Only the one writer
claims, so the most that run at once hold over all processes. What becomes of a job that is held is written by
whoever holds it: each start has a number of its own (`epoch`), and a statement of an older one changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    delete,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import RowMapping

from bot.core.jobs import Job, JobEvent, JobState, NewJob, QueueCounts, after, before
from bot.errors import JobLost
from bot.storage.engine import Connection
from bot.storage.post_tables import jobs
from bot.storage.types import Instant
from bot.storage.upsert import insert_for

FORGOTTEN_AT_ONCE = 2000

_other = jobs.alias("other")
# Written out: of a parameter a server does not know that it fits a partial index.
_TODO = jobs.c.state == literal_column(f"'{JobState.TODO}'", Text)
_DOING = jobs.c.state == literal_column(f"'{JobState.DOING}'", Text)
_is_locked = exists().where(
    _other.c.state == literal_column(f"'{JobState.DOING}'", Text), _other.c.lock == jobs.c.lock
)
_FREE = or_(jobs.c.lock == "", ~_is_locked)


async def put(conn: Connection, job: NewJob, now: datetime) -> int | None:
    """Put a job into the queue; gives its id, None while one with its queueing lock waits or runs."""
    row = {
        "queue": job.queue,
        "kind": job.kind,
        "lock": job.lock,
        "queueing_lock": job.queueing_lock,
        "priority": job.priority,
        "args": dict(job.args),
        "state": JobState.TODO,
        "scheduled_at": job.scheduled_at or now,
        "created_at": now,
    }
    new = insert_for(conn, jobs).values(row).on_conflict_do_nothing().returning(jobs.c.id)
    job_id: int | None = (await conn.execute(new)).scalar()
    return job_id


async def hurry(conn: Connection, queueing_lock: str, *, priority: int, at: datetime) -> bool:
    """Let a waiting job go at this priority and at this instant, or as it was where that is sooner.

    False where no job with this queueing lock waits.
    """
    sooner = {
        "priority": case((jobs.c.priority < priority, priority), else_=jobs.c.priority),
        "scheduled_at": case((jobs.c.scheduled_at > at, literal(at, Instant())), else_=jobs.c.scheduled_at),
    }
    found = await conn.execute(
        update(jobs).where(_TODO, jobs.c.queueing_lock == queueing_lock).values(sooner)
    )
    return found.rowcount > 0


async def next_at(conn: Connection, at_once: Mapping[str, int], now: datetime) -> datetime | None:
    """Give when the next job of these queues may run, None while none waits; not after `now` where one may."""
    mine = jobs.c.queue.in_(at_once)
    is_due = jobs.c.scheduled_at <= now
    soonest = select(
        select(func.min(jobs.c.scheduled_at)).where(_TODO, mine, is_due).scalar_subquery(),
        select(func.min(jobs.c.scheduled_at)).where(_TODO, mine, ~is_due).scalar_subquery(),
    )
    due, later = (await conn.execute(soonest)).one()
    if due is not None and await _next_one(conn, at_once, now) is None:
        due = None  # it waits for one that runs
    return min(filter(None, (due, later)), default=None)


async def claim(
    conn: Connection, *, holder: str, at_once: Mapping[str, int], now: datetime, until: datetime
) -> tuple[Job, ...]:
    """Take all jobs that may run now, of the queues of `at_once` and at most so many of each over all processes.

    They are held until then in the machine's time, in which leases are renewed and found to be over.
    """
    claimed: list[Job] = []
    while (job_id := await _next_one(conn, at_once, now)) is not None:
        claimed.append(await _take(conn, job_id, holder, now, until))
    return tuple(claimed)


async def _next_one(conn: Connection, at_once: Mapping[str, int], now: datetime) -> int | None:
    query = select(jobs.c.queue, func.count().label("many")).where(_DOING).group_by(jobs.c.queue)
    active = {row.queue: row.many for row in await conn.execute(query)}
    room = [queue for queue, most in at_once.items() if active.get(queue, 0) < most]
    first = (
        select(jobs.c.id)
        .where(_TODO, jobs.c.queue.in_(room), jobs.c.scheduled_at <= now, _FREE)
        .order_by(jobs.c.priority.desc(), jobs.c.scheduled_at, jobs.c.id)
        .limit(1)
    )
    job_id: int | None = (await conn.execute(first)).scalar() if room else None
    return job_id


async def _take(conn: Connection, job_id: int, holder: str, now: datetime, until: datetime) -> Job:
    held = {
        "state": after(JobState.TODO, JobEvent.CLAIMED),
        "attempts": jobs.c.attempts + 1,
        "epoch": jobs.c.epoch + 1,
        "holder": holder,
        "leased_until": until,
        "started_at": now,
    }
    taken = update(jobs).where(jobs.c.id == job_id).values(held).returning(*jobs.c)
    return _job((await conn.execute(taken)).mappings().one())


async def renew(
    conn: Connection, holder: str, job_ids: Collection[int], *, now: datetime, until: datetime
) -> set[tuple[int, int]]:
    """Lengthen the leases of a holder on these jobs that are not over.

    Gives the ids and epochs of these, and of those that were ended meanwhile: they are not lost.
    """
    mine = and_(_DOING, jobs.c.id.in_(job_ids), jobs.c.holder == holder, jobs.c.leased_until > now)
    held = update(jobs).where(mine).values(leased_until=until).returning(jobs.c.id, jobs.c.epoch)
    kept = {(row.id, row.epoch) for row in await conn.execute(held)}
    is_ended = and_(jobs.c.id.in_(job_ids), jobs.c.state.in_((JobState.SUCCEEDED, JobState.FAILED)))
    ended = select(jobs.c.id, jobs.c.epoch).where(is_ended)
    return kept | {(row.id, row.epoch) for row in await conn.execute(ended)}


async def require(conn: Connection, job: Job) -> None:
    """Raise `JobLost` where this start of the job does not hold it any more: nothing of it may be written then."""
    held = select(jobs.c.id).where(_is(job), _DOING)
    if (await conn.execute(held)).first() is None:
        raise JobLost(f"job {job.id} is not held any more")


async def finish(conn: Connection, job: Job, now: datetime) -> bool:
    """Write that a job is done; false, and nothing is written, where it is not held any more.

    A handler may do so in its last transaction: then nothing of it is done twice, whenever it dies.
    """
    return await _happened(conn, job, JobEvent.DONE, error="", finished_at=now)


async def put_off(conn: Connection, job: Job, error: str, until: datetime) -> bool:
    """Write that a job failed and is tried again; false where it is not held any more."""
    return await _happened(conn, job, JobEvent.PUT_OFF, error=error, scheduled_at=until)


async def give_up(conn: Connection, job: Job, error: str, now: datetime) -> bool:
    """Write that a job failed for good; false where it is not held any more."""
    return await _happened(conn, job, JobEvent.GIVEN_UP, error=error, finished_at=now)


async def stop(conn: Connection, job: Job) -> bool:
    """Write that a job was interrupted because its worker ends; false where it is not held any more."""
    return await _happened(conn, job, JobEvent.STOPPED, attempts=jobs.c.attempts - 1)


async def postpone(conn: Connection, job: Job, until: datetime) -> bool:
    """Put a job back that cannot begin yet, which costs no attempt; false where it is not held any more."""
    return await _happened(conn, job, JobEvent.STOPPED, attempts=jobs.c.attempts - 1, scheduled_at=until)


async def bury(conn: Connection, job: Job, error: str) -> bool:
    """Let a job whose worker died be started again at once."""
    return await _happened(conn, job, JobEvent.DIED, error=error)


async def _happened(conn: Connection, job: Job, event: JobEvent, **values: Any) -> bool:
    (state,) = before(event)
    moved = {"state": after(state, event), "holder": "", "leased_until": None, **values}
    found = await conn.execute(update(jobs).where(_is(job), jobs.c.state == state).values(moved))
    return found.rowcount == 1


def _is(job: Job) -> ColumnElement[bool]:
    return and_(jobs.c.id == job.id, jobs.c.epoch == job.epoch)


async def lease_over_at(conn: Connection, queues: Sequence[str]) -> datetime | None:
    """Give when the first lease on a job of these queues is over, None where none is held."""
    first = select(func.min(jobs.c.leased_until)).where(_DOING, jobs.c.queue.in_(queues))
    over_at: datetime | None = (await conn.execute(first)).scalar()
    return over_at


async def expired(conn: Connection, queues: Sequence[str], now: datetime) -> tuple[Job, ...]:
    """Read the jobs of these queues whose lease is over."""
    return await _held(conn, jobs.c.queue.in_(queues), jobs.c.leased_until <= now)


async def held_by(conn: Connection, holders: str) -> tuple[Job, ...]:
    """Read the jobs whose holder's name begins so."""
    return await _held(conn, jobs.c.holder.startswith(holders, autoescape=True))


async def _held(conn: Connection, *where: ColumnElement[bool]) -> tuple[Job, ...]:
    rows = (await conn.execute(select(*jobs.c).where(_DOING, *where).order_by(jobs.c.id))).mappings()
    return tuple(_job(row) for row in rows)


async def counts(conn: Connection, now: datetime) -> tuple[QueueCounts, ...]:
    """Count the jobs of every queue by state; of finished ones those that are not forgotten yet."""
    is_delayed = case((jobs.c.scheduled_at > now, 1), else_=0)
    query = select(jobs.c.queue, jobs.c.state, func.count(), func.sum(is_delayed))
    found: dict[str, dict[str, int]] = {}
    for queue, state, count, delayed in await conn.execute(query.group_by(jobs.c.queue, jobs.c.state)):
        of_queue = found.setdefault(queue, {})
        of_queue[state] = count
        if state == JobState.TODO:
            of_queue["delayed"] = int(delayed)
    return tuple(
        QueueCounts(
            queue=queue,
            waiting=of_queue.get(JobState.TODO, 0) - of_queue.get("delayed", 0),
            active=of_queue.get(JobState.DOING, 0),
            delayed=of_queue.get("delayed", 0),
            completed=of_queue.get(JobState.SUCCEEDED, 0),
            failed=of_queue.get(JobState.FAILED, 0),
        )
        for queue, of_queue in sorted(found.items())
    )


async def forget_before(conn: Connection, instant: datetime) -> int:
    """Delete jobs that ended before, at most `FORGOTTEN_AT_ONCE`; gives how many."""
    old = select(jobs.c.id).where(jobs.c.finished_at < instant).limit(FORGOTTEN_AT_ONCE)
    return (await conn.execute(delete(jobs).where(jobs.c.id.in_(old)))).rowcount


def _job(row: RowMapping) -> Job:
    return Job(**{name: row[name] for name in Job.__dataclass_fields__})
