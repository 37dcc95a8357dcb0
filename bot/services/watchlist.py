"""Who is followed where: the use cases behind `/live add`, `remove`, `list` and `pause`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import product

from bot.clock import Clock
from bot.core.live.handles import normalise_handle
from bot.core.live.models import Answer, Person, Profile, ProfileState
from bot.core.live.transitions import Live
from bot.core.live.why import Held, held_back
from bot.core.notifications.kinds import Kind, account_subject
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere, SourceError
from bot.services.announcements import Announcements
from bot.services.followed import followed_account
from bot.services.live_monitor import CheckReport, Leased, LiveMonitor
from bot.services.live_state import event_key, say
from bot.services.planning import is_parked
from bot.services.stream_telling import recap_key
from bot.storage import live as store
from bot.storage import notification_rules, notified, outbox, overrides, stream_choices, subscriptions
from bot.storage.engine import Connection, Database
from bot.storage.live import Account
from bot.storage.subscriptions import Subscription
from bot.texts import text, texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """What `/live add` did. `doubt` says why the profile could not be read, empty where it could."""

    account_id: int
    handle: str
    is_new: bool
    state: ProfileState
    doubt: str
    check: CheckReport | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One followed account in one channel, with what is known of it. `live` is there while it is live.

    `next_check_at` is None where none is planned: an admin froze it.
    """

    handle: str
    nickname: str
    channel_id: int
    role_id: int | None
    paused: bool
    state: ProfileState
    last_answer: Answer | None
    last_reason: str
    last_checked_at: datetime | None
    next_check_at: datetime | None
    live: Live | None


Choose = Callable[[Connection, Account], Awaitable[None]]


