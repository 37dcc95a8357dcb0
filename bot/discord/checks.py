"""Who may give a command. Discord hides admin commands from others, but a server can override that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import discord
from discord import app_commands

from bot.core.requester import Requester
from bot.discord.client import VedetteClient
from bot.discord.errors import Refused
from bot.texts import text

T = TypeVar("T")


def admin_only() -> Callable[[T], T]:
    """Let only people with the permission *Manage Server*, and the owner of the deployment, through."""
    return app_commands.check(_is_admin)


def requester_of(interaction: discord.Interaction[VedetteClient]) -> Requester:
    """Say who asks. Commands exist in guilds only, so there always is one."""
    return Requester(
        guild_id=interaction.guild_id or 0,
        user_id=interaction.user.id,
        is_owner=interaction.user.id == interaction.client.services.settings.owner_id,
    )


def is_admin(interaction: discord.Interaction[VedetteClient]) -> bool:
    """Tell whether who asks has the permission *Manage Server*, or owns the deployment."""
    return interaction.permissions.manage_guild or requester_of(interaction).is_owner


def _is_admin(interaction: discord.Interaction[VedetteClient]) -> bool:
    if is_admin(interaction):
        return True
    raise Refused(text("Only people with the permission *Manage Server* may use this command."))
