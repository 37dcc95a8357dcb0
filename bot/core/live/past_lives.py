"""Lives that are over, as values, and what is set aside of a history that cannot be true."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class PastLive:
    """One live of an account. `peak_viewers` and `diamonds` are None where nobody counted them."""

    account_id: int
    started_at: datetime
    ended_at: datetime
    peak_viewers: int | None = None
    diamonds: int | None = None

    def __post_init__(self) -> None:
        """Refuse naive instants."""
        if self.started_at.tzinfo is None or self.ended_at.tzinfo is None:
            raise ValueError("instants of a live must be aware")

    @property
    def minutes(self) -> float:
        """Give how long it lasted."""
        return (self.ended_at - self.started_at) / timedelta(minutes=1)

    @property
    def diamonds_per_hour(self) -> float | None:
        """Give its quality (issue 4): diamonds per hour, None where they are not known."""
        if self.diamonds is None or self.minutes <= 0:
            return None
        return self.diamonds / (self.minutes / 60)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """How many lives of a history could not be used, by what is wrong with them."""

    backwards: int = 0
    in_the_future: int = 0
    overlapping: int = 0

    @property
    def total(self) -> int:
        """Give how many there are in all."""
        return self.backwards + self.in_the_future + self.overlapping


def credible(lives: Iterable[PastLive], now: datetime) -> tuple[tuple[PastLive, ...], SetAside]:
    """Give the lives of one account that can be true, in order, and what was set aside.

    Set aside are lives that do not end after they start, that start or end after `now`, and that start
    before an earlier one has ended (of two that overlap the one that started first is kept).
    """
    kept: list[PastLive] = []
    backwards = in_the_future = overlapping = 0
    for live in sorted(lives, key=lambda live: (live.started_at, live.ended_at)):
        if live.ended_at <= live.started_at:
            backwards += 1
        elif live.ended_at > now:
            in_the_future += 1
        elif kept and live.started_at < kept[-1].ended_at:
            overlapping += 1
        else:
            kept.append(live)
    aside = SetAside(backwards=backwards, in_the_future=in_the_future, overlapping=overlapping)
    return tuple(kept), aside


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo:
    """Give the time zone of an IANA name; UTC where there is no such zone."""
    try:
        return ZoneInfo(name or "UTC")
    # ZoneInfo reads a file by this name: an odd one fails as a path, not only as a zone.
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def local_hour(at: datetime, zone: tzinfo) -> float:
    """Give the hour of the day in 0..24 that a clock in `zone` shows, with minutes and seconds as a part."""
    local = at.astimezone(zone)
    return local.hour + local.minute / 60 + local.second / 3600
