"""What people ask of recorded lives, and what admins change: the use cases behind `/stream`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.live.posts import duration
from bot.core.markup import clip
from bot.core.requester import Requester
from bot.core.streams.choices import StreamChoice, recording_changed, switched
from bot.core.streams.comparison import ACCOUNT_DAYS, ComparedSide, StreamComparison
from bot.core.streams.models import RecordedLive
from bot.core.streams.recording import ACTIVE
from bot.core.streams.shown import ShownLive
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.announcements import Announcements
from bot.services.followed import followed_account
from bot.services.stream_showing import StreamShowing
from bot.storage import audit, guilds, recordings, stream_choices, stream_reading, subscriptions
from bot.storage import live as lives
from bot.storage.engine import Connection, Database
from bot.storage.live import Account
from bot.texts import join, text

MOST_LIVES = 300
"""So many lives of an account are listed."""
SUGGESTED = 25
LONGEST_NUMBER = 18  # digits; that many fit into the database
_ALWAYS = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamHistory:
    """The recorded lives of an account, the newest first, as they stand at `now`."""

    account: Account
    lives: Sequence[RecordedLive]
    now: datetime


class Streams:
    """Everything is of accounts that the requester's guild follows; others are not even there.

    `changed` is set when there may be something to record, or to stop.
    """

    def __init__(
        self,
        *,
        database: Database,
        showing: StreamShowing,
        announcements: Announcements,
        clock: Clock,
        changed: asyncio.Event,
        default_time_zone: str = "UTC",
    ) -> None:
        self._database = database
        self._showing = showing
        self._announcements = announcements
        self._clock = clock
        self._changed = changed
        self._default_time_zone = default_time_zone

    # --- What everybody may read ---------------------------------------------------------------

    async def chosen_now(self, by: Requester, written: str | None = None) -> RecordedLive:
        """Give the live that is on and meant; without a name the only one.

        Raises `InputRefused` where several are on; `NothingThere` where none is, or it is not recorded.
        """
        async with self._database.read() as conn:
            if written is not None:
                return await self._live_of(conn, await followed_account(conn, by.guild_id, written))
            mine = [one.id for one in await lives.followed_accounts(conn, guild_id=by.guild_id)]
            going_on = await stream_reading.going_on(conn, mine)
        if len(going_on) > 1:
            names = ", ".join(f"`@{live.handle}`" for live in going_on[:SUGGESTED])
            raise InputRefused(text("Several are live: {names}. Choose one.", names=names))
        if not going_on:
            raise NothingThere(text("Nobody followed here is live and recorded now."))
        return going_on[0]

    async def now(self, by: Requester, live: RecordedLive) -> ShownLive:
        """Give what is shown of a live that is on."""
        zone = (await self._zone(by)).key
        return await self._showing.shown(live, self._clock.now(), zone=zone)

    async def lives_of(self, by: Requester, written: str) -> StreamHistory:
        """Give the recorded lives of an account. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.read() as conn:
            account = await followed_account(conn, by.guild_id, written)
            found = await stream_reading.recorded_lives(
                conn, account.id, _ALWAYS, now + _DAY, most=MOST_LIVES
            )
        return StreamHistory(account=account, lives=found, now=now)

    async def must_know(self, by: Requester, live: str | None, written: str | None) -> int | str:
        """Give the number of the live, or the handle of the account, that is meant: one of both.

        Raises `InputRefused`, `NothingThere`.
        """
        async with self._database.read() as conn:
            if live is not None and written is None:
                return (await self._one_live(conn, by, live.strip())).live_id
            if written is not None and live is None:
                return (await followed_account(conn, by.guild_id, written)).handle
        raise InputRefused(text("Give a live or an account, not both."))

    async def compare(self, by: Requester, a: str, b: str) -> StreamComparison:
        """Set two lives (by their numbers, as suggested) or two accounts beside each other.

        Raises `InputRefused` for one of each or twice the same, `NothingThere`.
        """
        one, other = a.strip(), b.strip()
        if _is_live(one) != _is_live(other):
            raise InputRefused(text("Compare two lives, or two accounts, not one of each."))
        now = self._clock.now()
        async with self._database.read() as conn:
            sides = [await self._side(conn, by, written, now) for written in (one, other)]
        if sides[0].lives == sides[1].lives:
            raise InputRefused(text("That is one and the same."))
        return StreamComparison(
            sides=(sides[0], sides[1]),
            of_accounts=not _is_live(one),
            now=now,
            interval_minutes=self._showing.rules.pressure().interval_minutes,
        )

    async def _side(self, conn: Connection, by: Requester, written: str, now: datetime) -> ComparedSide:
        if _is_live(written):
            live = await self._one_live(conn, by, written)
            return ComparedSide(lives=(live,), minutes=await stream_reading.minutes_of(conn, live.live_id))
        account = await followed_account(conn, by.guild_id, written)
        since = now - timedelta(days=ACCOUNT_DAYS)
        found = await stream_reading.recorded_lives(conn, account.id, since, now + _DAY)
        if not found:
            raise NothingThere(
                text(
                    "No live of `@{handle}` was recorded in the last {days} days.",
                    handle=account.handle,
                    days=ACCOUNT_DAYS,
                )
            )
        return ComparedSide(lives=found)

    async def _one_live(self, conn: Connection, by: Requester, written: str) -> RecordedLive:
        live = None
        if _is_live(written):
            live = await stream_reading.live_here(conn, by.guild_id, int(written))
        if live is None:
            raise NothingThere(text("No such recorded live is known here. Choose one of the suggestions."))
        return live

    # --- Suggestions ---------------------------------------------------------------------------

    async def live_handles(self, by: Requester, part: str) -> tuple[str, ...]:
        """Suggest accounts that are live and recorded."""
        async with self._database.read() as conn:
            mine = [one.id for one in await lives.followed_accounts(conn, guild_id=by.guild_id)]
            going_on = await stream_reading.going_on(conn, mine)
        wanted = part.strip().lstrip("@").lower()
        return tuple(live.handle for live in going_on if wanted in live.handle.lower())

    async def suggested(self, by: Requester, part: str) -> Mapping[str, str]:
        """Suggest recorded lives by their numbers, with what is shown for each; the newest first."""
        zone = await self._zone(by)
        now = self._clock.now()
        async with self._database.read() as conn:
            found = await stream_reading.latest_here(conn, by.guild_id, MOST_LIVES)
        wanted = part.strip().lstrip("@").lower()
        named = {str(live.live_id): _suggestion(live, now, zone) for live in found}
        fitting = {number: name for number, name in named.items() if wanted in name.lower()}
        return dict(list(fitting.items())[:SUGGESTED])

    # --- What admins change --------------------------------------------------------------------

    async def start(self, by: Requester, written: str) -> str:
        """Record the live of an account that is on; gives what was done. Raises `InputRefused`, `NothingThere`."""
        now = self._clock.now()
        async with self._database.write("streams.start") as conn:
            account = await followed_account(conn, by.guild_id, written)
            open_lives = await lives.open_lives(conn, account_id=account.id)
            if not open_lives:
                raise _not_live(account)
            (on,) = open_lives
            before = await recordings.start(conn, on.live_id, account.id, on.live.room_ids[-1], now)
            if before in ACTIVE:
                return text("The live of `@{handle}` is being recorded already.", handle=account.handle)
            what = recording_changed(account.handle, on=True)
            await audit.note(conn, by.guild_id, by.user_id, what, now)
        self._wake()
        return what

    async def stop(self, by: Requester, written: str) -> str:
        """Record the live of an account no more; gives what was done.

        Raises `NotAllowed` where another guild wants it recorded, `InputRefused`, `NothingThere`.
        """
        now = self._clock.now()
        async with self._database.write("streams.stop") as conn:
            account = await followed_account(conn, by.guild_id, written)
            going_on = await stream_reading.going_on(conn, [account.id])
            if not any(live.state in ACTIVE for live in going_on):
                raise NothingThere(text("No live of `@{handle}` is being recorded.", handle=account.handle))
            if not by.is_owner and await _others_want(conn, account.id, by.guild_id):
                raise NotAllowed(
                    text(
                        "Another server follows `@{handle}` too and has it recorded, so it goes on.",
                        handle=account.handle,
                    )
                )
            await recordings.stop(conn, going_on[0].live_id, by.user_id)
            what = recording_changed(account.handle, on=False)
            await audit.note(conn, by.guild_id, by.user_id, what, now)
        self._wake()
        return what

    async def settings(self, by: Requester, written: str, changed: Mapping[str, bool]) -> tuple[str, ...]:
        """Change the switches of an account that are given; gives how all of them stand, a line each.

        Raises `InputRefused`, `NothingThere`.
        """
        now = self._clock.now()
        async with self._database.write("streams.settings") as conn:
            account = await followed_account(conn, by.guild_id, written)
            before = await stream_choices.load(conn, account.id, by.guild_id)
            news = {name: on for name, on in changed.items() if getattr(before, name) != on}
            chosen = before
            if news:
                chosen = await stream_choices.change(conn, by, account.id, now, **news)
            if "record" in news:
                await _follow_switch(conn, by, account, now, on=news["record"])
            for name, on in news.items():
                await audit.note(conn, by.guild_id, by.user_id, switched(account.handle, name, on=on), now)
        if news:
            self._wake()
        return tuple(
            switched(account.handle, name, on=getattr(chosen, name))
            for name in StreamChoice.__dataclass_fields__
        )

    def _wake(self) -> None:
        self._changed.set()
        self._announcements.wake()

    async def _live_of(self, conn: Connection, account: Account) -> RecordedLive:
        going_on = await stream_reading.going_on(conn, [account.id])
        if going_on:
            return going_on[0]
        if await lives.open_lives(conn, account_id=account.id):
            raise NothingThere(text("`@{handle}` is live, but that is not recorded.", handle=account.handle))
        raise _not_live(account)

    async def _zone(self, by: Requester) -> ZoneInfo:
        async with self._database.read() as conn:
            known = await guilds.load(conn, by.guild_id)
        return ZoneInfo(known.time_zone if known else self._default_time_zone)


