"""Even teams of those who are there: `/rounds balance`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import escape, stamp
from bot.core.rounds.names import NAME_LENGTH
from bot.core.rounds.rating import FEWEST_MAPS, Rating, win_chance
from bot.texts import join, text, texts

FEWEST, MOST = 2, 16
"""Players; of sixteen there are 6,435 pairs of teams, and all are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """Somebody who is there; one whom nobody knows has the rating that everybody begins with."""

    name: str
    rating: Rating


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Two teams by the keys of their players, the best first; `chance`, 0 to 1, is that of the `first`.

    The best player of all is in the `first` team.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    chance: float


def balance(players: Mapping[str, Rating]) -> Split:
    """Give the teams whose chances are most even; their sizes are equal, or differ by one.

    Of equally even ones it is always the same, whatever the order of the players. Raises `ValueError` for a
    number of players that is not between 2 and 16.
    """
    if not FEWEST <= len(players) <= MOST:
        raise ValueError(f"{len(players)} players, not {FEWEST} to {MOST}")
    ranked = sorted(players, key=lambda key: (-players[key].mean, key))
    means = [players[key].mean for key in ranked]
    half = sum(means) / 2
    sizes = {len(ranked) // 2, (len(ranked) + 1) // 2}
    # The uncertainty of all together is the same for every split, so the chance is as even as the sums are.
    with_best = min(
        ((0, *others) for size in sorted(sizes) for others in combinations(range(1, len(ranked)), size - 1)),
        key=lambda chosen: abs(sum(means[at] for at in chosen) - half),
    )
    first = tuple(ranked[at] for at in with_best)
    second = tuple(ranked[at] for at in range(len(ranked)) if at not in with_best)
    chance = win_chance([players[key] for key in first], [players[key] for key in second])
    return Split(first=first, second=second, chance=chance)


def balance_message(
    players: Mapping[str, Present], *, server: str, last_round_at: datetime | None = None
) -> Message:
    """Give what is answered; `last_round_at` says that these are the players of that round, not those of now."""
    where = escape(server, 60)
    if last_round_at is None:
        count = texts(
            "{count} player is on {server} now.",
            "{count} players are on {server} now.",
            len(players),
            server=where,
        )
    else:
        count = texts(
            "{server} does not say who is there. {count} player was in the last round, which ended {when}.",
            "{server} does not say who is there. {count} players were in the last round, which ended {when}.",
            len(players),
            server=where,
            when=stamp(last_round_at),
        )
    if not FEWEST <= len(players) <= MOST:
        limits = text("Teams are made of {fewest} to {most} players.", fewest=FEWEST, most=MOST)
        return Message(title=text("Even teams"), tone=Tone.NOTICE, body=join("\n", [count, limits]))
    split = balance({key: one.rating for key, one in players.items()})
    percent = round(100 * split.chance)
    teams = ((split.first, percent), (split.second, 100 - percent))
    return Message(
        title=text("Even teams"),
        tone=Tone.ROUND,
        body=count,
        fields=tuple(
            MessageField(
                name=text("Team {number} · wins {percent} %", number=number, percent=percent),
                value=join("\n", [_line(players[key]) for key in team]),
            )
            for number, (team, percent) in enumerate(teams, start=1)
        ),
        footer=text("A rating is shown after {maps} maps; newcomers begin in the middle.", maps=FEWEST_MAPS),
    )


def nobody_message(server: str) -> Message:
    """Give what is answered where neither the server nor a round of the last two hours tells of anybody."""
    body = text(
        "{server} does not say who is there, and its last round is too long ago.", server=escape(server, 60)
    )
    return Message(title=text("Even teams"), tone=Tone.NOTICE, body=body)


def _line(one: Present) -> str:
    shown = one.rating.shown
    if shown is not None:
        told = f"{shown:.1f}"
    elif one.rating.maps:
        told = texts("{count} map so far", "{count} maps so far", one.rating.maps)
    else:
        told = text("new")
    return join("", [escape(one.name, NAME_LENGTH), " · ", told])
