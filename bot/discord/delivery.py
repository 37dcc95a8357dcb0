"""The outbox's way to Discord: posts and edits, each channel in its own order, none waiting for another."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import discord

from bot.core.charts import ChartSpec
from bot.core.delivery import TOO_LATE, Event, Outgoing, Result, Step
from bot.discord.embeds import Drawn, bears, draw
from bot.discord.permissions import NEEDED, missing
from bot.discord.results import TROUBLE, result_of
from bot.discord.speech import Speaker, guild_of
from bot.errors import ChartFailed, StorageError
from bot.ports import ChartRenderer
from bot.services.announcements import Announcements
from bot.texts import join, text

# No single request lasts so long (`bot.discord.client`), nor a message's few with the pauses Discord asks for.
STUCK_AFTER_SECONDS = 900.0
_BUGS_AT_MOST = 3
_AFTER_A_BUG_SECONDS = 60.0
MOST_AT_ONCE = 100
"""Channels worked on at once; the pace of all requests (`bot.discord.pace`) lets no more through."""
_AGAIN_FROM = 75
"""So few are left of them when it is worth to look for more: each look reads the outbox."""
_LOOK_BACK = timedelta(days=1)  # our clock and Discord's may differ by so much
_LOOK_AT = 2000  # messages read at most to find one's own again, 100 with each request
_CLOCKS_APART = timedelta(minutes=10)  # by so much as long as nothing is wrong with ours
_LOOK_AT_LEAST_AT = 100  # our clock may have been wrong by any amount, so one request is always read whole
log = logging.getLogger(__name__)


class Delivery:
    """Brings due messages to their channels until it is cancelled."""

    def __init__(self, client: discord.Client, announcements: Announcements, renderer: ChartRenderer) -> None:
        self._client = client
        self._announcements = announcements
        self._renderer = renderer
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_database = True
        self._is_stuck = False
        self._bugs: Counter[int] = Counter()

    async def run(self) -> None:
        """Work until cancelled, or until the client is stuck with a message and a new one is needed.

        A send that is cut off is recognised at its next try. The client is not to be used again after one:
        discord.py never ends the pause for all its requests in which it was cut off.
        """
        await self._client.wait_until_ready()
        try:
            while not self._is_stuck:
                try:
                    await self._has_room.wait()
                    is_all = await self.start_due()
                    if not self._busy:
                        self._storage_works()
                    if is_all:
                        await self._announcements.wait()
                except StorageError as error:
                    await self._storage_failed(error)
            log.critical(
                "A message was on its way for %d s; the connection is made anew", STUCK_AFTER_SECONDS
            )
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def start_due(self) -> bool:
        """Begin with every channel that has something due and is not being worked on; false where more may be due."""
        # Of a channel that was busy while this was read, it might tell what is over by now.
        room = MOST_AT_ONCE - len(self._busy)
        found = await self._announcements.due(room, but=tuple(self._busy))
        due = sorted(found, key=lambda message: (message.channel_id, message.id))
        for channel_id, messages in groupby(due, key=lambda message: message.channel_id):
            work = self._work_through(channel_id, tuple(messages))
            self._busy[channel_id] = asyncio.create_task(work, name=f"delivery to {channel_id}")
        if len(self._busy) >= MOST_AT_ONCE:
            self._has_room.clear()
        return len(found) < room

    async def _work_through(self, channel_id: int, messages: Sequence[Outgoing]) -> None:
        try:
            for message in messages:
                speaker = guild_of(await self._announcements.guild(message.guild_id))
                step = await self._announcements.begin(message)
                self._storage_works()
                if step is None:
                    break
                result = await self._deliver(step, message, speaker)
                await self._announcements.settle(message, result)
                if result.event in {Event.BLOCKED, Event.LIMITED}:
                    break
        except StorageError as error:
            await self._storage_failed(error)
        finally:
            del self._busy[channel_id]
            if self._is_stuck or len(self._busy) <= _AGAIN_FROM:
                self._has_room.set()
            self._announcements.wake()

    async def _storage_failed(self, error: StorageError) -> None:
        if self._has_database:
            log.error("Delivery cannot use the database (%s); it is tried again", error)
            self._has_database = False
        await self._announcements.pause()

    def _storage_works(self) -> None:
        if not self._has_database:
            log.info("Delivery can use the database again")
            self._has_database = True

    async def _deliver(self, step: Step, message: Outgoing, speaker: Speaker) -> Result:
        patience = asyncio.timeout(STUCK_AFTER_SECONDS)
        try:
            async with patience:
                said = speaker.tell(message.message)
                drawn = draw(said, marker=message.marker, picture=await self._picture(message, said.chart))
                return await self._take(step, message, drawn)
        except TROUBLE as error:
            self._is_stuck = self._is_stuck or patience.expired()
            return result_of(error)
        except Exception as error:  # noqa: BLE001 - the border: a bug in one message must not end delivery
            return self._bug(message, error)

    def _bug(self, message: Outgoing, error: Exception) -> Result:
        """Bury a message for which there was a bug each time: others of its channel wait behind it."""
        self._bugs[message.id] += 1
        if self._bugs[message.id] == 1:
            log.error(
                "%s: a bug kept it from channel %d", message.event_key, message.channel_id, exc_info=error
            )
        is_over = self._bugs[message.id] >= _BUGS_AT_MOST
        return Result(
            event=Event.EXHAUSTED if is_over else Event.TRANSIENT,
            reason=text("a bug in the bot ({kind})", kind=type(error).__name__),
            retry_after_seconds=_AFTER_A_BUG_SECONDS,
        )

    async def _picture(self, message: Outgoing, chart: ChartSpec | None) -> bytes | None:
        if chart is None:
            return None
        try:
            return await self._renderer.render(chart)
        except ChartFailed as error:
            log.warning("%s goes out without its picture (%s)", message.event_key, error)
            return None

    async def _take(self, step: Step, message: Outgoing, drawn: Drawn) -> Result:
        steps: dict[Step, Callable[[Outgoing, Drawn], Awaitable[Result]]] = {
            Step.POST: self._post,
            Step.LOOK_THEN_POST: self._look_then_post,
            Step.LOOK_THEN_GIVE_UP: self._look_then_give_up,
            Step.EDIT: self._edit,
        }
        return await steps[step](message, drawn)

    async def _post(self, message: Outgoing, drawn: Drawn) -> Result:
        role = message.message.mention_role_id
        pinged = [] if role is None else [discord.Object(role)]
        channel = await self._channel(message)
        posted = await channel.send(
            content=drawn.content or None,
            embed=drawn.embed,
            view=drawn.view or discord.utils.MISSING,
            files=drawn.files(),
            nonce=message.nonce,
            allowed_mentions=discord.AllowedMentions(everyone=False, users=False, roles=pinged),
        )
        return Result(event=Event.SENT, message_id=posted.id)

    async def _look_then_post(self, message: Outgoing, drawn: Drawn) -> Result:
        return await self._look(message) or await self._post(message, drawn)

    async def _look_then_give_up(self, message: Outgoing, _: Drawn) -> Result:
        return await self._look(message) or Result(event=Event.EXPIRED, reason=TOO_LATE)

    async def _look(self, message: Outgoing) -> Result | None:
        """Read the channel backwards to before the first try, because nobody knows how that one ended.

        In a channel too busy for that it is read from the first try on; not found there, the message is given
        up: posted again it might stand there twice. None when it surely does not stand there.
        """
        if message.first_tried_at is None or self._client.user is None:
            return None
        lacks = self._lacks(message)
        if (
            NEEDED["read_message_history"] in lacks
        ):  # Discord would give an empty history, which proves nothing
            reason = text("I lack {permissions}", permissions=join(", ", lacks))
            return Result(event=Event.BLOCKED, reason=reason)
        found = await self._search(message, back_to=message.first_tried_at - _LOOK_BACK)
        if found is not None and found.event is Event.EXHAUSTED:
            since = message.first_tried_at - _CLOCKS_APART
            found = await self._search(message, after=since, oldest_first=True) or found
        return found

    async def _search(
        self, message: Outgoing, back_to: datetime | None = None, **where: Any
    ) -> Result | None:
        """Read so many messages; None when the channel or the time ended before that without this one."""
        channel, read = await self._channel(message), 0
        async for posted in channel.history(limit=_LOOK_AT, **where):
            if back_to is not None and posted.created_at < back_to and read >= _LOOK_AT_LEAST_AT:
                return None
            read += 1
            if posted.author == self._client.user and bears(posted, message.marker):
                log.info("%s had been posted already", message.event_key)
                return Result(event=Event.SENT, message_id=posted.id)
        if read < _LOOK_AT:
            return None
        reason = text("so much was said there since that I cannot tell whether I had posted it")
        return Result(event=Event.EXHAUSTED, reason=reason)

    def _lacks(self, message: Outgoing) -> tuple[str, ...]:
        guild = None if message.direct else self._client.get_guild(message.guild_id)
        channel = guild and guild.get_channel_or_thread(message.channel_id)
        return missing(channel) if channel else ()

    async def _edit(self, message: Outgoing, drawn: Drawn) -> Result:
        if message.message_id is None:
            return Result(event=Event.GONE)
        channel = await self._channel(message)
        await channel.get_partial_message(message.message_id).edit(
            content=drawn.content or None,
            embed=drawn.embed,
            view=drawn.view,
            attachments=drawn.files(),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        return Result(event=Event.EDITED)

    async def _channel(self, message: Outgoing) -> discord.PartialMessageable | discord.DMChannel:
        if message.direct:
            return await self._client.create_dm(discord.Object(message.channel_id))
        return self._client.get_partial_messageable(message.channel_id, guild_id=message.guild_id)
