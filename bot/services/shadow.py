"""Shadow mode: a second policy is replayed on what was observed, beside the one in force."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from threading import Event

import numpy as np

from bot.core.live.policies import PROVIDED, Policies, attempt
from bot.core.live.predictions import POLICIES, PolicyFigures, ShadowReport
from bot.core.live.replay import Check, Course, Replay, Span, in_order
from bot.services.planning import Beside
from bot.storage import history, status, watched
from bot.storage.engine import Connection, Database

REPORT_NOTE = "predictions.shadow report"
OBSERVED = timedelta(days=28)
WARM_UP = timedelta(days=7)
"""The first days of a replay do not count: a policy begins it knowing nothing."""
FEWEST_LIVES = 5
_SOON = timedelta(minutes=30)

MOST_ACCOUNTS = 50
"""Of more accounts so many are replayed: a quarter of a minute of a core for the dearest policy."""

Lives = Mapping[int, Sequence[Span]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Observed:
    """The lives that a policy could find, of `followed` accounts or of some drawn from them."""

    lives: Lives
    followed: int

    def count(self, since: datetime) -> int:
        return sum(span.start >= since for spans in self.lives.values() for span in spans)


async def compare(
    database: Database, beside: Beside, now: datetime, checks_per_day: int
) -> ShadowReport | None:
    """Replay the last four weeks under both policies; None while shadow mode is off.

    Of a policy that fails in its replay there are no figures; the log says why. Of many accounts some are
    drawn, and get their part of the checks.
    """
    async with database.read() as conn:
        shadow = await status.note(conn, watched.SHADOW_NOTE)
        if not shadow:
            return None
        policy = await status.note(conn, watched.POLICY_NOTE) or POLICIES[0]
        observed = await _observed(conn, now, policy)
    count = observed.count(now - OBSERVED + WARM_UP)
    active, other = None, None
    if count >= FEWEST_LIVES:
        per_day = max(1, round(checks_per_day * len(observed.lives) / observed.followed))
        course = Course(start=now - OBSERVED, end=now, per_day=per_day)
        # A thread cannot be cancelled: it is told when nobody waits for it any more.
        given_up = Event()
        try:
            active = await beside(partial(_tried, policy, observed.lives, course, given_up))
            other = await beside(partial(_tried, shadow, observed.lives, course, given_up))
        finally:
            given_up.set()
    return ShadowReport(
        policy=policy,
        shadow_policy=shadow,
        made_at=now,
        since=now - OBSERVED + WARM_UP,
        lives=count,
        active=active,
        shadow=other,
        accounts=len(observed.lives),
        followed=observed.followed,
    )


async def _observed(conn: Connection, now: datetime, policy: str) -> _Observed:
    planned = [one.watched for one in await watched.load_all(conn, now, policy)]
    followed = sorted(one.account_id for one in planned if not one.frozen)
    # The same draw every night, so that nights can be compared.
    size = min(len(followed), MOST_ACCOUNTS)
    drawn = np.random.default_rng(0).choice(followed, size, replace=False).tolist() if size else []
    spans: dict[int, list[Span]] = {account_id: [] for account_id in drawn}
    for live in await history.past_lives(conn, drawn, now - OBSERVED):
        spans[live.account_id].append(Span(start=live.started_at, end=live.ended_at))
    lives = {account_id: in_order(some) for account_id, some in spans.items()}
    return _Observed(lives=lives, followed=len(followed))


def _tried(policy: str, lives: Lives, course: Course, given_up: Event) -> PolicyFigures | None:
    def failed(error: Exception) -> None:
        if not given_up.is_set():
            log.error("The policy %s could not be compared in shadow mode", policy, exc_info=error)

    return attempt(lambda: _figures(policy, lives, course, given_up), failed)


def _figures(policy: str, lives: Lives, course: Course, given_up: Event) -> PolicyFigures:
    counted_from = course.start + WARM_UP
    checks = _checks(policy, lives, course, given_up)
    found: dict[tuple[int, datetime], timedelta] = {}
    for check in checks:
        if check.found is not None and check.found.start >= counted_from:
            found.setdefault((check.account_id, check.found.start), check.at - check.found.start)
    count = sum(span.start >= counted_from for spans in lives.values() for span in spans)
    delays = [delay / timedelta(minutes=1) for delay in found.values()]
    return PolicyFigures(
        policy=policy,
        coverage=len(found) / count if count else None,
        within_30=sum(delay <= _SOON for delay in found.values()) / count if count else None,
        median_delay_minutes=median(delays) if delays else None,
        requests_a_day=_a_day(checks, counted_from, course.end),
    )


def _checks(policy: str, lives: Lives, course: Course, given_up: Event) -> Sequence[Check]:
    """Replay a policy within the bounds that the bot sets every policy."""
    policies = Policies({policy: PROVIDED[policy]()}, policy)

    def go_on(_: datetime) -> None:
        if given_up.is_set():
            raise InterruptedError
        for name, why in policies.failing.items():
            raise ValueError(f"{name} fails: {why}")

    checks = Replay(policies, lives, course, before_hour=go_on).run()
    go_on(course.end)
    return checks


def _a_day(checks: Sequence[Check], since: datetime, until: datetime) -> float:
    return sum(check.at >= since for check in checks) / max((until - since) / timedelta(days=1), 1e-9)


def report_to_note(report: ShadowReport) -> str:
    """Write a report as a note."""
    data = asdict(report)
    for name in ("made_at", "since"):
        data[name] = data[name].isoformat() if data[name] else None
    return json.dumps(data)


def report_from(note: str, policy: str, shadow: str) -> ShadowReport:
    """Read the last report; one about other policies than those in force says nothing yet."""
    data = json.loads(note) if note else {}
    if (data.get("policy"), data.get("shadow_policy")) != (policy, shadow):
        return ShadowReport(
            policy=policy, shadow_policy=shadow, made_at=None, since=None, lives=0, active=None, shadow=None
        )
    return ShadowReport(
        policy=policy,
        shadow_policy=shadow,
        made_at=datetime.fromisoformat(data["made_at"]),
        since=datetime.fromisoformat(data["since"]),
        lives=data["lives"],
        active=_figures_from(data["active"]),
        shadow=_figures_from(data["shadow"]),
        accounts=data.get("accounts", 0),
        followed=data.get("followed", 0),
    )


def _figures_from(data: Mapping[str, object] | None) -> PolicyFigures | None:
    return None if data is None else PolicyFigures(**data)  # type: ignore[arg-type]
