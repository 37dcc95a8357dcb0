"""What people read of a player, and of two."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.announcements import Message
from bot.core.guilds import LANGUAGES
from bot.core.rounds.columns import WIDTH
from bot.core.rounds.fields import GUNS
from bot.core.rounds.metrics import METRICS
from bot.core.rounds.player_card import card_message
from bot.core.rounds.player_comparison import LABELS, RATE_LABELS, comparison_message
from bot.core.rounds.rating import Rating
from bot.core.rounds.values import column_words
from bot.core.rounds.weapons import AIMED, WEAPONS
from bot.discord.embeds import draw
from bot.discord.speech import Speaker
from tests.core.rounds.card_samples import alias, card, comparison, duel, evening, form, side, weapon
from tests.core.rounds.row_samples import row

UTC_ZONE = ZoneInfo("UTC")
STARS = "*" * 35  # each is escaped, so that it is twice as long


def told(message: Message) -> dict[str, str]:
    return {field.name: field.value for field in message.fields}


def read(**more) -> dict[str, str]:
    return told(card_message(card(**more), UTC_ZONE))


def everything(message: Message) -> str:
    parts = [message.title, message.body, message.footer]
    return "\n".join([*parts, *(f"{field.name}\n{field.value}" for field in message.fields)])


def test_totals_are_sums_and_ratios_are_made_of_them():
    fields = read(side=side(rounds=20, kills=9, deaths=6, damage_given=3000, team_seconds=600))
    assert "Kills **180** · Deaths **120**" in fields["Totals"]
    assert "Damage given **60,000**" in fields["Totals"]
    assert "Kills per death **1.50**" in fields["Ratios"]
    assert "Damage per minute **300**" in fields["Ratios"]
    assert "Efficiency **60.0%**" in fields["Ratios"]
    assert "Accuracy **30.0%**" in fields["Ratios"]
    assert "Revives **4.0**" in fields["In ten minutes"]


def test_what_no_script_told_is_unknown_and_not_nothing():
    fields = read(side=side(unknown=("denied_seconds", "headshot_kills")))
    assert "Denied playtime **-**" in fields["Totals"]
    assert "Headshot kills per kill **-**" in fields["Ratios"]
    assert "Denied playtime **-**" in fields["In ten minutes"]


def test_what_some_rounds_do_not_tell_says_in_how_many_it_was_counted():
    plain = side(rounds=20)
    measured = {**plain.measured, "denied_seconds": side(rounds=7).measured["denied_seconds"]}
    fields = read(side=replace(plain, measured=measured))
    assert "Denied playtime **0 min (in 7 rounds)**" in fields["Totals"]
    assert fields["Totals"].count("rounds)") == 1


def test_a_ratio_of_too_little_is_shown_and_marked():
    message = card_message(card(side=side(rounds=9)), UTC_ZONE)
    assert r"Kills per death **1.00** \*" in told(message)["Ratios"]
    assert message.footer.startswith("* too little played")
    enough = card_message(card(side=side(rounds=30, kills=9)), UTC_ZONE)
    assert r"\*" not in told(enough)["Ratios"]
    assert enough.footer == ""
    # Ten rounds, but not a thousand shots.
    few_shots = told(card_message(card(side=side(rounds=10, gun_shots=99)), UTC_ZONE))["Ratios"]
    assert next(line for line in few_shots.splitlines() if line.startswith("Accuracy")).endswith(r" \*")
    assert "Kills per death **1.00**\n" in few_shots


def test_kills_without_a_death_are_infinitely_many():
    assert "Kills per death **∞**" in read(side=side(deaths=0))["Ratios"]


def test_fields_that_scripts_have_wrong_are_told_nowhere():
    said = everything(card_message(card(), UTC_ZONE)).casefold()
    assert "objective" not in said
    assert "dead" not in said


def test_weapons_are_named_as_players_know_them_without_knives():
    known = [weapon(22, kills=5), weapon(23, kills=4), weapon(24, kills=3), weapon(25, kills=2)]
    (table,) = [
        value
        for name, value in read(weapons=[weapon(0, kills=99), *known, weapon(1)]).items()
        if "Weapons" in name
    ]
    names = [line[:15].strip() for line in table.splitlines()[2:-1]]
    assert names == ["Garand", "K43 rifle", "Scoped Garand", "Scoped K43"]


def test_accuracy_is_that_of_what_is_aimed_and_head_hits_those_of_guns():
    weapons = [weapon(4), weapon(11, hits=300), weapon(20), weapon(15, shots=0)]
    (table,) = [value for name, value in read(weapons=weapons).items() if "Weapons" in name]
    rows = {line[:15].strip(): line[15:].split() for line in table.splitlines()[2:-1]}
    assert rows == {
        "MP 40": ["10", "40%", "25%"],
        "Grenade": ["10"],
        "MG 42": ["10", "40%"],
        "Airstrike": ["10"],
    }


def test_every_weapon_has_a_name_that_fits_and_only_the_most_deadly_are_shown():
    assert set(WEAPONS) == set(range(28))
    assert GUNS < AIMED < set(WEAPONS)
    weapons = [weapon(number, kills=1000 - number) for number in WEAPONS] + [weapon(99, kills=0)]
    (table,) = [value for name, value in read(weapons=weapons).items() if "Weapons" in name]
    assert len(table.splitlines()) == 3 + 8
    assert max(map(len, table.splitlines())) <= WIDTH
    assert all(len(name) <= 15 for name in WEAPONS.values())


def test_without_a_kill_there_is_no_table_of_weapons():
    assert not [name for name in read(weapons=[weapon(27, kills=0)]) if "Weapons" in name]


def test_last_evenings_stand_against_what_is_usual():
    days = [evening(day) for day in range(10)] + [evening(10, damage_given=3300, deaths=3)]
    lines = read(form=form(*days))["Last evenings"].splitlines()
    assert lines[0].startswith("Before, in 12 rounds: DPM **300** · K/D **1.50**")
    assert "2 rounds · DPM **330** (+10%) · K/D **2.00** (+33%) · Accuracy **30.0%** (+0%)" in lines[1]
    assert len(lines) == 6


def test_a_newcomer_has_evenings_without_a_baseline():
    lines = read(form=form(evening(0), evening(1)))["Last evenings"].splitlines()
    assert lines[0].startswith("No baseline yet")
    assert "%)" not in "".join(lines)


def test_the_chart_has_a_column_for_each_evening_and_a_line_at_the_baseline():
    days = [evening(day) for day in range(10)] + [evening(10, damage_given=3300)]
    chart = card_message(card(form=form(*days)), ZoneInfo("Asia/Jakarta")).chart
    assert chart.series[0].values == (300, 300, 300, 300, 330)
    assert chart.limit == 300
    assert chart.labels[-1] == "2026-12-02"  # after midnight there
    one_alone = card(form=form(evening(0)))
    assert card_message(one_alone, UTC_ZONE).chart is None
    timeless = card(form=form(*[evening(day, team_seconds=None) for day in range(3)]))
    assert card_message(timeless, UTC_ZONE).chart is None


def test_an_evening_past_midnight_is_called_by_the_day_it_began_on():
    late = [row(minutes=minutes, damage_given=3000, team_seconds=600) for minutes in (180, 300)]
    chart = card_message(card(form=form(late, evening(3))), UTC_ZONE).chart
    assert chart.labels == ("2026-11-21", "2026-11-24")


def test_opponents_one_beats_and_those_one_does_not():
    duels = [duel("b", 12, 5), duel("a", 20, 4), duel("worst", 3, 9), duel("equal", 4, 4)]
    fields = read(duels=duels)
    assert fields["Favourite opponents"] == "against a: **20** - 4\nagainst b: **12** - 5"
    assert fields["Nemesis"] == "against worst: **3** - 9"
    assert not {"Favourite opponents", "Nemesis"} & read().keys()


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        (Rating(), "Rating: after ten maps (0 so far)"),
        (Rating(mean=25, deviation=2, maps=9), "Rating: after ten maps (9 so far)"),
        (Rating(mean=25, deviation=2, maps=10), "Rating **19.0**, of 10 maps"),
    ],
)
def test_a_rating_is_told_after_ten_maps(rating, said):
    assert said in card_message(card(rating=rating), UTC_ZONE).body


def test_who_is_linked_is_named_and_names_cannot_ping_or_format():
    hostile = card(
        side=side("@everyone **x**"),
        aliases=(alias("<@1> `x`"),),
        duels=(duel("[a](http://b)", 1, 0),),
        linked_to=7,
    )
    message = card_message(hostile, UTC_ZONE)
    assert "This is <@7>." in message.body
    said = everything(message).replace("<@7>", "").replace("<t:", "")
    assert "<@" not in said
    assert "@everyone" not in said.replace(r"\@", "")
    assert "](" not in said


def the_largest(name=STARS):
    weapons = [weapon(number, kills=10**6 - number) for number in WEAPONS]
    duels = [duel(name, 10**6 + number, 5) for number in range(9)]
    duels += [duel(name, 5, 10**6 + number) for number in range(9)]
    return card(
        side=side(name, rounds=9, damage_given=10**9, kills=10**8, team_seconds=10**8),
        aliases=tuple(alias(name, rounds=10**6) for _ in range(40)),
        weapons=weapons,
        duels=duels,
        form=form(*[evening(day, damage_given=10**8, kills=10**8) for day in range(30)]),
        rating=Rating(mean=25, deviation=2, maps=10**5),
        linked_to=10**19,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_largest_card_and_comparison_lose_nothing_to_discords_limits(language):
    say = Speaker(language=language)
    both = comparison(STARS, STARS, duel=duel(STARS, 10**6, 10**6), rounds=9, kills=10**7)
    for message in (card_message(the_largest(), UTC_ZONE), comparison_message(both)):
        said = say.tell(message)
        embed = draw(said).embed
        assert len(embed) <= 6000
        assert [field.value for field in embed.fields] == [field.value for field in said.fields]
        assert embed.description == said.body
        assert max(len(field.value) for field in embed.fields) <= 1024


def test_a_card_with_its_chart_can_wait_as_json():
    message = card_message(the_largest("x"), UTC_ZONE)
    assert Message.from_json(json.loads(json.dumps(message.to_json()))).chart == message.chart


# --- Two players -----------------------------------------------------------------------------------


def rows_of(message: Message) -> dict[str, list[str]]:
    lines = told(message)["Side by side"].splitlines()[1:-1]
    return {line[18:].strip(): line[:18].split() for line in lines}


def test_two_players_stand_side_by_side():
    both = comparison(rounds=30, kills=9, deaths=6)
    message = comparison_message(both)
    rows = rows_of(message)
    assert rows[""] == ["A", "B"]
    assert rows["Rounds"] == ["30", "30"]
    assert rows["K/D"] == ["1.50", "1.50"]
    assert rows["Played (h:mm)"] == ["5:00", "5:00"]
    assert message.body == "A: **one**\nB: **other**"
    assert message.footer == ""


def test_marks_move_no_digit():
    lines = told(comparison_message(comparison(rounds=9)))["Side by side"].splitlines()
    (ratio,) = [line for line in lines if line.endswith("K/D")]
    (rounds,) = [line for line in lines if line.endswith("Rounds")]
    assert ratio[:18] == "    1.00*    1.00*"
    assert rounds[:18] == "       9        9 "


def test_a_duel_is_told_from_the_first_ones_side():
    body = comparison_message(comparison(duel=duel("other", 12, 5))).body
    assert "A against other: **12** - 5" in body


def test_a_radar_needs_both_to_be_ranked():
    chart = comparison_message(comparison(scaled=(0.25, 1.0))).chart
    assert [shape.name for shape in chart.shapes] == ["one", "other"]
    assert [shape.values for shape in chart.shapes] == [(0.25,) * 6, (1.0,) * 6]
    assert [spoke.label for spoke in chart.spokes][:2] == ["DPM", "K/D"]
    message = comparison_message(comparison(scaled=(0.25, None)))
    assert message.chart is None
    assert "No radar" in message.body


def test_last_of_all_is_no_gap_in_the_radar():
    chart = comparison_message(comparison(scaled=(0.0, 1.0))).chart
    assert chart.shapes[0].values == (0.0,) * 6


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_two_fits_a_phone_in_every_language(language):
    said = Speaker(language=language).tell(comparison_message(comparison(rounds=9, kills=10**6)))
    assert max(map(len, told(said).popitem()[1].splitlines())) <= WIDTH
    assert all(
        len(Speaker(language=language).say(words)) <= 18
        for words in (*LABELS.values(), *RATE_LABELS.values())
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("kills", None, "-"),
        ("kills", 12345, "12345"),
        ("playtime", timedelta(hours=12, minutes=5).total_seconds(), "12:05"),
        ("kd", float("inf"), "∞"),
        ("accuracy", 0.3333, "33.3%"),
        ("dpm", 264.6, "265"),
    ],
)
def test_values_read_the_same_in_every_language(key, value, words):
    assert column_words(METRICS[key], value) == words
