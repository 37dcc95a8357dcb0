"""What is said about a round: a message with one table per side and its chart.

A table is monospaced and at most 36 columns wide, so that a phone shows it without a break. With the most
players a side can have the whole stays far below Discord's 1,024 characters per field and 6,000 per
message (specs/discord.md 4).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import clip, escape, stamp
from bot.core.rounds.chart import SIDES, clock, outcome, round_chart
from bot.core.rounds.fields import ALLIES, AXIS, SPECTATOR
from bot.core.rounds.names import clean_name
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import Flag, ResolvedRound
from bot.texts import join, text, texts

MOST_PLAYERS = 12  # rows of a table; a match has at most 6 a side, a public server more
TABLE_WIDTH = 36  # columns a phone shows in a code block
_NAME_WIDTH = 14
# TRANSLATORS: the head of a monospaced table: name, kills, deaths, damage, accuracy. Keep every column's end.
_HEAD = text("Player           K   D    DMG  ACC")

# Prefixes say who made a map, not what it is called.
_PREFIX = re.compile(r"^(?:(?:etl|et|sw|te|mp|sp)_)+(?=.)", re.IGNORECASE)

MARKS = {
    Flag.ABORTED: text("Aborted: it was not played to its end, and is not counted."),
    Flag.NO_PARTNER: text(
        "Cumulative, no partner: its round 1 is missing, so the numbers are those of both rounds. Not counted."
    ),
    Flag.BOTS: text("Bots took part: not counted."),
    Flag.TOO_FEW_PLAYERS: text("Too few players: not counted."),
    Flag.TOO_SHORT: text("Shorter than a minute: not counted."),
    Flag.COUNTERS_LEAKED: text("The numbers also hold an earlier match: not counted."),
    Flag.SUMS_DO_NOT_BALANCE: text("Data incomplete: damage or kills given and received differ."),
    Flag.ENDED_EARLY: text("Ended early: before the time was up."),
}


def round_message(round_: ResolvedRound, *, server: str) -> Message:
    """Give the message of a round; `server` is what people call the game server."""
    return Message(
        title=text(
            "{map} · round {number} · {outcome}",
            map=escape(_map_title(round_.map), 60),
            number=round_.round,
            outcome=_outcome(round_),
        ),
        tone=Tone.ROUND,
        body=join("\n", [join(" ", ["⚠️", mark]) for flag, mark in MARKS.items() if flag in round_.flags]),
        fields=(*_facts(round_), *_tables(round_)),
        footer=f"{clip(server, 60)} · {clip(clean_name(round_.map) or '?', 64)}",
        chart=round_chart(round_) if round_.players else None,
    )


def _map_title(name: str) -> str:
    plain = _PREFIX.sub("", clean_name(name)).replace("_", " ").strip()
    return plain.title() if plain else text("Unknown map")


def _outcome(round_: ResolvedRound) -> str:
    if Flag.ABORTED in round_.flags:
        return text("aborted")
    return outcome(round_) or text("winner unknown")


def _facts(round_: ResolvedRound) -> list[MessageField]:
    played = text("unknown") if round_.played_seconds is None else clock(round_.played_seconds)
    name = text("Time set") if round_.attackers_succeeded else text("Duration")
    of_limit = text("{played} of {limit}", played=played, limit=clock(round_.limit_seconds))
    return [
        MessageField(name=name, value=of_limit),
        MessageField(name=text("Ended"), value=stamp(round_.ended_at)),
    ]


def _tables(round_: ResolvedRound) -> list[MessageField]:
    if not round_.players:
        return [MessageField(name=text("Players"), value=text("Nobody fired a shot."), inline=False)]
    return [
        MessageField(name=_side_title(round_, side), value=_table(players), inline=False)
        for side in SIDES
        if (players := _on_side(round_, side))
    ]


def _side_title(round_: ResolvedRound, side: int) -> str:
    if side == SPECTATOR or round_.defender_side not in {AXIS, ALLIES}:
        return SIDES[side]
    role = text("defending") if side == round_.defender_side else text("attacking")
    return join("", [SIDES[side], " (", role, ")"])


def _on_side(round_: ResolvedRound, side: int) -> list[ResolvedPlayer]:
    """Give the players who were on a side at the end, most damage first."""
    return [player for player in round_.players if player.side == side]


def _table(players: Sequence[ResolvedPlayer]) -> str:
    hidden = len(players) - MOST_PLAYERS
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return join("\n", ["```", _HEAD, *map(_row, players[:MOST_PLAYERS]), "```", *more])


def _row(player: ResolvedPlayer) -> str:
    accuracy = "-" if player.accuracy is None else f"{min(player.accuracy, 1):.0%}"
    return (
        f"{_column(player.name, _NAME_WIDTH)} {_short(player.kills, 3):>3} {_short(player.deaths, 3):>3} "
        f"{_short(player.damage_given, 6):>6} {accuracy:>4}"
    )


def _short(count: int, width: int) -> str:
    """Write a count; one that no real round reaches is cut to nines, so that the columns stand."""
    return str(min(count, 10**width - 1))


def _column(name: str, width: int) -> str:
    """Give a name that fills exactly `width` columns and cannot end the code block it stands in."""
    shown, used = "", 0
    for character in name.replace("`", "'")[:width]:
        columns = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
        if used + columns > width:
            break
        shown += character
        used += columns
    return shown + " " * (width - used)