async def _follow_switch(
    conn: Connection, by: Requester, account: Account, now: datetime, *, on: bool
) -> None:
    """Let a live that is on follow the switch too: a guild that wants no recording need not wait for the next."""
    for open_live in await lives.open_lives(conn, account_id=account.id):
        if on:
            await recordings.start(conn, open_live.live_id, account.id, open_live.live.room_ids[-1], now)
        elif not await _others_want(conn, account.id, by.guild_id):
            await recordings.stop(conn, open_live.live_id, by.user_id)


async def _others_want(conn: Connection, account_id: int, guild_id: int) -> bool:
    """Tell whether another guild that follows an account wants its lives recorded."""
    chosen = await stream_choices.of_account(conn, account_id)
    others = await subscriptions.following_guilds(conn, [account_id]) - {guild_id}
    return any(chosen.get(other, StreamChoice()).record for other in others)


def _is_live(written: str) -> bool:
    """Tell whether somebody means a live, by its number; a handle of digits alone is written with an @."""
    return written.isascii() and written.isdigit() and len(written) <= LONGEST_NUMBER


def _not_live(account: Account) -> NothingThere:
    return NothingThere(
        text("`@{handle}` is not live now. `/stream history` shows earlier lives.", handle=account.handle)
    )


def _suggestion(live: RecordedLive, now: datetime, zone: ZoneInfo) -> str:
    began = f"{live.started_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return clip(join(" · ", [f"@{live.handle}", began, duration(live.span(now))]), 100)
