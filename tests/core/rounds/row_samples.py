"""Invented rounds of players, with nothing known of them but the counters that are named."""

from __future__ import annotations

from datetime import timedelta

from bot.core.rounds.counters import PlayerRound
from tests.core.rounds.samples import EVENING


def row(guid="AAAAAAA1", *, name="someone", minutes=0, counted=True, **counters) -> PlayerRound:
    ended_at = EVENING + timedelta(minutes=minutes)
    return PlayerRound(guid=guid, name=name, ended_at=ended_at, counted=counted, counters=counters)
