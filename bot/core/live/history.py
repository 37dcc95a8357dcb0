"""What a policy learns from: the events of an account, as they come to be known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """An account is followed from `at` on. `zone` is the IANA name of its own time zone, empty if not known.

    Nobody tells us the zone of a person: that of the guilds that follow it stands for it.
    """

    account_id: int
    at: datetime
    zone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A check at `at` answered that the account is not live. (An unknown answer is no event: it says nothing.)"""

    account_id: int
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A live that began at `started_at`, by the platform's own word, was seen first at `found_at`."""

    account_id: int
    started_at: datetime
    found_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The live that began at `started_at` ended at `ended_at`."""

    account_id: int
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """Nobody follows the account any more."""

    account_id: int


Event = Followed | Missed | Found | Ended | Forgotten
