"""What is expected, planned and how well it went: the readings behind `/predict`, `/live why` and the boards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.guilds import GuildSettings
from bot.core.live.account_habits import habits_of
from bot.core.live.budget import DAY, HOUR, Ledger
from bot.core.live.day_scores import by_week
from bot.core.live.models import Answer
from bot.core.live.outcomes import account_accuracy, reliability_of
from bot.core.live.planner import Watched
from bot.core.live.predictions import (
    POLICIES,
    AccountPrediction,
    Accuracy,
    Board,
    BudgetUse,
    DayPlan,
    Expected,
    NextLives,
    PlannedHour,
    Why,
    likeliest_first,
)
from bot.core.live.projection import project
from bot.core.live.why import Held, held_back, last_look, next_look, planned_for
from bot.services import forecasts
from bot.services.board_view import board_of
from bot.services.followed import followed_account
from bot.services.forecasts import HOURS, Said
from bot.services.live_monitor import LiveMonitor
from bot.services.planning import REMEMBERED
from bot.storage import guilds, history, ledger, overrides, status
from bot.storage import live as store
from bot.storage import predictions as table
from bot.storage.engine import Connection, Database
from bot.storage.live import Account
from bot.storage.watched import POLICY_NOTE, SHADOW_NOTE, load_all, load_some
from bot.texts import text, texts

JUDGED = timedelta(days=28)
"""How far back predictions are held against what happened."""
MOST_PROJECTED = 200
"""For more accounts the rest of the day is not worked out check by check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """An account of a guild as the plan sees it.

    `watched` is None where it is paused, `live_since` where it is not live, `last_seen` where it never was.
    """

    account: Account
    watched: Watched | None
    live_since: datetime | None
    last_seen: datetime | None


