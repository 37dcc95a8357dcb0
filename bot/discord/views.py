"""Controls that only the person who asked can use."""

from __future__ import annotations

from typing import Any

import discord

from bot.discord.errors import explain

LIFETIME_SECONDS = 300.0


class AskersView(discord.ui.View):
    """Controls under an answer; they disappear when nobody used them for five minutes."""

    def __init__(self, asker: discord.Interaction[Any]) -> None:
        super().__init__(timeout=LIFETIME_SECONDS)
        self._asker_id = asker.user.id
        self._shown_by: discord.Interaction[Any] | None = None

    async def interaction_check(self, interaction: discord.Interaction[Any]) -> bool:
        """Let only the asker use the controls."""
        return interaction.user.id == self._asker_id

    async def on_timeout(self) -> None:
        """Take the controls away; the answer itself stays."""
        if self._shown_by is not None:
            try:
                await self._shown_by.edit_original_response(view=None)
            except discord.HTTPException:
                return  # the person closed the answer, or its 15 minutes are over

    async def on_error(
        self, interaction: discord.Interaction[Any], error: Exception, _item: discord.ui.Item[Any]
    ) -> None:
        """Explain a failed control as a failed command is explained."""
        await explain(interaction, error)
