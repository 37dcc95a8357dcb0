"""Guilds: joining, leaving, and what their admins choose with `/setup`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from bot.clock import Clock
from bot.core import notices
from bot.core.guilds import LANGUAGES, GuildSettings
from bot.core.requester import Requester
from bot.errors import InputRefused
from bot.services.announcements import Announcements
from bot.settings import time_zones
from bot.storage import audit, guilds
from bot.storage.engine import Database
from bot.texts import text

Purpose = Literal["lives", "rounds", "admin", "audit"]
"""What a guild has a channel for."""


class Guilds:
    """What is known of the guilds the bot is in. `default_time_zone` is that of a guild nobody set up."""

    def __init__(
        self, *, database: Database, announcements: Announcements, clock: Clock, default_time_zone: str
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._default_time_zone = default_time_zone
        time_zones()  # read before anybody waits

    async def get(self, guild_id: int) -> GuildSettings:
        """Read what was chosen for a guild; the defaults where nothing was."""
        async with self._database.read() as conn:
            known = await guilds.load(conn, guild_id)
        return known or GuildSettings(guild_id=guild_id, time_zone=self._default_time_zone)

    async def save(
        self,
        by: Requester,
        *,
        lives_channel_id: int | None = None,
        rounds_channel_id: int | None = None,
        admin_channel_id: int | None = None,
        audit_channel_id: int | None = None,
        time_zone: str | None = None,
        language: str | None = None,
        weekly_streams: bool | None = None,
        clear: Purpose | None = None,
    ) -> GuildSettings:
        """Keep what an admin chose, forget the channel to `clear`; None leaves what was. Raises `InputRefused`."""
        self._refuse_unknown(time_zone, language)
        given = {
            "lives_channel_id": lives_channel_id,
            "rounds_channel_id": rounds_channel_id,
            "admin_channel_id": admin_channel_id,
            "audit_channel_id": audit_channel_id,
            "time_zone": time_zone,
            "language": language,
            "weekly_streams": weekly_streams,
        }
        chosen: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if clear is not None:
            chosen = {f"{clear}_channel_id": None, **chosen}
        async with self._database.write("guilds.save") as conn:
            await guilds.joined(conn, by.guild_id, self._default_time_zone)
            before = await guilds.load(conn, by.guild_id)
            await guilds.choose(conn, by, chosen, self._clock.now())
            if before and before.audit_channel_id != chosen.get("audit_channel_id", before.audit_channel_id):
                what = notices.audit_channel_chosen(audit_channel_id)
                await audit.note(conn, by.guild_id, by.user_id, what, self._clock.now())
        self._announcements.wake()
        return await self.get(by.guild_id)

    async def post_test(self, guild_id: int, channel_id: int) -> None:
        """Put a post that pings nobody into a channel, on the way every message takes."""
        await self._announcements.reopen(channel_id)
        await self._announcements.say(
            event_key=f"test:{guild_id}:{self._clock.now().isoformat()}",
            guild_id=guild_id,
            channel_id=channel_id,
            message=notices.test_post((await self.get(guild_id)).time_zone, self._clock.now()),
            lasts=notices.TEST_POST_AGE,
        )

    async def joined(self, guild_id: int) -> None:
        """Note that the bot is in a guild; what waited for it goes on."""
        async with self._database.write("guilds.joined") as conn:
            await guilds.joined(conn, guild_id, self._default_time_zone)
        self._announcements.wake()

    async def left(self, guild_id: int) -> None:
        """Note that a guild removed the bot: its rows stay, nothing more is sent to it."""
        async with self._database.write("guilds.left") as conn:
            await guilds.left(conn, guild_id, self._clock.now())

    async def present(self, guild_ids: Collection[int]) -> None:
        """Note which guilds the bot is in, after it could not hear of joins and removals for a while."""
        async with self._database.write("guilds.present") as conn:
            await guilds.left_all_but(conn, guild_ids, self._clock.now())
            for guild_id in guild_ids:
                await guilds.joined(conn, guild_id, self._default_time_zone)
        self._announcements.wake()

    def _refuse_unknown(self, time_zone: str | None, language: str | None) -> None:
        if time_zone is not None and time_zone not in time_zones():
            raise InputRefused(
                text("I do not know that time zone. Choose one of the suggestions, such as Asia/Jakarta.")
            )
        if language is not None and language not in LANGUAGES:
            raise InputRefused(text("I speak {languages}.", languages=", ".join(LANGUAGES.values())))
