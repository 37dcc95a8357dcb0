from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.announcements import Message
from bot.core.rounds.columns import WIDTH
from bot.core.rounds.evening_players import evening_players
from bot.core.rounds.evening_post import evening_message
from bot.core.rounds.post import round_message
from bot.core.rounds.resolve import Flag
from bot.core.rounds.scored import TeamChoices, score_evening
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round, somebody
from tests.core.rounds.test_evening_scores import one_map
from tests.core.rounds.test_post import HOSTILE, names, said, size, tables, width

BERLIN, JAKARTA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Jakarta")
THREE_MAPS = [*one_map(1), *one_map(2, axis="xyz", allies="abc"), *one_map(3, first=False, second=False)]


def told(rounds, chosen=None, *, zone=BERLIN, **more) -> Message:
    scored = score_evening(rounds, chosen or TeamChoices())
    return evening_message(scored, server="alpha", zone=zone, **more)


def field(message: Message, name: str) -> str:
    return next((one.value for one in message.fields if one.name == name), "")


def map_rows(message: Message) -> list[list[str]]:
    return [line.split() for line in field(message, "Maps").split("\n")[2:-1]]


def with_times(rounds):
    """Rounds in which everybody played for a minute and gave damage."""
    played = {"damage_given": 100, "team_seconds": 60}
    return [
        replace(
            one,
            resolved=replace(
                one.resolved, players=tuple(replace(player, **played) for player in one.resolved.players)
            ),
        )
        for one in rounds
    ]


def test_an_evening_is_told_by_date_and_score():
    message = told(THREE_MAPS)
    assert message.title == "Evening of 2026-11-21 · Team A 3 - 3 Team B"
    assert "3 maps · 6 rounds" in message.body
    assert "not counted" not in message.body
    assert field(message, "Score").splitlines() == [
        "**Team A** 3 - 3 **Team B**",
        "-# Team A: a, b, c",
        "-# Team B: x, y, z",
    ]
    assert Message.from_json(message.to_json()) == message


def test_the_date_is_that_of_the_zone_on_which_it_began():
    assert "2026-11-21" in told(THREE_MAPS, zone=BERLIN).title
    assert "2026-11-22" in told(THREE_MAPS, zone=JAKARTA).title


def test_each_map_has_the_times_of_both_halves_who_won_and_the_running_score():
    rounds = [
        *one_map(1),
        *one_map(2, first=True, second=False),
        *one_map(3, first=False, second=False),
        *one_map(4)[:1],
    ]
    assert map_rows(told(rounds)) == [
        ["Supply", "5:00", "5:00", "A", "2-0"],
        ["Supply", "5:00", "held", "B", "2-2"],
        ["Supply", "held", "held", "=", "3-3"],
        ["Supply", "5:00", "-", "-", "3-3"],
    ]


def test_a_round_that_does_not_count_is_shown_as_such():
    rounds = [*one_map(1, voided=True), evening_round("2a", 30, attackers_succeeded=None)]
    message = told(rounds)
    assert map_rows(message) == [["Supply", "5:00", "x", "-", "-"], ["Supply", "?", "-", "-", "0-0"]]
    assert "1 round not counted" in message.body


def test_new_teams_have_a_score_of_their_own():
    message = told(with_times([*one_map(1), *one_map(2, axis="axm", allies="byn")]))
    assert message.title == "Evening of 2026-11-21"
    scores = [one for one in message.fields if one.name.startswith("Score")]
    assert [one.name for one in scores] == ["Score, line-up 1 of 2", "Score, line-up 2 of 2"]
    assert [one.value.splitlines()[:3] for one in scores] == [
        ["**Team A** 2 - 0 **Team B**", "-# Team A: a, b, c", "-# Team B: x, y, z"],
        ["**Team A** 2 - 0 **Team B**", "-# Team A: a, m, x", "-# Team B: b, n, y"],
    ]
    assert [group.name for group in message.chart.groups] == ["All players"]


def test_an_evening_that_runs_is_told_so_far():
    assert "so far" in told(THREE_MAPS, is_running=True).body
    assert "so far" not in told(THREE_MAPS).body


def test_names_of_teams_are_those_of_the_line_up_in_which_they_were_set():
    chosen = TeamChoices(names={"1a": {0: "*Reds*"}, "2b": {1: "Blues"}})
    message = told([*one_map(1), *one_map(2, axis="axm", allies="byn")], chosen)
    first, second = [one.value.splitlines() for one in message.fields if one.name.startswith("Score")]
    assert first[:2] == [r"**\*Reds\*** 2 - 0 **Team B**", r"-# A · \*Reds\*: a, b, c"]
    assert second[0] == "**Team A** 2 - 0 **Blues**"


def test_an_evening_of_rounds_that_do_not_count_has_no_score_and_no_players():
    message = told([evening_round("1", flags=frozenset({Flag.ABORTED}), attackers_succeeded=None)])
    assert [one.name for one in message.fields] == ["Maps"]
    assert message.chart is None


def test_players_are_summed_before_they_are_divided():
    first, second = one_map(1)
    quick = somebody("a", 1, damage_given=600, team_seconds=60, gun_hits=9, gun_shots=10, kills=3, deaths=1)
    slow = somebody("a", 2, damage_given=600, team_seconds=540, gun_hits=1, gun_shots=90, kills=1, deaths=3)
    untimed = somebody("a", 1, damage_given=10_000, kills=1)
    rounds = [
        replace(one, key=key, resolved=replace(one.resolved, players=(player,)))
        for key, one, player in (("1", first, quick), ("2", second, slow), ("3", first, untimed))
    ]
    (player,) = evening_players(rounds)
    assert (player.dpm, player.accuracy) == (120, 0.1)
    assert (player.kills, player.deaths, player.rounds) == (5, 4, 3)


