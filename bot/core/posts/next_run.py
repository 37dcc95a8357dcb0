"""When a profile is read next."""

from __future__ import annotations

from datetime import datetime, timedelta


def next_run(planned: datetime, interval: timedelta, now: datetime) -> datetime:
    """Give the first regular instant after `now`, by steps of `interval` from the one that was planned.

    Whatever became of the run that was planned, and however long nobody looked, one interval holds one run. An
    instant further away than an interval (the clock was set back, or the interval was longer) is not waited for.
    """
    if planned > now:
        return min(planned, now + interval)
    return planned + ((now - planned) // interval + 1) * interval
