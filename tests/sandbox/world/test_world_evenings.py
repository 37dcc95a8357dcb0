"""The world's rounds, read by the bot's own grammar: nothing is odd but what was meant to be."""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.rounds.endstats import parse_endstats
from bot.core.rounds.files import FileKind, file_kind
from bot.core.rounds.folder import FolderFile, read_folder
from bot.core.rounds.grammar import parse_stats
from bot.core.rounds.resolve import Flag
from bot.core.rounds.weapons import AIMED, WEAPONS
from tools import import_rounds
from tools.sandbox.world import PAST_BEGINS, START
from tools.sandbox.world.evenings import SERVER_ZONE, evenings, files_of, make_map

MAPS = [played for evening in evenings(PAST_BEGINS, START) for played in evening.maps]


@pytest.fixture(scope="module")
def files():
    return [file for played in MAPS for file in files_of(played)]


@pytest.fixture(scope="module")
def round_files(files):
    return [file for file in files if file_kind(file.name) is FileKind.ROUND]


@pytest.fixture(scope="module")
def folder(round_files):
    files = [
        FolderFile(name=file.name, content=file.content, modified_at=file.ended_at) for file in round_files
    ]
    return read_folder(files, None)


def test_every_file_is_read_and_every_round_is_the_planned_one(folder, round_files):
    planned = [(played, one) for played in MAPS for one in played.rounds]
    assert not folder.refused
    assert len(folder.rounds) == len(planned) == len(round_files)
    for read, (played, one) in zip(folder.rounds, planned, strict=True):
        resolved = read.resolved
        assert (resolved.map, resolved.round) == (played.name, one.number)
        assert resolved.ended_at == one.ended_at + timedelta(seconds=3)
        assert resolved.attackers_succeeded is (None if one.aborted else one.succeeded)
        assert abs(resolved.played_seconds - one.seconds) <= 6
        assert resolved.limit_seconds == one.limit_seconds


def test_nothing_is_odd_but_aborted_rounds_and_those_given_up(folder):
    planned = [one for played in MAPS for one in played.rounds]
    for read, one in zip(folder.rounds, planned, strict=True):
        gave_up = not one.aborted and not one.succeeded and one.seconds < one.limit_seconds
        expected = {Flag.ABORTED} if one.aborted else {Flag.ENDED_EARLY} if gave_up else set()
        assert set(read.resolved.flags) == expected, read.file


def test_inside_a_round_what_is_given_is_received_and_kills_are_deaths(folder):
    for read in folder.rounds:
        players = read.resolved.players
        assert sum(one.damage_given for one in players) == sum(one.damage_received for one in players) > 0
        assert sum(one.kills for one in players) == sum(one.deaths for one in players)
        for one in players:
            assert one.headshot_kills <= one.kills
            assert 0 <= one.alive_seconds <= one.team_seconds + 6
            assert one.head_hits <= one.gun_hits <= one.gun_shots
            assert one.kills >= 0
            assert one.team_seconds > 0


def test_both_halves_of_a_map_find_each_other_and_the_map_has_a_result(folder):
    seconds = [read for read in folder.rounds if read.resolved.round == 2]
    assert len(seconds) == len(MAPS)
    assert all(read.partner is not None for read in seconds)
    results = {str(read.result) for read in seconds}
    assert results == {"round_1_attackers", "round_2_attackers", "draw"}


def test_all_that_happens_on_real_servers_happens_here_too(folder):
    comings = [played.comings for played in MAPS]
    for kind in ("late", "new", "left", "again", "watching"):
        assert any(getattr(one, kind) for one in comings), kind
    assert any(one.aborted for played in MAPS for one in played.rounds)
    resets = sum(player.counter_reset for read in folder.rounds for player in read.resolved.players)
    assert resets >= sum(len(one.again) for one in comings) > 0


