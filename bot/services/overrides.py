"""What admins change about the plan: overrides of accounts, the deployment's policy, special events."""

from __future__ import annotations

from datetime import date, timedelta

from bot.clock import Clock
from bot.core.live.predictions import Choices, Override, ShadowReport, SpecialEvent
from bot.core.requester import Requester
from bot.services.live_monitor import LiveMonitor
from bot.storage.engine import Database

PIN_BOUNDS = timedelta(minutes=5), timedelta(days=7)
PRIORITY_BOUNDS = 0.1, 10.0
BOOST_HOURS = 24
BOOST_EVERY = timedelta(minutes=15)


class Overrides:
    """A guild's admins change what counts for their guild; only the owner changes what counts for all."""

    def __init__(self, *, database: Database, monitor: LiveMonitor, clock: Clock) -> None:
        self._database = database
        self._monitor = monitor
        self._clock = clock

    # --- One account; each gives what is asked for it now, raises `InputRefused` and `NothingThere` --------

    async def choose_policy(self, by: Requester, written: str, policy: str) -> Override:
        """Plan an account of the guild by a policy of `POLICIES`; empty: the deployment's."""
        raise NotImplementedError

    async def prioritise(self, by: Requester, written: str, priority: float) -> Override:
        """Weigh the value of finding the account early: 1 is ordinary, within `PRIORITY_BOUNDS`."""
        raise NotImplementedError

    async def pin_interval(self, by: Requester, written: str, interval: timedelta | None) -> Override:
        """Check the account at one distance, within `PIN_BOUNDS`; None ends it."""
        raise NotImplementedError

    async def boost(
        self, by: Requester, written: str, hours: float, every: timedelta = BOOST_EVERY
    ) -> Override:
        """Check the account at least `every` for some hours (at most `BOOST_HOURS`); 0 hours end it."""
        raise NotImplementedError

    async def freeze(self, by: Requester, written: str, *, frozen: bool) -> Override:
        """Stop the planned checks of the account for this guild, or go on."""
        raise NotImplementedError

    # --- The deployment and the guild ------------------------------------------------------------------------

    async def choices(self, guild_id: int) -> Choices:
        """Give what is chosen now."""
        raise NotImplementedError

    async def choose_default(self, by: Requester, policy: str) -> None:
        """Plan all accounts by a policy. Raises `NotAllowed` for anybody but the owner, `InputRefused`."""
        raise NotImplementedError

    async def shadow(self, by: Requester, policy: str) -> None:
        """Compare a policy with the one in force every night; empty: off. Raises as `choose_default`."""
        raise NotImplementedError

    async def shadow_report(self) -> ShadowReport | None:
        """Give the last comparison; None while shadow mode is off."""
        raise NotImplementedError

    async def choose_country(self, by: Requester, country: str) -> None:
        """Take the public holidays of a country (ISO code, such as ID); empty: none. Raises `InputRefused`."""
        raise NotImplementedError

    async def tell_daily_scores(self, by: Requester, *, on: bool) -> None:
        """Post yesterday's score to the admin channel every day, or stop."""
        raise NotImplementedError

    # --- Special events -------------------------------------------------------------------------------------

    async def add_event(self, by: Requester, day: date, name: str, written: str = "") -> SpecialEvent:
        """Add a special day, for one account or (empty) all of the guild. Raises `InputRefused`, `NothingThere`."""
        raise NotImplementedError

    async def remove_event(self, by: Requester, event_id: int) -> SpecialEvent:
        """Take a special day away again. Raises `NothingThere`."""
        raise NotImplementedError

    async def events(self, guild_id: int) -> tuple[SpecialEvent, ...]:
        """List the special days from today on for a year: the guild's own and its country's holidays, by day."""
        raise NotImplementedError
