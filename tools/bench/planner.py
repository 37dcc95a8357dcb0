"""The limits of the planner: all plans anew, one plan after an event, the next check, memory, and how they grow.

Synthetic fleets: every account has a usual hour, a usual number of lives and some of its past is known. The
next check is chosen by the bot's own statements on SQLite in memory.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from types import FunctionType, ModuleType

from bot.core.live.history import Ended, Event, Followed, Found, Missed
from bot.core.live.models import Person, ProfileState
from bot.core.live.planner import Allowance, EvenlySpread, Policy, Watched
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.transitions import Live, Phase
from bot.storage import live as store
from bot.storage import subscriptions
from bot.storage.engine import Connection
from tools.bench.report import Figure, percentile
from tools.simulation.database import Disk, PlainDatabase

FLEETS = (100, 1_000, 10_000)
CHECKS_PER_ACCOUNT = 6
"""A day: 120 for 20 accounts."""
PAST_DAYS = 28
LIVES, MISSES, WITH_PAST = 3, 4, 200
"""What is known of an account, and of how many at most: the others are new."""
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REPLANS, EVENTS, CHOICES = 3, 200, 300
LIVE_PART = 0.04
"""So many of a fleet are live at a time."""

MODELS: dict[str, Callable[[], Policy]] = {"probability": ProbabilityPolicy, "fixed": EvenlySpread}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One policy with one fleet; milliseconds, and kilobytes per account. `event` is the 95th percentile."""

    learn: float
    replan: float
    event: float
    memory: float


async def measure() -> list[Figure]:
    """Measure everything; takes about a minute."""
    figures = []
    for model, make in MODELS.items():
        by_size = {size: _measure(make, size) for size in FLEETS}
        figures += _told(model, by_size)
    choices = {size: await _choice_ms(size) for size in FLEETS}
    return figures + _choices_told(choices)


# --- What is measured --------------------------------------------------------------------------


def _measure(make: Callable[[], Policy], size: int) -> Measured:
    luck = Random(7)  # noqa: S311 - the same fleets each time
    known = range(1, min(size, WITH_PAST) + 1)
    past = [event for account_id in known for event in _past(account_id, luck)]
    policy = make()
    learn = _ms(lambda: _learn(policy, past))
    watched = [_watched(account_id, luck) for account_id in range(1, size + 1)]
    for account in watched:
        at = account.last_checked_at or NOW
        policy.learn(Followed(account_id=account.account_id, at=at))
        policy.learn(Missed(account_id=account.account_id, at=at))
    allowance = Allowance(checks_per_day=CHECKS_PER_ACCOUNT * size, guild_share=1.0)
    policy.plan(NOW, watched, allowance)
    replans = [
        _ms(lambda at=NOW + number * HOUR: policy.plan(at, watched, allowance))  # type: ignore[misc]
        for number in range(1, REPLANS + 1)
    ]
    now = NOW + REPLANS * HOUR
    events = [_ms(lambda one=one: _after_an_event(policy, one, now, allowance)) for one in _some(watched)]  # type: ignore[misc]
    return Measured(
        learn=learn / len(past),
        replan=percentile(replans, 0.5),
        event=percentile(events, 0.95),
        memory=_bytes_of(policy) / size / 1024,
    )


def _bytes_of(root: object) -> int:
    """Give the memory that is held by an object and all it leads to."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, type | ModuleType | FunctionType):
            seen.add(id(one))
            total += sys.getsizeof(one)
            waiting += gc.get_referents(one)
    return total


def _learn(policy: Policy, events: Sequence[Event]) -> None:
    for event in events:
        policy.learn(event)


def _some(watched: Sequence[Watched]) -> list[Watched]:
    return [watched[number * 37 % len(watched)] for number in range(EVENTS)]


def _after_an_event(policy: Policy, account: Watched, now: datetime, allowance: Allowance) -> None:
    policy.learn(Missed(account_id=account.account_id, at=now))
    policy.plan_one(now, account, allowance)


def _past(account_id: int, luck: Random) -> list[Event]:
    """Give what is known of one account: lives at its usual hour, and checks that found nothing."""
    usual, begin = luck.uniform(0, 24), NOW - PAST_DAYS * DAY
    events: list[tuple[datetime, Event]] = [(begin, Followed(account_id=account_id, at=begin))]
    for day in sorted(luck.sample(range(1, PAST_DAYS - 1), LIVES)):
        start = begin + day * DAY + (usual + luck.gauss(0, 1)) * HOUR
        end = start + luck.uniform(0.5, 3) * HOUR
        found_at = start + (end - start) * luck.random()
        events += [
            (found_at, Found(account_id=account_id, started_at=start, found_at=found_at)),
            (end, Ended(account_id=account_id, started_at=start, ended_at=end)),
        ]
    for _ in range(MISSES):
        at = begin + luck.uniform(0.1, PAST_DAYS - 1) * DAY
        events.append((at, Missed(account_id=account_id, at=at)))
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


def _watched(account_id: int, luck: Random) -> Watched:
    return Watched(
        account_id=account_id,
        guild_ids=frozenset({1 + account_id % 50}),
        last_checked_at=NOW - luck.uniform(0, 6) * HOUR,
        is_live=luck.random() < LIVE_PART,
    )


def _ms(work: Callable[[], object]) -> float:
    """Give the milliseconds of one core that work takes, whatever else the machine does."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


