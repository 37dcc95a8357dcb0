"""Rounds without the names of those who asked to be forgotten: what they did stays, under an alias."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from bot.core.forgotten import ALIAS_PREFIX, Forgotten, alias_of, name_of
from bot.core.rounds.endstats import Award, PlayerDuel
from bot.core.rounds.resolve import ResolvedRound

SOMEBODY = "Anonymous"


def without_names(round_: ResolvedRound, forgotten: Forgotten) -> ResolvedRound:
    """Give a round in which forgotten players bear their alias and its name."""
    if not any(forgotten.player(player.guid) for player in round_.players):
        return round_
    players = []
    for player in round_.players:
        if forgotten.player(player.guid):
            alias = alias_of(forgotten.key, player.guid)
            players.append(replace(player, guid=alias, name=name_of(alias)))
        else:
            players.append(player)
    return replace(round_, players=tuple(players))


def awards_without_names(awards: Iterable[Award], names: Mapping[str, str]) -> tuple[Award, ...]:
    """Hide names in awards that nobody bears in the round, once somebody in it was forgotten.

    `names` are those of the round's players by GUID. An award bears a name alone, so that of somebody forgotten is
    told from others only by being nobody's.
    """
    hidden = [name for guid, name in names.items() if guid.startswith(ALIAS_PREFIX)]
    if not hidden:
        return tuple(awards)
    known: Collection[str] = set(names.values())
    instead = hidden[0] if len(hidden) == 1 else SOMEBODY
    return tuple(award if award.name in known else replace(award, name=instead) for award in awards)


def duels_without_names(duels: Iterable[PlayerDuel], forgotten: Forgotten) -> tuple[PlayerDuel, ...]:
    """Give duels in which forgotten players bear their alias."""

    def known(guid: str) -> str:
        return alias_of(forgotten.key, guid) if forgotten.player(guid) else guid

    return tuple(
        replace(duel, guid=known(duel.guid), opponent_guid=known(duel.opponent_guid)) for duel in duels
    )
