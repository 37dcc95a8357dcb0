"""Looks when it pays: planned checks, the sweep of open rooms, checks that people ask for.

Only this service moves the state of a live. Each step does what is due and gives the instant of the
next one; the loops around the steps are wired in `bot.app`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.live.budget import DAY, HOUR, MINUTE, ROOMS_PER_SWEEP, Ledger, Limit, part_of
from bot.core.live.models import Answer, Observation, Profile, ProfileState, unknown
from bot.core.live.planner import Policy
from bot.core.live.transitions import Change, Live, Phase
from bot.core.live.why import Held
from bot.core.markup import stamp
from bot.core.requester import Requester
from bot.core.streams.recording import RecordingState
from bot.errors import LimitReached, NothingThere, SourceError, StorageError
from bot.ports import LiveSource
from bot.services.announcements import Announcements
from bot.services.awaited_looks import NOBODY_WAITS, Awaited, awaited_looks
from bot.services.live_health import closed_until, hold_for_probe, record_health
from bot.services.live_state import Outcome, record_answer, record_end, record_seen
from bot.services.monitor_rules import MonitorRules
from bot.services.planning import Beside, Planning, inline
from bot.storage import ledger, recordings
from bot.storage import live as store
from bot.storage.engine import Connection, Database
from bot.storage.ledger import Ask, Claim, Limits
from bot.storage.live import Account, OpenLive
from bot.storage.recordings import Seen
from bot.texts import text

LONGEST_SLEEP = timedelta(hours=1)
LOOKUP_EVERY = timedelta(hours=24)
PEOPLES_PERCENT = 50
"""What people may ask of the follow-up budget; the rest is kept for the lives that are on."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """What a check that somebody asked for found."""

    handle: str
    answer: Answer
    reason: str
    live: Live | None
    checked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Leased:
    """A check that is paid for, of an account that nobody else checks meanwhile."""

    account: Account
    request_id: int


class LiveMonitor:
    """Spends the budgets of one platform."""

    def __init__(
        self,
        *,
        database: Database,
        source: LiveSource,
        policy: Policy,
        announcements: Announcements,
        clock: Clock,
        rules: MonitorRules,
        beside: Beside = inline,
    ) -> None:
        self._database = database
        self._source = source
        self._announcements = announcements
        self._clock = clock
        self.rules = rules
        self.planning = Planning(policy, rules.allowance, beside=beside, spacing=rules.spacing)
        # Half of a small budget at most, so that ends can be confirmed all day.
        self._sweep_every = max(rules.sweep_every, 2 * DAY / rules.followup_per_day)
        self.checks_changed = asyncio.Event()
        self.followups_changed = asyncio.Event()
        self.recordings_changed = asyncio.Event()

    # --- Steps -----------------------------------------------------------------------------

    async def check_step(self) -> datetime:
        """Make the planned check that is due, if any; gives when to come back."""
        if self.planning.must_replan:
            await self.planning.replan(self._database, self._clock.now)
        async with self._database.write("live.claim_due") as conn:
            now, held_at = self._clock.now(), self._clock.machine.now()
            account_id = await store.due_account_id(conn, now, held_at)
            if account_id is None:
                latest = now + LONGEST_SLEEP
                return min(await store.next_due_at(conn, now, held_at) or latest, latest)
            ask = Ask(ledger=Ledger.DISCOVERY, purpose="check", account_id=account_id)
            claim = await self._claim_in(conn, ask, now)
            if claim.request_id is None:
                return claim.free_at
            account = await store.claim_account(conn, account_id, held_at)
        if account is not None:
            await self._check(account, claim.request_id)
        return self._clock.now()

    async def followup_step(self) -> datetime:
        """Look after the lives that are on: confirm ends, sweep rooms, poll viewers; gives when to come back."""
        now = self._clock.now()
        async with self._database.read() as conn:
            going_on = await store.open_lives(conn)
            seen = await recordings.seen_in_open_lives(conn)
            closed = await closed_until(conn, now)
            swept_at = await ledger.last_asked_at(conn, "sweep")
            used = await ledger.used(conn, Ledger.FOLLOWUP, now)
            awaited = await awaited_looks(conn)
        over = [await self._take_in(live, seen.get(live.live_id)) for live in going_on]
        going_on = tuple(live for live, is_over in zip(going_on, over, strict=True) if not is_over)
        if closed is not None:
            return closed
        if not going_on:
            return now + LONGEST_SLEEP
        spare = used * 2 < self.rules.followup_per_day
        wait_until = [
            await self._follow(
                one, now, seen.get(one.live_id), awaited.get(one.live_id, NOBODY_WAITS), spare=spare
            )
            for one in going_on
        ]
        looked_at = [instant for instant in (swept_at, going_on[0].live.found_at) if instant is not None]
        sweep_at = max(looked_at) + self._sweep_every
        wait_until.append(sweep_at if sweep_at > now else await self._sweep(going_on, now))
        return min(wait_until)

    async def replan_step(self) -> datetime:
        """Plan everything anew; gives when to do so again."""
        now = self._clock.now()
        await self.planning.replan(self._database, self._clock.now)
        self._announcements.wake()
        self.checks_changed.set()
        return now + LONGEST_SLEEP

    # --- What people ask for ---------------------------------------------------------------

    async def check_now(self, by: Requester, handle: str) -> CheckReport:
        """Check an account of the requester's guild now, paid from the follow-up budget.

        Raises `NothingThere` for an account the guild does not follow and `LimitReached` when the budget,
        the guild's share or a block does not allow it.
        """
        async with self._database.write("live.claim_asked") as conn:
            account = await store.followed_account(conn, by.guild_id, handle)
            if account is None:
                raise NothingThere(
                    text("`@{handle}` is not followed here. `/live list` shows who is.", handle=handle)
                )
            leased = await self.lease_asked(conn, by, account)
        return await self.check_leased(leased)

    async def lease_asked(self, conn: Connection, by: Requester, account: Account) -> Leased:
        """Pay for a check that somebody asks for and keep others from it. Raises `LimitReached`."""
        ask = Ask(ledger=Ledger.FOLLOWUP, purpose="asked", account_id=account.id, guild_id=by.guild_id)
        return await self._lease(conn, ask, account, exempt=by.is_owner)

    async def check_leased(self, leased: Leased) -> CheckReport:
        """Make a check that is paid for."""
        outcome, observation = await self._check(leased.account, leased.request_id)
        return CheckReport(
            handle=leased.account.handle,
            answer=observation.answer,
            reason=observation.reason,
            live=outcome.live,
            checked_at=observation.seen_at,
        )

    async def look_up(self, by: Requester, handle: str) -> Profile:
        """Read a profile page for somebody who asks, paid from the follow-up budget.

        Raises `LimitReached`, `SourceUnavailable` or `SourceChanged`.
        """
        ask = Ask(ledger=Ledger.FOLLOWUP, purpose="profile", guild_id=by.guild_id)
        claim = await self._claim(ask, exempt=by.is_owner)
        return await self._profile(_granted(claim), handle)

    # --- One check -------------------------------------------------------------------------

    async def _check(
        self, account: Account, request_id: int, *, second_source: bool = False
    ) -> tuple[Outcome, Observation]:
        observation = await self._source.check(account.handle)
        try:
            async with self._database.write("live.observe") as conn:
                outcome = await record_answer(
                    conn,
                    account,
                    request_id,
                    observation,
                    rules=self.rules.live,
                    planning=self.planning,
                    record=self.rules.record_lives,
                    second_source=second_source,
                )
        except StorageError as error:
            self.planning.spoil()
            try:
                await self._put_off(account, request_id, error)
            finally:
                self.checks_changed.set()
            raise
        self._announcements.wake()
        self.checks_changed.set()
        self.followups_changed.set()
        if outcome.change is not Change.IGNORED:
            self.recordings_changed.set()
        if outcome.stranger:
            await self._find_renamed(account)
        return outcome, observation

    async def _put_off(self, account: Account, request_id: int, error: StorageError) -> None:
        """Let the plan go on where an answer cannot be stored, so that one account does not eat the budget."""
        async with self._database.write("live.put_off") as conn:
            now, reason = self._clock.now(), text("the answer could not be stored")
            await ledger.answered(conn, request_id, Answer.UNKNOWN, reason, at=now)
            await store.finish_check(conn, account, now, answer=Answer.UNKNOWN, reason=reason)
            await self.planning.plan_one(conn, account.id, now, unknown=1)
        log.error(
            "@%s: the answer could not be stored (%s); it is asked again as planned", account.handle, error
        )

    async def _lease(self, conn: Connection, ask: Ask, account: Account, *, exempt: bool = False) -> Leased:
        now = self._clock.now()
        request_id = _granted(await self._claim_in(conn, ask, now, exempt=exempt))
        leased = await store.claim_account(conn, account.id, self._clock.machine.now())
        if leased is None:
            raise LimitReached(
                text("`@{handle}` is being checked right now. Try again in a minute.", handle=account.handle)
            )
        return Leased(account=leased, request_id=request_id)

    async def _find_renamed(self, account: Account) -> None:
        """Ask, at most daily, by the stable id where a person is now."""
        async with self._database.write("live.claim_renamed") as conn:
            now = self._clock.now()
            asked_at = await ledger.last_asked_at(conn, "renamed", account.id)
            if account.platform_id is None or (asked_at is not None and now - asked_at < LOOKUP_EVERY):
                return
            ask = Ask(ledger=Ledger.FOLLOWUP, purpose="renamed", account_id=account.id)
            claim = await self._claim_in(conn, ask, now)
        if claim.request_id is None:
            return
        try:
            profile = await self._profile(claim.request_id, str(account.platform_id))
        except SourceError as error:
            log.info("@%s: where the person is now could not be read: %s", account.handle, error)
            return
        await self._keep_renamed(account, profile)

    async def _keep_renamed(self, account: Account, profile: Profile) -> None:
        person = profile.person
        async with self._database.write("live.renamed") as conn:
            if person is None or person.platform_id != account.platform_id:
                gone = ProfileState.NOT_FOUND if person is not None else profile.state
                await store.update_account(conn, account.id, profile_state=gone)
                return
            if person.handle == account.handle:
                # The page is there and the live check knows no such handle: it has never been live.
                await store.update_account(conn, account.id, profile_state=ProfileState.NEVER_LIVE)
                return
            await store.learn_person(conn, account, person)
            await store.update_account(conn, account.id, next_check_at=self._clock.now())
            log.info("@%s is now @%s", account.handle, person.handle)
        self.checks_changed.set()

    async def _profile(self, request_id: int, handle: str) -> Profile:
        try:
            profile = await self._source.profile(handle)
        except SourceError as error:
            await self._record_trouble(request_id, error)
            raise
        async with self._database.write("live.profile") as conn:
            await ledger.answered(conn, request_id, profile.state, at=self._clock.now())
        return profile

    async def _record_trouble(self, request_id: int, error: SourceError) -> None:
        observation = unknown(error, self._clock.now())
        async with self._database.write("live.trouble") as conn:
            await ledger.answered(
                conn, request_id, observation.answer, observation.reason, at=observation.seen_at
            )
            await record_health(conn, observation)
        self._announcements.wake()

    # --- Lives that are on -----------------------------------------------------------------

    async def note_end(self, conn: Connection, account: Account, ended_at: datetime) -> Outcome:
        """Take in the end of an account's live from who watched the room: it costs no request."""
        outcome = await record_end(conn, account, ended_at, planning=self.planning)
        self._announcements.wake()
        self.checks_changed.set()
        self.recordings_changed.set()
        return outcome

    async def _take_in(self, open_live: OpenLive, seen: Seen | None) -> bool:
        """Take in what the recorder saw of a live; true when it is over. It costs no request."""
        was_paused = open_live.live.paused_at is not None
        if seen is None or (seen.ended_at is None and (seen.paused_at is not None) is was_paused):
            return False
        async with self._database.write("live.take_in") as conn:
            outcome = await record_seen(conn, open_live, planning=self.planning, now=self._clock.now())
        for changed in (self.checks_changed, self.recordings_changed):
            changed.set()
        self._announcements.wake()
        return outcome.change is Change.ENDED

    async def _follow(
        self, open_live: OpenLive, now: datetime, seen: Seen | None, awaited: Awaited, *, spare: bool
    ) -> datetime:
        """Confirm an end that is in doubt, look where an alert waits for it, or poll the viewers.

        Viewers are polled while half of the budget is free.
        """
        live, account = open_live.live, open_live.account
        checked_at = account.last_checked_at or live.found_at
        if live.phase is Phase.DOUBTED:
            due = checked_at + self.rules.live.end_confirm
            return due if due > now else await self._quietly(account, "confirm")
        look_at = awaited.look_at(checked_at, self.rules.live.end_confirm)
        if look_at is not None and look_at <= now:
            return await self._quietly(account, "confirm")
        is_recorded = seen is not None and seen.state is not RecordingState.DEGRADED
        degraded = not is_recorded and (seen is not None or awaited.viewers)
        poll_every = self.rules.viewers_every
        if degraded and spare:
            poll_every = min(poll_every, self.rules.degraded_every)
        due = checked_at + poll_every
        if due > now or not spare:
            back_at = due if degraded and spare else max(due, now + self.rules.sweep_every)
            return back_at if look_at is None else min(back_at, look_at)
        return await self._quietly(account, "viewers")

    async def _sweep(self, going_on: Sequence[OpenLive], now: datetime) -> datetime:
        """Ask, many rooms to a request, which are still open, and look closer at those that are not."""
        for start in range(0, len(going_on), ROOMS_PER_SWEEP):
            some = going_on[start : start + ROOMS_PER_SWEEP]
            claim = await self._claim(Ask(ledger=Ledger.FOLLOWUP, purpose="sweep"))
            if claim.request_id is None:
                return claim.free_at
            alive = await self._rooms_alive(claim.request_id, [live.live.room_ids[-1] for live in some])
            for open_live in some if alive is not None else ():
                state = (alive or {}).get(open_live.live.room_ids[-1])
                if state is not True:
                    await self._quietly(open_live.account, "confirm", second_source=state is False)
        return now + self._sweep_every

    async def _rooms_alive(self, request_id: int, room_ids: list[int]) -> Mapping[int, bool] | None:
        try:
            alive = await self._source.rooms_alive(room_ids)
        except SourceError as error:
            await self._record_trouble(request_id, error)
            return None
        async with self._database.write("live.sweep") as conn:
            said = f"{sum(alive.values())} of {len(room_ids)} open"
            await ledger.answered(conn, request_id, said, at=self._clock.now())
        return alive

    async def _quietly(self, account: Account, purpose: str, *, second_source: bool = False) -> datetime:
        """Check an account for the bot itself; gives when to look at it again."""
        ask = Ask(ledger=Ledger.FOLLOWUP, purpose=purpose, account_id=account.id)
        try:
            async with self._database.write("live.claim_followup") as conn:
                leased = await self._lease(conn, ask, account)
        except LimitReached as refused:
            log.debug("@%s: not looked at: %s", account.handle, refused)
            return self._clock.now() + MINUTE
        await self._check(leased.account, leased.request_id, second_source=second_source)
        return self._clock.now() + self.rules.live.end_confirm

    # --- Budgets ---------------------------------------------------------------------------

    async def held(self, conn: Connection, now: datetime) -> Held | None:
        """Say until when no planned check can be made, and why; None when one can."""
        ask = Ask(ledger=Ledger.DISCOVERY, purpose="check")
        free = await ledger.free_from(conn, ask, self._limits(ask, exempt=False), now)
        closed = await closed_until(conn, now)
        if closed is not None and closed >= free:
            return Held(until=closed, by_budget=False)
        return Held(until=free, by_budget=True) if free > now else None

    def _limits(self, ask: Ask, *, exempt: bool) -> Limits:
        is_discovery = ask.ledger is Ledger.DISCOVERY
        per_day = self.rules.discovery_per_day if is_discovery else self.rules.followup_per_day
        per_hour = self.rules.discovery_per_hour if is_discovery else None
        limit = Limit(requests=per_day, window=DAY)
        people = part_of(limit, 100 if exempt else PEOPLES_PERCENT)
        return Limits(
            per_day=limit,
            per_minute=Limit(requests=self.rules.per_minute, window=MINUTE),
            per_hour=None if per_hour is None else Limit(requests=per_hour, window=HOUR),
            people=people,
            guild=part_of(people, 100 if exempt else self.rules.guild_share_percent),
        )

    async def _claim(self, ask: Ask, *, exempt: bool = False) -> Claim:
        async with self._database.write("live.claim") as conn:
            return await self._claim_in(conn, ask, self._clock.now(), exempt=exempt)

    async def _claim_in(self, conn: Connection, ask: Ask, now: datetime, *, exempt: bool = False) -> Claim:
        closed = await closed_until(conn, now)
        if closed is not None:
            return Claim(request_id=None, free_at=closed)
        claim = await ledger.claim(conn, ask, self._limits(ask, exempt=exempt), now)
        if claim.request_id is not None:
            await hold_for_probe(conn, now + store.LEASE * self._clock.speed)
        return claim


def _granted(claim: Claim) -> int:
    if claim.request_id is None:
        raise LimitReached(
            text(
                "No request to TikTok can be spent right now; the next one is possible {when}. "
                "`/status` shows the budgets.",
                when=stamp(claim.free_at),
            )
        )
    return claim.request_id
