"""Seasons: the quarters of a year by the calendar of the community's zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_QUARTERS = 4
_MONTHS = 3


@dataclass(frozen=True, order=True, slots=True)
class Season:
    """A quarter, 1 to 4, of a year; later seasons are greater."""

    year: int
    quarter: int

    @property
    def label(self) -> str:
        """What it is called in every language, for instance `2026 Q4`."""
        return f"{self.year} Q{self.quarter}"

    @property
    def first_day(self) -> date:
        """The local date on which it begins."""
        return date(self.year, _MONTHS * (self.quarter - 1) + 1, 1)

    @property
    def following(self) -> Season:
        """The season after it."""
        return _counted(_number(self) + 1)

    @property
    def previous(self) -> Season:
        """The season before it."""
        return _counted(_number(self) - 1)

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Give its first instant and that of the following one, aware UTC: it has the first, not the last."""
        return midnight(self.first_day, zone), midnight(self.following.first_day, zone)


def season_at(instant: datetime, zone: ZoneInfo) -> Season:
    """Give the season of an instant (aware) by the date that clocks in the zone show."""
    local = instant.astimezone(zone)
    return Season(local.year, (local.month - 1) // _MONTHS + 1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the first instant of a local day, aware UTC: where clocks skip midnight, when they do; of two midnights the first."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _number(season: Season) -> int:
    return season.year * _QUARTERS + season.quarter - 1


def _counted(number: int) -> Season:
    return Season(number // _QUARTERS, number % _QUARTERS + 1)
