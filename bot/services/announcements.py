"""What is said, on its way out: the bookkeeping of the outbox around each try.

The deliverer (`bot.discord.delivery`) works in three steps: `due` gives the messages whose turn it is,
`begin` commits that a try begins, `settle` writes how it ended. `wait` sleeps until there may be more.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock, wait_for_event
from bot.core import notices
from bot.core.announcements import Message
from bot.core.breaker import pause_after
from bot.core.delivery import (
    GIVE_UP_GONE_AFTER,
    Event,
    OutboxState,
    Outgoing,
    Result,
    Step,
    Surface,
    after,
    anew,
    edit_again_in,
    is_old,
    next_step,
    remaining,
    retry,
    settled,
    shown_revision,
)
from bot.core.guilds import GuildSettings
from bot.core.notifications.placement import Placement
from bot.services.hushing import hush
from bot.services.together import Together, Work
from bot.storage import destinations, guilds, notification_rules, outbox, sources
from bot.storage.engine import Connection, Database
from bot.storage.outbox import Unreadable

DISCORD = "discord"
LONGEST_WAIT = timedelta(seconds=30)  # another process may have put something without waking us
_WELL_FOR = timedelta(seconds=10)
"""So long a post that arrived speaks for Discord: in a flood, not each is written down as its last answer."""
_PAUSE_SECONDS = 5.0
_NOTICE = "notice:"
_SUCCESSES = frozenset({Event.SENT, Event.EDITED, Event.GONE, Event.DONE, Event.REMOVED})
log = logging.getLogger(__name__)


class Announcements:
    """The outbox as the deliverer works through it; other services only call `wake`. `told` is set then, too."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        longest_wait: timedelta = LONGEST_WAIT,
    ) -> None:
        self._database = database
        self._begins, self._ends = Together(self._begin), Together(self._settle)
        self._clock = clock
        self._jitter = jitter
        self._longest_wait = longest_wait
        self._started_at = self._looked_at = clock.now()
        self._news = asyncio.Event()
        self.told = asyncio.Event()
        self._is_failing = False

    def wake(self) -> None:
        """Say that something was put; call it after the transaction has committed."""
        self.go_on()
        self.told.set()

    def go_on(self) -> None:
        """Say that more can be delivered; nothing was told, and in a flood each look for what to tell costs."""
        self._news.set()

    async def say(
        self,
        *,
        event_key: str,
        guild_id: int,
        channel_id: int,
        message: Message,
        lasts: timedelta,
        placement: Placement | None = None,
    ) -> None:
        """Put one message that belongs to no other change; it is not posted later than `lasts` from now."""
        now = self._clock.now()
        async with self._database.write("outbox.say") as conn:
            await outbox.put(
                conn,
                event_key=event_key,
                guild_id=guild_id,
                channel_id=channel_id,
                message=message,
                now=now,
                expires_at=now + lasts,
                placement=placement,
            )
        self.wake()

    async def due(self, most: int = outbox.MOST_AT_ONCE, but: Collection[int] = ()) -> tuple[Outgoing, ...]:
        """Give the messages whose turn it is; first posts that nobody tried in time are given up on the way.

        Nothing is due while Discord wants us to stop, nor in the channels of `but`.
        """
        now = self._looked_at = self._clock.now()
        async with self._database.read() as conn:
            late = await outbox.has_expired(conn, now)
        if late:
            async with self._database.write("outbox.expire") as conn:
                log.info("%d message(s) were too old to be posted", await outbox.expire(conn, now))
        async with self._database.read() as conn:
            closed_until = (await sources.load(conn, DISCORD)).closed_until
            if closed_until is not None and closed_until > now:
                return ()
            found = await outbox.due(conn, now, most, but)
        await self._give_up([one for one in found if isinstance(one, Unreadable)])
        return tuple(one for one in found if isinstance(one, Outgoing))

    async def _give_up(self, messages: Sequence[Unreadable]) -> None:
        """Bury what cannot be read, so that what waits behind it goes on."""
        if not messages:
            return
        async with self._database.write("outbox.give_up") as conn:
            for message in messages:
                await outbox.settle(conn, message.id, OutboxState.DEAD, error=message.reason)
                log.error(
                    "%s: given up for channel %d (%s)", message.event_key, message.channel_id, message.reason
                )
        self.go_on()

    async def wait(self) -> None:
        """Sleep until `wake`, or until something is due that was not when `due` last looked."""
        async with self._database.read() as conn:
            closed_until = (await sources.load(conn, DISCORD)).closed_until
            upcoming = await outbox.next_try_at(conn, self._looked_at)
        if closed_until is not None and closed_until > self._looked_at:
            upcoming = closed_until
        now = self._clock.now()
        until = min(upcoming or now + self._longest_wait, now + self._longest_wait)
        await wait_for_event(self._clock, self._news, (until - now).total_seconds())

    async def pause(self) -> None:
        """Wait a little before the database is asked again after it failed."""
        await self._clock.machine.sleep(_PAUSE_SECONDS)

    async def begin(self, message: Outgoing, surface: Surface = Surface.OTHER) -> Step | None:
        """Commit that a try begins and say what to do; after a crash the next process then knows of it.

        None when the message has changed since `due` gave it: another look is needed.
        """
        now = self._clock.now()

        async def work(conn: Connection) -> bool:
            if message.pings_late(now) and await hush(conn, message, now):
                return False
            return await outbox.note_try(conn, message, now)

        if not await self._begins.do(work):
            self.told.set()  # it may be held now
            return None
        return next_step(message, now=now, started_at=self._started_at, surface=surface)

    async def thread_for(self, message: Outgoing) -> int | None:
        """Give the thread in which a message is to stand because another event has one there."""
        placement = message.placement
        if placement is None or not placement.in_thread_of:
            return None
        async with self._database.read() as conn:
            return await outbox.thread_of(conn, placement.in_thread_of, message.channel_id)

    async def tags_for(self, message: Outgoing) -> tuple[int, ...]:
        """Give the tags that are chosen for the message's forum now: for its kind first, then for anything else."""
        async with self._database.read() as conn:
            kind, subject = await outbox.about(conn, message.id)
            rules = await notification_rules.of_guilds(conn, [message.guild_id])
        chosen = [
            (rule.kind != kind, rule.subject != subject, rule.options.tag_id)
            for rule in rules
            if rule.channel_id == message.channel_id and rule.options.tag_id is not None
        ]
        return tuple(dict.fromkeys(tag_id for _, _, tag_id in sorted(chosen)))

    async def guild(self, guild_id: int) -> GuildSettings:
        """Give what a guild chose in whose language and time zone something is said."""
        async with self._database.read() as conn:
            return await guilds.load(conn, guild_id) or GuildSettings(guild_id=guild_id)

    async def guilds_of(self, messages: Sequence[Outgoing]) -> dict[int, GuildSettings]:
        """Give the guilds of messages, by their id; all are read at once."""
        wanted = {message.guild_id for message in messages}
        if not wanted:
            return {}
        async with self._database.read() as conn:
            known = await guilds.load_some(conn, wanted)
        return {guild_id: known.get(guild_id, GuildSettings(guild_id=guild_id)) for guild_id in wanted}

    async def settle(self, message: Outgoing, result: Result, surface: Surface = Surface.OTHER) -> None:
        """Write how a try ended; `message` is as `due` gave it."""
        now = self._clock.now()

        async def write(conn: Connection) -> None:
            current = await outbox.load(conn, message.id)
            if result.event in _SUCCESSES:
                await self._succeeded(conn, message, current, result, surface=surface, now=now)
            else:
                await self._failed(conn, message, current, result, now)

        await self._ends.do(write)
        self.go_on()

    async def _begin(self, works: Sequence[Work]) -> list[object]:
        async with self._database.write("outbox.begin") as conn:
            return [await work(conn) for work in works]

    async def _settle(self, works: Sequence[Work]) -> list[object]:
        async with self._database.write("outbox.settle") as conn:
            return [await work(conn) for work in works]

    async def reopen(self, channel_id: int) -> None:
        """Try a blocked channel at once: its permissions have changed."""
        now = self._clock.now()
        async with self._database.write("outbox.reopen") as conn:
            await destinations.try_now(conn, channel_id, now)
            await outbox.unpark(conn, channel_id, now)
        self.wake()

    async def blocked_channels(self, guild_id: int) -> tuple[int, ...]:
        """Give the channels of a guild that refuse our messages."""
        async with self._database.read() as conn:
            return tuple(blocked.channel_id for blocked in await destinations.of_guild(conn, guild_id))

    async def _succeeded(
        self,
        conn: Connection,
        tried: Outgoing,
        current: Outgoing,
        result: Result,
        *,
        surface: Surface,
        now: datetime,
    ) -> None:
        changed = settled(current, result, shown=shown_revision(tried, result.event), now=now)
        state = after(current.state, result.event)
        if remaining(changed, surface) is not None:
            state = after(state, Event.CHANGED)
        values = _kept_of(changed) | _new_errand(now) | {"delivered_at": now}
        if result.is_given_up:
            values["error"] = result.reason
            if result.event is Event.DONE:
                await self._cannot(conn, current, result, now)
        await outbox.settle(conn, current.id, state, **values)
        if result.event is Event.SENT and current.remove_after_hours:
            hours = timedelta(hours=current.remove_after_hours)
            await outbox.to_be_removed(conn, current.id, now + hours)
        health = await sources.load(conn, DISCORD)
        if self._is_failing or health.down_since is not None:
            log.info("Discord takes messages again")
            self._is_failing = False
        if not health.was_well(now - _WELL_FOR, now):
            await sources.record_ok(conn, DISCORD, now)
        # An edit proves nothing: it needs another permission than a post.
        if result.event is Event.SENT and await destinations.unblock(conn, current.channel_id):
            await outbox.unpark(conn, current.channel_id, now)
            log.info("Channel %d accepts messages again", current.channel_id)

    async def _failed(
        self, conn: Connection, tried: Outgoing, current: Outgoing, result: Result, now: datetime
    ) -> None:
        event, at = result.event, now
        if event is Event.AGED or (
            event is Event.TRANSIENT and result.is_limited and _is_old_edit(tried, now)
        ):
            pause = edit_again_in(tried, result.retry_after_seconds)
            if pause is None:
                await self._post_anew(conn, current, now)
                return
            event, at = Event.AGED, now + pause
        if event is Event.TRANSIENT:
            decision = retry(
                tried, now=now, jitter=self._jitter(), retry_after_seconds=result.retry_after_seconds
            )
            event, at = decision.event, decision.at
        state = after(current.state, event)
        if state is OutboxState.DEAD and current.is_posted and _stands(current):
            state = after(current.state, Event.DONE)
        # A channel that refuses has not taken it. Whether a pause for all was not preceded by a post, nobody knows.
        first = tried.first_tried_at if event is Event.BLOCKED else current.first_tried_at
        await outbox.settle(
            conn, current.id, state, error=result.reason, next_try_at=at, first_tried_at=first
        )
        if event is Event.LIMITED:
            await self._close(conn, result, now)
        elif event is Event.BLOCKED:
            await self._block(conn, current, result, now)
        elif event is Event.EXPIRED:
            log.info("%s was too old to be posted", current.event_key)
        elif state is OutboxState.DEAD:
            await self._bury(conn, current, result.reason, now)
        elif tried.tries == 0 and not self._is_failing:
            log.warning("%s: not delivered yet (%s); trying again", current.event_key, result.reason)
            self._is_failing = True

    async def _post_anew(self, conn: Connection, current: Outgoing, now: datetime) -> None:
        """Stop editing a message that Discord takes no edits of: a new one says the same, the old one goes."""
        log.info("%s: too old to be edited, it is posted anew", current.event_key)
        new = anew(current)
        values = _kept_of(new) | {"nonce": new.nonce, "generation": new.generation}
        await outbox.settle(conn, current.id, after(current.state, Event.AGED), **values, **_new_errand(now))

    async def _cannot(self, conn: Connection, message: Outgoing, result: Result, now: datetime) -> None:
        """Tell an admin once for each channel what cannot be done there besides posting."""
        log.warning("%s: %s (channel %d)", message.event_key, result.reason, message.channel_id)
        if not message.direct:
            notice = notices.cannot_finish(message.channel_id, result.reason)
            await self._tell(conn, message, f"{result.step}:{message.channel_id}", notice, now)

    async def _close(self, conn: Connection, result: Result, now: datetime) -> None:
        """Stop sending anything for a while; several refusals at once are one."""
        health = await sources.load(conn, DISCORD)
        if health.closed_until is not None and health.closed_until > now:
            return
        pause = pause_after(health.failures + 1, blocked=True, retry_after_seconds=result.retry_after_seconds)
        until = now + (pause or timedelta(0))
        await sources.record_failure(conn, DISCORD, result.reason, now, until, blocked=True)
        if health.down_since is None:
            log.error("Discord refuses all requests (%s); nothing is sent before %s", result.reason, until)

    async def _block(self, conn: Connection, message: Outgoing, result: Result, now: datetime) -> None:
        channel_id, reason = message.channel_id, result.reason
        blocked = await destinations.block(
            conn, channel_id=channel_id, guild_id=message.guild_id, reason=reason, now=now
        )
        if result.is_gone and now - blocked.blocked_since >= GIVE_UP_GONE_AFTER:
            count = await outbox.abandon(conn, channel_id, reason)
            log.error("Channel %d: %d message(s) given up (%s)", channel_id, count, reason)
            key, notice = "gone", notices.channel_gone(channel_id, reason)
        else:
            await outbox.park(conn, channel_id)
            if blocked.tries > 1:
                return
            log.warning("Channel %d refuses messages (%s); they wait", channel_id, reason)
            key, notice = "blocked", notices.channel_blocked(channel_id, reason)
        if not message.direct:
            # Each notice once for each time that a channel is blocked.
            key = f"{key}:{channel_id}:{blocked.blocked_since.isoformat()}"
            await self._tell(conn, message, key, notice, now)

    async def _bury(self, conn: Connection, message: Outgoing, reason: str, now: datetime) -> None:
        log.error("%s: given up for channel %d (%s)", message.event_key, message.channel_id, reason)
        if not message.event_key.startswith(_NOTICE):
            notice = notices.message_refused(message.channel_id, message.message.title, reason)
            await self._tell(conn, message, f"refused:{message.event_key}", notice, now)

    async def _tell(
        self, conn: Connection, about: Outgoing, key: str, notice: Message, now: datetime
    ) -> None:
        """Put a notice for the admins, never into the channel it is about."""
        target = await guilds.admin_target(conn, about.guild_id, avoid=about.channel_id)
        if target is None:
            log.warning("Guild %d has nobody to tell about trouble; /setup names somebody", about.guild_id)
            return
        channel_id, direct = target
        await outbox.put(
            conn,
            event_key=f"{_NOTICE}{key}",
            guild_id=about.guild_id,
            channel_id=channel_id,
            message=notice,
            now=now,
            direct=direct,
        )


def _kept_of(message: Outgoing) -> dict[str, object]:
    """Give what a try changes of a message, as it is stored."""
    return {
        "message_id": message.message_id,
        "delivered_revision": message.delivered_revision,
        "posted_at": message.posted_at,
        "published": message.published,
        "thread_id": message.thread_id,
        "in_thread": message.in_thread,
        "old_message_id": message.old_message_id,
        "placement": None if message.placement is None else message.placement.to_json(),
    }


def _new_errand(now: datetime) -> dict[str, object]:
    return {"next_try_at": now, "tries": 0, "first_tried_at": None, "error": ""}


def _stands(message: Outgoing) -> bool:
    return message.delivered_revision == message.revision and not message.removing


def _is_old_edit(tried: Outgoing, now: datetime) -> bool:
    is_edit = tried.is_posted and tried.delivered_revision < tried.revision
    return is_edit and not tried.is_to_be_posted_anew and is_old(tried, now)
