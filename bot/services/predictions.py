"""What is expected, planned and how well it went: the readings behind `/predict`, `/live why` and the boards."""

from __future__ import annotations

from bot.clock import Clock
from bot.core.live.predictions import (
    AccountPrediction,
    Accuracy,
    Board,
    DayPlan,
    NextLives,
    Why,
)
from bot.services.live_monitor import LiveMonitor
from bot.storage.engine import Database


class Predictions:
    """Reads for one guild what the policies expect; it changes nothing."""

    def __init__(
        self, *, database: Database, monitor: LiveMonitor, clock: Clock, default_time_zone: str
    ) -> None:
        self._database = database
        self._monitor = monitor
        self._clock = clock
        self._default_time_zone = default_time_zone

    async def next(self, guild_id: int, hours: int = 24) -> NextLives:
        """Say who of a guild's accounts is likely to go live in the next `hours`, the likeliest first."""
        raise NotImplementedError

    async def account(self, guild_id: int, written: str) -> AccountPrediction:
        """Tell everything known of one account. Raises `InputRefused` and `NothingThere`."""
        raise NotImplementedError

    async def plan(self, guild_id: int) -> DayPlan:
        """Give today's checks by hour beside the budget."""
        raise NotImplementedError

    async def accuracy(self, guild_id: int, weeks: int = 8) -> Accuracy:
        """Give how predictions came out for the guild's accounts, and the scores by week."""
        raise NotImplementedError

    async def why(self, guild_id: int, written: str) -> Why:
        """Say in one sentence each why an account was and will be checked. Raises as `account`."""
        raise NotImplementedError

    async def board(self, guild_id: int) -> Board:
        """Give what a status board of the guild shows now."""
        raise NotImplementedError
