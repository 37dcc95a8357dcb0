"""A guild in SimCord's Discord with the real client, cogs, services and database behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import simcord

from bot.checks import BASE_PERMISSIONS
from bot.discord.client import Services, VedetteClient
from bot.discord.pictures import Pictures
from bot.services.boards import Boards
from bot.services.exports import Exports
from bot.services.health import Health
from bot.services.leaderboards import Leaderboards
from bot.services.overrides import Overrides
from bot.services.players import Players
from bot.services.predictions import Predictions
from bot.services.privacy import Privacy
from bot.services.recorded_lives import RecordedLives
from bot.services.round_book import RoundBook
from bot.settings import load_settings
from bot.storage.engine import Database
from tests.discord_room.room import Painter
from tests.exporter import FakeExporter
from tests.machines import machine_of
from tests.notify_services import notify_services
from tests.profiles import profiles_of
from tests.services.live_world import LiveWorld
from tests.services.round_world import RoundWorld

GUILD_ID = 4_700_000_000_000_000_001


@dataclass
class Sim:
    """Everything a test needs: who may do what, where, and the worlds behind the commands."""

    env: simcord.Env
    worlds: Worlds
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    hidden: simcord.ChannelHandle
    role: simcord.RoleHandle
    admin: simcord.MemberActor
    member: simcord.MemberActor
    owner: simcord.MemberActor

    def __post_init__(self) -> None:
        self.database, self.services = self.worlds.database, self.worlds.services
        self.lives, self.rounds = self.worlds.lives, self.worlds.rounds
        self._errors_told = 0

    @property
    def tomorrow(self) -> str:
        return f"{self.services.clock.now() + timedelta(days=1):%Y-%m-%d}"

    @property
    def subscription(self) -> str:
        """The go-lives of the first account, in the channel."""
        return f"{self.channel.id}:live:account:1"

    @property
    def client(self) -> VedetteClient:
        return self.env.bot

    async def use(self, actor: simcord.MemberActor, name: str, /, **options: Any) -> simcord.ResponseMessage:
        """Use a slash command; give its one answer."""
        result = await actor.slash(self.channel, name, **options)
        simcord.assert_responded(result)
        answers = [result.response, *result.followups]
        (answer,) = {one.id: one for one in answers if one is not None}.values()
        return answer

    def let_bot(self, **permissions: bool) -> None:
        """Give the bot permissions that its invite link does not ask for."""
        (bots,) = [one for one in self.guild.roles.values() if one.name == self.env.bot.user.name]
        granted = sum(BASE_PERMISSIONS.values()) | discord.Permissions(**permissions).value
        self.env.backend.edit_role(self.guild.id, bots.id, {"permissions": granted})

    def new_errors(self) -> list[BaseException]:
        """The errors of the bot since this was last asked."""
        errors = self.env.errors[self._errors_told :]
        self._errors_told += len(errors)
        return errors

    def let_in(self, member: simcord.MemberActor) -> None:
        """Allow somebody every command, as a server's own rules (Integrations) can."""
        for command in self.env.backend.visible_commands(user_id=self.admin.id, channel_id=self.channel.id):
            self.guild.set_command_permissions(int(command["id"]), {member: True})


def shown(answer: simcord.ResponseMessage) -> str:
    """Everything a person reads in an answer."""
    texts = [answer.content]
    for embed in answer.embeds:
        fields = [f"{field.name}\n{field.value}" for field in embed.fields]
        texts += [embed.title or "", embed.description or "", *fields, embed.footer.text or ""]
    return "\n".join(filter(None, texts))


