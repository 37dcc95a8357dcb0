"""Who plays together: teams are the players who stay together, never a side, which they swap (2.6, 2.7).

The first round of an evening makes the teams 0 (then Axis) and 1. In each later round the team of a side
is found by its players; who joins belongs to the team of his side. When fewer than 60 % of the players
who are known keep to their team, or hardly anybody is known, new teams begin: another line-up. The halves
of a map are never torn apart. A round that an admin took out still says who would have been team 0, so that
what people called the teams stays with the same players.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.fields import ALLIES, AXIS
from bot.core.rounds.grammar import is_bot
from bot.core.rounds.resolve import ResolvedRound

FEWEST_STAYING = 0.6  # of the known players; 253 of 268 real rounds in a row keep their teams


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Which line-up of the evening played a round, counted from 0, and which of its teams was Axis."""

    lineup: int
    axis_team: int

    def team_of(self, side: int) -> int:
        """Give the team, 0 or 1, that played Axis or Allies."""
        return self.axis_team if side == AXIS else 1 - self.axis_team


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineup:
    """Two teams: GUID to team, 0 or 1, the last in which each player was."""

    teams: Mapping[str, int]

    def members(self, team: int) -> frozenset[str]:
        """Give the GUIDs of a team."""
        return frozenset(guid for guid, own in self.teams.items() if own == team)


@dataclass(frozen=True, kw_only=True, slots=True)
class EveningTeams:
    """The line-ups of an evening in their order, and by key of the round who played which side.

    Rounds that do not count, or lack a side, have no placement.
    """

    lineups: tuple[Lineup, ...]
    placements: Mapping[str, Placement]


@dataclass(slots=True)
class _Carried:
    """The teams as they are after some rounds."""

    fixed: dict[str, int]
    lineups: list[dict[str, int]] = field(default_factory=list)
    last_size: int = 0
    placements: dict[str, Placement] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, sides: Mapping[str, int]) -> None:
        placement = Placement(lineup=len(self.lineups), axis_team=_voted(self.left_out, sides) or 0)
        self.left_out = {guid: placement.team_of(side) for guid, side in sides.items()} | self.left_out

    def place(self, one: EveningRound, sides: Mapping[str, int]) -> None:
        axis_team = self._axis_team(one, sides)
        if axis_team is None:
            # In the first line-up an admin moves a player; in others, who was moved shows which team is which.
            known = self.left_out or (self.fixed if self.lineups else {})
            self.lineups.append(dict(self.fixed))
            axis_team = _voted(known, sides, fewest=0.5) or 0
        self.left_out = {}
        placement = Placement(lineup=len(self.lineups) - 1, axis_team=axis_team)
        joined = {guid: placement.team_of(side) for guid, side in sides.items()}
        self.lineups[-1].update(joined | self.fixed)
        self.last_size = len(sides)
        self.placements[one.key] = placement

    def _axis_team(self, one: EveningRound, sides: Mapping[str, int]) -> int | None:
        if not self.lineups:
            return None
        first = self.placements.get(one.resolved.partner_key or "")
        teams = self.lineups[-1]
        enough = 2 * len(teams.keys() & sides.keys()) >= min(len(sides), self.last_size)
        voted = _voted(teams, sides) if enough else None
        return voted if voted is not None or first is None else 1 - first.axis_team


def find_teams(rounds: Sequence[EveningRound], fixed: Mapping[str, int] | None = None) -> EveningTeams:
    """Find the teams of the rounds of one evening, oldest first.

    `fixed` are players whose team, 0 or 1, an admin has set: they never change it.
    """
    carried = _Carried(fixed=dict(fixed or {}))
    for one in rounds:
        sides = playing_sides(one.resolved)
        if not {AXIS, ALLIES} <= set(sides.values()):
            continue
        if one.counted:
            carried.place(one, sides)
        elif one.voided:
            carried.leave_out(sides)
    return EveningTeams(
        lineups=tuple(Lineup(teams=teams) for teams in carried.lineups), placements=carried.placements
    )


def playing_sides(resolved: ResolvedRound) -> dict[str, int]:
    """Give the side, Axis or Allies, of each person who was on one at the end."""
    return {
        player.guid: player.side
        for player in resolved.players
        if player.side in {AXIS, ALLIES} and not is_bot(player.guid)
    }


def _voted(
    teams: Mapping[str, int], sides: Mapping[str, int], *, fewest: float = FEWEST_STAYING
) -> int | None:
    """Give the team that most of the known players put on the Axis side; None if fewer than `fewest` agree."""
    known = teams.keys() & sides.keys()
    zero = sum((teams[guid] == 0) == (sides[guid] == AXIS) for guid in known)
    if not known or max(zero, len(known) - zero) < fewest * len(known):
        return None
    return 0 if 2 * zero >= len(known) else 1