def test_real_evenings_have_the_sums_of_the_bytes(real_files, real_rounds):
    expected = decoder.rounds(real_files)
    evening = max(real_rows.evenings(real_rounds), key=lambda one: len(one.rounds))
    damage, seconds, kills = {}, {}, {}
    for one in evening.rounds:
        for guid, numbers in expected[one.key]["players"].items():
            damage[guid] = damage.get(guid, 0) + numbers["damage_given"]
            seconds[guid] = seconds.get(guid, 0) + numbers["team_seconds"]
            kills[guid] = kills.get(guid, 0) + numbers["kills"]
    players = evening_players(evening.rounds)
    assert {one.guid: one.kills for one in players} == kills
    for one in players:
        assert one.dpm == pytest.approx(damage[one.guid] * 60 / seconds[one.guid], rel=1e-3)
    message = told(evening.rounds)
    assert len(map_rows(message)) == 12
    assert len(tables(message)["Players"]) == 7
    assert size(message) < 2500
    assert {width(line) for line in tables(message)["Maps"]} == {WIDTH}


def test_an_evening_whose_scripts_tell_no_time_has_no_empty_picture():
    message = told([evening_round("1", seconds=300)])
    assert message.chart is None
    assert "abc"[0] in field(message, "Players")


def test_the_chart_shows_both_teams():
    message = told(with_times(THREE_MAPS), TeamChoices(names={"1a": {1: "Blue *s*"}}))
    assert [group.name for group in message.chart.groups] == ["Team A", "Blue *s*"]
    assert [bar.label for bar in message.chart.groups[0].bars] == ["a", "b", "c"]
    assert message.chart.groups[0].bars[0].value == 100
    assert message.chart.subtitle == "Team A 3 - 3 Blue *s*"


@settings(max_examples=15)
@given(name=names, map_name=st.text(max_size=80), team=st.text(max_size=100), lineups=st.integers(1, 5))
def test_the_longest_evening_fits_into_an_embed(name, map_name, team, lineups):
    rounds, count = [], 26
    for number in range(count):
        lineup = number * lineups // count
        crowd = [
            somebody(
                f"{lineup:04X}{who:04X}",
                1 + who % 2,
                name=name,
                xp=2**31,
                kills=2**31,
                damage_given=2**40,
                team_seconds=60,
                revives=2**31,
            )
            for who in range(20)
        ]
        for half, key in enumerate((f"{number}a", f"{number}b")):
            one = evening_round(key, 12 * number + 6 * half, first=f"{number}a" if half else None)
            resolved = replace(one.resolved, map=map_name, players=tuple(crowd), played_seconds=300)
            rounds.append(replace(one, resolved=resolved))
    chosen = TeamChoices(names={one.key: {0: team, 1: team} for one in rounds})
    message = told(rounds, chosen)
    assert len(message.title) <= 256
    assert all(len(one.value) <= 1024 for one in message.fields)
    assert all(len(one.name) <= 256 for one in message.fields)
    assert size(message) <= 6000
    assert {width(line) for line in tables(message)["Players"]} == {34}
    longest = round_message(
        rounds[-1].resolved,
        server="alpha",
        key=rounds[-1].key,
        evening=score_evening(rounds, chosen),
        awards=[(map_name, name, team)] * 50,
    )
    assert all(len(one.value) <= 1024 for one in longest.fields)
    assert size(longest) <= 6000


def test_twelve_maps_with_twenty_players_are_shown_whole():
    """The 24th mistake of specs/etlegacy.md 3."""
    players = [
        somebody(f"{who:08X}", 1 + who % 2, name="W" * 35, kills=9, damage_given=99, team_seconds=60)
        for who in range(20)
    ]
    rounds = [
        replace(one, resolved=replace(one.resolved, players=tuple(players)))
        for number in range(12)
        for one in one_map(number)
    ]
    message = told(rounds)
    assert len(map_rows(message)) == 12
    assert len(tables(message)["Players"]) == 21
    assert "more" not in field(message, "Players")


def test_hostile_names_stay_inert():
    rounds = [
        replace(
            one,
            resolved=replace(
                one.resolved,
                map=HOSTILE,
                players=tuple(
                    replace(player, name=HOSTILE, kills=5, revives=3, xp=9) for player in one.resolved.players
                ),
            ),
        )
        for one in THREE_MAPS
    ]
    message = told(rounds, TeamChoices(names={"1a": {0: HOSTILE}}))
    for one in message.fields:
        outside = "".join(one.value.split("```")[::2])
        assert one.value.count("```") in {0, 2}
        assert "@everyone" not in outside.replace("\\@", "")
        assert "[x]" not in outside
    assert "@" not in message.title.replace("\\@", "")


def test_an_evening_that_crosses_midnight_bears_its_first_day():
    late = datetime(2026, 11, 21, 22, 50, tzinfo=UTC)  # 23:50 in Berlin
    rounds = [
        replace(one, resolved=replace(one.resolved, ended_at=late + timedelta(minutes=8 * number)))
        for number, one in enumerate(THREE_MAPS)
    ]
    assert "2026-11-21" in told(rounds).title
    assert "Axis" not in said(told(rounds))
