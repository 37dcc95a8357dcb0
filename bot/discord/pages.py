"""A long answer in pages that only the person who asked can turn."""

from __future__ import annotations

import io
from collections.abc import Sequence

import discord

from bot.core.announcements import Tone
from bot.core.markup import clip
from bot.discord.embeds import BODY_LIMIT, CHART_NAME, COLOURS, TITLE_LIMIT
from bot.discord.speech import Speaker, reader_of
from bot.discord.views import AskersView
from bot.texts import join, text


class Pages(AskersView):
    """Buttons under an embed.

    The answer is for the reader alone and in the reader's language, unless it is said `aloud` by the guild's:
    then everybody reads it, and still only who asked turns its pages. The `picture` stands below every page.
    """

    def __init__(
        self,
        title: str,
        pages: Sequence[str],
        reader: discord.Interaction,
        *,
        aloud: Speaker | None = None,
        footer: str = "",
        tone: Tone | None = None,
        picture: bytes | None = None,
    ) -> None:
        super().__init__(reader)
        self._speaker = aloud or reader_of(reader)
        self._is_private = aloud is None
        self._title = title
        self._pages = pages
        self._footer = footer
        self._colour = None if tone is None else COLOURS[tone]
        self._picture = picture
        self._number = 0
        self.previous.label = self._speaker.say(text("Previous"))
        self.following.label = self._speaker.say(text("Next"))
        self._update_buttons()

    async def show(self, interaction: discord.Interaction) -> None:
        """Answer a deferred interaction with the first page; one page alone has no buttons."""
        view = discord.utils.MISSING
        if len(self._pages) > 1:
            self._shown_by, view = interaction, self
        files = [] if self._picture is None else [discord.File(io.BytesIO(self._picture), CHART_NAME)]
        await interaction.followup.send(
            embed=self._embed(), view=view, files=files, ephemeral=self._is_private
        )

    @discord.ui.button()
    async def previous(self, interaction: discord.Interaction, _: discord.ui.Button[Pages]) -> None:
        """Turn one page back."""
        await self._turn(interaction, -1)

    @discord.ui.button()
    async def following(self, interaction: discord.Interaction, _: discord.ui.Button[Pages]) -> None:
        """Turn one page on."""
        await self._turn(interaction, 1)

    async def _turn(self, interaction: discord.Interaction, by: int) -> None:
        self._number = min(max(self._number + by, 0), len(self._pages) - 1)
        self._update_buttons()
        await interaction.response.edit_message(embed=self._embed(), view=self)

    def _update_buttons(self) -> None:
        self.previous.disabled = self._number == 0
        self.following.disabled = self._number == len(self._pages) - 1

    def _embed(self) -> discord.Embed:
        say = self._speaker.say
        embed = discord.Embed(
            title=clip(say(self._title), TITLE_LIMIT),
            description=clip(say(self._pages[self._number]), BODY_LIMIT),
            colour=self._colour,
        )
        page = text("Page {number} of {count}", number=self._number + 1, count=len(self._pages))
        if self._picture is not None:
            embed.set_image(url=f"attachment://{CHART_NAME}")
        return embed.set_footer(text=say(join(" · ", [part for part in (self._footer, page) if part])))


def in_pages(lines: Sequence[str], per_page: int = 15) -> list[str]:
    """Join lines to pages; without lines there is one page that says so."""
    pages = [join("\n", lines[start : start + per_page]) for start in range(0, len(lines), per_page)]
    return pages or [text("Nothing here yet.")]
