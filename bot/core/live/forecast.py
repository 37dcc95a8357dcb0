"""What is expected of accounts, as values that people and scores can read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.live.arrays import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """Probabilities by account and hour: row `i` is of `account_ids[i]`, column `j` of the hour `hours_from` + j.

    `starts` [n, h]: at least one live starts within that hour. `live` [n, h]: the account is live at some
    time in that hour. `confidence` [n]: how much of it is the account's own record (0: none, 1: all).
    """

    account_ids: tuple[int, ...]
    hours_from: datetime
    starts: Floats
    live: Floats
    confidence: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A stretch in which a live is likely to start, with the probability that one does."""

    start: datetime
    end: datetime
    probability: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What is expected of one account: live now (seen or not), a start within the hour, the next window."""

    account_id: int
    live_now: float
    within_hour: float
    window: Window | None
    confidence: float