class Watchlist:
    """Adds and removes subscriptions of a guild; checks themselves are the monitor's."""

    def __init__(
        self,
        *,
        database: Database,
        monitor: LiveMonitor,
        announcements: Announcements,
        clock: Clock,
        accounts_per_guild: int,
    ) -> None:
        self._database = database
        self._monitor = monitor
        self._announcements = announcements
        self._clock = clock
        self._accounts_per_guild = accounts_per_guild

    async def add(
        self,
        by: Requester,
        written: str,
        channel_id: int,
        role_id: int | None,
        *,
        paused: bool = False,
        choose: Choose | None = None,
    ) -> Added:
        """Follow an account in a channel and look at it once; `choose` writes in the same transaction how it is told.

        When TikTok cannot be asked, the account is followed all the same and the doubt is told. Raises
        `InputRefused` for what is no handle, does not exist or is private, `LimitReached` at the guild's cap.
        """
        handle = normalise_handle(written)
        await self._refuse_over_cap(by, handle)
        profile, doubt = await self._look_up(by, handle)
        follow = partial(
            Subscription, guild_id=by.guild_id, channel_id=channel_id, role_id=role_id, paused=paused
        )
        try:
            account, leased, is_new = await self._subscribe(by, profile, follow, choose)
        finally:
            # What seems to have failed may be stored all the same, and then its first check is due.
            self._monitor.checks_changed.set()
        check = None if leased is None else await self._monitor.check_leased(leased)
        await self._tell_of_live(account.id)
        await self._monitor.replan_step()
        state = profile.state
        if check is not None and check.answer is Answer.OFFLINE and check.reason:
            state = ProfileState.NEVER_LIVE
        return Added(
            account_id=account.id,
            handle=account.handle,
            is_new=is_new,
            state=state,
            doubt=doubt,
            check=check,
        )

    async def remove(self, by: Requester, written: str, channel_id: int | None) -> int:
        """Stop following, in one channel or everywhere in the guild; gives in how many channels.

        Raises `NothingThere`.
        """
        async with self._database.write("watchlist.remove") as conn:
            account = await followed_account(conn, by.guild_id, written)
            gone = await subscriptions.unsubscribe(conn, by.guild_id, account.id, channel_id)
            is_over = await store.followed_account(conn, by.guild_id, account.handle) is None
            if is_over:
                await overrides.forget(conn, account.id, by.guild_id)
                await stream_choices.forget(conn, account.id, by.guild_id)
            last = await store.last_live(conn, account.id)
            keys = () if last is None else (event_key(last[0]), recap_key(last[0]))
            for key, left in product(keys, gone):
                await outbox.withdraw(conn, key, left)
            await _let_go(conn, by.guild_id, account, None if is_over else gone)
        await self._monitor.replan_step()
        if not gone:
            raise _not_followed(account.handle)
        return len(gone)

    async def pause(self, by: Requester, written: str, *, paused: bool) -> int:
        """Pause or resume an account in the guild; gives in how many channels. Raises `NothingThere`.

        Channels that resume in the middle of a live hear of it.
        """
        async with self._database.write("watchlist.pause") as conn:
            account = await followed_account(conn, by.guild_id, written)
            changed = await subscriptions.set_paused(conn, by.guild_id, account.id, paused=paused)
            if paused:
                await notified.take_back_held(conn, account_subject(account.id), by.guild_id)
        if not paused:
            await self._tell_of_live(account.id)
        await self._monitor.replan_step()
        return changed

    async def check_now(self, by: Requester, written: str) -> CheckReport:
        """Check an account of the guild now. Raises as `LiveMonitor.check_now`."""
        return await self._monitor.check_now(by, normalise_handle(written))

    async def entries(self, guild_id: int) -> tuple[Entry, ...]:
        """List what a guild follows, by handle and channel."""
        async with self._database.read() as conn:
            accounts = {row.id: row for row in await store.followed_accounts(conn, guild_id=guild_id)}
            followed = await subscriptions.load(conn, guild_id=guild_id)
            going_on = {row.account.id: row.live for row in await store.open_lives(conn)}
            now = self._clock.now()
            held = await self._monitor.held(conn, now)
        found = [
            _entry(accounts[row.account_id], row, going_on.get(row.account_id), now, held) for row in followed
        ]
        return tuple(sorted(found, key=lambda entry: (entry.handle, entry.channel_id)))

    async def handles(self, guild_id: int, part: str) -> tuple[str, ...]:
        """Give the followed handles that contain `part`, for suggestions."""
        wanted = part.strip().removeprefix("@").lower()
        async with self._database.read() as conn:
            accounts = await store.followed_accounts(conn, guild_id=guild_id)
        return tuple(account.handle for account in accounts if wanted in account.handle)

    async def _refuse_over_cap(self, by: Requester, handle: str) -> None:
        """Refuse before a request is spent; what counts is the same question when the account is stored."""
        async with self._database.read() as conn:
            self._refuse_one_more(by, handle, await store.followed_accounts(conn, guild_id=by.guild_id))

    def _refuse_one_more(self, by: Requester, handle: str, followed: Sequence[Account]) -> None:
        known = any(account.handle == handle for account in followed)
        if len(followed) >= self._accounts_per_guild and not known and not by.is_owner:
            raise LimitReached(
                texts(
                    "This server follows {count} account, which is the limit. Remove it with "
                    "`/live remove`, or ask the owner of the bot to raise ACCOUNTS_PER_GUILD.",
                    "This server follows {count} accounts, which is the limit. Remove one with "
                    "`/live remove`, or ask the owner of the bot to raise ACCOUNTS_PER_GUILD.",
                    len(followed),
                )
            )

    async def _look_up(self, by: Requester, handle: str) -> tuple[Profile, str]:
        try:
            profile = await self._monitor.look_up(by, handle)
        except (SourceError, LimitReached) as trouble:
            unknown = Person(platform_id=0, handle=handle)
            return Profile(state=ProfileState.ACTIVE, person=unknown), trouble.words
        if profile.state is ProfileState.NOT_FOUND:
            raise InputRefused(
                text("TikTok knows no account `@{handle}`. Check the spelling of the handle.", handle=handle)
            )
        if profile.state is ProfileState.PRIVATE or profile.person is None:
            raise InputRefused(
                text(
                    "`@{handle}` is a private account: its lives cannot be seen from outside.", handle=handle
                )
            )
        return profile, ""

    async def _subscribe(
        self, by: Requester, profile: Profile, follow: Callable[..., Subscription], choose: Choose | None
    ) -> tuple[Account, Leased | None, bool]:
        """Follow the account and, in the same transaction, pay for its first check where it may be asked."""
        person, now = profile.person, self._clock.now()
        if person is None:
            raise AssertionError("a profile that may be followed names its person")
        async with self._database.write("watchlist.add") as conn:
            followed = await store.followed_accounts(conn, guild_id=by.guild_id)
            self._refuse_one_more(by, person.handle, followed)
            account = await store.account_for(conn, person.handle, person.platform_id)
            if account is None:
                account = await store.add_account(conn, person, profile.state, now)
            elif person.platform_id:
                account = await store.learn_person(conn, account, person)
            is_new = await subscriptions.subscribe(conn, follow(account_id=account.id), by.user_id, now)
            if choose is not None:
                await choose(conn, account)
            return account, await self._lease_first_check(conn, by, account), is_new

    async def _lease_first_check(self, conn: Connection, by: Requester, account: Account) -> Leased | None:
        try:
            return await self._monitor.lease_asked(conn, by, account)
        except LimitReached:
            return None  # the planned check comes by itself

    async def _tell_of_live(self, account_id: int) -> None:
        """A channel that begins to follow in the middle of a live hears of it too."""
        async with self._database.write("watchlist.tell") as conn:
            for open_live in await store.open_lives(conn, account_id=account_id):
                await say(
                    conn,
                    open_live.account,
                    open_live.live_id,
                    open_live.live,
                    self._clock.now(),
                    to_everyone=True,
                )
        self._announcements.wake()


async def _let_go(
    conn: Connection, guild_id: int, account: Account, channel_ids: Collection[int] | None
) -> None:
    """Drop what was chosen for an account that is not followed any more, in some channels or at all, and is held."""
    subject = account_subject(account.id)
    await notification_rules.forget_account(conn, guild_id, subject, channel_ids)
    kinds = (Kind.LIVE, Kind.RECAP) if channel_ids is None else (Kind.LIVE,)
    await notified.let_go(conn, guild_id, kinds, (subject,), channel_ids)


def _entry(account: Account, row: Subscription, live: Live | None, now: datetime, held: Held | None) -> Entry:
    at, _ = held_back(account.next_check_at, "", now, held)
    return Entry(
        handle=account.handle,
        nickname=account.nickname,
        channel_id=row.channel_id,
        role_id=row.role_id,
        paused=row.paused,
        state=account.profile_state,
        last_answer=None if account.last_answer is None else Answer(account.last_answer),
        last_reason=account.last_reason,
        last_checked_at=account.last_checked_at,
        next_check_at=None if is_parked(account.next_check_at, now) else at,
        live=live,
    )


def _not_followed(handle: str) -> NothingThere:
    return NothingThere(text("`@{handle}` is not followed there. `/live list` shows who is.", handle=handle))
