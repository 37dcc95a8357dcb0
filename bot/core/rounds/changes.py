"""What admins changed about rounds, in a sentence: the answer to whoever did it, and what the audit log keeps.

Everything from outside is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.core.markup import escape
from bot.core.rounds.names import NAME_LENGTH, clean_name
from bot.core.rounds.team_words import TEAM_LETTERS, map_title
from bot.texts import Value, join, text, texts

TEAM_NAME_LENGTH = 24
"""So many characters of a team's name are shown."""

SWITCHES: Mapping[str, str] = {
    "monitoring": text("Watching the server"),
    "posts": text("Posts of rounds"),
    "evenings": text("Summaries of evenings"),
    "milestones": text("Milestones of players"),
    "weekly": text("The week's table of players"),
}
"""What can be switched on and off, as people read it; all but `weekly` for each game server."""


def switched(switch: str, server: str, *, on: bool) -> str:
    """Say how a switch stands; without a server it is one of the whole guild."""
    state = text("on") if on else text("off")
    return join("", [*_of(server), SWITCHES[switch], ": ", state])


def map_ignored(server: str, map_name: str, count: int, *, ignored: bool) -> str:
    """Say that a map is left out, or taken in again; `count` of its rounds change."""
    name = f"`{_plain(map_name)}`"
    rounds = texts("{count} round", "{count} rounds", count)
    if ignored:
        said = text("The map {map} is left out of all tables ({rounds}).", map=name, rounds=rounds)
    else:
        said = text("The map {map} counts again ({rounds}).", map=name, rounds=rounds)
    return join("", [*_of(server), said])


def player_ignored(server: str, name: str, *, ignored: bool) -> str:
    """Say that a player is left out, or taken in again."""
    who = escape(clean_name(name), NAME_LENGTH)
    if ignored:
        said = text("{player} is left out of all tables, milestones and ratings.", player=who)
    else:
        said = text("{player} stands in the tables again.", player=who)
    return join("", [*_of(server), said])


def round_voided(server: str, map_name: str, number: int, ended_at: datetime, *, void: bool) -> str:
    """Say that a round is void, or not any more."""
    which: dict[str, Value] = {"map": escape(map_title(map_name), 60), "number": number, "when": ended_at}
    if void:
        said = text("Round {number} of {map}, ended {when}, is void.", **which)
    else:
        said = text("Round {number} of {map}, ended {when}, is not void any more.", **which)
    return join("", [*_of(server), said])


def team_named(server: str, began_at: datetime, team: int, name: str | None) -> str:
    """Say what a team of an evening is called."""
    letter = TEAM_LETTERS[team]
    if name is None:
        said = text("Team {letter} of the evening of {when} has no other name.", letter=letter, when=began_at)
    else:
        called = escape(name, TEAM_NAME_LENGTH)
        said = text(
            "Team {letter} of the evening of {when} is called {name}.",
            letter=letter,
            when=began_at,
            name=called,
        )
    return join("", [*_of(server), said])


def player_put(server: str, began_at: datetime, name: str, team: int | None) -> str:
    """Say in which team of an evening a player is."""
    who = escape(clean_name(name), NAME_LENGTH)
    if team is None:
        said = text(
            "{player} is in the team of the rounds again, on the evening of {when}.",
            player=who,
            when=began_at,
        )
    else:
        said = text(
            "{player} is in team {letter} on the evening of {when}.",
            player=who,
            letter=TEAM_LETTERS[team],
            when=began_at,
        )
    return join("", [*_of(server), said])


def teams_reset(server: str, began_at: datetime) -> str:
    """Say that the teams of an evening are as the rounds tell them."""
    said = text("The teams of the evening of {when} are as the rounds tell them.", when=began_at)
    return join("", [*_of(server), said])


def file_made_anew(server: str, name: str, *, fetch: bool) -> str:
    """Say that the round of a file was made anew, or that the file will be fetched again."""
    shown = f"`{_plain(name)}`"
    if fetch:
        said = text("The next look fetches {file} again.", file=shown)
    else:
        said = text("The round of {file} was made anew.", file=shown)
    return join("", [*_of(server), said])


def _of(server: str) -> list[str]:
    return [f"**{escape(server, 60)}**: "] if server else []


def _plain(name: str) -> str:
    """Make a name safe inside backticks, where nothing else has a meaning."""
    return " ".join(name.replace("`", "'").split())[:100]


def member_linked(user_id: int, name: str) -> str:
    """Say that an admin chose which player a member is."""
    return text("{member} is the player {player}.", member=f"<@{user_id}>", player=escape(name))


def member_unlinked(user_id: int, name: str) -> str:
    """Say that an admin undid which player a member is."""
    return text("{member} is not the player {player} any more.", member=f"<@{user_id}>", player=escape(name))
