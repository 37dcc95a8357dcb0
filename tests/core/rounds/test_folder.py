from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.rounds.folder import FolderFile, read_folder
from bot.core.rounds.resolve import Flag
from tests.core.rounds.samples import GUIDS, content, header, roster, spaced

PARIS = ZoneInfo("Europe/Paris")
COPIED = datetime(2026, 11, 21, 13, 0, 7, tzinfo=UTC)
R1 = content(header(1, "10:00", "7:30"), *roster(f22=7.5))
R2 = content(
    header(2, "7:30", "5:00"), *roster(rounds=1, guns=(60, 190, 9, 9, 8), f0=1900, f1=1900, f22=12.5)
)


def file(name, data, modified_at=COPIED) -> FolderFile:
    return FolderFile(name=f"{name}.txt", content=data, modified_at=modified_at)


def read(*files, zone=PARIS):
    return {one.file[:-4]: one for one in read_folder(files, zone).rounds}


def ended(one) -> str:
    return one.resolved.ended_at.isoformat()


def test_both_halves_name_each_other_and_the_result():
    found = read(file("2025-07-01-233000-supply-round-1", R1), file("2025-07-02-000100-supply-round-2", R2))
    first, second = found.values()
    assert (first.partner, second.partner) == (second.file, first.file)
    assert first.result == second.result == "round_2_attackers"
    assert (ended(first), ended(second)) == ("2025-07-01T21:30:00+00:00", "2025-07-01T22:01:00+00:00")
    assert {player.damage_given for player in second.resolved.players} == {1000}


def test_the_own_stamp_tells_the_time_whatever_zone_is_given():
    true = datetime(2025, 7, 1, 16, 30, 1, tzinfo=UTC)
    found = read(file("2025-07-01-233000-supply-round-1", R1, true))
    assert ended(found["2025-07-01-233000-supply-round-1"]) == "2025-07-01T16:30:00+00:00"


def test_a_copy_whose_stamp_looks_sane_by_chance_is_given_away_by_its_neighbour():
    """The second was copied 15 minutes after it was written, in the same second as the first."""
    copied = datetime(2025, 7, 1, 21, 46, 2, tzinfo=UTC)
    found = read(
        file("2025-07-01-232300-supply-round-1", R1, copied),
        file("2025-07-01-233100-supply-round-2", R2, copied),
    )
    assert [ended(one) for one in found.values()] == [
        "2025-07-01T21:23:00+00:00",
        "2025-07-01T21:31:00+00:00",
    ]


def test_without_a_zone_a_touched_file_is_dated_like_its_evening():
    true = datetime(2025, 7, 1, 20, 23, tzinfo=UTC)
    found = read(
        file("2025-07-01-232300-supply-round-1", R1, true),
        file("2025-07-01-233100-supply-round-2", R2, COPIED),
        file("2025-01-01-233100-supply-round-1", content(header()), COPIED),
        zone=None,
    )
    assert [ended(one) for one in found.values()] == [
        "2025-01-01T23:31:00+00:00",
        "2025-07-01T20:23:00+00:00",
        "2025-07-01T20:31:00+00:00",
    ]


@pytest.mark.parametrize(
    ("first", "second", "instants"),
    [
        ("015500", "021000", ("23:55", "00:10")),
        ("024000", "025000", ("00:40", "00:50")),
        ("025500", "020500", ("00:55", "01:05")),
        ("024500", "030000", ("01:45", "02:00")),
    ],
)
def test_halves_meet_over_the_hour_that_is_shown_twice(first, second, instants):
    found = read(
        file(f"2025-10-26-{first}-supply-round-1", R1), file(f"2025-10-26-{second}-supply-round-2", R2)
    )
    assert tuple(one.resolved.ended_at.strftime("%H:%M") for one in found.values()) == instants
    assert all(one.partner for one in found.values())


def test_the_same_content_under_two_names_is_one_round():
    folder = read_folder(
        [
            file("2025-07-01-232300-supply-round-1", R1),
            file("2025-07-01-232301-supply-round-1", R1.replace(b"\n", b"\r\n")),
            file("2025-07-01-232400-supply-round-2", content(header(2))),
            file("2025-07-01-232500-supply-round-2", content(header(2))),
        ],
        PARIS,
    )
    assert [one.file[11:17] for one in folder.rounds] == ["232300", "232400", "232500"]
    assert folder.refused == {
        "2025-07-01-232301-supply-round-1.txt": "the same content as 2025-07-01-232300-supply-round-1.txt"
    }


