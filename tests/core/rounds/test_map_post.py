from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core.announcements import Message
from bot.core.rounds.map_post import map_message
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round
from tests.core.rounds.test_evening_scores import one_map
from tests.core.rounds.test_post import HOSTILE, names, said, size


def fields(message: Message) -> dict[str, str]:
    return {one.name: one.value for one in message.fields}


def on(rounds, name="supply") -> Message:
    return map_message(rounds, name, server="alpha")


def test_a_real_map_has_the_times_of_the_bytes(real_files, real_rounds):
    told = decoder.rounds(real_files)
    name = "etl_adlernest"
    own = [
        one
        for evening in real_rows.evenings(real_rounds)
        for one in evening.rounds
        if one.resolved.map == name
    ]
    mine = {one.key: told[one.key] for one in own}
    times = sorted(one["played_seconds"] for one in mine.values() if one["attackers_succeeded"])
    message = on(own, name)
    shown = fields(message)
    best = [line.split("**")[1] for line in shown["Best times"].splitlines()]
    assert best == [f"{seconds // 60}:{seconds % 60:02d}" for seconds in times[:5]]
    held = sum(not one["attackers_succeeded"] for key, one in mine.items() if "round-1" in key)
    firsts = sum("round-1" in key for key in mine)
    assert shown["Round 1"].startswith(f"held {held} of {firsts} (")
    assert message.title == "Adlernest"
    counts = [value for one in message.chart.series for value in one.values]
    assert sum(counts) == len(mine)
    assert Message.from_json(message.to_json()) == message


def test_both_halves_results_and_the_usual_time_are_told():
    rounds = [*one_map(1), *one_map(2, first=False, second=False), *one_map(3, second=False)]
    message = on(rounds)
    shown = fields(message)
    assert shown["Round 1"] == "held 1 of 3 (33%)"
    assert shown["Round 2"] == "held 2 of 3 (67%)"
    assert shown["Usual attack in round 1"] == "5:00"
    assert [line.rsplit(" ", 1)[1] for line in shown["Results"].splitlines()] == ["1", "1", "1"]
    assert "6 counted rounds · played to its end 3 times" in message.body
    assert shown["Best times"].splitlines()[0].startswith("🥇 **5:00** x, y, z · <t:")


def test_attacks_stand_in_the_minute_within_which_they_succeeded():
    rounds = [
        evening_round(str(at), 20 * at, seconds=seconds) for at, seconds in enumerate((60, 61, 179, 9000))
    ]
    chart = on([*rounds, evening_round("9", 900, attackers_succeeded=False)]).chart
    counted = dict(zip(chart.labels, chart.series[0].values, strict=True))
    assert {label: count for label, count in counted.items() if count} == {
        "1": 1,
        "2": 1,
        "3": 1,
        "20+": 1,
        "held": 1,
    }


def test_a_map_without_a_round_that_counts_says_so():
    message = on([evening_round("1", voided=True)])
    assert message.body == "No round on this map counts yet."
    assert fields(message)["Round 1"] == "never played"
    assert message.chart is None


@given(name=names, map_name=st.text(max_size=300), server=st.text(max_size=300))
def test_the_longest_names_fit_into_an_embed(name, map_name, server):
    rounds = []
    for one in (evening_round(str(at), 20 * at, "abcdef", "uvwxyz") for at in range(6)):
        crowd = tuple(replace(player, name=name) for player in one.resolved.players)
        rounds.append(replace(one, resolved=replace(one.resolved, map=map_name, players=crowd)))
    message = map_message(rounds, map_name, server=server)
    assert len(message.title) <= 256
    assert all(len(one.value) <= 1024 for one in message.fields)
    assert size(message) <= 6000


def test_hostile_names_stay_inert():
    one = evening_round("1")
    crowd = tuple(replace(player, name=HOSTILE) for player in one.resolved.players)
    message = on([replace(one, resolved=replace(one.resolved, map=HOSTILE, players=crowd))], HOSTILE)
    outside = said(message).replace("\\@", "").replace("\\`", "").replace("\\[", "")
    assert "@" not in outside
    assert "`" not in outside
    assert "[" not in outside
