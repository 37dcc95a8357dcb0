"""Pages of posts with their covers, which only the person who asked can turn."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import discord

from bot.core.posts.cards import Card
from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture
from bot.discord.embeds import CHART_NAME, draw
from bot.discord.speech import Speaker
from bot.discord.views import AskersView
from bot.errors import StorageError
from bot.texts import join, text

LARGEST_BYTES = 7_500_000
"""What the pictures of one page may weigh together; Discord takes 10 MB with a message. Covers weigh about 0.1 MB."""
log = logging.getLogger(__name__)


class Covers(Protocol):
    """Gives the pictures that are kept."""

    async def pictures_of(self, owner: MediaOwner, owner_ids: Sequence[int]) -> Mapping[int, Picture]:
        """Give those that are kept, by owner id. Raises `StorageError`."""


class CoverPages(AskersView):
    """Buttons under cards, which everybody reads in the language of the guild.

    Covers are attached, for links to them expire; they are read as a page is turned to. The `chart` stands on the
    first card of the first page.
    """

    def __init__(
        self,
        pages: Sequence[Sequence[Card]],
        reader: discord.Interaction,
        *,
        covers: Covers,
        aloud: Speaker,
        chart: bytes | None = None,
    ) -> None:
        super().__init__(reader)
        self._pages = pages
        self._covers = covers
        self._speaker = aloud
        self._chart = chart
        self._number = 0
        self.previous.label = aloud.say(text("Previous"))
        self.following.label = aloud.say(text("Next"))
        self._update_buttons()

    async def show(self, interaction: discord.Interaction) -> None:
        """Answer a deferred interaction with the first page; one page alone has no buttons."""
        view = discord.utils.MISSING
        if len(self._pages) > 1:
            self._shown_by, view = interaction, self
        embeds, files = await self._drawn()
        await interaction.followup.send(embeds=embeds, files=files, view=view)

    @discord.ui.button()
    async def previous(self, interaction: discord.Interaction, _: discord.ui.Button[CoverPages]) -> None:
        """Turn one page back."""
        await self._turn(interaction, -1)

    @discord.ui.button()
    async def following(self, interaction: discord.Interaction, _: discord.ui.Button[CoverPages]) -> None:
        """Turn one page on."""
        await self._turn(interaction, 1)

    async def _turn(self, interaction: discord.Interaction, by: int) -> None:
        self._number = min(max(self._number + by, 0), len(self._pages) - 1)
        self._update_buttons()
        # Files take a while: Discord waits three seconds for an answer, and after this 15 minutes.
        await interaction.response.defer()
        embeds, files = await self._drawn()
        await interaction.edit_original_response(embeds=embeds, attachments=files, view=self)

    def _update_buttons(self) -> None:
        self.previous.disabled = self._number == 0
        self.following.disabled = self._number == len(self._pages) - 1

    async def _drawn(self) -> tuple[list[discord.Embed], list[discord.File]]:
        """Draw the page, each card with its picture, where one is kept."""
        cards = self._pages[self._number]
        pictures = await self._pictures(cards)
        embeds, files = [], []
        room = LARGEST_BYTES
        for place, card in enumerate(cards):
            has_chart = self._chart is not None and self._number == 0 and place == 0
            embed = draw(self._speaker.tell(card.message), picture=self._chart if has_chart else None).embed
            if has_chart and self._chart is not None:
                files.append(discord.File(io.BytesIO(self._chart), CHART_NAME))
            picture = pictures.get((card.owner, card.owner_id))
            if picture is not None and len(picture.content) <= room:
                room -= len(picture.content)
                name = f"cover{place}.{picture.ending}"
                embed.set_thumbnail(url=f"attachment://{name}")
                files.append(discord.File(io.BytesIO(picture.content), name))
            embeds.append(embed)
        self._number_pages(embeds[-1])
        return embeds, files

    def _number_pages(self, last: discord.Embed) -> None:
        if len(self._pages) > 1:
            page = text("Page {number} of {count}", number=self._number + 1, count=len(self._pages))
            parts = [part for part in (last.footer.text, self._speaker.say(page)) if part]
            last.set_footer(text=join(" · ", parts))

    async def _pictures(self, cards: Sequence[Card]) -> Mapping[tuple[MediaOwner, int], Picture]:
        """Read the pictures of a page; a page without its pictures is still a page."""
        found: dict[tuple[MediaOwner, int], Picture] = {}
        for owner in dict.fromkeys(card.owner for card in cards):
            wanted = [card.owner_id for card in cards if card.owner is owner]
            try:
                kept = await self._covers.pictures_of(owner, wanted)
            except StorageError as error:
                log.warning("A page goes out without its pictures: %s", error)
                return {}
            found |= {(owner, owner_id): picture for owner_id, picture in kept.items()}
        return found
