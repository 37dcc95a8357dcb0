"""An evening with everything that is told of it: its teams, what they are called, and the score after each map."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.scores import MapPlayed, Points, score_maps
from bot.core.rounds.teams import EveningTeams, find_teams


@dataclass(frozen=True, kw_only=True, slots=True)
class TeamChoices:
    """What an admin set for an evening: names by key of a round and team, and the team of players by GUID.

    `ignored` are players who stand in no table, by GUID.
    """

    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    members: Mapping[str, int] = field(default_factory=dict)
    ignored: Collection[str] = ()


NOTHING_CHOSEN = TeamChoices()


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredEvening:
    """The rounds of ONE evening, oldest first, with teams and score.

    `team_names` are those an admin set, by line-up and team; `names` the newest of each player, by GUID;
    `ignored` are those who stand in no table.
    """

    rounds: tuple[EveningRound, ...]
    teams: EveningTeams
    maps: tuple[MapPlayed, ...]
    team_names: Mapping[tuple[int, int], str]
    names: Mapping[str, str]
    ignored: Collection[str] = ()

    @property
    def tabled(self) -> tuple[EveningRound, ...]:
        """Give the rounds without the players who stand in no table."""
        if not self.ignored:
            return self.rounds
        return tuple(
            replace(one, resolved=replace(one.resolved, players=self._of_tables(one.resolved.players)))
            for one in self.rounds
        )

    def _of_tables(self, players: Iterable[ResolvedPlayer]) -> tuple[ResolvedPlayer, ...]:
        return tuple(player for player in players if player.guid not in self.ignored)

    def round(self, key: str) -> EveningRound | None:
        """Give a round of the evening."""
        return next((one for one in self.rounds if one.key == key), None)

    def map_of(self, key: str) -> MapPlayed | None:
        """Give the map as it was played of which a round is a half."""
        return next((one for one in self.maps if key in one.rounds), None)

    def score_at(self, key: str) -> Points | None:
        """Give the score that stood when a round had ended; None where nothing is placed yet.

        The points of a map come with its second half.
        """
        played = self.map_of(key)
        if played is None or played.score is None:
            return None
        if key == played.rounds[-1]:
            return played.score
        return played.score[0] - played.points[0], played.score[1] - played.points[1]

    def final_scores(self) -> dict[int, Points]:
        """Give the last score of each line-up."""
        return {one.lineup: one.score for one in self.maps if one.lineup is not None and one.score}

    def played(self, lineup: int) -> tuple[EveningRound, ...]:
        """Give the counted rounds of a line-up."""
        placed = self.teams.placements
        return tuple(one for one in self.rounds if one.key in placed and placed[one.key].lineup == lineup)


def score_evening(rounds: Sequence[EveningRound], chosen: TeamChoices = NOTHING_CHOSEN) -> ScoredEvening:
    """Find the teams of an evening, its rounds oldest first, and its score."""
    teams = find_teams(rounds, chosen.members)
    return ScoredEvening(
        rounds=tuple(rounds),
        teams=teams,
        maps=score_maps(rounds, teams),
        team_names=_team_names(rounds, teams, chosen.names),
        names=newest_names(rounds),
        ignored=chosen.ignored,
    )


def newest_names(rounds: Iterable[EveningRound]) -> dict[str, str]:
    """Give the name each player had last, by GUID; the rounds are oldest first."""
    return {player.guid: player.name for one in rounds for player in one.resolved.players}


def _team_names(
    rounds: Sequence[EveningRound], teams: EveningTeams, names: Mapping[str, Mapping[int, str]]
) -> dict[tuple[int, int], str]:
    """Give each line-up the names set at its rounds, the last one where there are several.

    A round that has no line-up (it does not count) stands for the one before it.
    """
    found: dict[tuple[int, int], str] = {}
    lineup = 0
    for one in rounds:
        placed = teams.placements.get(one.key)
        lineup = placed.lineup if placed else lineup
        found |= {(lineup, team): name for team, name in names.get(one.key, {}).items()}
    return found
