"""What a status board shows, put together."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from bot.core.live.budget import DAY, HOUR
from bot.core.live.predictions import (
    Board,
    BoardLine,
    BudgetUse,
    Expected,
    NextLives,
    Recommendation,
    Standing,
)
from bot.core.live.savings import request_reduction, requests_when_evenly_spread
from bot.storage import history
from bot.storage import predictions as table
from bot.storage.engine import Connection
from bot.storage.watched import load_all

WEEK = timedelta(days=7)
HOURS_A_DAY = DAY / HOUR
ENOUGH_LIVES = 10
_ORDER = tuple(Standing)


async def board_of(
    conn: Connection,
    upcoming: NextLives,
    *,
    discovery: BudgetUse,
    followup: BudgetUse,
    policy: str,
) -> Board:
    """Draw up the board of the guild for which `upcoming` was told."""
    now = upcoming.made_at
    mine = {one.account_id for one in upcoming.accounts}
    found = len(await table.lives_between(conn, now - WEEK, now, mine))
    missed = await table.expected_missed(conn, now - WEEK, now, mine)
    lines = [await _line(conn, one) for one in upcoming.accounts]
    return Board(
        made_at=now,
        zone=upcoming.zone,
        discovery=discovery,
        followup=followup,
        predictions=sum(one.standing in {Standing.LIKELY, Standing.EXPECTED} for one in upcoming.accounts),
        request_reduction=await _reduction(conn, discovery.used, now),
        found=found,
        estimated=found + missed,
        policy=policy,
        failing=upcoming.failing,
        no_forecast=upcoming.no_forecast,
        lines=tuple(sorted(lines, key=lambda line: _ORDER.index(line.standing))),
    )


async def _line(conn: Connection, one: Expected) -> BoardLine:
    was_predicted = False
    if one.live_since is not None:
        hour = one.live_since.replace(minute=0, second=0, microsecond=0)
        said = await table.load(conn, [one.account_id], hour, hour + HOUR)
        was_predicted = any(row.recommendation is not Recommendation.REST for row in said)
    return BoardLine(
        handle=one.handle,
        nickname=one.nickname,
        standing=one.standing,
        was_predicted=was_predicted,
        live_since=one.live_since,
        live_now=one.live_now,
        within_hour=one.within_hour,
        window=one.window,
    )


async def _reduction(conn: Connection, used: int, now: datetime) -> float | None:
    """Give how many requests of the last day were saved, of those `fixed` needs for the week's coverage.

    `fixed` is given only the hours in which accounts were followed. None before the second day, and before
    there are enough lives to tell how long they last.
    """
    found = len(await table.lives_between(conn, now - WEEK, now))
    missed = await table.expected_missed(conn, now - WEEK, now)
    hours = await history.hours_followed(conn, now - DAY, now)
    if not found or not hours or not await history.hours_followed(conn, now - 2 * DAY, now - DAY):
        return None
    followed = [one.watched.account_id for one in await load_all(conn, now, "")]
    lives = await history.past_lives(conn, followed, now - 4 * WEEK)
    if len(lives) < ENOUGH_LIVES:
        return None
    minutes = np.array([live.minutes for live in lives], dtype=np.float64)
    fixed = requests_when_evenly_spread(minutes, 1, found / (found + missed))
    return request_reduction(float(used), None if fixed is None else fixed * hours / HOURS_A_DAY)
