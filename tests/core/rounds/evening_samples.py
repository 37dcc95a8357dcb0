"""Invented evenings: rounds as they come out of `resolve`, with only what evenings read."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.player import ResolvedPlayer
from bot.core.rounds.resolve import Flag, ResolvedRound
from tests.core.rounds.samples import EVENING

ZERO = {name: 0 for name, kind in ResolvedPlayer.__annotations__.items() if kind in {"int", "int | None"}}


def somebody(guid: str, side: int, **values) -> ResolvedPlayer:
    return ResolvedPlayer(
        **(ZERO | {"guid": guid, "name": guid, "side": side, "counter_reset": False} | values)
    )


def evening_round(
    key,
    minutes=0,
    axis="abc",
    allies="xyz",
    *,
    first=None,
    attackers_succeeded=True,
    seconds: int | None = 300,
    flags: frozenset[Flag] = frozenset(),
    voided=False,
    at: datetime | None = None,
    defender=1,
    xp=(),
) -> EveningRound:
    """A round that ended so many minutes into the evening; one letter is one player, Axis defends."""
    players = [somebody(guid, 1) for guid in axis] + [somebody(guid, 2) for guid in allies]
    points = dict(xp)
    players = [somebody(one.guid, one.side, xp=points.get(one.guid, 0)) for one in players]
    resolved = ResolvedRound(
        map="supply",
        round=2 if first else 1,
        ended_at=at or EVENING + timedelta(minutes=minutes),
        limit_seconds=600,
        defender_side=defender,
        winner_side=0 if attackers_succeeded is None else (3 - defender if attackers_succeeded else defender),
        attackers_succeeded=attackers_succeeded,
        played_seconds=seconds,
        players=tuple(players),
        flags=flags,
        partner_key=first,
    )
    return EveningRound(key=key, resolved=resolved, voided=voided)
