"""What the message of a round says beyond its tables: the map, the score so far, who was the best, awards."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.announcements import MessageField
from bot.core.markup import escape
from bot.core.rounds.grammar import is_bot
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import ResolvedRound
from bot.core.rounds.results import MapResult
from bot.core.rounds.scored import ScoredEvening
from bot.core.rounds.team_words import attack_line, bold, member_lines, score_line, team_name
from bot.texts import join, number, text, texts

Awarded = tuple[str, str, str]
"""An award as the endstats file has it: title, player, value."""

MOST_TIED = 3
MOST_AWARDS = 4
_NAME_LENGTH = 35


def standing_fields(scored: ScoredEvening, key: str) -> list[MessageField]:
    """Say how the map ended, with its second half, and the score by team when this round had ended."""
    placed, score = scored.teams.placements.get(key), scored.score_at(key)
    if placed is None or score is None:
        return []
    lines = [score_line(scored, placed.lineup, score), *member_lines(scored, placed.lineup, key)]
    so_far = MessageField(name=text("Score so far"), value=join("\n", lines), inline=False)
    return [*_map_field(scored, key), so_far]


def _map_field(scored: ScoredEvening, key: str) -> list[MessageField]:
    played = scored.map_of(key)
    if played is None or played.result is None or key != played.rounds[-1] or played.lineup is None:
        return []
    halves = [line for half in played.rounds if (line := attack_line(scored, half))]
    if played.result is MapResult.DRAW:
        verdict = text("Both teams held: one point each")
    elif played.winner is None:
        verdict = text("Nobody can say which team won the map")
    else:
        verdict = text("{team} won the map", team=team_name(scored, played.lineup, played.winner))
    lines = [bold(verdict), *halves]
    return [MessageField(name=text("Map result"), value=join("\n", lines), inline=False)]


def best_field(resolved: ResolvedRound) -> list[MessageField]:
    """Name who did most of what helps a team; nobody where nothing was done."""
    people = [player for player in resolved.players if not is_bot(player.guid)]
    lines = [
        join(": ", [label, winners])
        for label, counter in (
            (text("Most damage"), "damage_given"),
            (text("Most kills"), "kills"),
            (text("Most revives"), "revives"),
        )
        if (winners := _most(people, counter))
    ]
    if not lines:
        return []
    return [MessageField(name=text("Best of the round"), value=join("\n", lines), inline=False)]


def _most(players: Sequence[ResolvedPlayer], counter: str) -> str:
    """Name those with the most of a counter, and how much it is; empty where that is nothing."""
    most = max((getattr(player, counter) for player in players), default=0)
    if most <= 0:
        return ""
    best = [player for player in players if getattr(player, counter) == most]
    names = [bold(escape(player.name, _NAME_LENGTH)) for player in best[:MOST_TIED]]
    hidden = len(best) - MOST_TIED
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return join(" ", [join(", ", [*names, *more]), number(most)])


def awards_field(awards: Sequence[Awarded]) -> list[MessageField]:
    """Give the first awards of the round's endstats file, in the game's own words."""
    if not awards:
        return []
    lines = [
        join("", [escape(title, 48), ": ", bold(escape(name, _NAME_LENGTH)), " ", escape(value, 36)])
        for title, name, value in awards[:MOST_AWARDS]
    ]
    return [MessageField(name=text("Awards by the game"), value=join("\n", lines), inline=False)]
