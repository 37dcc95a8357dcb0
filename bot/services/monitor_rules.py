"""What the live monitor may spend, and the spans it keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bot.core.live.planner import Allowance
from bot.core.live.transitions import LiveRules


@dataclass(frozen=True, kw_only=True, slots=True)
class MonitorRules:
    """The budgets (requests in any rolling 24 hours) and the spans the monitor keeps.

    `spacing` is the least distance of two planned checks of one account. The viewers of a live are polled each
    `viewers_every`; of one that should be recorded and cannot be, each `degraded_every`.
    """

    discovery_per_day: int = 120
    followup_per_day: int = 480
    per_minute: int = 4
    guild_share_percent: int = 100
    discovery_per_hour: int | None = None
    spacing: timedelta = timedelta(minutes=1)
    sweep_every: timedelta = timedelta(minutes=10)
    viewers_every: timedelta = timedelta(minutes=15)
    degraded_every: timedelta = timedelta(minutes=3)
    record_lives: bool = False
    live: LiveRules = field(default_factory=LiveRules)

    @property
    def allowance(self) -> Allowance:
        """What the plan may spend: no more than the hours allow together."""
        hourly = self.discovery_per_day if self.discovery_per_hour is None else self.discovery_per_hour * 24
        return Allowance(
            checks_per_day=min(self.discovery_per_day, hourly), guild_share=self.guild_share_percent / 100
        )
