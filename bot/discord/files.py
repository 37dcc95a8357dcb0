"""Files as private answers: how far they have come, then the files themselves or where they lie."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord

from bot.clock import Clock
from bot.core.markup import clip
from bot.core.streams.export import ExportedFile
from bot.discord.replies import CONTENT_LIMIT
from bot.discord.results import TROUBLE
from bot.discord.speech import reader_of
from bot.texts import join, text

PROGRESS_SECONDS = 5.0
LARGEST_BYTES = 24 * 1024 * 1024
"""What the bot takes into its memory, also where a server may upload more."""
_MARGIN_BYTES = 256 * 1024  # of the request, beside the files
_MEGABYTE = 1_000_000

Write = Callable[..., Awaitable[tuple[ExportedFile, ...]]]
"""Writes files: `most_bytes` is what can be handed over, `told` takes the number of rows so far."""


async def hand_over(interaction: discord.Interaction[discord.Client], write: Write, clock: Clock) -> None:
    """Answer a deferred interaction with files, telling meanwhile how far they are. Raises what `write` raises."""
    rows = 0

    def told(count: int) -> None:
        nonlocal rows
        rows = count

    most = max(0, min(interaction.filesize_limit, LARGEST_BYTES) - _MARGIN_BYTES)
    writing = asyncio.ensure_future(write(most_bytes=most, told=told))
    try:
        while not await _is_done(writing, clock):
            await _show_progress(interaction, rows)
    finally:
        writing.cancel()
    files = await writing
    await _show(interaction, _told(files), files)


async def _is_done(writing: asyncio.Future[tuple[ExportedFile, ...]], clock: Clock) -> bool:
    pause = asyncio.ensure_future(clock.sleep(PROGRESS_SECONDS))
    try:
        either: set[asyncio.Future[Any]] = {writing, pause}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        pause.cancel()
    return writing.done()


async def _show_progress(interaction: discord.Interaction[discord.Client], rows: int) -> None:
    words = text("Writing the export: {count} rows so far. It will be here when it is done.", count=rows)
    try:
        await _show(interaction, words)
    except TROUBLE:
        return  # the export itself is worth more than a word about it


async def _show(
    interaction: discord.Interaction[discord.Client], words: str, files: Sequence[ExportedFile] = ()
) -> None:
    attached = [discord.File(io.BytesIO(one.content), one.name) for one in files if one.content is not None]
    said = clip(reader_of(interaction).say(words), CONTENT_LIMIT)
    await interaction.edit_original_response(content=said, attachments=attached)


def _told(files: Sequence[ExportedFile]) -> str:
    if all(one.content is not None for one in files):
        return text("Here is the export. It holds people's names: pass it on with care.")
    lines = [f"`{one.place}`: {one.size / _MEGABYTE:.1f} MB" for one in files]
    return join(
        "\n",
        [
            text("The export is too large for Discord. It lies on the machine of the bot for seven days:"),
            *lines,
        ],
    )
