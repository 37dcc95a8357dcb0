from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds import files
from bot.core.rounds.files import (
    FileKind,
    FileRecord,
    FileState,
    Sight,
    ended_at,
    file_kind,
    next_state,
    parse_name,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=1)
WRITTEN = NOW - timedelta(minutes=2)
NAME = "2026-11-21-205800-supply-round-1.txt"


def record(state: FileState, **changes) -> FileRecord:
    return replace(FileRecord(state=state, size=10, modified_at=WRITTEN, listed_at=BEFORE), **changes)


def look(known: FileRecord | None, **changes) -> files.FileDecision:
    return next_state(known, **{"name": NAME, "size": 10, "modified_at": WRITTEN, "now": NOW, **changes})


@pytest.mark.parametrize(
    ("name", "map_name", "number"),
    [
        ("2025-10-19-222945-te_escape2-round-1.txt", "te_escape2", 1),
        ("2025-10-19-222945-a-b_2.x-round-2.txt", "a-b_2.x", 2),
        ("2025-10-19-222945-x-round-1-round-2.txt", "x-round-1", 2),
        ("2025-10-19-222945-2025-10-19-round-1.txt", "2025-10-19", 1),
    ],
)
def test_date_is_read_from_the_left_and_the_round_from_the_right(name, map_name, number):
    parsed = parse_name(name)
    assert (parsed.kind, parsed.map, parsed.round) == (FileKind.ROUND, map_name, number)
    assert parsed.wall_clock == datetime.fromisoformat("2025-10-19T22:29:45")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("2026-01-12-224606-te_escape2-round-2-endstats.txt", FileKind.ENDSTATS),
        ("2026-01-12-224606-te_escape2-round-2_ws.txt", FileKind.WEAPONS),
        ("2026-01-12-224606-te_escape2-round-2_engagements.txt", FileKind.ENGAGEMENTS),
        ("gametime-te_escape2-R1-1733415574.json", FileKind.GAMETIME),
        ("gamestats-1733415574-2026-01-12-224606-te_escape2-round-1.json", FileKind.GATHER),
        ("gamestats-a-b-2026-01-12-224606-te-2_x-round-2.json", FileKind.GATHER),
        ("gamestats-1733415574-2026-01-12-224606-te_escape2-round-1-endstats.json", FileKind.UNKNOWN),
        ("gamestats-1733415574-2026-13-12-224606-te_escape2-round-1.json", FileKind.UNKNOWN),
        ("gamestats-1-gamestats-1-2026-01-12-224606-x-round-1.json", FileKind.GATHER),
        ("2026-01-12-224606-te_escape2-round-3.txt", FileKind.UNKNOWN),
        ("2026-13-12-224606-te_escape2-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-246606-te_escape2-round-1.txt", FileKind.UNKNOWN),
        ("0001-01-01-000000-etl_ice-round-1.txt", FileKind.UNKNOWN),
        ("1999-12-31-235959-etl_ice-round-1.txt", FileKind.UNKNOWN),
        ("2000-01-01-000000-etl_ice-round-1.txt", FileKind.ROUND),
        ("2100-12-31-235959-etl_ice-round-1.txt", FileKind.ROUND),
        ("2101-01-01-000000-etl_ice-round-1.txt", FileKind.UNKNOWN),
        ("9999-12-31-235959-etl_ice-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-224606-../../etc/x-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-224606-a\\b-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-224606-a\nb-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-224606-supply-round-1.txt\n", FileKind.UNKNOWN),
        ("2026-01-12-224606-supply-round-1.txt.part", FileKind.UNKNOWN),
        ("٢٠٢٦-01-12-224606-supply-round-1.txt", FileKind.UNKNOWN),
        ("2026-01-12-224606--round-1.txt", FileKind.UNKNOWN),
        ("", FileKind.UNKNOWN),
    ],
)
def test_neighbours_are_recognised_and_all_else_is_unknown(name, kind):
    assert file_kind(name) is kind


@given(st.text())
def test_no_name_is_a_path(name):
    if file_kind(name) is not FileKind.UNKNOWN:
        assert Path(name).name == name


def test_every_real_stats_file_has_a_name_we_know(reference_data):
    names = [path.name for path in (reference_data / "etlegacy").glob("2*.txt")]
    kinds = [file_kind(name) for name in names]
    assert kinds.count(FileKind.ENDSTATS) == 1
    assert kinds.count(FileKind.ROUND) == len(names) - 1


@pytest.mark.parametrize("hours", [-14, -5.75, 0, 1, 2, 5.5, 14])
@pytest.mark.parametrize("late", [-5, 0, 1, 5])
def test_modification_time_tells_the_offset_of_any_server(hours, late):
    wall_clock = datetime.fromisoformat("2025-10-30T21:00:00")
    instant = wall_clock.replace(tzinfo=UTC) - timedelta(hours=hours)
    assert ended_at(wall_clock, instant + timedelta(seconds=late), ZoneInfo("Asia/Tokyo")) == instant


