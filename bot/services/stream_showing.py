"""Reads what is shown of a recorded live: its course, dear gifts, supporters, spikes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.machine import Pressure
from bot.core.streams.models import RecordedLive
from bot.core.streams.shown import MOST_FLAGS, MOST_SUPPORTERS, ShownLive
from bot.core.streams.spikes import Spike, spikes
from bot.core.streams.values import STANDARD_TIERS, Tiers
from bot.settings import Settings
from bot.storage import stream_reading
from bot.storage.engine import Database


def _no_pressure() -> Pressure:
    return Pressure(interval_minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowingRules:
    """What the settings and the machine say: gifts of the special tier or above are marked in the chart."""

    usd_per_diamond: float = 0.0
    tiers: Tiers = STANDARD_TIERS
    pressure: Callable[[], Pressure] = _no_pressure

    @classmethod
    def of(cls, settings: Settings, pressure: Callable[[], Pressure]) -> ShowingRules:
        """Take what the settings say; `pressure` asks the machine."""
        return cls(
            usd_per_diamond=settings.usd_per_diamond,
            tiers=Tiers(
                special=settings.gift_tier_special_diamonds, premium=settings.gift_tier_premium_diamonds
            ),
            pressure=pressure,
        )


class StreamShowing:
    """Puts together what is shown of a live; what takes long is done beside the event loop."""

    def __init__(self, database: Database, rules: ShowingRules) -> None:
        self._database = database
        self.rules = rules

    async def shown(
        self, live: RecordedLive, now: datetime, *, zone: str, found: Sequence[Spike] | None = None
    ) -> ShownLive:
        """Read what is shown of a live; its spikes are found now where they were not `found` already."""
        async with self._database.read() as conn:
            minutes = await stream_reading.minutes_of(conn, live.live_id)
            supporters = await stream_reading.supporters(conn, live.live_id, MOST_SUPPORTERS)
            gifts = await stream_reading.dearest_gifts(
                conn, live.live_id, least=self.rules.tiers.special, most=MOST_FLAGS
            )
        pressure = self.rules.pressure()
        return ShownLive(
            live=live,
            now=now,
            minutes=minutes,
            supporters=supporters,
            gifts=gifts,
            spikes=await asyncio.to_thread(spikes, minutes) if found is None else found,
            interval_minutes=pressure.interval_minutes,
            reason=pressure.reason,
            usd_per_diamond=self.rules.usd_per_diamond,
            tiers=self.rules.tiers,
            zone=zone,
        )
