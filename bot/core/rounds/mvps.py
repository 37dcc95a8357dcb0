"""The most valuable players of an evening: who has earned the most experience points (XP).

XP is the game's own score for kills, revives, objectives and supplies alike, so that medics and engineers
are not left behind by whoever does nothing but shoot (specs/etlegacy.md 4.5). Who ties shares the honour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.grammar import is_bot
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.teams import EveningTeams


@dataclass(frozen=True, kw_only=True, slots=True)
class Mvp:
    """A player with the most XP of some rounds; `name` is his newest, `rounds` how many he played of them."""

    guid: str
    name: str
    xp: int
    rounds: int


def evening_mvps(rounds: Sequence[EveningRound]) -> tuple[Mvp, ...]:
    """Give the MVP of an evening, or those who tie, by GUID; nobody without XP in a counted round."""
    return _best(rounds, None)


def team_mvps(
    rounds: Sequence[EveningRound], teams: EveningTeams, lineup: int
) -> tuple[tuple[Mvp, ...], tuple[Mvp, ...]]:
    """Give the MVPs of team 0 and of team 1 in the rounds of one line-up."""
    placed = teams.placements
    own = [one for one in rounds if one.key in placed and placed[one.key].lineup == lineup]
    members = teams.lineups[lineup]
    return _best(own, members.members(0)), _best(own, members.members(1))


def _best(rounds: Iterable[EveningRound], members: frozenset[str] | None) -> tuple[Mvp, ...]:
    played: dict[str, list[ResolvedPlayer]] = defaultdict(list)
    for one in rounds:
        for player in one.resolved.players:
            is_asked_for = members is None or player.guid in members
            if one.counted and is_asked_for and not is_bot(player.guid):
                played[player.guid].append(player)
    xp = {guid: sum(player.xp for player in own) for guid, own in played.items()}
    most = max(xp.values(), default=0)
    return tuple(
        Mvp(guid=guid, name=played[guid][-1].name, xp=most, rounds=len(played[guid]))
        for guid in sorted(xp)
        if xp[guid] == most > 0
    )
