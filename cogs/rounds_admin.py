"""What admins change about rounds: the rest of `/rounds`, added to the group that `stats_sync` has made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, Group, Range, locale_str
from discord.ext import commands

from bot.core.markup import stamp
from bot.core.requester import Requester
from bot.core.rounds.changes import TEAM_NAME_LENGTH
from bot.core.rounds.team_words import TEAM_LETTERS
from bot.discord.checks import admin_only, is_admin, requester_of
from bot.discord.client import VedetteClient
from bot.discord.pages import Pages, in_pages
from bot.discord.replies import whisper
from bot.discord.speech import Speaker, reader_of
from bot.errors import InputRefused
from bot.services.round_admin import RoundAdmin, Switch
from bot.services.round_suggestions import RoundSuggestions, Suggestion
from bot.texts import join, text

Interaction = discord.Interaction[VedetteClient]
Team = Literal["A", "B"]
_LABEL_LENGTH = 100  # of a choice (specs/discord.md 4)
_NOBODY = Requester(guild_id=0, user_id=0)
_ROUND = locale_str("A round of that evening; leave it out for the last one")
_SERVER = locale_str("Only this game server; leave it out for all of yours")


class RoundsAdmin(
    commands.GroupCog, group_name="rounds", group_description=locale_str("Rounds of the game servers")
):
    """Parses, asks once, says in private what was changed."""

    def __init__(self, *, round_admin: RoundAdmin, suggestions: RoundSuggestions) -> None:
        self._admin = round_admin
        self._suggestions = suggestions

    @app_commands.command(
        description=locale_str("For admins: switch watching, posts or milestones on or off")
    )
    @app_commands.describe(
        what=locale_str("What to switch; leave it out to see how everything stands"),
        on=locale_str("Leave it out to switch it the other way"),
        server=_SERVER,
    )
    @admin_only()
    async def toggle(
        self,
        interaction: Interaction,
        what: Switch | None = None,
        on: bool | None = None,
        server: str | None = None,
    ) -> None:
        """Switch something, or show every switch."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        if what is None:
            lines = await self._admin.switches(by)
        else:
            lines = await self._admin.toggle(by, what, server, on=on)
        await self._say(interaction, lines)

    @app_commands.command(description=locale_str("For admins: leave a map or a player out of all tables"))
    @app_commands.describe(
        map_name=locale_str("A map whose rounds shall not count"),
        player=locale_str("A player who stays in the posts of rounds, and nowhere else"),
        ignored=locale_str("False takes them in again"),
        server=_SERVER,
    )
    @app_commands.rename(map_name="map")
    @admin_only()
    async def ignore(
        self,
        interaction: Interaction,
        map_name: str | None = None,
        player: str | None = None,
        ignored: bool = True,
        server: str | None = None,
    ) -> None:
        """Leave a map or a player out, or take them in again."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        if (map_name is None) == (player is None):
            raise InputRefused(text("Give a map or a player."))
        if map_name is not None:
            lines = await self._admin.ignore_map(by, map_name, server, ignored=ignored)
        else:
            lines = await self._admin.ignore_player(by, player or "", server, ignored=ignored)
        await self._say(interaction, lines)

    @app_commands.command(description=locale_str("For admins: take a round out of everything that counts"))
    @app_commands.describe(which=locale_str("The round"))
    @app_commands.rename(which="round")
    @admin_only()
    async def void(self, interaction: Interaction, which: str) -> None:
        """Make a round void."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._say(interaction, [await self._admin.void(requester_of(interaction), which)])

    @app_commands.command(description=locale_str("For admins: take a void round in again"))
    @app_commands.describe(which=locale_str("The round"))
    @app_commands.rename(which="round")
    @admin_only()
    async def restore(self, interaction: Interaction, which: str) -> None:
        """Restore a round."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._say(interaction, [await self._admin.void(by, which, void=False)])

    team = Group(name="team", description=locale_str("For admins: the teams of an evening"))

    @team.command(name="name", description=locale_str("For admins: call a team of an evening something"))
    @app_commands.describe(
        team=locale_str("The team, as the posts call it"),
        name=locale_str("Leave it out to take the name away again"),
        which=_ROUND,
    )
    @app_commands.rename(which="round")
    @admin_only()
    async def team_name(
        self,
        interaction: Interaction,
        team: Team,
        name: Range[str, 1, TEAM_NAME_LENGTH] | None = None,
        which: str = "",
    ) -> None:
        """Name a team."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._say(interaction, [await self._admin.name_team(by, TEAM_LETTERS.index(team), name, which)])

    @team.command(
        name="player", description=locale_str("For admins: put a player into a team for an evening")
    )
    @app_commands.describe(
        player=locale_str("Somebody who played that evening"),
        team=locale_str("Leave it out to go by the rounds again"),
        which=_ROUND,
    )
    @app_commands.rename(which="round")
    @admin_only()
    async def team_player(
        self, interaction: Interaction, player: str, team: Team | None = None, which: str = ""
    ) -> None:
        """Put a player into a team."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        number = None if team is None else TEAM_LETTERS.index(team)
        by = requester_of(interaction)
        await self._say(interaction, [await self._admin.put_player(by, player, number, which)])

    @team.command(
        name="reset", description=locale_str("For admins: forget what was set of an evening's teams")
    )
    @app_commands.describe(which=_ROUND)
    @app_commands.rename(which="round")
    @admin_only()
    async def team_reset(self, interaction: Interaction, which: str = "") -> None:
        """Forget names and players that were set."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._say(interaction, [await self._admin.reset_teams(requester_of(interaction), which)])

    @app_commands.command(description=locale_str("For admins: make a round anew from its file"))
    @app_commands.describe(
        file=locale_str("The file of a round"),
        fetch=locale_str("Fetch the file from the game server again, in place of what is kept of it"),
    )
    @admin_only()
    async def reimport(self, interaction: Interaction, file: str, fetch: bool = False) -> None:
        """Import a file anew."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._say(interaction, [await self._admin.reimport(by, file, fetch=fetch)])

    @app_commands.command(description=locale_str("For admins: what was changed last, and by whom"))
    @admin_only()
    async def audit(self, interaction: Interaction) -> None:
        """Show the last changes in pages."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        entries = await self._admin.entries(by)
        speaker = await self._speaker(interaction)
        lines = [
            join("", [stamp(one.at, "f"), f" <@{one.user_id}>: ", speaker.say(one.what)]) for one in entries
        ]
        await Pages(text("What was changed"), in_pages(lines, per_page=8), interaction).show(interaction)

    # --- What is suggested ---------------------------------------------------------------------

    @void.autocomplete("which")
    async def suggest_counted(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest rounds that are not void."""
        found = await self._suggestions.rounds(_asking(interaction), part, void=False)
        return await self._choices(interaction, found)

    @restore.autocomplete("which")
    async def suggest_void(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest void rounds."""
        found = await self._suggestions.rounds(_asking(interaction), part, void=True)
        return await self._choices(interaction, found)

    @team_name.autocomplete("which")
    @team_player.autocomplete("which")
    @team_reset.autocomplete("which")
    async def suggest_rounds(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest rounds."""
        found = await self._suggestions.rounds(_asking(interaction), part)
        return await self._choices(interaction, found)

    @reimport.autocomplete("file")
    async def suggest_files(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest files."""
        found = await self._suggestions.files(_asking(interaction), part)
        return await self._choices(interaction, found)

    @team_player.autocomplete("player")
    async def suggest_members(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest who played on the evening that was chosen so far."""
        chosen = _given(interaction, "round")
        found = await self._suggestions.members(_asking(interaction), chosen, part)
        return await self._choices(interaction, found)

    @ignore.autocomplete("map_name")
    async def suggest_maps(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest maps to leave out, or those that are left out."""
        found = await self._suggestions.maps(
            _asking(interaction), _given(interaction, "server"), part, ignored=_takes_in(interaction)
        )
        return await self._choices(interaction, found)

    @ignore.autocomplete("player")
    async def suggest_players(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest players to leave out, or those who are left out."""
        found = await self._suggestions.players(
            _asking(interaction), _given(interaction, "server"), part, ignored=_takes_in(interaction)
        )
        return await self._choices(interaction, found)

    @toggle.autocomplete("server")
    @ignore.autocomplete("server")
    async def suggest_servers(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the game servers of this guild."""
        found = self._suggestions.servers(_asking(interaction), part)
        return await self._choices(interaction, found)

    async def _choices(self, interaction: Interaction, found: Sequence[Suggestion]) -> list[Choice[str]]:
        speaker = await self._speaker(interaction)
        return [Choice(name=speaker.say(one.label)[:_LABEL_LENGTH], value=one.value) for one in found]

    async def _speaker(self, interaction: Interaction) -> Speaker:
        """Speak to the reader, with the guild's time."""
        zone = await self._suggestions.time_zone(requester_of(interaction))
        return Speaker(language=reader_of(interaction).language, time_zone=zone)

    async def _say(self, interaction: Interaction, lines: Iterable[str]) -> None:
        await whisper(interaction, (await self._speaker(interaction)).say(join("\n", lines)))


def _asking(interaction: Interaction) -> Requester:
    """Say for whom to suggest: Discord suggests to members too, to whom nothing here belongs."""
    return requester_of(interaction) if is_admin(interaction) else _NOBODY


def _given(interaction: Interaction, option: str) -> str:
    """Give what stands in another option while one is typed; empty where nothing does."""
    return str(getattr(interaction.namespace, option, None) or "")


def _takes_in(interaction: Interaction) -> bool:
    return getattr(interaction.namespace, "ignored", True) is False


async def setup(bot: VedetteClient) -> None:
    """Add the commands to `/rounds`, which is there already: Discord knows a group by one name once."""
    added = RoundsAdmin(round_admin=bot.services.round_admin, suggestions=bot.services.round_suggestions)
    rounds = bot.tree.get_command("rounds")
    if not isinstance(rounds, Group) or added.app_command is None:
        raise TypeError("cogs.stats_sync is loaded first")
    for command in added.app_command.commands:
        rounds.add_command(command)
