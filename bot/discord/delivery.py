"""The outbox's way to Discord: each channel in its own order, none waiting for another."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import discord

from bot.core.charts import ChartSpec
from bot.core.delivery import Event, Outgoing, Result, Step
from bot.discord.courier import Courier, Parcel, thread_name
from bot.discord.embeds import draw
from bot.discord.places import Places
from bot.discord.results import TROUBLE, result_of
from bot.discord.speech import Speaker, guild_of
from bot.errors import ChartFailed, StorageError
from bot.ports import ChartRenderer
from bot.services.announcements import Announcements
from bot.texts import text

# No single request lasts so long (`bot.discord.client`), nor a message's few with the pauses Discord asks for.
STUCK_AFTER_SECONDS = 900.0
_BUGS_AT_MOST = 3
_AFTER_A_BUG_SECONDS = 60.0
_SHOWN_BY = frozenset({Step.POST, Step.LOOK_THEN_POST, Step.LOOK_THEN_GIVE_UP, Step.EDIT})
MOST_AT_ONCE = 100
"""Channels worked on at once; the pace of all requests (`bot.discord.pace`) lets no more through."""
_AGAIN_FROM = 75
"""So few are left of them when it is worth to look for more: each look reads the outbox."""
log = logging.getLogger(__name__)


class Delivery:
    """Brings due messages to their channels until it is cancelled."""

    def __init__(self, client: discord.Client, announcements: Announcements, renderer: ChartRenderer) -> None:
        self._client = client
        self._announcements = announcements
        self._renderer = renderer
        self._places = Places(client)
        self._courier = Courier(client, self._places)
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
        # For all at once: with each message, this would be a twentieth of a flood's work.
        speakers = {
            key: guild_of(known) for key, known in (await self._announcements.guilds_of(found)).items()
        }
        due = sorted(found, key=lambda message: (message.channel_id, message.id))
        for channel_id, messages in groupby(due, key=lambda message: message.channel_id):
            work = self._work_through(channel_id, [(one, speakers[one.guild_id]) for one in messages])
            self._busy[channel_id] = asyncio.create_task(work, name=f"delivery to {channel_id}")
        if len(self._busy) >= MOST_AT_ONCE:
            self._has_room.clear()
        return len(found) < room

    async def _work_through(self, channel_id: int, messages: Sequence[tuple[Outgoing, Speaker]]) -> None:
        try:
            for message, speaker in messages:
                surface = self._places.surface(message)
                step = await self._announcements.begin(message, surface)
                self._storage_works()
                if step is None:
                    break
                result = await self._deliver(step, message, speaker)
                await self._announcements.settle(message, result, surface)
                if result.event in {Event.BLOCKED, Event.LIMITED}:
                    break
        except StorageError as error:
            await self._storage_failed(error)
        finally:
            del self._busy[channel_id]
            if self._is_stuck or len(self._busy) <= _AGAIN_FROM:
                self._has_room.set()
            self._announcements.go_on()

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
                return await self._take(step, message, speaker)
        except TROUBLE as error:
            self._is_stuck = self._is_stuck or patience.expired()
            return result_of(error)
        except Exception as error:  # noqa: BLE001 - the border: a bug in one message must not end delivery
            return self._bug(message, error)

    async def _take(self, step: Step, message: Outgoing, speaker: Speaker) -> Result:
        if self._places.lacks_role(message):
            message = replace(message, message=replace(message.message, mention_role_id=None))
        said = speaker.tell(message.message)
        chosen = message.placement.thread_name if message.placement else ""
        name = thread_name(speaker.say(chosen) or said.title)
        if step not in _SHOWN_BY:
            return await self._courier.finish(step, message, name)
        drawn = draw(said, marker=message.marker, picture=await self._picture(message, said.chart))
        thread_id = await self._announcements.thread_for(message)
        parcel = Parcel(
            message=message,
            drawn=drawn,
            name=name,
            thread_id=thread_id,
            tag_ids=await self._tags(message),
        )
        return await self._courier.take(step, parcel)

    async def _tags(self, message: Outgoing) -> tuple[int, ...]:
        """Give the tag that was chosen, and where a forum wants one and has not that, those chosen for it by now."""
        placement = message.placement
        chosen = () if placement is None or placement.tag_id is None else (placement.tag_id,)
        if self._places.lacks_tag(message, chosen):
            return await self._announcements.tags_for(message)
        return chosen

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
