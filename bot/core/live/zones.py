"""How far an account's own clock is from UTC."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.live.past_lives import zone_named


def ahead(name: str, times: Floats) -> Floats:
    """Give by how many minutes the clock of a zone is ahead of UTC at `times` (minutes since 1970), [m].

    A zone that is not known is taken as UTC.
    """
    if not name or not times.size:
        return np.zeros(times.size)
    zone = zone_named(name)
    first, last = _ahead(zone, times[0]), _ahead(zone, times[-1])
    if first == last:
        return np.full(times.size, first)
    return np.array([_ahead(zone, minute) for minute in times])


def _ahead(zone: tzinfo, minute: float) -> float:
    offset = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() / 60 if offset is not None else 0.0