@pytest.mark.parametrize(
    "wrong_by", [timedelta(days=30), timedelta(hours=14, minutes=15), timedelta(seconds=6)]
)
def test_copied_folder_falls_back_to_the_configured_zone(wrong_by):
    wall_clock = datetime.fromisoformat("2025-07-30T21:00:00")
    true = datetime(2025, 7, 30, 19, 0, tzinfo=UTC)
    copied = wall_clock.replace(tzinfo=UTC) + wrong_by
    assert ended_at(wall_clock, copied, BERLIN) == true


# What must happen for every pair of what is known and what a listing shows: state, fetch.
EXPECTED = {
    (None, Sight.FOREIGN): ("ignored", False),
    (None, Sight.CHANGED): ("seen", False),
    ("seen", Sight.FOREIGN): ("ignored", False),
    ("seen", Sight.CHANGED): ("seen", False),
    ("seen", Sight.RESTING): ("seen", False),
    ("seen", Sight.DUE): ("stable", True),
    ("stable", Sight.FOREIGN): ("ignored", False),
    ("stable", Sight.CHANGED): ("seen", False),
    ("stable", Sight.RESTING): ("stable", False),
    ("stable", Sight.DUE): ("stable", True),
    ("failed", Sight.FOREIGN): ("ignored", False),
    ("failed", Sight.CHANGED): ("seen", False),
    ("failed", Sight.RESTING): ("failed", False),
    ("failed", Sight.DUE): ("stable", True),
    ("imported", Sight.FOREIGN): ("imported", False),
    ("imported", Sight.CHANGED): ("seen", False),
    ("imported", Sight.RESTING): ("imported", False),
    ("imported", Sight.DUE): ("imported", False),
    ("ignored", Sight.FOREIGN): ("ignored", False),
    ("ignored", Sight.CHANGED): ("ignored", False),
    ("ignored", Sight.RESTING): ("ignored", False),
    ("ignored", Sight.DUE): ("ignored", False),
}
LISTINGS = {
    Sight.FOREIGN: {"name": "notes.txt"},
    Sight.CHANGED: {"size": 11},
    Sight.RESTING: {"now": BEFORE + timedelta(seconds=2.9)},
    Sight.DUE: {"now": BEFORE + timedelta(seconds=3)},
}


@pytest.mark.parametrize("pair", EXPECTED, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_every_pair_of_state_and_sight(pair):
    state, sight = pair
    decision = look(None if state is None else record(FileState(state)), **LISTINGS[sight])
    assert (decision.record.state, decision.fetch) == EXPECTED[pair]


def test_no_pair_is_forgotten():
    assert set(EXPECTED) == set(files.TRANSITIONS)
    assert set(EXPECTED) == {(None, Sight.FOREIGN), (None, Sight.CHANGED), *product(FileState, Sight)}


def test_growing_file_is_fetched_only_after_two_equal_listings():
    first = look(None, size=5, now=NOW).record
    grown = look(first, size=9, now=NOW + timedelta(seconds=10))
    assert not grown.fetch
    early = look(grown.record, size=9, now=NOW + timedelta(seconds=12))
    assert not early.fetch
    assert early.record == grown.record
    assert look(early.record, size=9, now=NOW + timedelta(seconds=13)).fetch


def test_same_size_with_another_time_is_not_the_same_file():
    decision = look(record(FileState.IMPORTED), modified_at=WRITTEN + timedelta(seconds=1))
    assert decision.record == record(
        FileState.SEEN, modified_at=WRITTEN + timedelta(seconds=1), listed_at=NOW
    )


def test_failed_file_is_tried_again_after_a_minute_doubling_to_six_hours():
    waits = []
    known = record(FileState.STABLE)
    for _ in range(40):
        known = files.failed(known, reason="line 2: bad", now=NOW)
        waits.append((known.next_try_at - NOW) / timedelta(minutes=1))
        assert not look(known, now=known.next_try_at - timedelta(seconds=1)).fetch
        retry = look(known, now=known.next_try_at)
        assert retry.fetch
        known = retry.record
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256] + [360] * 31
    assert known.tries == 40


def test_failed_file_that_changed_is_tried_at_once():
    known = files.failed(record(FileState.STABLE), reason="cut off", now=NOW)
    changed = look(known, size=20).record
    assert (changed.state, changed.tries, changed.reason) == (FileState.SEEN, 0, "")
    assert look(changed, size=20, now=NOW + timedelta(seconds=3)).fetch


def test_clock_that_stepped_back_neither_trusts_nor_blocks_a_file():
    known = look(None, now=NOW + timedelta(days=400)).record
    again = look(known)
    assert not again.fetch
    assert look(again.record, now=NOW + timedelta(seconds=3)).fetch
    failed = files.failed(record(FileState.STABLE), reason="gone", now=NOW + timedelta(days=400))
    assert look(failed).fetch


def test_imported_and_ignored_records_are_at_rest():
    done = files.imported(files.failed(record(FileState.STABLE), reason="x", now=NOW))
    assert done == record(FileState.IMPORTED)
    assert look(done).record == done
    dropped = files.ignored(record(FileState.STABLE), reason="filler map")
    assert look(dropped, size=99).record == dropped
