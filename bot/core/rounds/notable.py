"""What was remarkable about an evening, in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.core.announcements import MessageField
from bot.core.markup import escape
from bot.core.rounds.chart import clock
from bot.core.rounds.evening_players import evening_players
from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.grammar import is_bot
from bot.core.rounds.mvps import evening_mvps
from bot.core.rounds.scored import ScoredEvening
from bot.core.rounds.team_words import attacking_side, bold, map_title, mvp_names, player_name, team_name
from bot.texts import join, text

_Line = Callable[[ScoredEvening, Sequence[EveningRound]], str]


def notable_field(scored: ScoredEvening) -> list[MessageField]:
    """Name the most valuable player, the fastest attack, the most revives and the best single round."""
    counted = [one for one in scored.tabled if one.counted]
    writers: tuple[_Line, ...] = (_mvp, _fastest, _most_revives, _best_round)
    lines = [line for write in writers if (line := write(scored, counted))]
    return [MessageField(name=text("Notable"), value=join("\n", lines), inline=False)] if lines else []


def _mvp(scored: ScoredEvening, _: Sequence[EveningRound]) -> str:
    best = evening_mvps(scored.tabled)
    return text("MVP of the evening: {names}, {xp} XP", names=mvp_names(best), xp=best[0].xp) if best else ""


def _fastest(scored: ScoredEvening, rounds: Sequence[EveningRound]) -> str:
    attacks = [
        (one.resolved.played_seconds, one.resolved.ended_at, one)
        for one in rounds
        if one.resolved.attackers_succeeded
        and one.resolved.played_seconds is not None
        and one.key in scored.teams.placements
    ]
    if not attacks:
        return ""
    seconds, _, one = min(attacks, key=lambda attack: attack[:2])
    placed = scored.teams.placements[one.key]
    return text(
        "Fastest attack: {team} on {map} in {time}",
        team=bold(team_name(scored, placed.lineup, placed.team_of(attacking_side(one.resolved)))),
        map=escape(map_title(one.resolved.map), 40),
        time=clock(seconds),
    )


def _most_revives(scored: ScoredEvening, rounds: Sequence[EveningRound]) -> str:
    best = max(evening_players(rounds), key=lambda one: one.revives, default=None)
    if best is None or not best.revives:
        return ""
    name = bold(player_name(scored.names, best.guid))
    return text("Most revives: {name} {count}", name=name, count=best.revives)


def _best_round(scored: ScoredEvening, rounds: Sequence[EveningRound]) -> str:
    played = [
        (player.kills, player.guid, one.resolved.map)
        for one in rounds
        for player in one.resolved.players
        if not is_bot(player.guid)
    ]
    kills, guid, map_name = max(played, key=lambda one: one[0], default=(0, "", ""))
    if not kills:
        return ""
    return text(
        "Most kills in a round: {name} {count} on {map}",
        name=bold(player_name(scored.names, guid)),
        count=kills,
        map=escape(map_title(map_name), 40),
    )
