"""What is said about a player: `/player stats`.

Sums first, ratios made of them once; what a script does not count is unknown and not 0. Objectives, the
file's own damage per minute and the time dead are told nowhere: the scripts have them wrong
(specs/etlegacy.md 1.4). Everything stays below Discord's 1,024 characters per field and 6,000 per message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import ColumnChart, Series
from bot.core.markup import escape, stamp
from bot.core.rounds.columns import code_block, percent
from bot.core.rounds.fields import GUNS
from bot.core.rounds.form import EveningForm, Form
from bot.core.rounds.metrics import METRICS, Measured, Metric
from bot.core.rounds.players import (
    RATES,
    Alias,
    DuelSums,
    PlayerCard,
    Side,
    WeaponSums,
)
from bot.core.rounds.rating import Rating
from bot.core.rounds.values import UNKNOWN, is_ranked, value_words
from bot.core.rounds.weapons import AIMED, KNIVES, WEAPONS
from bot.texts import join, number, text, texts

MOST_WEAPONS = 8
MOST_ALIASES = 6
MOST_OPPONENTS = 3
NAME_LIMIT = 35
RATIOS = ("kd", "dpm", "accuracy", "head_hit_share", "headshot_kill_share", "efficiency")
_FORM = ("dpm", "kd", "accuracy")
_SHORT: Mapping[str, str] = {"dpm": "DPM", "kd": "K/D", "accuracy": text("Accuracy")}
_TOTALS: Mapping[str, str] = {
    "deaths": text("Deaths"),
    "self_kills": text("Self kills"),
    "team_kills": text("Team kills"),
    "damage_given": text("Damage given"),
    "damage_received": text("Damage received"),
    "team_damage_given": text("Damage to the own team"),
}
_WEAPON_WIDTH = 15
UNRANKED = r" \*"


def card_message(card: PlayerCard, zone: ZoneInfo) -> Message:
    """Give the card of a player; days are those of `zone`."""
    side = card.side
    fields = [
        MessageField(name=text("Totals"), value=_totals(side), inline=False),
        MessageField(name=text("Ratios"), value=_ratios(side)),
        MessageField(name=text("In ten minutes"), value=_rates(side)),
        *_weapons(card.weapons),
        *_evenings(card.form),
        *_duels(card.duels),
        MessageField(name=text("Names"), value=_names(card.aliases), inline=False),
    ]
    return Message(
        title=escape(side.player.name, NAME_LIMIT),
        tone=Tone.ROUND,
        body=_about(card),
        fields=tuple(fields),
        footer=text("* too little played for a table by it") if _has_unranked(side) else "",
        chart=form_chart(card, zone),
    )


def name_words(name: str) -> str:
    """Write a player's name, inert."""
    return escape(name, NAME_LIMIT)


def _about(card: PlayerCard) -> str:
    played = join(
        " · ",
        [
            texts("{count} round", "{count} rounds", card.side.rounds),
            text(
                "{time} played", time=value_words(METRICS["playtime"], card.side.measured["playtime"].value)
            ),
        ],
    )
    linked = [] if card.linked_to is None else [text("This is {member}.", member=f"<@{card.linked_to}>")]
    return join("\n", [played, _rating(card.rating), *linked])


def _rating(rating: Rating) -> str:
    if rating.shown is None:
        return text("Rating: after ten maps ({count} so far)", count=rating.maps)
    return texts(
        "Rating **{rating}**, of {count} map",
        "Rating **{rating}**, of {count} maps",
        rating.maps,
        rating=f"{rating.shown:.1f}",
    )


def _totals(side: Side) -> str:
    def plain(name: str) -> str:
        total, rounds = side.totals[name]
        return _named(_TOTALS[name], number(total) if rounds else UNKNOWN)

    def measured(key: str) -> str:
        one = side.measured[key]
        return _named(METRICS[key].title, _with_rounds(value_words(METRICS[key], one.value), one, side))

    lines = (
        [measured("kills"), *map(plain, ("deaths", "self_kills", "team_kills"))],
        list(map(plain, ("damage_given", "damage_received", "team_damage_given"))),
        list(map(measured, ("revives", "gibs", "useful_kills", "multi_kills"))),
        list(map(measured, ("denied_seconds", "dynamite"))),
    )
    return join("\n", [join(" · ", line) for line in lines])


def _with_rounds(words: str, measured: Measured, side: Side) -> str:
    """Say in how many rounds something was counted, where not all scripts count it."""
    if measured.value is None or measured.rounds == side.rounds:
        return words
    return texts("{value} (in {count} round)", "{value} (in {count} rounds)", measured.rounds, value=words)


def _ratios(side: Side) -> str:
    return join("\n", [_marked(METRICS[key].title, METRICS[key], side.measured[key]) for key in RATIOS])


def _rates(side: Side) -> str:
    return join("\n", [_marked(metric.title, metric, side.rates[metric.key]) for metric in RATES])


