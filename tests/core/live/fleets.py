"""Made-up accounts with habits that are known, for tests of what learns them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from bot.core.live.history import Ended, Followed, Found, Missed
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import Check, Span

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def lives(
    seed: int,
    days: int,
    hours_of: Callable[[int], tuple[float, ...]],
    *,
    chance: float = 0.7,
    lasts: float = 1.2,
) -> list[Span]:
    """Give one account's lives: each day at each of `hours_of(day)` (UTC) with a chance, 20 minutes to and fro."""
    random = np.random.default_rng(seed)
    spans: list[Span] = []
    for day in range(days):
        for hour in hours_of(day):
            start = BEGIN + timedelta(days=day, hours=hour + random.normal(0, 0.35))
            end = start + HOUR * lasts * random.uniform(0.5, 1.5)
            if random.random() < chance and (not spans or start > spans[-1].end):
                spans.append(Span(start=start, end=end))
    return spans


def anytime(seed: int, days: int, a_day: float) -> list[Span]:
    """Give the lives of an account that cannot be predicted."""
    random = np.random.default_rng(seed)
    starts = np.sort(random.uniform(0, days * 24, round(days * a_day)))
    spans: list[Span] = []
    for hour in starts:
        start = BEGIN + HOUR * float(hour)
        if not spans or start > spans[-1].end + HOUR:
            spans.append(Span(start=start, end=start + HOUR))
    return spans


def coverage(checks: list[Check], fleet: dict[int, list[Span]], since: datetime, until: datetime) -> float:
    """Give the share of lives that started between two instants and were found."""
    found = {(check.account_id, check.found.start) for check in checks if check.found is not None}
    every = [(account, span.start) for account, spans in fleet.items() for span in spans]
    every = [one for one in every if since <= one[1] < until]
    return sum(one in found for one in every) / len(every)


def taught(
    spans: list[Span], until: datetime, *, zone: str = "", since: datetime = BEGIN
) -> ProbabilityPolicy:
    """Give a policy that followed account 1 with a check each hour."""
    policy = ProbabilityPolicy()
    policy.learn(Followed(account_id=1, at=since, zone=zone))
    at, pending = since, sorted(spans, key=lambda span: span.start)
    while at < until:
        at += HOUR
        while pending and pending[0].end <= at:
            pending.pop(0)
        if pending and pending[0].start <= at:
            span = pending.pop(0)
            policy.learn(Found(account_id=1, started_at=span.start, found_at=at))
            policy.learn(Ended(account_id=1, started_at=span.start, ended_at=span.end))
            at = span.end
        else:
            policy.learn(Missed(account_id=1, at=at))
    return policy
