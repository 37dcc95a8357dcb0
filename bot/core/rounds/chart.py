"""The picture of a round: who gave how much damage, side by side."""

from __future__ import annotations

from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.rounds.fields import ALLIES, AXIS, SPECTATOR
from bot.core.rounds.resolve import Flag, ResolvedPlayer, ResolvedRound

MOST_BARS = 10  # per side; more would be too small to read on a phone

_SIDES = {AXIS: "Axis", ALLIES: "Allies", SPECTATOR: "Spectators"}


def round_chart(resolved: ResolvedRound) -> BarChart:
    """Draw up the chart of a round: the players of both sides by damage given, with kills and deaths."""
    sides = {player.side for player in resolved.players} | {AXIS, ALLIES}
    return BarChart(
        title=f"{resolved.map} · round {resolved.round}",
        subtitle=" · ".join(part for part in (outcome(resolved), _marks(resolved)) if part),
        value_axis="damage given (hp) · kills / deaths beside the name",
        groups=tuple(_group(resolved, side) for side in sorted(sides)),
    )


def outcome(resolved: ResolvedRound) -> str:
    """Say in a few words how a round ended, for instance `Allies won in 7:11` or `Axis held 12:00`."""
    if resolved.attackers_succeeded is None:
        return ""
    winner = _SIDES[resolved.winner_side]
    if resolved.attackers_succeeded:
        return f"{winner} attacked and won in {clock(resolved.played_seconds or 0)}"
    if resolved.played_seconds is None:
        return f"{winner} held"
    if Flag.ENDED_EARLY in resolved.flags:
        return f"{winner} held, ended early at {clock(resolved.played_seconds or 0)}"
    return f"{winner} held the full {clock(resolved.limit_seconds)}"


def clock(seconds: int) -> str:
    """Write seconds as `m:ss`, as the game does."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _marks(resolved: ResolvedRound) -> str:
    """Name what a reader must know before believing the numbers."""
    marks = {
        Flag.ABORTED: "aborted",
        Flag.NO_PARTNER: "both rounds together, round 1 is missing",
        Flag.COUNTERS_LEAKED: "holds an earlier match",
        Flag.SUMS_DO_NOT_BALANCE: "data incomplete",
    }
    return ", ".join(text for flag, text in marks.items() if flag in resolved.flags)


def _group(resolved: ResolvedRound, side: int) -> BarGroup:
    players = [player for player in resolved.players if player.side == side]
    role = ""
    if resolved.defender_side and side != SPECTATOR:
        role = " · defended" if side == resolved.defender_side else " · attacked"
    hidden = len(players) - MOST_BARS
    return BarGroup(
        name=f"{_SIDES[side]}{role}",
        bars=tuple(_bar(player) for player in players[:MOST_BARS]),
        footnote=f"and {hidden} more" if hidden > 0 else "",
    )


def _bar(player: ResolvedPlayer) -> Bar:
    return Bar(
        label=player.name,
        value=player.damage_given,
        note=f"{player.kills} / {player.deaths}",
        fallback=f"player {player.guid}",
    )
