"""What admins change about the plan: overrides of accounts, the deployment's policy, special events."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.live.predictions import POLICIES, Choices, Override, ShadowReport, SpecialEvent
from bot.core.requester import Requester
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.followed import followed_account
from bot.services.live_monitor import LiveMonitor
from bot.services.shadow import REPORT_NOTE, report_from
from bot.services.special_days import has_holidays, public_holidays
from bot.storage import guilds, overrides, special, status
from bot.storage.engine import Database
from bot.storage.watched import POLICY_NOTE, SHADOW_NOTE
from bot.texts import text

PIN_BOUNDS = timedelta(minutes=5), timedelta(days=7)
PRIORITY_BOUNDS = 0.1, 10.0
BOOST_HOURS = 24
BOOST_EVERY = timedelta(minutes=15)
EVENTS_AHEAD = timedelta(days=366)
MOST_EVENTS = 100
NAME_LENGTH = 80


class Overrides:
    """A guild's admins change what counts for their guild; only the owner changes what counts for all."""

    def __init__(self, *, database: Database, monitor: LiveMonitor, clock: Clock) -> None:
        self._database = database
        self._monitor = monitor
        self._clock = clock

    # --- One account; each gives what is asked for it now, raises `InputRefused` and `NothingThere` --------

    async def choose_policy(self, by: Requester, written: str, policy: str) -> Override:
        """Plan an account of the guild by a policy of `POLICIES`; empty: the deployment's."""
        if policy:
            _refuse_unknown(policy)
        return await self._change(by, written, policy=policy)

    async def prioritise(self, by: Requester, written: str, priority: float) -> Override:
        """Weigh the value of finding the account early: 1 is ordinary, within `PRIORITY_BOUNDS`."""
        least, most = PRIORITY_BOUNDS
        if not (math.isfinite(priority) and least <= priority <= most):
            raise InputRefused(text("Give a priority from 0.1 to 10; 1 is ordinary."))
        return await self._change(by, written, priority=priority)

    async def pin_interval(self, by: Requester, written: str, interval: timedelta | None) -> Override:
        """Check the account at one distance, within `PIN_BOUNDS`; None ends it."""
        if interval is not None and not PIN_BOUNDS[0] <= interval <= PIN_BOUNDS[1]:
            raise InputRefused(text("Give an interval from 5 minutes to 7 days."))
        return await self._change(by, written, pinned=interval)

    async def boost(
        self, by: Requester, written: str, hours: float, every: timedelta = BOOST_EVERY
    ) -> Override:
        """Check the account at least `every` for some hours (at most `BOOST_HOURS`); 0 hours end it."""
        if not (math.isfinite(hours) and 0 <= hours <= BOOST_HOURS):
            raise InputRefused(text("Give up to {hours} hours; 0 ends it.", hours=BOOST_HOURS))
        if not PIN_BOUNDS[0] <= every <= PIN_BOUNDS[1]:
            raise InputRefused(text("Give an interval from 5 minutes to 7 days."))
        until = self._clock.now() + timedelta(hours=hours) if hours else None
        return await self._change(by, written, boosted_until=until, boosted_every=every if hours else None)

    async def freeze(self, by: Requester, written: str, *, frozen: bool) -> Override:
        """Stop the planned checks of the account for this guild, or go on."""
        return await self._change(by, written, frozen=frozen)

    async def _change(self, by: Requester, written: str, **changed: object) -> Override:
        async with self._database.write("overrides.change") as conn:
            account = await followed_account(conn, by.guild_id, written)
            asked = await overrides.change(conn, by, account.id, self._clock.now(), **changed)
        await self._monitor.replan_step()
        return asked

    # --- The deployment and the guild ------------------------------------------------------------------------

    async def choices(self, guild_id: int) -> Choices:
        """Give what is chosen now."""
        async with self._database.read() as conn:
            settings = await guilds.load(conn, guild_id)
            boards = await special.boards(conn, guild_id=guild_id)
            return Choices(
                policy=await status.note(conn, POLICY_NOTE) or POLICIES[0],
                shadow=await status.note(conn, SHADOW_NOTE),
                country="" if settings is None else settings.country,
                daily_scores=settings is not None and settings.daily_scores,
                board_channel_ids=tuple(board.channel_id for board in boards),
            )

    async def choose_default(self, by: Requester, policy: str) -> None:
        """Plan all accounts by a policy. Raises `NotAllowed` for anybody but the owner, `InputRefused`."""
        _refuse_unknown(policy)
        await self._choose(by, POLICY_NOTE, policy)
        await self._monitor.replan_step()

    async def shadow(self, by: Requester, policy: str) -> None:
        """Compare a policy with the one in force every night; empty: off. Raises as `choose_default`."""
        if policy:
            _refuse_unknown(policy)
        await self._choose(by, SHADOW_NOTE, policy)

    async def shadow_report(self) -> ShadowReport | None:
        """Give the last comparison; None while shadow mode is off."""
        async with self._database.read() as conn:
            policy = await status.note(conn, POLICY_NOTE) or POLICIES[0]
            shadow = await status.note(conn, SHADOW_NOTE)
            return report_from(await status.note(conn, REPORT_NOTE), policy, shadow) if shadow else None

    async def choose_country(self, by: Requester, country: str) -> None:
        """Take the public holidays of a country (ISO code, such as ID); empty: none. Raises `InputRefused`."""
        country = country.strip().upper()
        if country and not await self._monitor.planning.beside(lambda: has_holidays(country)):
            raise InputRefused(text("I know no holidays of that country. Give its code, such as ID or FR."))
        await self._choose_for_guild(by, country=country)
        await self._monitor.replan_step()

    async def tell_daily_scores(self, by: Requester, *, on: bool) -> None:
        """Post yesterday's score to the admin channel every day, or stop."""
        await self._choose_for_guild(by, daily_scores=on)

    async def _choose(self, by: Requester, note: str, value: str) -> None:
        if not by.is_owner:
            raise NotAllowed(text("Only the owner of this bot may change what counts for every server."))
        async with self._database.write("overrides.choose") as conn:
            await status.write_note(conn, note, value)

    async def _choose_for_guild(self, by: Requester, **chosen: object) -> None:
        async with self._database.write("overrides.choose_for_guild") as conn:
            await guilds.joined(conn, by.guild_id, "UTC")
            await guilds.change(conn, by.guild_id, chosen)

    # --- Special events -------------------------------------------------------------------------------------

    async def add_event(self, by: Requester, day: date, name: str, written: str = "") -> SpecialEvent:
        """Add a special day, for one account or (empty) all of the guild. Raises `InputRefused`, `NothingThere`."""
        now, name = self._clock.now(), " ".join(name.split())
        if not name or len(name) > NAME_LENGTH:
            raise InputRefused(text("Give the day a name of up to {most} characters.", most=NAME_LENGTH))
        if not now - EVENTS_AHEAD <= _midnight(day) <= now + EVENTS_AHEAD:
            raise InputRefused(text("Give a day within a year of today."))
        async with self._database.write("overrides.add_event") as conn:
            account = await followed_account(conn, by.guild_id, written) if written else None
            if len(await special.events(conn, guild_id=by.guild_id)) >= MOST_EVENTS:
                raise InputRefused(text("There are too many special days; remove some first."))
            event = SpecialEvent(
                id=None, day=day, name=name, handle="" if account is None else account.handle
            )
            event_id = await special.add_event(conn, by, event, None if account is None else account.id, now)
        await self._monitor.replan_step()
        return replace(event, id=event_id)

    async def remove_event(self, by: Requester, event_id: int) -> SpecialEvent:
        """Take a special day away again. Raises `NothingThere`."""
        async with self._database.write("overrides.remove_event") as conn:
            mine = [marked.event for marked in await special.events(conn, guild_id=by.guild_id)]
            event = next((event for event in mine if event.id == event_id), None)
            if event is None:
                raise NothingThere(text("There is no such special day. `/predict event list` shows them."))
            await special.remove_event(conn, event_id)
        await self._monitor.replan_step()
        return event

    async def events(self, guild_id: int) -> tuple[SpecialEvent, ...]:
        """List the special days from today on for a year: the guild's own and its country's holidays, by day."""
        async with self._database.read() as conn:
            settings = await guilds.load(conn, guild_id)
            marked = await special.events(conn, guild_id=guild_id)
        zone = ZoneInfo("UTC" if settings is None else settings.time_zone)
        today = self._clock.now().astimezone(zone).date()
        last = today + EVENTS_AHEAD
        own = [one.event for one in marked if today <= one.event.day <= last]
        country = "" if settings is None else settings.country
        days: Mapping[date, str] = {}
        if country:
            days = await self._monitor.planning.beside(
                lambda: public_holidays(country, today.year, last.year)
            )
        holidays = [
            SpecialEvent(id=None, day=day, name=name) for day, name in days.items() if today <= day <= last
        ]
        return tuple(sorted([*own, *holidays], key=lambda event: (event.day, event.id is None)))


def _refuse_unknown(policy: str) -> None:
    if policy not in POLICIES:
        raise InputRefused(text("There is no such policy; there are {names}.", names=", ".join(POLICIES)))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("UTC"))
