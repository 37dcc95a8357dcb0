"""Does the jobs of some queues, as many at once as they allow, each held by a lease that is renewed.

A worker that dies leaves leases that run out; then its jobs are started again, by whichever worker looks first. One
that was only slow finds that it has lost them: it ends what it does, and can write nothing more (`jobs.require`).
A worker that stops gives its jobs back, and these starts do not count.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.jobs import Job, JobEvent, of_death
from bot.errors import JobFailed, JobLost, StorageError, VedetteError
from bot.jobs.catalog import JobHandler, Kind
from bot.jobs.loops import Loop
from bot.storage import jobs
from bot.storage.engine import Database
from bot.texts import text, texts

LEASE = timedelta(seconds=60)
HEARTBEAT = timedelta(seconds=15)
LOOK_EVERY = timedelta(seconds=5)
"""How soon a job is noticed that another process has put; those of this one wake the worker.

Leases and these spans are of the machine's time; when a job may run is of the world's.
"""
TRY_AGAIN_SECONDS = 5.0
LAST_SECONDS = 5.0
"""So long a job that is ended may take to end."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class _Running:
    """A job that this worker does, and why it is cancelled: it takes too long, or another may have it now.

    `is_ending` while the handler is done and what became of it is written.
    """

    job: Job
    late_at: float  # both of the machine's monotonic seconds, which no step of the wall clock touches
    held_until: float
    task: asyncio.Task[None]
    is_late: bool = False
    is_lost: bool = False
    is_ending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    """Why a job failed, and how long it waits until it is tried again; None is for ever."""

    reason: str
    pause_seconds: float | None