# --- The next check ----------------------------------------------------------------------------


async def _choice_ms(size: int) -> float:
    """Choose the account that is due, and look when the next is: the median of many times."""
    disk, luck = Disk(), Random(7)  # noqa: S311 - the same fleets each time
    database, took = PlainDatabase(disk), []
    try:
        async with database.write("bench.fill") as conn:
            for number in range(1, size + 1):
                await _add(conn, number, luck)
        async with database.read() as conn:
            for number in range(CHOICES):
                now = NOW + number * MINUTE / CHECKS_PER_ACCOUNT
                started = time.process_time()
                await store.due_account_id(conn, now, now)
                await store.next_due_at(conn, now, now)
                took.append(1000 * (time.process_time() - started))
    finally:
        disk.close()
    return percentile(took, 0.5)


async def _add(conn: Connection, number: int, luck: Random) -> None:
    person = Person(platform_id=number, handle=f"account{number}")
    account = await store.add_account(conn, person, ProfileState.ACTIVE, NOW + luck.uniform(0, 6) * HOUR)
    subscription = subscriptions.Subscription(
        account_id=account.id, guild_id=1 + number % 50, channel_id=1, role_id=None, paused=False
    )
    await subscriptions.subscribe(conn, subscription, 1, NOW)
    if luck.random() < LIVE_PART:
        room = (int(NOW.timestamp()) << 32) + number
        live = Live(phase=Phase.ON, room_ids=(room,), started_at=NOW, found_at=NOW, last_seen_at=NOW)
        await store.add_live(conn, account.id, live)


# --- How it is told ----------------------------------------------------------------------------


def _told(model: str, by_size: dict[int, Measured]) -> list[Figure]:
    """Give the figures of one policy. What issue 4 wants to be reached is a limit for `probability`."""
    figures = []
    for size, one in by_size.items():
        judged = model == "probability"
        replan_limit = 2 if judged and size <= 1_000 else None
        aim = "aim: 10 s" if size > 1_000 else f"median of {REPLANS}, an hour apart"
        figures += [
            _figure(model, f"all {size:,} accounts", one.replan / 1000, "s", limit=replan_limit, how=aim),
            _figure(
                model,
                f"one of {size:,} after an event",
                one.event,
                "ms",
                limit=5 if judged else None,
                how=f"learnt and planned, p95 of {EVENTS}",
            ),
            _figure(model, f"learning, {size:,} accounts", one.learn, "ms", how="an event of the past, mean"),
            _figure(model, f"memory, {size:,} accounts", one.memory, "KB each", how="with past and plan"),
        ]
    for smaller, larger in pairwise(FLEETS):
        for name in ("replan", "event", "memory"):
            ratio = getattr(by_size[larger], name) / max(getattr(by_size[smaller], name), 1e-9)
            words = f"{name}: {larger:,} against {smaller:,}"
            figures.append(
                _figure(model, words, ratio, "times", how=f"the fleet grows {larger // smaller} times")
            )
    return figures


def _choices_told(choices: dict[int, float]) -> list[Figure]:
    figures = [
        _figure("next check", f"of {size:,}", took, "ms", how="due account and next instant, median")
        for size, took in choices.items()
    ]
    for smaller, larger in pairwise(FLEETS):
        ratio = choices[larger] / choices[smaller]
        words = f"{larger:,} against {smaller:,}"
        figures.append(
            _figure("next check", words, ratio, "times", limit=2, how="O(log n): 1.3 to 1.5 times")
        )
    return figures


def _figure(
    what: str, words: str, value: float, unit: str, *, limit: float | None = None, how: str = ""
) -> Figure:
    name = f"{what}: {words}"
    if limit is None:
        return Figure(name=name, value=value, unit=unit, how=how)
    return Figure(name=name, value=value, limit=limit, unit=unit, how=how)
