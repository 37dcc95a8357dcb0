"""The benchmarks of the planner, of rounds and of supporters, made small: they measure what they name, and a missed limit is told."""

from __future__ import annotations

import math

import pytest

from bot.core.streams.gifters import Supporters
from tests.openssh import needs_sshd
from tools.bench import gifters, leaderboard, planner, rounds
from tools.bench.report import Figure, print_report


@pytest.fixture
async def figures(monkeypatch) -> dict[str, Figure]:
    monkeypatch.setattr(planner, "FLEETS", (10, 30))
    monkeypatch.setattr(planner, "EVENTS", 5)
    monkeypatch.setattr(planner, "CHOICES", 5)
    return {figure.name: figure for figure in await planner.measure()}


async def test_every_policy_is_measured_with_every_fleet(figures):
    for model in ("probability", "fixed"):
        for words in (
            "all 30 accounts",
            "one of 30 after an event",
            "memory, 30 accounts",
            "replan: 30 against 10",
        ):
            assert figures[f"{model}: {words}"].value > 0
    assert figures["next check: 30 against 10"].value > 0
    assert figures["probability: all 30 accounts"].limit == 2
    assert figures["probability: one of 30 after an event"].limit == 5
    assert math.isinf(figures["fixed: all 30 accounts"].limit)


def test_a_figure_over_its_limit_is_told_and_ends_with_1(capsys):
    kept = Figure(name="all 100 accounts", value=0.1, limit=2, unit="s", how="")
    unjudged = Figure(name="memory", value=9, unit="KB each", how="")
    none = Figure(name="lost events", value=0, limit=0, unit="", how="nothing may be lost")
    assert print_report([kept, unjudged, none]) == 0
    assert "MISSED" not in capsys.readouterr().out
    missed = Figure(name="all 30 accounts", value=2.5, limit=2, unit="s", how="")
    assert print_report([kept, unjudged, missed]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_memory_counts_everything_an_object_leads_to_once():
    shared = bytes(100_000)
    assert 100_000 < planner._bytes_of([shared, {"again": shared}]) < 110_000


@pytest.fixture
def small_leaderboard(monkeypatch) -> None:
    for name, value in {"PLAYER_ROUNDS": 2000, "PEOPLE": 20, "RUNS": 1}.items():
        monkeypatch.setattr(leaderboard, name, value)


async def test_leaderboards_are_measured_over_players_who_are_all_ranked(small_leaderboard, database_url):
    measured = await leaderboard.measure_leaderboard(database_url, "some engine")
    assert [figure.limit for figure in measured] == [50, 50, math.inf]
    assert all(figure.value > 0 for figure in measured)
    assert all(figure.name.endswith("some engine") for figure in measured)


@pytest.fixture
def few_gifts(monkeypatch) -> None:
    for name, value in {"GIFTS": 600, "SESSIONS": 12, "PEOPLE": 30, "ONLOOKERS": 2, "RUNS": 1}.items():
        monkeypatch.setattr(gifters, name, value)


@pytest.mark.usefixtures("few_gifts")
async def test_tables_of_supporters_are_measured_and_compared_with_the_single_gifts(
    monkeypatch, database_url, new_database
):
    measured = await gifters.measure_gifters(database_url, "some engine")
    assert [figure.limit for figure in measured] == [20] * 9 + [math.inf] * 2
    assert all(figure.value > 0 for figure in measured)

    async def wrong(*_):
        return Supporters(count=1)

    monkeypatch.setattr(gifters, "by_single_gifts", wrong)
    async with new_database("sqlite") as url:
        with pytest.raises(RuntimeError, match="differ"):
            await gifters.measure_gifters(url, "some engine")


@needs_sshd
@pytest.mark.usefixtures("small_leaderboard")
async def test_rounds_are_read_beside_sftp_parsed_and_imported(monkeypatch, reference_data):
    monkeypatch.setenv("VEDETTE_REFERENCE_DATA", str(reference_data))
    for name, value in {
        "LISTED": 120,
        "FETCHED": 5,
        "RUNS": 1,
        "DELAY_MS": 20.0,
        "PARSE_SECONDS": 0.01,
        "IMPORTED": 60,
    }.items():
        monkeypatch.setattr(rounds, name, value)
    measured = {figure.name: figure for figure in await rounds.measure()}
    for where, limit in (("loopback", 3), ("40 ms round trip", 1)):
        ours, theirs = (measured[f"reading, {where}: {who}"].value for who in ("the bot", "sftp -b"))
        ratio = measured[f"reading, {where}: bot / sftp"]
        assert ratio.value == pytest.approx(ours / theirs)
        assert ratio.limit == limit
    assert measured["reading, 40 ms round trip: the bot"].value > 0.2  # at least five times there and back
    assert measured["parsing one file"].limit == 1.2
    assert measured["importing, SQLite"].value > 0
    assert measured["leaderboard by damage per minute, SQLite"].value > 0


def test_a_real_round_is_never_played_twice(monkeypatch, reference_data):
    monkeypatch.setenv("VEDETTE_REFERENCE_DATA", str(reference_data))
    many = rounds._again(rounds._real_files(), 5_000)
    assert len({one.name for one in many}) == len({one.content for one in many}) == 5_000
