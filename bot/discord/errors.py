"""The one handler of failed commands: a private hint, or an incident to look up in the log."""

from __future__ import annotations

import logging
import secrets

import discord
from discord import app_commands

from bot.discord.results import TROUBLE
from bot.discord.speech import reader_of
from bot.errors import StorageError, UserError
from bot.texts import text

_UNKNOWN_INTERACTION = 10062
_ALREADY_ANSWERED = 40060
_Interaction = discord.Interaction[discord.Client]
log = logging.getLogger(__name__)


class Refused(app_commands.CheckFailure):
    """A check did not let somebody through; its words are for them."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Tree(app_commands.CommandTree[discord.Client]):
    """The commands, with one way to fail."""

    async def on_error(self, interaction: _Interaction, error: app_commands.AppCommandError) -> None:
        """Explain a failed command to whoever gave it."""
        await explain(
            interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error
        )


async def explain(interaction: _Interaction, error: Exception) -> None:
    """Tell a person why nothing came of what they did: by a hint, or by an incident that the log explains."""
    if is_too_late(error):
        log.info("%s: Discord had closed it before it was answered", _named(interaction))
        return
    await tell(interaction, hint(error) or _incident(interaction, error))


def hint(error: BaseException) -> str:
    """Give the text for a person who can do something about the error; empty when it is a bug."""
    if isinstance(error, UserError | Refused):
        return error.words
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return text("This command has changed. Restart your Discord app, then try again.")
    if isinstance(error, app_commands.TransformerError):
        return text(
            "I cannot use {value} here. Choose one of the suggestions.", value=repr(str(error.value)[:50])
        )
    if isinstance(error, app_commands.CheckFailure):
        return text("You may not use this command here.")
    return ""


def is_too_late(error: BaseException) -> bool:
    """Tell whether an answer failed only because the interaction is over or was answered already."""
    codes = {_UNKNOWN_INTERACTION, _ALREADY_ANSWERED}
    return isinstance(error, discord.HTTPException) and error.code in codes


async def tell(interaction: _Interaction, words: str) -> None:
    """Answer privately, whether or not the interaction was acknowledged."""
    said = reader_of(interaction).say(words)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(said, ephemeral=True)
        else:
            await interaction.response.send_message(said, ephemeral=True)
    except TROUBLE as error:
        log.warning("%s could not be answered (%s)", _named(interaction), error)


def _incident(interaction: _Interaction, error: BaseException) -> str:
    number = secrets.token_hex(4)
    if isinstance(error, StorageError):
        log.error("Incident %s: %s failed: %s", number, _named(interaction), error)
    else:
        log.error("Incident %s: %s failed", number, _named(interaction), exc_info=error)
    return text(
        "Something went wrong on my side. The owner of this bot finds the cause under incident `{number}` in the log.",
        number=number,
    )


def _named(interaction: _Interaction) -> str:
    command = interaction.command
    return "An interaction" if command is None else f"/{command.qualified_name}"
