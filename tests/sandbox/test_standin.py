"""What all stand-ins share: what is kept of what they were asked."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.standins import running
from tools.sandbox.standin import KEPT, Recorder


def test_a_stand_in_that_runs_for_days_keeps_what_came_last_and_counts_on():
    recorder = Recorder()
    for number in range(KEPT + 5):
        recorder.add(what=number)
    assert len(recorder.entries) == KEPT
    assert (recorder.entries[0]["what"], recorder.entries[0]["n"]) == (5, 6)


def test_who_looks_again_and_again_is_told_only_what_is_new():
    with running("scrapecreators") as paid:
        for path in ("/v1/a", "/v1/b"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{paid.base}{path}")
            refused.value.close()
        first, second = paid.control("GET", "requests")
        assert paid.control("GET", f"requests?after={first['n']}") == [second]
        assert paid.control("GET", f"requests?after={second['n']}") == []
