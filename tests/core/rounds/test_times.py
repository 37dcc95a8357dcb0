from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.rounds.placing import REACH, Played, groups
from bot.core.rounds.reading import twins
from bot.core.rounds.times import folder_times

PARIS, TOKYO = ZoneInfo("Europe/Paris"), ZoneInfo("Asia/Tokyo")
ONE, TWO = "2025-07-01-232300-supply-round-1.txt", "2025-07-01-233100-supply-round-2.txt"
OLD = "2025-01-06-210000-supply-round-1.txt"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_old_file_that_is_touched_while_a_round_ends_spoils_no_time_of_the_evening():
    """Each gives the other away; that the evening was written two hours ahead of UTC tells which is true."""
    true = {ONE: utc("2025-07-01 21:23:01"), TWO: utc("2025-07-01 21:31:00")}
    times = folder_times(true | {OLD: utc("2025-07-01 21:31:40")}, TOKYO)
    assert times[ONE].at == utc("2025-07-01 21:23:00")
    assert times[TWO].at == utc("2025-07-01 21:31:00")
    assert times[OLD].at == utc("2025-01-06 12:00:00")


def test_a_stamp_that_tells_the_instant_leaves_no_doubt_about_the_hour_shown_twice():
    name = "2025-10-26-023000-supply-round-1.txt"
    (told,) = folder_times({name: utc("2025-10-26 00:30:00")}, PARIS).values()
    assert (told.at, told.later) == (utc("2025-10-26 00:30:00"), None)
    (read,) = folder_times({name: utc("2026-01-01 00:00:00")}, PARIS).values()
    assert (read.at, read.later) == (utc("2025-10-26 00:30:00"), utc("2025-10-26 01:30:00"))


def test_only_rounds_have_a_time():
    at = utc("2025-07-01 21:23:00")
    names = [ONE, ONE.replace(".txt", "-endstats.txt"), "notes.txt"]
    assert folder_times(dict.fromkeys(names, at), None).keys() == {ONE}


@pytest.mark.parametrize(
    ("gather", "twin"),
    [
        ("2025-07-01-232400-supply-round-1", ONE),
        ("2025-07-01-232401-supply-round-1", None),
        ("2025-07-01-232300-supply-round-2", None),
        ("2025-07-01-232300-goldrush-round-1", None),
    ],
)
def test_a_gathers_document_has_a_twin_within_a_minute(gather, twin):
    name = f"gamestats-7-{gather}.json"
    assert twins([ONE, TWO, name]) == ({name: twin} if twin else {})


def test_rounds_of_a_map_that_are_out_of_reach_of_each_other_are_apart():
    begin = utc("2025-07-01 20:00:00")
    rounds = {
        "a": Played(map="supply", ended_at=begin),
        "b": Played(map="goldrush", ended_at=begin + timedelta(minutes=1)),
        "c": Played(map="supply", ended_at=begin + REACH),
        "d": Played(map="supply", ended_at=begin + 2 * REACH + timedelta(seconds=1)),
    }
    assert groups(rounds) == [["a", "c"], ["b"], ["d"]]