class Worker:
    """Does jobs of those queues of `at_once` for which there are handlers; `name` begins the names of its leases.

    `changed` is set by whoever puts a job in this process; `chance` gives a number from 0 to 1.
    """

    def __init__(
        self,
        *,
        database: Database,
        kinds: Mapping[str, Kind],
        handlers: Mapping[str, JobHandler],
        at_once: Mapping[str, int],
        name: str,
        clock: Clock,
        chance: Callable[[], float],
        changed: asyncio.Event,
    ) -> None:
        served = {kinds[kind].queue for kind in handlers}
        self._database = database
        self._kinds = kinds
        self._handlers = handlers
        self._at_once = {queue: most for queue, most in at_once.items() if queue in served}
        self._clock = clock
        self._chance = chance
        self.changed = changed
        self._running: dict[tuple[int, int], _Running] = {}
        self._renews = True
        self.holder = f"{name}-{secrets.token_hex(8)}"

    def loops(self) -> list[Loop]:
        """Give what keeps it going: one loop that starts jobs, one that renews their leases."""
        if not self._at_once:
            return []
        return [
            Loop(name="jobs", step=self.step, wake=self.changed, of_machine=True),
            Loop(name="leases of jobs", step=self.renew_step, wake=asyncio.Event(), of_machine=True),
        ]

    # --- Starting ----------------------------------------------------------------------------

    async def step(self) -> datetime:
        """Start what may run now, also what died; gives when to look again. Raises `StorageError`."""
        now, queues = self._clock.now(), tuple(self._at_once)
        machine = self._clock.machine
        held_at = machine.now()
        async with self._database.read() as conn:
            next_at = await jobs.next_at(conn, self._at_once, now)
            over_at = await jobs.lease_over_at(conn, queues)
        waits = [LOOK_EVERY]
        if next_at is not None:
            waits.append((next_at - now) / self._clock.speed)
        if over_at is not None:
            waits.append(over_at - held_at)
        if min(waits) > timedelta(0):
            return held_at + min(waits)
        async with self._database.read() as conn:
            dead = await jobs.expired(conn, queues, held_at)
        self._cancel(self._running[job.id, job.epoch] for job in dead if self._is_running(job))
        await self.restart(dead)
        await self._claim()
        return machine.now()  # what is next is seen by another look

    async def _claim(self) -> None:
        now, began = self._clock.now(), self._clock.machine.monotonic()
        until = self._clock.machine.now() + LEASE
        async with self._database.write("jobs.claim") as conn:
            claimed = await jobs.claim(conn, holder=self.holder, at_once=self._at_once, now=now, until=until)
        for job in claimed:
            task = asyncio.create_task(self._do(job), name=f"job {job.id} ({job.kind})")
            late_at = began + self._longest(job).total_seconds()
            self._running[job.id, job.epoch] = _Running(
                job=job, late_at=late_at, held_until=began + LEASE.total_seconds(), task=task
            )
            task.add_done_callback(lambda _: self.changed.set())  # there is room for another

    def _is_running(self, job: Job) -> bool:
        return (job.id, job.epoch) in self._running

    async def restart(self, dead: Sequence[Job]) -> None:
        """Queue jobs again whose worker died; those it died of too often are given up. Raises `StorageError`."""
        for job in dead:
            said = texts("its worker died {count} time", "its worker died {count} times", job.attempts)
            if of_death(job.attempts) is JobEvent.GIVEN_UP:
                log.error("Job %d (%s) is given up: %s", job.id, job.kind, said)
                await self._give_up(job, said)
                continue
            log.warning("Job %d (%s) is started again: %s", job.id, job.kind, said)
            async with self._database.write("jobs.bury") as conn:
                await jobs.bury(conn, job, said)

    async def take_over(self, holders: str) -> None:
        """Queue the jobs again that are held by names that begin so, because these are surely dead.

        Raises `StorageError`.
        """
        async with self._database.read() as conn:
            dead = await jobs.held_by(conn, f"{holders}-")
        await self.restart(dead)

    # --- Doing -------------------------------------------------------------------------------

    async def _do(self, job: Job) -> None:
        """Do one job and write what became of it; when it is cancelled, whoever did so knows why."""
        running = self._running[job.id, job.epoch]
        try:
            error = await self._try(job, running)
            running.is_ending = True
            await self._write_in_the_end(job, error)
        except asyncio.CancelledError:
            if not running.is_lost:
                raise  # the worker stops: `close` gives the job back
        finally:  # of a bug in here, too: then its lease is renewed no more
            self._running.pop((job.id, job.epoch), None)

    async def _try(self, job: Job, running: _Running) -> Exception | None:
        """Run the handler; gives why it failed."""
        if job.kind not in self._handlers:
            said = text("this version does not know the kind of job {kind}", kind=job.kind)
            return JobFailed(said, retry=False)
        try:
            return await _error_of(self._handlers[job.kind].run(job))
        except asyncio.CancelledError:
            if not running.is_late:
                raise
            minutes = self._longest(job) // timedelta(minutes=1)
            said = texts("it took longer than {count} minute", "it took longer than {count} minutes", minutes)
            return JobFailed(said)

    async def _write_in_the_end(self, job: Job, error: Exception | None) -> None:
        """Write what became of a job, however long the database cannot be written; nothing where it was lost."""
        if isinstance(error, JobLost):
            return
        failure, failures = None if error is None else self._failure(job, error), 0
        while True:
            try:
                await self._write(job, failure)
            except StorageError as reason:
                level = logging.DEBUG if failures else logging.ERROR
                log.log(level, "The end of job %d cannot be written: %s; it is tried again", job.id, reason)
                failures += 1
                await self._clock.machine.sleep(TRY_AGAIN_SECONDS)
            else:
                return

    def _failure(self, job: Job, error: Exception) -> _Failure:
        """Decide what becomes of a job that failed."""
        retry_after, retry = None, True
        if isinstance(error, JobFailed):
            retry_after, retry = error.retry_after_seconds, error.retry
        if isinstance(error, VedetteError):
            reason = error.words
            log.warning("Job %d (%s) failed at try %d: %s", job.id, job.kind, job.attempts, reason)
        else:
            incident = secrets.token_hex(4)
            reason = text(
                "an error of the bot; its cause is in the log, incident {incident}", incident=incident
            )
            log.error("Job %d (%s) failed, incident %s", job.id, job.kind, incident, exc_info=error)
        pause = None
        if retry and job.kind in self._kinds:
            strategy, chance = self._kinds[job.kind].retry, self._chance()
            pause = strategy.pause(job.attempts, chance=chance, retry_after_seconds=retry_after)
        return _Failure(reason=reason, pause_seconds=pause)

    async def _write(self, job: Job, failure: _Failure | None) -> None:
        if failure is None:
            async with self._database.write("jobs.finish") as conn:
                await jobs.finish(conn, job, self._clock.now())
        elif failure.pause_seconds is None:
            await self._give_up(job, failure.reason)
        else:
            again_at = self._clock.now() + timedelta(seconds=failure.pause_seconds)
            async with self._database.write("jobs.put_off") as conn:
                await jobs.put_off(conn, job, failure.reason, again_at)

    async def _give_up(self, job: Job, reason: str) -> None:
        """Write that a job failed for good, and what follows from it for its kind. Raises `StorageError`."""
        error = await _error_of(self._give_up_and_tidy(job, reason))
        if isinstance(error, StorageError):
            raise error
        if error is not None:  # one that cannot be tidied up after must not hold up all others
            incident = secrets.token_hex(4)
            log.error("Job %d (%s) was given up, incident %s", job.id, job.kind, incident, exc_info=error)
            async with self._database.write("jobs.give_up_alone") as conn:
                await jobs.give_up(conn, job, reason, self._clock.now())

    async def _give_up_and_tidy(self, job: Job, reason: str) -> None:
        now, handler = self._clock.now(), self._handlers.get(job.kind)
        async with self._database.write("jobs.give_up") as conn:
            if await jobs.give_up(conn, job, reason, now) and handler is not None:
                await handler.given_up(conn, job, reason, now)

    # --- Holding -----------------------------------------------------------------------------

    async def renew_step(self) -> datetime:
        """Renew the leases, and end what has lost its own or takes too long; gives when to do so again."""
        machine, before = self._clock.machine, dict(self._running)
        now, began = machine.now(), machine.monotonic()
        if not before:
            return now + HEARTBEAT
        try:
            async with self._database.write("jobs.renew") as conn:
                ids = [job_id for job_id, _ in before]
                held = await jobs.renew(conn, self.holder, ids, now=now, until=now + LEASE)
        except StorageError as error:
            level = logging.WARNING if self._renews else logging.DEBUG
            log.log(level, "The leases of jobs cannot be renewed: %s; it is tried again", error)
            self._renews, held = False, {key for key, one in before.items() if one.held_until > began}
        else:
            self._renews = True
            for key in held & before.keys():
                before[key].held_until = began + LEASE.total_seconds()
        lost = [one for key, one in self._running.items() if key in before and key not in held]
        for one in lost:
            log.warning("Job %d (%s) was lost: its lease is over", one.job.id, one.job.kind)
        self._cancel(lost)
        self._cancel_late()
        return machine.now() + (HEARTBEAT if self._renews else LOOK_EVERY)

    def _cancel_late(self) -> None:
        now = self._clock.machine.monotonic()
        for one in self._running.values():
            if now >= one.late_at and not one.is_late and not one.is_ending:
                one.is_late = True
                one.task.cancel()

    def _longest(self, job: Job) -> timedelta:
        return self._kinds[job.kind].longest if job.kind in self._kinds else LEASE

    @staticmethod
    def _cancel(lost: Iterable[_Running]) -> None:
        """End what was lost; what is ending finds out itself, by what it can write no more."""
        for one in lost:
            if not one.is_ending:
                one.is_lost = True
                one.task.cancel()

    async def close(self) -> None:
        """End all jobs and give them back; those that do not end in time are left to their leases."""
        tasks = {one.task for one in self._running.values()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_SECONDS)
        still = {key for key, one in self._running.items() if not one.task.done()}
        if still:
            log.warning("Jobs that do not end: %s", ", ".join(str(job_id) for job_id, _ in sorted(still)))
        try:
            async with self._database.write("jobs.stop") as conn:
                for job in await jobs.held_by(conn, self.holder):
                    if (job.id, job.epoch) not in still:
                        await jobs.stop(conn, job)
        except StorageError as error:
            log.warning("Jobs could not be given back: %s; their leases will run out", error)
        self._running.clear()


async def _error_of(doing: Awaitable[None]) -> Exception | None:
    """Wait for it; gives why it failed."""
    try:
        await doing
    except Exception as error:  # noqa: BLE001 - the border of all jobs
        return error
    return None
