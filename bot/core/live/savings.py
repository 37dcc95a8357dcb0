"""What cannot be counted but estimated: the requests that were saved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bot.core.live.arrays import Floats

DAY_MINUTES = 24 * 60.0


def requests_when_evenly_spread(minutes: Floats, accounts: int, coverage: float) -> float | None:
    """Give the requests a day with which `fixed` is expected to reach this coverage of lives of these lengths.

    With one check every T minutes, at any phase, a live of d minutes is hit with probability min(1, d / T). So
    between two lengths the coverage is a straight line in the number of requests, and the inverse is exact.
    None where there are no lives that last at all.
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
