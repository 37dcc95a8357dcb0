"""Who gave most: what `/top gifters` shows."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.streams.models import Supporter


@dataclass(frozen=True, kw_only=True, slots=True)
class Supporters:
    """Those who gave most, the most diamonds first, and what everybody gave together.

    `count` people have given. Those who were forgotten are no people: their diamonds are in `diamonds` and, apart, in
    `nameless`.
    """

    shown: tuple[Supporter, ...] = ()
    count: int = 0
    gifts: int = 0
    diamonds: int = 0
    estimated_diamonds: int = 0
    nameless: int = 0
