"""What is said of a map over all evenings: how often it was held, how fast it was attacked, who was the fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import ColumnChart, Series
from bot.core.markup import clip, escape, stamp
from bot.core.rounds.chart import clock
from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.map_records import AttackTime, Half, MapRecord, map_record
from bot.core.rounds.names import clean_name
from bot.core.rounds.results import MapResult
from bot.core.rounds.scored import newest_names
from bot.core.rounds.team_words import map_title, named
from bot.texts import join, text, texts

MOST_MINUTES = 20  # columns of the chart; later attacks stand in the last of them
_PLACES = ("🥇", "🥈", "🥉")
_ANY_TIMES = 10_000


def map_message(rounds: Sequence[EveningRound], name: str, *, server: str) -> Message:
    """Give the record of a map out of the rounds of ONE server on it, oldest first."""
    record = map_record(rounds, name, most=_ANY_TIMES)
    counted = [one for one in rounds if one.counted]
    return Message(
        title=escape(map_title(name), 100),
        tone=Tone.ROUND,
        body=_played(counted, record),
        fields=(
            _half_field(text("Round 1"), record.first),
            _half_field(text("Round 2"), record.second),
            _usual_field(record),
            *_results_field(record),
            *_best_field(record.best, newest_names(rounds)),
        ),
        footer=f"{clip(server, 60)} · {clip(clean_name(name) or '?', 64)}",
        chart=_chart(record, rounds) if record.best else None,
    )


def _played(counted: Sequence[EveningRound], record: MapRecord) -> str:
    if not counted:
        return text("No round on this map counts yet.")
    last: datetime = counted[-1].resolved.ended_at
    both = sum(record.results.values())
    return join(
        " · ",
        [
            texts("{count} counted round", "{count} counted rounds", len(counted)),
            texts("played to its end {count} time", "played to its end {count} times", both),
            text("last played {when}", when=stamp(last)),
        ],
    )


def _half_field(name: str, half: Half) -> MessageField:
    if half.hold_rate is None:
        return MessageField(name=name, value=text("never played"))
    value = text(
        "held {held} of {attacks} ({percent})",
        held=half.held,
        attacks=half.attacks,
        percent=f"{half.hold_rate:.0%}",
    )
    return MessageField(name=name, value=value)


def _usual_field(record: MapRecord) -> MessageField:
    seconds = record.usual_seconds
    value = text("unknown") if seconds is None else clock(round(seconds))
    return MessageField(name=text("Usual attack in round 1"), value=value)


def _results_field(record: MapRecord) -> list[MessageField]:
    if not any(record.results.values()):
        return []
    lines = [
        text("Won by who attacked first: {count}", count=record.results[MapResult.ROUND_1_ATTACKERS]),
        text("Won by who attacked second: {count}", count=record.results[MapResult.ROUND_2_ATTACKERS]),
        text("Held by both: {count}", count=record.results[MapResult.DRAW]),
    ]
    return [MessageField(name=text("Results"), value=join("\n", lines), inline=False)]


def _best_field(best: Sequence[AttackTime], names: Mapping[str, str]) -> list[MessageField]:
    if not best:
        return []
    lines = []
    for place, attack in enumerate(best[:5]):
        mark = _PLACES[place] if place < len(_PLACES) else f"{place + 1}."
        who = named(names, attack.attackers, 4)
        lines.append(join(" ", [mark, f"**{clock(attack.seconds)}**", who, "·", stamp(attack.ended_at, "d")]))
    return [MessageField(name=text("Best times"), value=join("\n", lines), inline=False)]


def _chart(record: MapRecord, rounds: Sequence[EveningRound]) -> ColumnChart:
    """Draw up how long the attacks took, minute by minute, and how many were held, in the last column."""
    numbers = {one.key: one.resolved.round for one in rounds}
    minutes = [(numbers[one.key], _within(one.seconds)) for one in record.best]
    first, last = min(minute for _, minute in minutes), max(minute for _, minute in minutes)
    series = []
    for number, half in ((1, record.first), (2, record.second)):
        counts = [float(sum(one == (number, minute) for one in minutes)) for minute in range(first, last + 1)]
        name = text("round {number}", number=number)
        series.append(Series(name=name, values=(*counts, float(half.held))))
    return ColumnChart(
        title=map_title(record.map),
        subtitle=text("How long attacks took"),
        value_axis=text("attacks"),
        labels=(*(_label(minute) for minute in range(first, last + 1)), text("held")),
        series=tuple(series),
        column_axis=text("within so many minutes; in the last column those that were held"),
    )


def _within(seconds: int) -> int:
    """Give within how many minutes an attack succeeded, at most `MOST_MINUTES`."""
    return min(max(1, -(-seconds // 60)), MOST_MINUTES)


def _label(minutes: int) -> str:
    return str(minutes) if minutes < MOST_MINUTES else f"{minutes}+"
