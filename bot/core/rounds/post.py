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
from bot.core.rounds.chart import clock, outcome, round_chart
from bot.core.rounds.fields import ALLIES, AXIS, SPECTATOR
from bot.core.rounds.names import clean_name
from bot.core.rounds.resolve import Flag, ResolvedPlayer, ResolvedRound

MOST_PLAYERS = 12  # rows of a table; a match has at most 6 a side, a public server more
TABLE_WIDTH = 36  # columns a phone shows in a code block
_NAME_WIDTH = 14
_HEAD = f"{'Player':<{_NAME_WIDTH}} {'K':>3} {'D':>3} {'DMG':>6} {'ACC':>4}"

SIDES = {AXIS: "Axis", ALLIES: "Allies", SPECTATOR: "Spectators"}

# Prefixes say who made a map, not what it is called.
_PREFIX = re.compile(r"^(?:(?:etl|et|sw|te|mp|sp)_)+(?=.)", re.IGNORECASE)

MARKS = {
    Flag.ABORTED: "Aborted: it was not played to its end, and is not counted.",
    Flag.NO_PARTNER: "Cumulative, no partner: its round 1 is missing, so the numbers are those of both rounds. "
    "Not counted.",
    Flag.BOTS: "Bots took part: not counted.",
    Flag.TOO_FEW_PLAYERS: "Too few players: not counted.",
    Flag.TOO_SHORT: "Shorter than a minute: not counted.",
    Flag.COUNTERS_LEAKED: "The numbers also hold an earlier match: not counted.",
    Flag.SUMS_DO_NOT_BALANCE: "Data incomplete: damage or kills given and received differ.",
    Flag.ENDED_EARLY: "Ended early: before the time was up.",
}


def round_message(round_: ResolvedRound, *, server: str) -> Message:
    """Give the message of a round; `server` is what people call the game server."""
    return Message(
        title=f"{escape(_map_title(round_.map), 60)} · round {round_.round} · {_outcome(round_)}",
        tone=Tone.ROUND,
        body="\n".join(f"⚠️ {text}" for flag, text in MARKS.items() if flag in round_.flags),
        fields=(*_facts(round_), *_tables(round_)),
        footer=f"{clip(server, 60)} · {clip(clean_name(round_.map) or '?', 64)}",
        chart=round_chart(round_) if round_.players else None,
    )


def _map_title(name: str) -> str:
    plain = _PREFIX.sub("", clean_name(name)).replace("_", " ").strip()
    return plain.title() if plain else "Unknown map"


def _outcome(round_: ResolvedRound) -> str:
    if Flag.ABORTED in round_.flags:
        return "aborted"
    return outcome(round_) or "winner unknown"


def _facts(round_: ResolvedRound) -> list[MessageField]:
    played = "unknown" if round_.played_seconds is None else clock(round_.played_seconds)
    name = "Time set" if round_.attackers_succeeded else "Duration"
    return [
        MessageField(name=name, value=f"{played} of {clock(round_.limit_seconds)}"),
        MessageField(name="Ended", value=stamp(round_.ended_at)),
    ]


def _tables(round_: ResolvedRound) -> list[MessageField]:
    if not round_.players:
        return [MessageField(name="Players", value="Nobody fired a shot.", inline=False)]
    return [
        MessageField(name=_side_title(round_, side), value=_table(players), inline=False)
        for side in SIDES
        if (players := _on_side(round_, side))
    ]


def _side_title(round_: ResolvedRound, side: int) -> str:
    if side == SPECTATOR or round_.defender_side not in {AXIS, ALLIES}:
        return SIDES[side]
    return f"{SIDES[side]} ({'defending' if side == round_.defender_side else 'attacking'})"


def _on_side(round_: ResolvedRound, side: int) -> list[ResolvedPlayer]:
    """Give the players who were on a side at the end, most damage first."""
    return [player for player in round_.players if player.side == side]


def _table(players: Sequence[ResolvedPlayer]) -> str:
    rows = "\n".join((_HEAD, *(_row(player) for player in players[:MOST_PLAYERS])))
    table = f"```\n{rows}\n```"
    return table if len(players) <= MOST_PLAYERS else f"{table}\nand {len(players) - MOST_PLAYERS} more"


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