def test_every_weapon_is_used_and_who_aims_hits_no_more_than_is_fired(round_files):
    used = set()
    for file in round_files:
        for player in parse_stats(file.content).players:
            used |= set(player.weapons)
            assert all(
                line.hits <= line.shots for number, line in player.weapons.items() if number in AIMED
            ), file.name
    assert used == set(WEAPONS)


def test_the_figures_are_those_of_people(folder):
    players = [one for read in folder.rounds if read.resolved.counted for one in read.resolved.players]
    minutes = sum(one.team_seconds for one in players) / 60
    assert 200 < sum(one.damage_given for one in players) / minutes < 330
    assert 0.7 < sum(one.kills for one in players) / minutes < 1.8
    assert 0.25 < sum(one.gun_hits for one in players) / sum(one.gun_shots for one in players) < 0.5
    assert 0.05 < sum(one.head_hits for one in players) / sum(one.gun_hits for one in players) < 0.25
    assert 0.6 < sum(one.alive_seconds for one in players) / minutes / 60 < 0.95


def test_awards_and_duels_stand_beside_each_round_that_was_played_to_its_end(files, round_files):
    stats = {file.name: file for file in round_files}
    beside = [file for file in files if file_kind(file.name) is FileKind.ENDSTATS]
    assert len(beside) == 2 * len(MAPS)
    for file in beside:
        endstats = parse_endstats(file.content)
        round_file = stats[file.name.replace("-endstats", "")]
        known = {player.guid for player in parse_stats(round_file.content).players}
        assert endstats.awards
        assert {block.guid for block in endstats.blocks} <= known
        assert 0 <= (file.ended_at - round_file.ended_at).total_seconds() <= 5


def test_names_are_the_servers_local_time_and_files_come_in_order(files):
    for file in files:
        local = file.ended_at.astimezone(ZoneInfo(SERVER_ZONE))
        assert file.name.startswith(f"{local:%Y-%m-%d-%H%M%S}-") or "endstats" in file.name
    written = [file.ended_at for file in files]
    assert written == sorted(written)
    assert len({file.name for file in files}) == len(files)


def test_an_evening_begins_soon_after_the_world_and_any_window_gives_the_same_ones():
    first = evenings(START, START + timedelta(days=7))[0]
    assert first.started_at == datetime(2026, 10, 3, 13, 0, tzinfo=UTC)
    assert 6 <= sum(map(len, first.maps[0].teams)) <= 12
    middle = PAST_BEGINS + timedelta(days=40, hours=3)
    parts = evenings(PAST_BEGINS, middle) + evenings(middle, START)
    assert parts == evenings(PAST_BEGINS, START)
    assert all(before.ended_at < after.started_at for before, after in itertools.pairwise(parts))


@pytest.mark.parametrize("minutes", range(0, 200, 7))
def test_a_map_asked_for_at_any_instant_is_as_good(minutes):
    played = make_map("supply", START + timedelta(minutes=minutes))
    files = [file for file in files_of(played) if file_kind(file.name) is FileKind.ROUND]
    read = read_folder(
        [FolderFile(name=f.name, content=f.content, modified_at=f.ended_at) for f in files], None
    )
    assert not read.refused
    assert not {flag for one in read.rounds for flag in one.resolved.flags} - {Flag.ABORTED, Flag.ENDED_EARLY}


def test_the_tool_for_folders_reads_them_too(tmp_path, capsys):
    out = tmp_path / "out.json"
    stats = tmp_path / "gamestats"
    stats.mkdir()
    files = [file for played in MAPS[:3] for file in files_of(played)]
    for file in files:
        (stats / file.name).write_bytes(file.content)
        os.utime(stats / file.name, (file.ended_at.timestamp(),) * 2)
    assert import_rounds.main([str(stats), "--server", "sandbox", "--json", str(out)]) == 0
    rounds = json.loads(out.read_text("utf-8"))
    assert len(rounds) == sum(len(played.rounds) for played in MAPS[:3])
    assert "0 file(s) left out" in "".join(capsys.readouterr())
