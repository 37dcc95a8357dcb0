"""A question with two buttons, before something that cannot be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.discord.speech import reader_of
from bot.discord.views import AskersView
from bot.texts import text


class Confirmation(AskersView):
    """Asks `question`; `act` is done once it is confirmed, and gives what is said then."""

    def __init__(
        self,
        question: str,
        yes: str,
        act: Callable[[], Awaitable[str]],
        asker: discord.Interaction[Any],
    ) -> None:
        super().__init__(asker)
        self._say = reader_of(asker).say
        self._question = question
        self._act = act
        self.confirm.label = self._say(yes)
        self.refuse.label = self._say(text("Cancel"))

    async def show(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a deferred interaction with the question."""
        self._shown_by = interaction
        await interaction.followup.send(self._say(self._question), view=self, ephemeral=True)

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def confirm(
        self, interaction: discord.Interaction[Any], _: discord.ui.Button[Confirmation]
    ) -> None:
        """Do it; that may take longer than the three seconds in which Discord wants to hear of a click."""
        await interaction.response.defer()
        said = await self._act()
        self.stop()
        await interaction.edit_original_response(content=self._say(said), view=None)

    @discord.ui.button(style=discord.ButtonStyle.secondary)
    async def refuse(self, interaction: discord.Interaction[Any], _: discord.ui.Button[Confirmation]) -> None:
        """Leave everything as it is."""
        self.stop()
        await interaction.response.edit_message(content=self._say(text("Nothing is changed.")), view=None)