class Worlds:
    """The services on a database, with TikTok and game servers in memory."""

    def __init__(self, database: Database, file: Path, reference_data: Path) -> None:
        self.database, self.file = database, file
        self.rounds = RoundWorld(database, reference_data / "etlegacy", guild=GUILD_ID)
        clock = self.rounds.clock
        clock.auto = True
        self.lives = LiveWorld(database, clock)
        announcements = self.rounds.announcements
        self.painter = Painter()
        settings = load_settings(_env_file(file.parent))
        predictions = Predictions(
            database=database, monitor=self.lives.monitor, clock=clock, default_time_zone="UTC"
        )
        players = Players(
            database=database,
            servers_of=self.rounds.sync.servers_of,
            announcements=announcements,
            clock=clock,
        )
        machine = machine_of(database, clock)
        self.services = Services(
            watchlist=self.lives.watchlist,
            live_monitor=self.lives.monitor,
            predictions=predictions,
            overrides=Overrides(database=database, monitor=self.lives.monitor, clock=clock),
            boards=Boards(
                database=database, predictions=predictions, announcements=announcements, clock=clock
            ),
            round_sync=self.rounds.sync,
            leaderboards=Leaderboards(
                database=database, servers=self.rounds.servers, clock=clock, default_time_zone="UTC"
            ),
            profiles=profiles_of(settings, database, announcements, clock),
            recorded=RecordedLives.of(
                settings, database, announcements, self.lives.monitor, machine, clock=clock
            ),
            round_book=RoundBook(database=database, clock=clock),
            balance=self.rounds.balance,
            players=players,
            privacy=Privacy(database=database, players=players, announcements=announcements, clock=clock),
            round_admin=self.rounds.admin,
            round_suggestions=self.rounds.suggestions,
            exports=Exports(
                database=database,
                exporter=FakeExporter(),
                clock=clock,
                default_time_zone="UTC",
                usd_per_diamond=settings.usd_per_diamond,
            ),
            **notify_services(database, self.lives.watchlist, announcements, clock, self.rounds.servers),
            health=Health(database=database, machine=machine, clock=clock, settings=settings),
            machine=machine,
            announcements=announcements,
            pictures=Pictures(self.painter),
            settings=settings,
            clock=clock,
        )


def _env_file(folder: Path) -> Path:
    """Write settings with the same two game servers as `RoundWorld` has."""
    env_file = folder / "test.env"
    values = {"HOST": "127.0.0.1", "USERNAME": "et"}
    lines = [
        f"GAME_SERVERS__{name}__{key}={value}"
        for name, guild_id in (("ALPHA", GUILD_ID), ("BETA", GUILD_ID + 1))
        for key, value in {**values, "GUILD_IDS": guild_id}.items()
    ]
    env_file.write_text("\n".join(lines) + "\n", "utf-8")
    return env_file


def people(env: simcord.Env) -> dict[str, Any]:
    """Make a guild with channels, a role, and an admin, a member and the owner of the deployment in it."""
    guild = env.create_guild("Guild", id=GUILD_ID)
    _give_what_the_invite_asks_for(env, guild)
    may = discord.Permissions(view_channel=True, send_messages=True, use_application_commands=True)
    admins = guild.create_role(
        "Admins", permissions=may | discord.Permissions(manage_guild=True, manage_roles=True)
    )
    lacking = discord.PermissionOverwrite(embed_links=False, attach_files=False)
    return {
        "guild": guild,
        "channel": guild.create_text_channel("general"),
        "hidden": guild.create_text_channel("hidden", overwrites={guild.me: lacking}),
        "role": guild.create_role("Live pings", mentionable=True),
        "admin": guild.add_member(env.create_user("admin"), roles=[admins]),
        "member": guild.add_member(env.create_user("member")),
        "owner": guild.add_member(env.create_user("owner")),
    }


def _give_what_the_invite_asks_for(env: simcord.Env, guild: simcord.GuildHandle) -> None:
    """SimCord gives a bot every permission; ours has those of its invite link, and everybody's role has none."""
    (bots,) = [role for role in guild.roles.values() if role.name == env.bot.user.name]
    env.backend.edit_role(guild.id, bots.id, {"permissions": sum(BASE_PERMISSIONS.values())})
    everyone = discord.Permissions(
        view_channel=True, send_messages=True, read_message_history=True, use_application_commands=True
    )
    env.backend.edit_role(guild.id, guild.default_role.id, {"permissions": everyone.value})
