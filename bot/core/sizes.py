"""How a database grows, and when the disk will be full at that rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from statistics import median

DAYS_LOOKED_AT = 30
LEAST_DAYS = 3
"""Over fewer days nothing is said of growth."""
SOON_DAYS = 60
LEAST_FREE = 8 * 1024**2
FREE_SHARE = 0.1
LARGEST_MADE_ANEW = 512 * 1024**2
_FAR_DAYS = 3650


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """How large the database is (bytes), how many it gains a day, and in how many days the disk is full.

    `per_day` is None where too little is known; `days_left` where the disk lasts for more than ten years, or where
    its room is not known.
    """

    size: int
    per_day: float | None = None
    days_left: int | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether somebody should make room soon."""
        return self.days_left is not None and self.days_left < SOON_DAYS


def growth(sizes: Mapping[date, int], size: int, *, disk_free: int | None, copies: int) -> Growth:
    """Judge by the sizes of past days; `size` is that of now, `copies` how many backups grow on the same disk.

    The growth is the median over all pairs of days: a day on which much was deleted, or made, does not sway it.
    """
    days = sorted(sizes)[-DAYS_LOOKED_AT:]
    if not days or (days[-1] - days[0]).days < LEAST_DAYS:
        return Growth(size=size)
    slopes = [(sizes[late] - sizes[early]) / (late - early).days for early, late in combinations(days, 2)]
    per_day = median(slopes)
    if disk_free is None or per_day <= 0:
        return Growth(size=size, per_day=per_day)
    left = int(disk_free / (per_day * (1 + copies)))
    return Growth(size=size, per_day=per_day, days_left=left if left <= _FAR_DAYS else None)


def is_worth_it(size: int, free: int, *, by_steps: bool, disk_free: int | None) -> bool:
    """Tell whether to give the `free` bytes of a database file back to the disk.

    By steps it holds up nobody for long. To make the whole file anew takes twice its room and keeps others from
    writing meanwhile, so it must pay, and a large file is left as it is: what is free in it is used again.
    """
    if by_steps:
        return free >= max(LEAST_FREE, size * FREE_SHARE)
    has_room = disk_free is None or disk_free > 2 * size
    return free >= max(4 * LEAST_FREE, 2.5 * FREE_SHARE * size) and size <= LARGEST_MADE_ANEW and has_room


def in_words(size: float) -> str:
    """Write a number of bytes for people."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
