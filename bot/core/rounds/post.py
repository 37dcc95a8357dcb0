"""What is said about a round: a message with one table per side and its chart.

A table is monospaced and at most 36 columns wide, so that a phone shows it without a break. With the most
players a side can have the whole stays far below Discord's 1,024 characters per field and 6,000 per
message (specs/discord.md 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import clip, escape, stamp
from bot.core.rounds.chart import SIDES, clock, outcome, round_chart
from bot.core.rounds.columns import WIDTH, code_block, column, percent, short
from bot.core.rounds.fields import ALLIES, AXIS, SPECTATOR
from bot.core.rounds.names import clean_name
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import Flag, ResolvedRound
from bot.core.rounds.scored import ScoredEvening
from bot.core.rounds.standing import Awarded, awards_field, best_field, standing_fields
from bot.core.rounds.team_words import map_title, plain_team_name, team_name
from bot.texts import Value, join, text, texts

MOST_PLAYERS = 12  # rows of a table; a match has at most 6 a side, a public server more
TABLE_WIDTH = WIDTH
_NAME_WIDTH = 14
# TRANSLATORS: the head of a monospaced table: name, kills, deaths, damage, accuracy. Keep every column's end.
_HEAD = text("Player           K   D    DMG  ACC")

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


VOIDED = text("Left out by an admin: not counted.")


def round_message(
    round_: ResolvedRound,
    *,
    server: str,
    key: str = "",
    evening: ScoredEvening | None = None,
    awards: Sequence[Awarded] = (),
) -> Message:
    """Give the message of a round; `server` is what people call the game server.

    `evening` is the one it belongs to, in which it is named `key`; without it nothing is said of teams.
    """
    standing = standing_fields(evening, key) if evening else []
    teams = _teams(evening, key, team_name)
    return Message(
        title=text(
            "{map} · round {number} · {outcome}",
            map=escape(map_title(round_.map), 60),
            number=round_.round,
            outcome=_outcome(round_, teams),
        ),
        tone=Tone.ROUND,
        body=join("\n", [join(" ", ["⚠️", mark]) for mark in _marks(round_, key, evening)]),
        fields=(
            *_facts(round_),
            *standing,
            *_tables(round_, teams),
            *best_field(round_),
            *awards_field(awards),
        ),
        footer=f"{clip(server, 60)} · {clip(clean_name(round_.map) or '?', 64)}",
        chart=round_chart(round_, _teams(evening, key, plain_team_name)) if round_.players else None,
    )


def round_facts(round_: ResolvedRound, *, server: str) -> dict[str, Value]:
    """Give what a template may name of a round; the winner is left out where nobody knows it."""
    facts: dict[str, Value] = {"map": escape(map_title(round_.map), 60), "server": escape(server, 60)}
    if round_.winner_side in {AXIS, ALLIES}:
        facts["winner"] = SIDES[round_.winner_side]
    return facts


def _outcome(round_: ResolvedRound, teams: Mapping[int, str]) -> str:
    if Flag.ABORTED in round_.flags:
        return text("aborted")
    return outcome(round_, teams) or text("winner unknown")


def _facts(round_: ResolvedRound) -> list[MessageField]:
    played = text("unknown") if round_.played_seconds is None else clock(round_.played_seconds)
    name = text("Time set") if round_.attackers_succeeded else text("Duration")
    of_limit = text("{played} of {limit}", played=played, limit=clock(round_.limit_seconds))
    return [
        MessageField(name=name, value=of_limit),
        MessageField(name=text("Ended"), value=stamp(round_.ended_at)),
    ]


def _marks(round_: ResolvedRound, key: str, evening: ScoredEvening | None) -> list[str]:
    told = evening.round(key) if evening else None
    voided = [VOIDED] if told and told.voided else []
    return [*(mark for flag, mark in MARKS.items() if flag in round_.flags), *voided]


def _teams(
    evening: ScoredEvening | None, key: str, name: Callable[[ScoredEvening, int, int], str]
) -> dict[int, str]:
    """Name the team on each side; nothing where that is not known."""
    placed = evening.teams.placements.get(key) if evening else None
    if evening is None or placed is None:
        return {}
    return {side: name(evening, placed.lineup, placed.team_of(side)) for side in (AXIS, ALLIES)}


def _tables(round_: ResolvedRound, teams: Mapping[int, str]) -> list[MessageField]:
    if not round_.players:
        return [MessageField(name=text("Players"), value=text("Nobody fired a shot."), inline=False)]
    return [
        MessageField(name=_side_title(round_, side, teams), value=_table(players), inline=False)
        for side in SIDES
        if (players := _on_side(round_, side))
    ]


def _side_title(round_: ResolvedRound, side: int, teams: Mapping[int, str]) -> str:
    team = [teams[side]] if side in teams else []
    if side == SPECTATOR or round_.defender_side not in {AXIS, ALLIES}:
        return join(" · ", [*team, SIDES[side]])
    role = text("defending") if side == round_.defender_side else text("attacking")
    return join(" · ", [*team, join("", [SIDES[side], " (", role, ")"])])


def _on_side(round_: ResolvedRound, side: int) -> list[ResolvedPlayer]:
    """Give the players who were on a side at the end, most damage first."""
    return [player for player in round_.players if player.side == side]


def _table(players: Sequence[ResolvedPlayer]) -> str:
    hidden = len(players) - MOST_PLAYERS
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return code_block([_HEAD, *map(_row, players[:MOST_PLAYERS])], more)


def _row(player: ResolvedPlayer) -> str:
    return (
        f"{column(player.name, _NAME_WIDTH)} {short(player.kills, 3):>3} {short(player.deaths, 3):>3} "
        f"{short(player.damage_given, 6):>6} {percent(player.accuracy):>4}"
    )
