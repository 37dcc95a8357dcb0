"""The backtest of the looks for rounds: what it reads and refuses, that it is honest, and what it finds."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.rounds.looking import FixedLooks, Known, LookPlan, Why
from tools.backtest_rounds.__main__ import main
from tools.backtest_rounds.figures import figures_of
from tools.backtest_rounds.replay import GameServer, Replayed, replay
from tools.backtest_rounds.times import BadInput, read_times

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SETTLED = 3.05


def at(minutes: float) -> datetime:
    return START + minutes * MINUTE


def csv_of(folder, *rows: str):
    (folder / "times.csv").write_text("\n".join(["file_written_utc,map,round", *rows, ""]), "utf-8")
    return folder / "times.csv"


def table_of(folder, source, *options: str) -> tuple[int, dict]:
    code = main([str(source), "--json", str(folder / "out.json"), *options])
    return code, json.loads((folder / "out.json").read_text("utf-8"))


# --- The reference ----------------------------------------------------------------------------


@pytest.mark.timeout(600)
def test_learned_beats_both_on_the_real_times(reference_data, tmp_path, capsys):
    code, told = table_of(tmp_path, reference_data / "etlegacy" / "round_times.csv")
    assert code == 0
    policies = told["policies"]
    learned = policies["learned"]
    for other in ("classic", "every_5_minutes"):
        assert learned["median_delay_seconds"] < policies[other]["median_delay_seconds"]
        assert learned["p95_delay_seconds"] < policies[other]["p95_delay_seconds"]
    assert learned["ssh_checks_a_day"] <= 200
    assert learned["ssh_checks_worst_24h"] <= 200
    assert 288 <= policies["every_5_minutes"]["ssh_checks_a_day"] < 290
    assert told["files"] == 237
    assert "learned silent" in capsys.readouterr().out


def test_a_folder_of_stats_files_is_read_by_names_and_stamps(reference_data, tmp_path):
    names = [file.name for file in (reference_data / "etlegacy").glob("2025-10-26-*.txt")]
    for name in [*names, "2025-10-26-224606-te_escape2-round-2-endstats.txt", "notes.txt"]:
        (tmp_path / name).write_bytes(b"")
    times = read_times(tmp_path, PARIS)  # the stamps are those of this copy: the zone counts
    assert len(times) == len(names) == 15
    assert times[0] == datetime(2025, 10, 26, 18, 17, 25, tzinfo=UTC)
    for name in names:
        written = datetime.fromisoformat(f"{name[:10]}T{name[11:13]}:{name[13:15]}:{name[15:17]}+05:00")
        os.utime(tmp_path / name, (written.timestamp(), written.timestamp()))
    assert read_times(tmp_path, PARIS)[0] == datetime(2025, 10, 26, 14, 17, 25, tzinfo=UTC)


# --- Honesty ----------------------------------------------------------------------------------


class Nosy:
    """Looks every 10 minutes, asks every minute, and keeps what it is told."""

    name = "nosy"

    def __init__(self) -> None:
        self.told: list[tuple[datetime, Known]] = []

    def longest_pause(self, known: Known) -> timedelta:
        return 10 * MINUTE

    def plan(self, known: Known, now: datetime) -> LookPlan:
        self.told.append((now, known))
        last = known.looks[-1].at if known.looks else now - 10 * MINUTE
        asked = known.news.asked_at or now - MINUTE
        return LookPlan(look_at=last + 10 * MINUTE, why=Why.FIXED, ask_at=max(now, asked + MINUTE))


def test_a_policy_is_told_no_round_before_it_was_found():
    written = [at(25), at(33), at(300)]
    nosy = Nosy()
    replay(GameServer(written=written, present=2 * MINUTE), nosy, START, START + DAY)
    for now, known in nosy.told:
        assert all(round_ <= known.looks[-1].at <= now for round_ in known.rounds)
    assert max(len(known.rounds) for _, known in nosy.told) == 3


def test_answers_tell_of_people_only_near_a_file_and_of_no_map():
    server = GameServer(written=[at(60), at(61), at(90)], present=2 * MINUTE)
    playing = [minute for minute in range(120) if server.answer(at(minute)).playing]
    assert playing == [58, 59, 60, 61, 62, 63, 88, 89, 90, 91, 92]
    answer = server.answer(at(60))
    assert (answer.map_name, answer.time_limit) == (None, None)
    assert GameServer(written=[at(60)], present=None).answer(at(60)) is None


def test_every_listing_and_the_settling_of_a_file_count():
    found = replay(
        GameServer(written=[at(1), at(2), at(12.5)], present=None),
        FixedLooks(every=5 * MINUTE),
        START,
        at(21),
    )
    assert [delay.total_seconds() for delay in found.delays] == pytest.approx(
        [4 * 60 + SETTLED, 3 * 60 + SETTLED, 2.5 * 60 + 2 * SETTLED]
    )
    assert (len(found.listings), found.confirming) == (7, 2)


def test_the_percentiles_and_the_worst_24_hours():
    delays = [timedelta(seconds=second) for second in range(1, 101)]
    listings = [
        *(at(minute) for minute in range(0, 4320, 60)),
        *(at(1441 + second / 60) for second in range(50)),
    ]
    found = figures_of(Replayed(delays=delays, listings=sorted(listings), confirming=0, questions=30), 3.0)
    assert (found.median_delay_seconds, found.p95_delay_seconds) == (50, 95)
    assert found.ssh_checks_worst_24h == 24 + 50
    assert found.ssh_checks_a_day == pytest.approx(122 / 3, abs=0.01)


def test_the_outcome_does_not_depend_on_what_was_assumed_of_the_answers(reference_data, tmp_path):
    lines = (reference_data / "etlegacy" / "round_times.csv").read_text("utf-8").splitlines()
    dense = csv_of(tmp_path, *(line for line in lines if "2025-09-23" <= line < "2025-11"))
    for minutes in ("2", "5", "30"):
        code, told = table_of(tmp_path, dense, "--present-minutes", minutes)
        assert code == 0
        assert told["policies"]["learned"]["ssh_checks_worst_24h"] <= 200


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("when\n2026-01-01\n", "line 1: there is no column file_written_utc"),
        ("file_written_utc\nyesterday\n", "line 2: 'yesterday' is no instant"),
        ("file_written_utc\n2026-01-01T20:00:00Z\n9999-12-31T23:59:59Z\n", "line 3: no round can have ended"),
        ("file_written_utc\n", "holds no round files"),
        ("file_written_utc\n\0\xff", "line 2"),
    ],
)
def test_bad_times_are_refused_in_one_line(tmp_path, capsys, content, words):
    (tmp_path / "times.csv").write_text(content, "utf-8")
    assert main([str(tmp_path / "times.csv")]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_what_is_not_there_or_not_sane_is_refused(tmp_path, capsys):
    source = csv_of(tmp_path, "2026-01-01T20:00:00Z,supply,1")
    assert main([str(tmp_path / "nowhere.csv")]) == 2
    assert main([str(source), "--zone", "Atlantis"]) == 2
    assert main([str(source), "--present-minutes", "nan"]) == 2
    assert main([str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 4
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput):
        read_times(tmp_path / "empty", PARIS)
