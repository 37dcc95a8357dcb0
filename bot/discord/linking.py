"""Asks somebody which player they are: a choice among proposals, and a word before it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord

from bot.core.markup import clip, escape
from bot.discord.speech import reader_of
from bot.discord.views import AskersView
from bot.services.players import Proposal
from bot.texts import join, text

LABEL_LIMIT = 100  # of an option (specs/discord.md 4)


class LinkChoice(AskersView):
    """A select with the proposals and two buttons.

    `link` gets whose click it was and the GUID that was confirmed, and gives what is said then.
    """

    def __init__(
        self,
        proposals: Sequence[Proposal],
        link: Callable[[discord.Interaction[Any], str], Awaitable[str]],
        asker: discord.Interaction[Any],
    ) -> None:
        super().__init__(asker)
        self._say = reader_of(asker).say
        self._proposals = {one.player.guid: one for one in proposals}
        self._link = link
        free = [one for one in proposals if one.linked_to is None] or proposals
        self._chosen = free[0].player.guid
        self.confirm.label = self._say(text("Yes, link"))
        self.refuse.label = self._say(text("Cancel"))
        self._mark_chosen()

    def words(self) -> str:
        """Ask the question, and name who is a player already."""
        taken = [
            text("{player} is {member}.", player=escape(one.player.name), member=f"<@{one.linked_to}>")
            for one in self._proposals.values()
            if one.linked_to is not None
        ]
        chosen = self._proposals[self._chosen].player
        question = text("Link with **{player}** ({guid})?", player=escape(chosen.name), guid=chosen.guid)
        return self._say(join("\n", [question, *taken]))

    async def show(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a deferred interaction with the question."""
        self._shown_by = interaction
        await interaction.followup.send(self.words(), view=self, ephemeral=True)

    @discord.ui.select(cls=discord.ui.Select)
    async def choose(
        self, interaction: discord.Interaction[Any], select: discord.ui.Select[LinkChoice]
    ) -> None:
        """Ask about another proposal."""
        self._chosen = select.values[0]
        self._mark_chosen()
        await interaction.response.edit_message(content=self.words(), view=self)

    @discord.ui.button(style=discord.ButtonStyle.success)
    async def confirm(self, interaction: discord.Interaction[Any], _: discord.ui.Button[LinkChoice]) -> None:
        """Link."""
        said = await self._link(interaction, self._chosen)
        self.stop()
        await interaction.response.edit_message(content=self._say(said), view=None)

    @discord.ui.button(style=discord.ButtonStyle.secondary)
    async def refuse(self, interaction: discord.Interaction[Any], _: discord.ui.Button[LinkChoice]) -> None:
        """Leave everything as it is."""
        self.stop()
        said = self._say(text("Nothing is changed."))
        await interaction.response.edit_message(content=said, view=None)

    def _mark_chosen(self) -> None:
        self.choose.options = [
            discord.SelectOption(
                label=clip(one.player.name, LABEL_LIMIT),
                description=one.player.guid,
                value=one.player.guid,
                default=one.player.guid == self._chosen,
            )
            for one in self._proposals.values()
        ]
