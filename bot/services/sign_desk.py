"""Where a recorder asks whether it may have a request signed: one ledger for all its rooms.

What the signing service allows is read from it at the start and once an hour, and planned from; while it does
not say, the little is assumed that it allows without a key. After failures in a row, of whatever rooms, nobody
tries for a while: a service that is down is not helped by fifteen rooms.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.core.live.budget import Ledger
from bot.core.streams.signing import Free, Window, assumed, left_of, next_signature
from bot.errors import SourceError, SourceUnavailable
from bot.ports import StreamSource
from bot.storage import ledger, status
from bot.storage.engine import Connection, Database
from bot.storage.ledger import Ask
from bot.texts import text

_NOTE = "sign limits"
READ_EVERY = timedelta(hours=1)
READ_AGAIN = timedelta(minutes=5)
PATIENT_FAILURES = 3
LONGEST_PAUSE = timedelta(minutes=5)
SHORTEST_PAUSE = timedelta(minutes=1)
LEAST_REFUSAL = timedelta(seconds=5)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Permit:
    """The leave to have one request signed: its ledger row; or None and when to ask again, and why then."""

    request_id: int | None
    free_at: datetime
    why: str = ""


class SignDesk:
    """Keeps the budget of signed requests for all rooms of a recorder."""

    def __init__(self, *, database: Database, source: StreamSource, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._clock = clock
        self._windows: tuple[Window, ...] = ()
        self._read_again_at: datetime | None = None
        self._reading = asyncio.Lock()
        self._failures = 0
        self._closed_until: datetime | None = None
        self._closed_why = ""
        self._answers: dict[int, tuple[str, str, datetime]] = {}
        self._to_note = False

    async def ask(self, *, is_new: bool) -> Permit:
        """Ask to have one request signed; `is_new` is true for the first one of a live. Raises `StorageError`."""
        async with self._reading:  # nobody asks for a signature before the limits are known
            await self._read_limits()
        now = self._clock.now()
        if self._closed_until is not None and now < self._closed_until:
            return Permit(request_id=None, free_at=self._closed_until, why=self._closed_why)
        if self._failures >= PATIENT_FAILURES:
            self._closed_until = now + SHORTEST_PAUSE  # one tries alone; the others wait for what comes of it
        async with self._database.write("streams.sign") as conn:
            asked = await ledger.asked_in(conn, Ledger.SIGN, now)
            free = next_signature(self._windows, asked, now, is_new=is_new)
            if free.at > now:
                return Permit(request_id=None, free_at=free.at, why=_used_up(free))
            # Of no account: what accounts answered is learnt from, and this is another host.
            ask = Ask(ledger=Ledger.SIGN, purpose="connect" if is_new else "reconnect")
            return Permit(request_id=await ledger.enter(conn, ask, now), free_at=now)

    def worked(self, permit: Permit) -> None:
        """Say that a connection came about."""
        self._failures, self._closed_until = 0, None
        self._answer(permit, "connected", "")

    def failed(self, permit: Permit, error: SourceError) -> None:
        """Say that no connection came about, and why."""
        now = self._clock.now()
        self._answer(permit, "refused", error.words)
        self._failures += 1
        wait = timedelta(0)
        if isinstance(error, SourceUnavailable) and error.retry_after_seconds is not None:
            wait = max(LEAST_REFUSAL, timedelta(seconds=error.retry_after_seconds))
            self._read_again_at = None
        elif self._failures >= PATIENT_FAILURES:
            wait = min(SHORTEST_PAUSE * 2 ** min(self._failures - PATIENT_FAILURES, 10), LONGEST_PAUSE)
        if wait:
            self._closed_until, self._closed_why = now + wait, error.words

    async def write_answers(self, conn: Connection) -> tuple[int, ...]:
        """Complete the ledger rows of what was answered; gives which, for `written`.

        What the service allows is left for `/status`, which is in another process.
        """
        if self._to_note:
            await status.write_note(conn, _NOTE, json.dumps([_as_json(one) for one in self._windows]))
        for request_id, (answer, reason, at) in self._answers.items():
            await ledger.answered(conn, request_id, answer, reason, at=at)
        return tuple(self._answers)

    def written(self, request_ids: tuple[int, ...]) -> None:
        """Say that the transaction with these answers was committed."""
        self._to_note = False
        for request_id in request_ids:
            self._answers.pop(request_id, None)

    def _answer(self, permit: Permit, answer: str, reason: str) -> None:
        if permit.request_id is not None:
            self._answers[permit.request_id] = (answer, reason, self._clock.now())

    async def _read_limits(self) -> None:
        """Read what the service allows, if it is time to; it costs none of it."""
        now = self._clock.now()
        if self._read_again_at is not None and now < self._read_again_at:
            return
        self._read_again_at = now + READ_AGAIN
        try:
            limits = await self._source.sign_limits()
        except SourceError as error:
            log.info("What the signing service allows could not be read: %s", error)
            self._windows = self._windows or assumed(now)
            return
        self._read_again_at = now + READ_EVERY
        told_at = self._clock.now()
        self._windows = tuple(
            Window(
                name=limit.window,
                most=limit.most,
                left=limit.remaining,
                resets_at=limit.resets_at,
                told_at=told_at,
            )
            for limit in limits
        ) or assumed(told_at)
        self._to_note = True
        said = ", ".join(f"{one.left} of {one.most} per {one.name}" for one in self._windows)
        log.info("The signing service allows %s", said)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignQuota:
    """What is `left` of the `most` connections that may be signed in the longest window."""

    left: int
    most: int


async def quota(conn: Connection, now: datetime) -> SignQuota | None:
    """Read what may still be signed; None where no recorder has ever asked the service."""
    noted = await status.note(conn, _NOTE)
    if not noted:
        return None
    windows = [_from_json(one) for one in json.loads(noted)]
    longest = max(windows, key=lambda one: one.span)
    asked = await ledger.asked_in(conn, Ledger.SIGN, now)
    return SignQuota(left=left_of(longest, asked, now), most=longest.most)


def _as_json(window: Window) -> dict[str, Any]:
    resets_at = None if window.resets_at is None else window.resets_at.isoformat()
    return {
        "name": window.name,
        "most": window.most,
        "left": window.left,
        "resets_at": resets_at,
        "told_at": window.told_at.isoformat(),
    }


def _from_json(stored: Mapping[str, Any]) -> Window:
    resets_at = stored["resets_at"]
    return Window(
        name=stored["name"],
        most=stored["most"],
        left=stored["left"],
        resets_at=None if resets_at is None else datetime.fromisoformat(resets_at),
        told_at=datetime.fromisoformat(stored["told_at"]),
    )


def _used_up(free: Free) -> str:
    windows = {
        "minute": text("the signing service's limit for a minute is used up"),
        "hour": text("the signing service's limit for an hour is used up"),
    }
    day = text("the signing service's limit for a day is used up")
    return text("{what}, until {when}", what=windows.get(free.window, day), when=free.at)
