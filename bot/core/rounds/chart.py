"""The picture of a round: who gave how much damage, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.markup import clip
from bot.core.rounds.fields import ALLIES, AXIS, SPECTATOR
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import Flag, ResolvedRound
from bot.texts import join, text, texts

MOST_BARS = 10  # per side; more would be too small to read on a phone
_TEAM_LENGTH = 16  # what follows it, the side and its task, must find room

SIDES = {AXIS: text("Axis"), ALLIES: text("Allies"), SPECTATOR: text("Spectators")}


def round_chart(resolved: ResolvedRound, teams: Mapping[int, str] | None = None) -> BarChart:
    """Draw up the chart of a round: the players of both sides by damage given, with kills and deaths.

    `teams` name those who played on each side, where that is known.
    """
    teams = teams or {}
    sides = {player.side for player in resolved.players} | {AXIS, ALLIES}
    return BarChart(
        title=text("{map} · round {number}", map=resolved.map, number=resolved.round),
        subtitle=join(" · ", [part for part in (outcome(resolved, teams), _marks(resolved)) if part]),
        value_axis=text("damage given (hp) · kills / deaths beside the name"),
        groups=tuple(_group(resolved, side, teams) for side in sorted(sides)),
    )


def outcome(resolved: ResolvedRound, teams: Mapping[int, str]) -> str:
    """Say in a few words how a round ended, for instance `Team B attacked and won in 7:11`.

    A side whose team is not known is called by its own name.
    """
    if resolved.attackers_succeeded is None:
        return ""
    winner: str = teams.get(resolved.winner_side) or SIDES[resolved.winner_side]
    played = clock(resolved.played_seconds or 0)
    if resolved.attackers_succeeded:
        return text("{winner} attacked and won in {time}", winner=winner, time=played)
    if resolved.played_seconds is None:
        return text("{winner} held", winner=winner)
    if Flag.ENDED_EARLY in resolved.flags:
        return text("{winner} held, ended early at {time}", winner=winner, time=played)
    return text("{winner} held the full {time}", winner=winner, time=clock(resolved.limit_seconds))


def clock(seconds: int) -> str:
    """Write seconds as `m:ss`, as the game does."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _marks(resolved: ResolvedRound) -> str:
    """Name what a reader must know before believing the numbers."""
    marks = {
        Flag.ABORTED: text("aborted"),
        Flag.NO_PARTNER: text("both rounds together, round 1 is missing"),
        Flag.COUNTERS_LEAKED: text("holds an earlier match"),
        Flag.SUMS_DO_NOT_BALANCE: text("data incomplete"),
    }
    return join(", ", [words for flag, words in marks.items() if flag in resolved.flags])


def _group(resolved: ResolvedRound, side: int, teams: Mapping[int, str]) -> BarGroup:
    players = [player for player in resolved.players if player.side == side]
    name: list[str] = [clip(teams[side], _TEAM_LENGTH)] if side in teams else []
    name.append(SIDES[side])
    if resolved.defender_side and side != SPECTATOR:
        name.append(text("defended") if side == resolved.defender_side else text("attacked"))
    hidden = len(players) - MOST_BARS
    footnote = "" if players else text("nobody")
    return BarGroup(
        name=join(" · ", name),
        bars=tuple(_bar(player) for player in players[:MOST_BARS]),
        footnote=texts("and {count} more", "and {count} more", hidden) if hidden > 0 else footnote,
    )


def _bar(player: ResolvedPlayer) -> Bar:
    return Bar(
        label=player.name,
        value=player.damage_given,
        note=f"{player.kills} / {player.deaths}",
        fallback=text("player {guid}", guid=player.guid),
    )