def _marked(title: str, metric: Metric, measured: Measured) -> str:
    """Write a value; one that is made of too little is shown, and marked."""
    mark = "" if measured.value is None or is_ranked(metric, measured) else UNRANKED
    return join("", [_named(title, value_words(metric, measured.value)), mark])


def _has_unranked(side: Side) -> bool:
    told = [(METRICS[key], side.measured[key]) for key in RATIOS]
    told += [(metric, side.rates[metric.key]) for metric in RATES]
    return any(one.value is not None and not is_ranked(metric, one) for metric, one in told)


def _named(name: str, value: str) -> str:
    return join("", [name, " **", value, "**"])


# --- Weapons, evenings, opponents, names ---------------------------------------------------------


def _weapons(weapons: Sequence[WeaponSums]) -> list[MessageField]:
    """Give the table of weapons; knives and what never killed are left out."""
    deadly = [one for one in weapons if one.kills > 0 and one.weapon not in KNIVES][:MOST_WEAPONS]
    if not deadly:
        return []
    head = f"{'':{_WEAPON_WIDTH}} {'K':>6} {'ACC':>5} {'HEAD':>5}"
    table = code_block([head, *map(_weapon, deadly)])
    return [MessageField(name=text("Weapons: kills, accuracy, head hits per hit"), value=table, inline=False)]


def _weapon(one: WeaponSums) -> str:
    accuracy = _share(one.hits, one.shots) if one.weapon in AIMED else ""
    heads = _share(one.head_hits, one.hits) if one.weapon in GUNS else ""
    name = WEAPONS.get(one.weapon, f"#{one.weapon}")
    return f"{name:{_WEAPON_WIDTH}} {one.kills:>6} {accuracy:>5} {heads:>5}"


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole > 0 else ""


def _evenings(form: Form) -> list[MessageField]:
    if not form.evenings:
        return []
    usual = join(" · ", [_named(_SHORT[key], value_words(METRICS[key], form.baseline[key])) for key in _FORM])
    if all(form.baseline[key] is None for key in _FORM):
        before = text("No baseline yet: it is made of ten rounds before these evenings.")
    else:
        before = texts(
            "Before, in {count} round: {values}",
            "Before, in {count} rounds: {values}",
            form.baseline_rounds,
            values=usual,
        )
    lines = [before, *map(_evening, reversed(form.evenings))]
    return [MessageField(name=text("Last evenings"), value=join("\n", lines), inline=False)]


def _evening(evening: EveningForm) -> str:
    parts = [stamp(evening.first_at, "d"), texts("{count} round", "{count} rounds", evening.rounds)]
    for key in _FORM:
        one = evening.values[key]
        change = "" if one.change is None else f" ({one.change:+.0%})"
        parts.append(join("", [_named(_SHORT[key], value_words(METRICS[key], one.value)), change]))
    return join(" · ", parts)


def _duels(duels: Sequence[DuelSums]) -> list[MessageField]:
    """Name the opponents with whom a player fares best, and worst."""
    ahead = sorted((one for one in duels if one.kills > one.deaths), key=lambda one: one.deaths - one.kills)
    behind = sorted((one for one in duels if one.kills < one.deaths), key=lambda one: one.kills - one.deaths)
    lists = ((text("Favourite opponents"), ahead), (text("Nemesis"), behind))
    return [
        MessageField(name=name, value=join("\n", map(duel_words, found[:MOST_OPPONENTS])))
        for name, found in lists
        if found
    ]


def duel_words(duel: DuelSums) -> str:
    """Write kills and deaths against one opponent."""
    return text(
        "against {player}: **{kills}** - {deaths}",
        player=name_words(duel.opponent.name),
        kills=duel.kills,
        deaths=duel.deaths,
    )


def _names(aliases: Sequence[Alias]) -> str:
    lines = [
        texts(
            "{name} · {count} round · {first} to {last}",
            "{name} · {count} rounds · {first} to {last}",
            one.rounds,
            name=name_words(one.name),
            first=stamp(one.first_at, "d"),
            last=stamp(one.last_at, "d"),
        )
        for one in aliases[:MOST_ALIASES]
    ]
    hidden = len(aliases) - MOST_ALIASES
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return join("\n", [*lines, *more])


def form_chart(card: PlayerCard, zone: ZoneInfo) -> ColumnChart | None:
    """Draw up the damage per minute of the last evenings against the baseline; one alone is no picture."""
    told = [
        (one.first_at, value) for one in card.form.evenings if (value := one.values["dpm"].value) is not None
    ]
    if len(told) < 2:
        return None
    rounds = card.form.baseline_rounds
    return ColumnChart(
        title=card.side.player.name,
        subtitle=text("Last evenings"),
        value_axis=text("damage per minute"),
        labels=tuple(f"{at.astimezone(zone):%Y-%m-%d}" for at, _ in told),
        series=(Series(name=text("that evening"), values=tuple(value for _, value in told)),),
        column_axis=text("evening (year-month-day)"),
        limit=card.form.baseline["dpm"] or 0.0,
        limit_name=texts("before, in {count} round", "before, in {count} rounds", rounds),
    )