class Predictions:
    """Reads for one guild what the policies expect; it changes nothing."""

    def __init__(
        self, *, database: Database, monitor: LiveMonitor, clock: Clock, default_time_zone: str
    ) -> None:
        self._database = database
        self._monitor = monitor
        self._planning = monitor.planning
        self._clock = clock
        self._default_time_zone = default_time_zone

    async def next(self, guild_id: int, hours: int = HOURS) -> NextLives:
        """Say who of a guild's accounts is likely to go live in the next `hours`, the likeliest first."""
        now = self._clock.now()
        async with self._database.read() as conn:
            zone = await self._zone(conn, guild_id)
            followed = await self._followed(conn, guild_id, now)
            held = await self._monitor.held(conn, now)
        said = await forecasts.said_of(self._planning, [one.account.id for one in followed], now, hours)
        expected = [self._expected(one, said, now, held) for one in followed]
        return NextLives(
            made_at=now,
            zone=zone,
            hours_from=said.hours_from,
            accounts=tuple(sorted(expected, key=likeliest_first)),
            failing=forecasts.failing(self._planning),
            no_forecast=said.no_forecast,
        )

    async def must_follow(self, guild_id: int, written: str) -> None:
        """Refuse whom a guild does not follow, by one quick reading. Raises `InputRefused` and `NothingThere`."""
        async with self._database.read() as conn:
            await followed_account(conn, guild_id, written)

    async def account(self, guild_id: int, written: str) -> AccountPrediction:
        """Tell everything known of one account. Raises `InputRefused` and `NothingThere`."""
        now = self._clock.now()
        async with self._database.read() as conn:
            zone = await self._zone(conn, guild_id)
            one = await self._named(conn, guild_id, written, now)
            account_id = one.account.id
            asked = await overrides.load(conn, account_id, guild_id)
            lives = await history.past_lives(conn, [account_id], now - REMEMBERED)
            judged = await table.outcomes(conn, [account_id], now - JUDGED, now)
            held = await self._monitor.held(conn, now)
        portrait = await forecasts.portrait_of(self._planning, account_id, now)
        said = portrait.said
        return AccountPrediction(
            made_at=now,
            zone=zone,
            hours_from=said.hours_from,
            expected=self._expected(one, said, now, held),
            heat=portrait.heat,
            heat_zone=forecasts.zone_of(self._planning, account_id),
            habits=await self._planning.beside(lambda: habits_of(lives, zone, now)),
            factors=portrait.bars,
            accuracy=account_accuracy(judged),
            override=asked,
            policy=forecasts.policy_of(self._planning, one.watched),
            last_checked_at=one.account.last_checked_at,
            last_answer=one.account.last_answer,
            failing=forecasts.failing(self._planning),
            no_forecast=said.no_forecast,
        )

    async def plan(self, guild_id: int) -> DayPlan:
        """Give today's checks by hour beside the budget."""
        now = self._clock.now()
        async with self._database.read() as conn:
            zone = await self._zone(conn, guild_id)
            begins, ends = _day_of(now, zone)
            made = await table.checks_between(conn, begins, ends)
            discovery, followup = await self._budgets(conn, now)
            policy = await status.note(conn, POLICY_NOTE) or POLICIES[0]
            shadow = await status.note(conn, SHADOW_NOTE)
            watched = [one.watched for one in await load_all(conn, now, policy)]
        unplanned = self._unplanned(watched)
        planned = None if unplanned else await self._projected(watched, now, ends)
        starts = [begins + number * HOUR for number in range(max(1, round((ends - begins) / HOUR)))]
        hours = [
            PlannedHour(
                start=start,
                made=sum(start <= one.at < start + HOUR for one in made),
                found=sum(start <= one.at < start + HOUR and one.answer == Answer.LIVE for one in made),
                planned=None if planned is None else float(sum(start <= at < start + HOUR for at in planned)),
            )
            for start in starts
        ]
        return DayPlan(
            made_at=now,
            zone=zone,
            hours=tuple(hours),
            discovery=discovery,
            followup=followup,
            reserved=round(forecasts.reserved(self._planning)),
            share=self._planning.allowance.guild_share,
            policy=policy,
            shadow=shadow,
            failing=forecasts.failing(self._planning),
            unplanned=unplanned,
        )

    async def accuracy(self, guild_id: int, weeks: int = 8) -> Accuracy:
        """Give how predictions came out for the guild's accounts, and the scores by week."""
        now = self._clock.now()
        async with self._database.read() as conn:
            zone = await self._zone(conn, guild_id)
            accounts = await store.followed_accounts(conn, guild_id=guild_id)
            outcomes = await table.outcomes(conn, [one.id for one in accounts], now - JUDGED, now)
            today = now.astimezone(ZoneInfo(zone)).date()
            scores = await table.scores_since(conn, today - timedelta(weeks=weeks))
        judged = account_accuracy(outcomes)
        return Accuracy(
            made_at=now,
            zone=zone,
            predictions=judged.hours,
            reliability=reliability_of(outcomes),
            right=judged.right,
            always_unlikely=judged.always_unlikely,
            brier=judged.brier,
            weeks=by_week(scores),
        )

    async def why(self, guild_id: int, written: str) -> Why:
        """Say in one sentence each why an account was and will be checked. Raises as `account`."""
        now = self._clock.now()
        async with self._database.read() as conn:
            one = await self._named(conn, guild_id, written, now)
            asked = await ledger.last_of(conn, one.account.id)
            held = await self._monitor.held(conn, now)
        return Why(
            handle=one.account.handle,
            last=last_look(asked.purpose, asked.at, asked.answer, asked.reason) if asked else last_look(),
            following=next_look(*self._next_check(one, now, held)),
        )

    async def board(self, guild_id: int) -> Board:
        """Give what a status board of the guild shows now."""
        now = self._clock.now()
        upcoming = await self.next(guild_id)
        async with self._database.read() as conn:
            discovery, followup = await self._budgets(conn, now)
            return await board_of(
                conn,
                upcoming,
                discovery=discovery,
                followup=followup,
                policy=await status.note(conn, POLICY_NOTE) or POLICIES[0],
            )

    # --- Parts -----------------------------------------------------------------------------------

    async def _zone(self, conn: Connection, guild_id: int) -> str:
        settings = await guilds.load(conn, guild_id)
        return (settings or GuildSettings(guild_id=guild_id, time_zone=self._default_time_zone)).time_zone

    async def _followed(self, conn: Connection, guild_id: int, now: datetime) -> list[Followed]:
        return await self._as_followed(conn, await store.followed_accounts(conn, guild_id=guild_id), now)

    async def _named(self, conn: Connection, guild_id: int, written: str, now: datetime) -> Followed:
        account = await followed_account(conn, guild_id, written)
        return (await self._as_followed(conn, [account], now))[0]

    async def _as_followed(
        self, conn: Connection, accounts: Sequence[Account], now: datetime
    ) -> list[Followed]:
        policy = await status.note(conn, POLICY_NOTE)
        ids = [account.id for account in accounts]
        seen = await history.last_seen(conn, ids)
        going_on = await store.live_since(conn, ids)
        planned = await load_some(conn, ids, now, policy)
        watched = {one.watched.account_id: one.watched for one in planned}
        return [
            Followed(
                account=account,
                watched=watched.get(account.id),
                live_since=going_on.get(account.id),
                last_seen=seen.get(account.id),
            )
            for account in accounts
        ]

    def _expected(self, one: Followed, said: Said, now: datetime, held: Held | None) -> Expected:
        outlook, is_live = said.outlooks.get(one.account.id), one.live_since is not None
        next_check_at, reason = self._next_check(one, now, held)
        live_now, within_hour, window, confidence = None, None, None, None
        if outlook is not None:
            live_now, within_hour = outlook.live_now, outlook.within_hour
            window, confidence = outlook.window, outlook.confidence
        return Expected(
            account_id=one.account.id,
            handle=one.account.handle,
            nickname=one.account.nickname,
            live_since=one.live_since,
            live_now=1.0 if is_live else live_now,
            within_hour=within_hour,
            starts=said.starts.get(one.account.id, ()),
            lives=said.lives.get(one.account.id, ()),
            window=window,
            confidence=confidence,
            next_check_at=next_check_at,
            reason=reason,
            standing=forecasts.standing(outlook, is_live=is_live, is_paused=one.watched is None),
        )

    def _next_check(self, one: Followed, now: datetime, held: Held | None) -> tuple[datetime | None, str]:
        """Say when the next check can be made and why, or why there is none."""
        if one.live_since is not None:
            return None, text("it is live")
        if one.watched is None:
            return None, text("it is paused")
        if one.watched.frozen:
            return None, text("an admin froze it")
        plan = self._planning.next_check(one.watched, now)
        if plan is None:
            return None, text("nothing is planned")
        return held_back(one.account.next_check_at, planned_for(plan.reason, one.last_seen), now, held)

    async def _budgets(self, conn: Connection, now: datetime) -> tuple[BudgetUse, BudgetUse]:
        limits = self._monitor.rules
        used = [await ledger.used(conn, name, now) for name in (Ledger.DISCOVERY, Ledger.FOLLOWUP)]
        return (
            BudgetUse(used=used[0], limit=limits.discovery_per_day),
            BudgetUse(used=used[1], limit=limits.followup_per_day),
        )

    async def _projected(self, watched: Sequence[Watched], now: datetime, until: datetime) -> list[datetime]:
        """Work out the checks of the rest of the day, should nobody go live."""
        if not watched:
            return []
        allowance = self._planning.allowance
        return await self._planning.compute(lambda policy: project(policy, now, until, watched, allowance))

    def _unplanned(self, watched: Sequence[Watched]) -> str:
        """Say why the rest of the day is not worked out; nothing where it can be."""
        if len(watched) > MOST_PROJECTED:
            return texts(
                "not worked out for more than {count} account",
                "not worked out for more than {count} accounts",
                MOST_PROJECTED,
            )
        if not all(self._planning.knows(one.account_id) for one in watched):
            return text("not worked out yet: not every account has a plan")
        return ""


def _day_of(now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Give when the local day began and ends."""
    place = ZoneInfo(zone)
    day = now.astimezone(place).date()
    return _midnight(day, place), _midnight(day + DAY, place)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))
