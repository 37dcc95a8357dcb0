"""What cannot be counted but estimated: lives nobody saw, and the requests that were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bot.core.live.arrays import Floats

DAY_MINUTES = 24 * 60.0


def expected_missed(starts: Floats, survival: Floats, check_steps: Sequence[int]) -> float:
    """Give how many lives are expected to have gone by unseen between checks: intensity x chance to be missed.

    Time is a grid of equal steps. `starts[k]` are the starts expected within step k, `survival[j]` is the
    chance that a live lasts longer than j steps (0 after the end of the array), and `check_steps` are the
    steps at whose beginning a check was made. Starts after the last check are not missed yet.
    """
    checks = np.unique(np.asarray(check_steps, dtype=np.int64))
    steps = np.arange(len(starts))
    following = np.searchsorted(checks, steps, side="right")
    pending = following == len(checks)
    waits = checks[following[~pending]] - steps[~pending]
    lasting = np.where(waits < len(survival), survival[np.minimum(waits, len(survival) - 1)], 0.0)
    return float(np.sum(starts[~pending] * (1 - lasting)))


def coverage_estimate(found: int, expected_missed: float, known_missed: int = 0) -> float | None:
    """Give lives found / (lives found + estimated missed), 0..1; None where there was nothing to find.

    `known_missed` are those lives, of the same time, that were learned of too late to be found: there were
    at least as many.
    """
    missed = max(expected_missed, float(known_missed), 0.0)
    return found / (found + missed) if found + missed > 0 else None


def coverage_when_evenly_spread(minutes: Floats, accounts: int, requests_a_day: float) -> float | None:
    """Give the coverage the policy `fixed` is expected to reach on lives of these lengths.

    With one check every T minutes, at any phase, a live of d minutes is hit with probability min(1, d / T).
    None where there are no lives.
    """
    if len(minutes) == 0:
        return None
    interval = accounts * DAY_MINUTES / max(requests_a_day, 1e-9)
    return float(np.mean(np.minimum(minutes / interval, 1.0)))


def requests_when_evenly_spread(minutes: Floats, accounts: int, coverage: float) -> float | None:
    """Give the requests a day with which `fixed` is expected to reach this coverage of lives of these lengths.

    The inverse of `coverage_when_evenly_spread`: between two lengths the coverage is a straight line in the
    number of requests, so it is exact. None where there are no lives that last at all.
    """
    lasting = np.sort(minutes[minutes > 0])[::-1]
    if len(lasting) == 0:
        return None
    # From the longest on: with a check every `lasting[k]` minutes, the first k + 1 lives are surely hit.
    requests = accounts * DAY_MINUTES / lasting
    shorter = np.sum(lasting) - np.cumsum(lasting)
    reached = (np.arange(1, len(lasting) + 1) + shorter / lasting) / len(minutes)
    return float(np.interp(coverage, np.append(0.0, reached), np.append(0.0, requests)))


def requests_of_fixed(coverage: float, measured: Mapping[float, float]) -> float | None:
    """Give the requests a day with which `fixed` reaches a coverage, from replays: requests a day -> coverage.

    A straight line between the nearest two. Above the best coverage measured it is the requests of that
    one, so that a reduction told from it is never too big; no requests reach no coverage.
    """
    if not measured:
        return None
    # No requests find nothing; replays of few requests may not have been made.
    points = sorted({0.0: 0.0, **measured}.items(), key=lambda point: (point[1], point[0]))
    return float(np.interp(coverage, [reached for _, reached in points], [asked for asked, _ in points]))


def request_reduction(requests_a_day: float, fixed_requests_a_day: float | None) -> float | None:
    """Give 1 - requests / requests of `fixed` at the same coverage; negative where `fixed` needs fewer."""
    if fixed_requests_a_day is None or fixed_requests_a_day <= 0:
        return None
    return 1 - requests_a_day / fixed_requests_a_day
