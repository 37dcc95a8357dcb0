"""Shadow mode: a second policy is replayed on what was observed, beside the one in force."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from statistics import median

from bot.core.live.policies import PROVIDED, attempt
from bot.core.live.predictions import POLICIES, PolicyFigures, ShadowReport
from bot.core.live.replay import Check, Course, Span, replay
from bot.services.planning import Beside
from bot.storage import history, status, watched
from bot.storage.engine import Connection, Database

REPORT_NOTE = "predictions.shadow report"
OBSERVED = timedelta(days=28)
WARM_UP = timedelta(days=7)
"""The first days of a replay do not count: a policy begins it knowing nothing."""
FEWEST_LIVES = 5
_SOON = timedelta(minutes=30)

Lives = Mapping[int, Sequence[Span]]
log = logging.getLogger(__name__)


async def compare(
    database: Database, beside: Beside, now: datetime, checks_per_day: int
) -> ShadowReport | None:
    """Replay the last four weeks under both policies; None while shadow mode is off.

    Of a policy that fails in its replay there are no figures; the log says why.
    """
    async with database.read() as conn:
        shadow = await status.note(conn, watched.SHADOW_NOTE)
        if not shadow:
            return None
        policy = await status.note(conn, watched.POLICY_NOTE) or POLICIES[0]
        lives = await _observed(conn, now, policy)
    counted_from = now - OBSERVED + WARM_UP
    count = sum(span.start >= counted_from for spans in lives.values() for span in spans)
    figures: list[PolicyFigures | None] = [None, None]
    if count >= FEWEST_LIVES:
        course = Course(start=now - OBSERVED, end=now, per_day=checks_per_day)
        figures = [await beside(partial(_tried, name, lives, course)) for name in (policy, shadow)]
    return ShadowReport(
        policy=policy,
        shadow_policy=shadow,
        made_at=now,
        since=counted_from,
        lives=count,
        active=figures[0],
        shadow=figures[1],
    )


async def _observed(conn: Connection, now: datetime, policy: str) -> Lives:
    accounts = [one.watched.account_id for one in await watched.load_all(conn, now, policy)]
    lives: dict[int, list[Span]] = {account_id: [] for account_id in accounts}
    for live in await history.past_lives(conn, accounts, now - OBSERVED):
        if live.ended_at > live.started_at:  # others can be found by no check
            lives[live.account_id].append(Span(start=live.started_at, end=live.ended_at))
    return lives


def _tried(policy: str, lives: Lives, course: Course) -> PolicyFigures | None:
    return attempt(lambda: _figures(policy, lives, course), partial(_failed, policy))


def _failed(policy: str, error: Exception) -> None:
    log.error("The policy %s could not be compared in shadow mode", policy, exc_info=error)


def _figures(policy: str, lives: Lives, course: Course) -> PolicyFigures:
    counted_from = course.start + WARM_UP
    checks = replay(PROVIDED[policy](), lives, course)
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
    )


def _figures_from(data: Mapping[str, object] | None) -> PolicyFigures | None:
    return None if data is None else PolicyFigures(**data)  # type: ignore[arg-type]
