"""How many requests may leave: pure arithmetic over the ledger of those that did.

Three ledgers (specs/scheduling.md 1): DISCOVERY asks whether an account not known to be live is live;
FOLLOWUP is what follows a live, and what people ask for; SIGN asks the signing service of event streams, which
is another host with limits of its own. A limit holds in any rolling window. Rows from
"the future" (the clock was set back) count as well, so that a wrong clock never opens the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAY = timedelta(hours=24)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ROOMS_PER_SWEEP = 50
"""How many rooms one request asks for; the real maximum is not known (specs/tiktok-live.md 4)."""


class Ledger(StrEnum):
    """Which budget a request is counted in."""

    DISCOVERY = "discovery"
    FOLLOWUP = "followup"
    SIGN = "sign"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most `requests` in any rolling `window`."""

    requests: int
    window: timedelta


def free_at(now: datetime, asked: Sequence[datetime], limit: Limit) -> datetime:
    """Give the earliest instant at which one more request keeps the limit (`now` when it does already).

    `asked` are the instants of earlier requests, in any order.
    """
    inside = sorted(instant for instant in asked if instant > now - limit.window)
    if len(inside) < limit.requests:
        return now
    return inside[len(inside) - limit.requests] + limit.window


def part_of(limit: Limit, percent: int) -> Limit:
    """Give a part of a limit, at least one request."""
    return Limit(requests=max(1, limit.requests * percent // 100), window=limit.window)