def test_one_bad_file_is_named_and_the_rest_goes_on():
    folder = read_folder(
        [
            file("2025-07-01-232300-supply-round-1", R1[:-9]),
            file("supply-round-1", R1),
            file("2025-07-01-233100-supply-round-2", R2),
        ],
        PARIS,
    )
    assert folder.refused == {
        "2025-07-01-232300-supply-round-1.txt": "the last line is not finished",
        "supply-round-1.txt": "the name is not one of a round's stats file",
    }
    assert [one.resolved.flags >= {Flag.NO_PARTNER} for one in folder.rounds] == [True]


def test_rounds_of_game_stats_take_their_time_from_the_clock():
    """Nobody's time is told: everybody played the round, and alive = p12 x (t1 + t2) - p1 x t1."""
    first = content(header(1, "20.00", "10.00"), *(spaced(guid, alive="50.0") for guid in GUIDS))
    second = content(
        header(2, "10.00", "5.00"),
        *(spaced(guid, rounds=1, guns=(60, 200, 9, 9, 7), damage=1500, alive="60.0") for guid in GUIDS),
    )
    found = read(
        file("2025-07-01-232300-supply-round-1", first),
        file("2025-07-01-233100-supply-round-2", second),
    )
    one, two = (round_.resolved for round_ in found.values())
    assert [(p.team_seconds, p.alive_seconds, p.damage_given, p.kills) for p in one.players] == [
        (600, 300, 900, 5)
    ] * 4
    assert [(p.team_seconds, p.alive_seconds, p.damage_given, p.kills) for p in two.players] == [
        (300, 240, 600, 4)
    ] * 4
    assert {p.headshot_kills for p in (*one.players, *two.players)} == {None}
    assert (two.played_seconds, two.counted, two.players[0].dpm) == (300, True, 120)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_folder_crashes_and_every_file_is_a_round_or_named(real_files, data):
    """Files are lost, doubled, renamed, damaged and stamped at will."""
    names = data.draw(st.lists(st.sampled_from(sorted(real_files)), max_size=8, unique=True))
    files = []
    for name in names:
        content_ = bytearray(real_files[data.draw(st.sampled_from([name, *names]))])
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(content_)))
            content_[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
        stamp = datetime(2025, 10, 19, tzinfo=UTC) + timedelta(
            seconds=data.draw(st.integers(-(10**9), 10**9))
        )
        files.append(FolderFile(name=name, content=bytes(content_), modified_at=stamp))
    folder = read_folder(files, data.draw(st.sampled_from([None, PARIS])))
    assert {one.file for one in folder.rounds} | folder.refused.keys() == set(names)
    assert len(folder.rounds) + len(folder.refused) == len(names)
    for one in folder.rounds:
        assert all(
            0 <= player.alive_seconds <= player.team_seconds and player.kills >= 0
            for player in one.resolved.players
            if one.partner
        )


def gather(name, at, info, rows) -> FolderFile:
    document = {"round_info": info, "player_stats": rows}
    return FolderFile(name=f"gamestats-1-{name}.json", content=json.dumps(document).encode(), modified_at=at)


def real_gather(reference_data) -> list[FolderFile]:
    """The first map of the real match, as its server would write it."""
    match = json.loads((reference_data / "etlegacy" / "1733415574.json").read_bytes())["match"]
    names = ("2024-12-05-205654-supply-round-1", "2024-12-05-210743-supply-round-2")
    return [
        gather(name, COPIED, entry["round_data"]["round_info"], entry["round_data"]["player_stats"])
        for name, entry in zip(names, match["rounds"], strict=False)
    ]


def test_rounds_of_a_gather_lie_in_the_same_folder(reference_data):
    first, second = read(*real_gather(reference_data)).values()
    assert (first.partner, first.result) == (second.file, "round_2_attackers")
    assert ended(second) == "2024-12-05T20:07:43+00:00"
    assert (len(second.resolved.players), second.resolved.flags) == (12, frozenset())


def test_a_round_that_two_scripts_wrote_is_one_round(reference_data):
    files = real_gather(reference_data)
    stats = file("2024-12-05-210746-supply-round-2", content(header(2), *roster(rounds=1)))
    folder = read_folder([stats, *files], PARIS)
    assert [one.file for one in folder.rounds] == [files[0].name, stats.name]
    assert folder.refused == {files[1].name: f"the same round as {stats.name}"}


def test_the_instant_inside_a_gather_goes_before_all_clocks():
    info = {"mapname": "supply", "round": 1, "defenderteam": 1, "winnerteam": 1, "timelimit": "9:00"}
    told = info | {"nextTimeLimit": "9:00", "round_start_unix": 1733428000, "round_end_unix": 1733428400}
    (one,) = read(gather("2024-12-05-205654-supply-round-1", COPIED, told, {})).values()
    assert (one.resolved.ended_at.timestamp(), one.resolved.played_seconds) == (1733428400, 400)
    assert one.resolved.ended_early_seconds == 140
