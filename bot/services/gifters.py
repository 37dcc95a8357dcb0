"""Who gave most to the accounts a guild follows: `/top gifters`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.requester import Requester
from bot.core.rounds.periods import Span
from bot.core.rounds.seasons import midnight
from bot.core.streams.gifters import (
    MOST,
    GiftPeriod,
    Recorded,
    Supporters,
    TopGifters,
    recorded_part,
    span_of,
)
from bot.core.streams.models import RecordedLive
from bot.errors import InputRefused, NothingThere
from bot.services.followed import followed_account
from bot.storage import gift_sums, guilds, stream_reading, stream_spans
from bot.storage import live as store
from bot.storage.engine import Connection, Database
from bot.storage.live import Account
from bot.texts import text


@dataclass(frozen=True, kw_only=True, slots=True)
class GiftersAsked:
    """What somebody wants to see, looked at already: of all `accounts` a guild follows, or of one."""

    accounts: Sequence[Account]
    period: GiftPeriod
    span: Span
    zone: ZoneInfo


class Gifters:
    """Ranks the people who gave to the hosts that a guild follows; others are not even there."""

    def __init__(
        self, *, database: Database, clock: Clock, default_time_zone: str, usd_per_diamond: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._default_time_zone = default_time_zone
        self._usd_per_diamond = usd_per_diamond

    async def chosen(
        self,
        by: Requester,
        period: GiftPeriod | None,
        *,
        user: str | None = None,
        first_day: str | None = None,
        last_day: str | None = None,
    ) -> GiftersAsked:
        """Look at what was asked; days are local dates, both of them in. Raises `InputRefused`, `NothingThere`."""
        async with self._database.read() as conn:
            known = await guilds.load(conn, by.guild_id)
            zone = ZoneInfo(known.time_zone if known else self._default_time_zone)
            accounts = await _accounts(conn, by.guild_id, user)
        if first_day or last_day:
            if period is not None:
                raise InputRefused(text("Choose a period or give days, not both."))
            period, span = GiftPeriod.DAYS, _days(first_day, last_day, zone)
        else:
            period = period or GiftPeriod.LAST_30_DAYS
            span = span_of(period, self._clock.now())
        return GiftersAsked(accounts=accounts, period=period, span=span, zone=zone)

    async def top(self, asked: GiftersAsked) -> TopGifters:
        """Rank whoever gave, by what the recorder has committed."""
        account_ids, now = [account.id for account in asked.accounts], self._clock.now()
        async with self._database.read() as conn:
            if asked.period is GiftPeriod.SESSION:
                live, supporters = await _session(conn, account_ids)
                recorded = Recorded() if live is None else recorded_part(live, now)
            else:
                live = None
                supporters = await gift_sums.supporters(conn, account_ids, asked.span, most=MOST)
                recorded = await stream_spans.recorded(conn, account_ids, asked.span, now)
        handles = tuple(account.handle for account in asked.accounts)
        return TopGifters(
            supporters=supporters,
            recorded=recorded,
            period=asked.period,
            span=asked.span,
            handles=handles if live is None else (live.handle,),
            zone=asked.zone,
            usd_per_diamond=self._usd_per_diamond,
            live=live,
        )


async def _session(conn: Connection, account_ids: Sequence[int]) -> tuple[RecordedLive | None, Supporters]:
    """Read the live that is on, or the last one, and who gave in it."""
    live_id = await stream_spans.latest_live(conn, account_ids)
    if live_id is None:
        return None, Supporters()
    live = await stream_reading.recorded_live(conn, live_id)
    return live, await gift_sums.supporters_of_live(conn, live_id, most=MOST)


async def _accounts(conn: Connection, guild_id: int, user: str | None) -> Sequence[Account]:
    if user is not None:
        return (await followed_account(conn, guild_id, user),)
    accounts = await store.followed_accounts(conn, guild_id=guild_id)
    if not accounts:
        raise NothingThere(text("Nobody is followed here yet. An admin adds somebody with `/live add`."))
    return accounts


def _days(first: str | None, last: str | None, zone: ZoneInfo) -> Span:
    since = None if not first else midnight(_day(first), zone)
    until = None if not last else midnight(_day(last) + timedelta(days=1), zone)
    if since is not None and until is not None and since >= until:
        raise InputRefused(text("The last day is before the first."))
    return Span(since=since, until=until)


def _day(written: str) -> date:
    try:
        day = date.fromisoformat(written.strip())
    except ValueError:
        day = date.min
    if not date(2000, 1, 1) <= day <= date(2999, 1, 1):
        raise InputRefused(text("Write the day as year-month-day, for example 2026-12-31."))
    return day
