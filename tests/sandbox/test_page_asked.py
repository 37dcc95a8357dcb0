"""What the panel tells of the bot's questions."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

from tools.sandbox.page.asked import Tally


def asked(first: int, last: int) -> Iterator[dict[str, Any]]:
    """A question every minute of the world."""
    return ({"n": number, "at": 60.0 * number, "path": "/"} for number in range(first, last))


def test_the_last_hour_is_counted_however_seldom_somebody_looks() -> None:
    tally = Tally("Discord")
    tally.count(asked(1, 300))
    assert (tally.shown(299 * 60.0)["total"], tally.shown(299 * 60.0)["last_hour"]) == (299, 60)
    assert tally.shown(329 * 60.0)["last_hour"] == 30


def test_a_sandbox_that_runs_for_days_with_nobody_looking_does_not_grow() -> None:
    tally = Tally("Discord")
    tally.count(asked(1, 120))
    after_two_hours = len(pickle.dumps(tally))
    tally.count(asked(120, 10_000))
    assert len(pickle.dumps(tally)) < 2 * after_two_hours
