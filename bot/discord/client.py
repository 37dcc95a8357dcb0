"""The bot as Discord sees it: gateway, commands, and what it hears about its guilds."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import discord
from aiohttp import ClientTimeout
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot.clock import Clock
from bot.discord.errors import Tree
from bot.discord.once import request_trace
from bot.discord.pace import Pace, paced
from bot.discord.permissions import missing_to_post
from bot.discord.pictures import Pictures
from bot.discord.results import TROUBLE
from bot.discord.speech import CommandTranslator
from bot.errors import VedetteError
from bot.services.announcements import Announcements
from bot.services.balance import Balance
from bot.services.boards import Boards
from bot.services.exports import Exports
from bot.services.guilds import Guilds
from bot.services.health import Health
from bot.services.leaderboards import Leaderboards
from bot.services.live_monitor import LiveMonitor
from bot.services.machine import Machine
from bot.services.notification_roles import NotificationRoles
from bot.services.notification_settings import NotificationSettings
from bot.services.overrides import Overrides
from bot.services.players import Players
from bot.services.predictions import Predictions
from bot.services.privacy import Privacy
from bot.services.profiles import Profiles
from bot.services.recorded_lives import RecordedLives
from bot.services.round_admin import RoundAdmin
from bot.services.round_book import RoundBook
from bot.services.round_suggestions import RoundSuggestions
from bot.services.round_sync import RoundSync
from bot.services.watchlist import Watchlist
from bot.settings import Settings

EXTENSIONS = (
    "cogs.monitoring",
    "cogs.notifications",
    "cogs.predictions",
    "cogs.stats_sync",
    "cogs.rounds_admin",
    "cogs.players",
    "cogs.leaderboards",
    "cogs.streams",
    "cogs.profiles",
    "cogs.exports",
    "cogs.admin",
    "cogs.privacy",
)
_GUILD_READY_SECONDS = 0.2  # the default of 2 s is most of the time a start may take
LONGEST_REQUEST_SECONDS = 60.0  # aiohttp alone would let a mute connection hold its channel for 5 minutes
# A longer pause is the outbox's to wait for: a request repeated after several may find its nonce forgotten.
_LONGEST_RATE_LIMIT_SECONDS = 30.0  # the least that discord.py takes
_TREE_NOTE = "command tree"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """What the cogs may use; they take it from `bot.services`."""

    watchlist: Watchlist
    live_monitor: LiveMonitor
    predictions: Predictions
    overrides: Overrides
    boards: Boards
    round_sync: RoundSync
    leaderboards: Leaderboards
    recorded: RecordedLives
    profiles: Profiles
    round_book: RoundBook
    balance: Balance
    players: Players
    privacy: Privacy
    round_admin: RoundAdmin
    round_suggestions: RoundSuggestions
    exports: Exports
    guilds: Guilds
    notification_settings: NotificationSettings
    notification_roles: NotificationRoles
    health: Health
    machine: Machine
    announcements: Announcements
    pictures: Pictures
    settings: Settings
    clock: Clock


class VedetteClient(commands.Bot):
    """The connection to Discord. It hears of guilds, channels and roles, and reads no messages."""

    def __init__(
        self, services: Services, extensions: Sequence[str] = EXTENSIONS, pace: Pace | None = None
    ) -> None:
        _point_at(services.settings)
        _expect_no_voice()
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=False, private_channel=False
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            guild_ready_timeout=_GUILD_READY_SECONDS,
            max_ratelimit_timeout=_LONGEST_RATE_LIMIT_SECONDS,
            http_trace=paced(request_trace(), pace or Pace(services.clock.machine)),
        )
        # Here and not around a request: cut off in a pause for all requests, discord.py never ends that pause.
        limit = ClientTimeout(total=LONGEST_REQUEST_SECONDS)
        self.http.request = partial(self.http.request, timeout=limit)  # type: ignore[method-assign]
        self.services = services
        self._extensions = tuple(extensions)
        self._is_lost = False

    async def setup_hook(self) -> None:
        """Load the cogs and make their commands known; runs once, before the gateway is dialled."""
        for extension in self._extensions:
            await self.load_extension(extension)
        await self.tree.set_translator(CommandTranslator())
        await self._sync_commands()

    async def on_error(self, event_method: str, /, *_args: object, **_kwargs: object) -> None:
        """Log what kept an event from being handled; the next start catches up with the guilds."""
        error = sys.exception()
        if isinstance(error, VedetteError):
            log.error("%s could not be handled: %s", event_method, error)
        else:
            log.error("%s failed, incident %s", event_method, secrets.token_hex(4), exc_info=error)

    async def on_disconnect(self) -> None:
        """Tell once that the gateway is lost; discord.py dials it again and again by itself."""
        if not self._is_lost and not self.is_closed():
            self._is_lost = True
            log.info("The connection to Discord is lost; it is tried again")

    async def on_resumed(self) -> None:
        """Tell that the gateway is back, with all that happened meanwhile."""
        self._is_lost = False
        log.info("The connection to Discord is back")

    async def on_ready(self) -> None:
        """Catch up with what happened to the guilds while nobody listened."""
        self._is_lost = False
        log.info("Connected to Discord as %s, in %d server(s)", self.user, len(self.guilds))
        await self.services.guilds.present([guild.id for guild in self.guilds])
        for guild in self.guilds:
            await self._try_blocked_channels(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Begin with a guild."""
        log.info("Added to the server %d", guild.id)
        await self.services.guilds.joined(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Stop with a guild; an outage is no removal, and does not come here."""
        log.info("Removed from the server %d", guild.id)
        await self.services.guilds.left(guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Look again at blocked channels after an outage."""
        await self._try_blocked_channels(guild)

    async def on_guild_update(self, _before: discord.Guild, after: discord.Guild) -> None:
        """Look again at blocked channels."""
        await self._try_blocked_channels(after)

    async def on_guild_channel_update(
        self, _before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """Look again at blocked channels: overwrites may have changed, also those of a category."""
        await self._try_blocked_channels(after.guild)

    async def on_guild_role_update(self, _before: discord.Role, after: discord.Role) -> None:
        """Look again at blocked channels: the bot's role may have changed."""
        await self._try_blocked_channels(after.guild)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Forget a role that members took, and look again at blocked channels: it may have denied something."""
        await self.services.notification_roles.role_gone(role.guild.id, role.id, role.name)
        await self._try_blocked_channels(role.guild)

    async def on_thread_update(self, _before: discord.Thread, after: discord.Thread) -> None:
        """Look again at the thread where it is blocked: it may be open again."""
        await self._try_blocked_channels(after.guild, only=after.id)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        """Look again at the thread where it is blocked: so discord.py tells of one that is opened again, too."""
        await self._try_blocked_channels(thread.guild, only=thread.id)

    async def on_member_update(self, _before: discord.Member, after: discord.Member) -> None:
        """Look again at blocked channels: the bot may have got another role."""
        if self.user is not None and after.id == self.user.id:
            await self._try_blocked_channels(after.guild)

    async def _try_blocked_channels(self, guild: discord.Guild, only: int | None = None) -> None:
        """Let messages go on to every blocked channel of a guild, or to one, where the permissions are back.

        What a message need not have is no reason to wait for: not each has a picture.
        """
        for channel_id in await self.services.announcements.blocked_channels(guild.id):
            channel = guild.get_channel_or_thread(channel_id) if only in {None, channel_id} else None
            if channel is not None and not missing_to_post(channel, with_picture=False):
                await self.services.announcements.reopen(channel_id)

    async def _sync_commands(self) -> None:
        """Send the commands to Discord if they are not the ones it was last sent."""
        digest = await self._commands_digest()
        if await self.services.health.note(_TREE_NOTE) == digest:
            return
        try:
            sent = await self.tree.sync()
        except TROUBLE as error:
            log.error("Discord did not take the commands (%s); the next start sends them again", error)  # noqa: TRY400
            return
        await self.services.health.write_note(_TREE_NOTE, digest)
        log.info("Sent %d command(s) to Discord", len(sent))

    async def _commands_digest(self) -> str:
        """Give a fingerprint of all commands, in every language, and of the application they belong to."""
        translator = self.tree.translator or CommandTranslator()
        tree = [
            await command.get_translated_payload(self.tree, translator)
            for command in self.tree.get_commands()
        ]
        text = json.dumps([self.application_id, tree], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _expect_no_voice() -> None:
    """Keep discord.py from warning at each start about voice libraries, which nobody needs here."""
    discord.VoiceClient.warn_nacl = False
    discord.VoiceClient.warn_dave = False


def _point_at(settings: Settings) -> None:
    """Point discord.py at a stand-in on this machine, where the settings (loopback only) name one."""
    if settings.discord_api_url:
        Route.BASE = settings.discord_api_url
    if settings.discord_gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = URL(settings.discord_gateway_url)
