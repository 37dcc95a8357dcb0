"""How teams, their players and maps are called in messages; everything from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from bot.core.markup import clip, escape
from bot.core.rounds.chart import clock
from bot.core.rounds.fields import ALLIES, AXIS
from bot.core.rounds.mvps import Mvp
from bot.core.rounds.names import clean_name
from bot.core.rounds.resolve import ResolvedRound
from bot.core.rounds.scored import ScoredEvening, newest_names
from bot.core.rounds.scores import Points
from bot.texts import join, text, texts

TEAM_LETTERS = ("A", "B")
MOST_TIED = 2
MOST_NAMED = 6  # players of a team; a match has at most 6 a side
_NAME_LENGTH, _TEAM_LENGTH = 18, 24

# Prefixes say who made a map, not what it is called.
_PREFIX = re.compile(r"^(?:(?:etl|et|sw|te|mp|sp)_)+(?=.)", re.IGNORECASE)


def map_title(name: str) -> str:
    """Give what people call a map; not escaped."""
    plain = _PREFIX.sub("", clean_name(name)).replace("_", " ").strip()
    return plain.title() if plain else text("Unknown map")


def team_name(scored: ScoredEvening, lineup: int, team: int) -> str:
    """Give the name an admin set for a team of a line-up, else its letter; escaped."""
    return escape(plain_team_name(scored, lineup, team), _TEAM_LENGTH)


def plain_team_name(scored: ScoredEvening, lineup: int, team: int) -> str:
    """Give the name of a team for a picture or a title, where markup means nothing."""
    chosen = clip(clean_name(scored.team_names.get((lineup, team), "")), _TEAM_LENGTH)
    return chosen or text("Team {letter}", letter=TEAM_LETTERS[team])


def mvp_names(best: Sequence[Mvp]) -> str:
    """Name the most valuable players, who tie if they are several."""
    hidden = len(best) - MOST_TIED
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return join(", ", [*(bold(escape(one.name, _NAME_LENGTH)) for one in best[:MOST_TIED]), *more])


def player_name(names: Mapping[str, str], guid: str) -> str:
    """Give the name of a player."""
    return escape(names.get(guid) or guid, _NAME_LENGTH)


def bold(words: str) -> str:
    """Give a text in bold."""
    return join("", ["**", words, "**"])


def named(names: Mapping[str, str], guids: Collection[str], most: int = MOST_NAMED) -> str:
    """Name players in the order of their names, so that the same players always read the same."""
    by_name = sorted(guids, key=lambda guid: (names.get(guid, "").casefold(), guid))
    hidden = len(by_name) - most
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return join(", ", [*(player_name(names, guid) for guid in by_name[:most]), *more])


def score_line(scored: ScoredEvening, lineup: int, score: Points) -> str:
    """Give the score of a line-up, for instance `**Team A** 4 - 2 **Team B**`."""
    first, second = (bold(team_name(scored, lineup, team)) for team in (0, 1))
    return join(" ", [first, f"{score[0]} - {score[1]}", second])


def member_lines(scored: ScoredEvening, lineup: int, key: str = "") -> list[str]:
    """Say in small print who is in the teams of a line-up: those who played, in round `key` if it is given.

    So that the message of a round reads the same when somebody joins later.
    """
    rounds = [one for one in scored.played(lineup) if key in {"", one.key}]
    names = newest_names(rounds)
    members = scored.teams.lineups[lineup]
    return [
        join("", ["-# ", _label(scored, lineup, team), ": ", named(names, own)])
        for team in (0, 1)
        if (own := members.members(team) & names.keys())
    ]


def _label(scored: ScoredEvening, lineup: int, team: int) -> str:
    """Give a team's name, with its letter, by which tables call it."""
    name = team_name(scored, lineup, team)
    return join(" · ", [TEAM_LETTERS[team], name]) if (lineup, team) in scored.team_names else name


def attack_line(scored: ScoredEvening, key: str) -> str:
    """Say which team attacked in a round and how that ended."""
    one, placed = scored.round(key), scored.teams.placements.get(key)
    if one is None or placed is None:
        return ""
    resolved = one.resolved
    team = team_name(scored, placed.lineup, placed.team_of(attacking_side(resolved)))
    if resolved.played_seconds is None:
        return text("{team} attacked", team=team)
    time = clock(resolved.played_seconds)
    if resolved.attackers_succeeded:
        return text("{team} attacked and won in {time}", team=team, time=time)
    return text("{team} attacked and was held, {time}", team=team, time=time)


def attacking_side(resolved: ResolvedRound) -> int:
    """Give the side, Axis or Allies, that attacks."""
    return ALLIES if resolved.defender_side == AXIS else AXIS
