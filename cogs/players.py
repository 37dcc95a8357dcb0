"""`/player`: what is known of players, and which player a member is."""

from __future__ import annotations

from functools import partial
from zoneinfo import ZoneInfo

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.core.announcements import Message
from bot.core.markup import clip, escape
from bot.core.requester import Requester
from bot.core.rounds.player_card import card_message
from bot.core.rounds.player_comparison import comparison_message
from bot.core.rounds.players import KnownPlayer
from bot.discord.checks import is_admin, requester_of
from bot.discord.client import VedetteClient
from bot.discord.linking import LinkChoice
from bot.discord.pictures import Pictures
from bot.discord.replies import answer, whisper
from bot.discord.speech import Speaker, guild_of
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.announcements import Announcements
from bot.services.players import Players
from bot.texts import text

Interaction = discord.Interaction[VedetteClient]
PLAYER = locale_str("Name or GUID of a player")
SUGGESTIONS, SUGGESTION_LENGTH = 25, 100  # Discord's limits


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class PlayerCommands(
    commands.GroupCog, group_name="player", group_description=locale_str("Players of the game servers")
):
    """The group is open to all; whom a link is about is looked at again where it is not the asker."""

    def __init__(self, *, players: Players, announcements: Announcements, pictures: Pictures) -> None:
        self._players = players
        self._announcements = announcements
        self._pictures = pictures

    @app_commands.command(description=locale_str("Totals, ratios, weapons, names and form of a player"))
    @app_commands.describe(
        player=PLAYER, user=locale_str("A member who is linked with a player; neither: you")
    )
    async def stats(
        self, interaction: Interaction, player: str | None = None, user: discord.Member | None = None
    ) -> None:
        """Show a player's card to everyone in the channel."""
        by = requester_of(interaction)
        # Before it is deferred: what answers a public deferral is public, and a hint is for one person.
        meant = await self._meant(by, player, user)
        await self._players.must_be_told(by, meant)
        aloud = await self._begin(interaction)
        card = await self._players.card(by, meant)
        await self._show(interaction, card_message(card, ZoneInfo(aloud.time_zone)), aloud)

    @app_commands.command(description=locale_str("Two players beside each other, with a radar"))
    @app_commands.describe(a=PLAYER, b=locale_str("The other player; leave it out for you"))
    async def compare(self, interaction: Interaction, a: str, b: str | None = None) -> None:
        """Show two players beside each other to everyone in the channel."""
        by = requester_of(interaction)
        one, other = await self._players.find(by, a), await self._meant(by, b)
        pair = (other, one) if b is None else (one, other)
        await self._players.must_be_told(by, *pair)
        aloud = await self._begin(interaction)
        comparison = await self._players.compare(by, *pair)
        await self._show(interaction, comparison_message(comparison), aloud)

    @app_commands.command(description=locale_str("Say which player you are"))
    @app_commands.describe(player=PLAYER, user=locale_str("For admins: say it for this member"))
    async def link(
        self, interaction: Interaction, player: str | None = None, user: discord.Member | None = None
    ) -> None:
        """Propose players, and link with the one that is confirmed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by, member = requester_of(interaction), user or interaction.user
        _refuse_for_others(interaction, member)
        if player is None:
            proposals = await self._players.proposals(by, member.display_name)
        else:
            proposals = (await self._players.proposal(by, player),)
        if not proposals:
            raise NothingThere(text("No name here is like that one. Name the player: `/player link player:`"))
        await LinkChoice(proposals, partial(self._link, member.id), interaction).show(interaction)

    @app_commands.command(description=locale_str("Undo which player you are"))
    @app_commands.describe(user=locale_str("For admins: undo it for this member"))
    async def unlink(self, interaction: Interaction, user: discord.Member | None = None) -> None:
        """Undo a link."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        member = user or interaction.user
        _refuse_for_others(interaction, member)
        await self._players.undo_link(requester_of(interaction), member.id, as_admin=is_admin(interaction))
        await whisper(interaction, text("{member} is linked with no player now.", member=member.mention))

    async def _link(self, user_id: int, interaction: Interaction, guid: str) -> str:
        by = requester_of(interaction)
        player = await self._players.link(by, user_id, guid, as_admin=is_admin(interaction))
        return text("{member} is {player} now.", member=f"<@{user_id}>", player=escape(player.name))

    @stats.autocomplete("player")
    @compare.autocomplete("a")
    @compare.autocomplete("b")
    @link.autocomplete("player")
    async def suggest_players(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest players by any name they had."""
        found = await self._players.suggest(requester_of(interaction), part)
        return [
            Choice(name=clip(f"{one.name} ({one.guid})", SUGGESTION_LENGTH), value=one.guid)
            for one in found[:SUGGESTIONS]
        ]

    async def _meant(
        self, by: Requester, player: str | None, user: discord.Member | None = None
    ) -> KnownPlayer:
        """Give the player who is named, or whom a member is; neither: the asker."""
        if player is not None and user is not None:
            raise InputRefused(text("Give a player or a member, not both."))
        if player is not None:
            return await self._players.find(by, player)
        return await self._players.of_member(by, by.user_id if user is None else user.id)

    async def _begin(self, interaction: Interaction) -> Speaker:
        """Defer an answer for everyone in the channel; give the language of the guild, in which it is said."""
        aloud = guild_of(await self._announcements.guild(interaction.guild_id or 0))
        await interaction.response.defer(thinking=True)
        return aloud

    async def _show(self, interaction: Interaction, message: Message, aloud: Speaker) -> None:
        """Answer everyone, with the picture of what is shown."""
        picture = await self._pictures.of(aloud.tell(message))
        await answer(interaction, message, self._announcements, picture=picture, aloud=aloud)


def _refuse_for_others(interaction: Interaction, member: discord.abc.User) -> None:
    if member.id != interaction.user.id and not is_admin(interaction):
        raise NotAllowed(
            text("Only people with the permission *Manage Server* may choose for somebody else.")
        )


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        PlayerCommands(
            players=services.players, announcements=services.announcements, pictures=services.pictures
        )
    )
