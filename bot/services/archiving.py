"""Exports rows to an archive before they are deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import StorageError
from bot.storage.archive import ArchiveWriter

Parts = AsyncIterator[tuple[str, Sequence[Mapping[str, Any]]]]
"""Rows, some at a time, each time with the name of their table."""


async def write_archive(file: Path, expected: Mapping[str, int], parts: Parts) -> tuple[int, str]:
    """Write an archive and prove it; gives the number of its rows and its SHA-256.

    `expected` are rows and sums as the database tells them, named as those of `archive.Content`. Raises `StorageError`;
    then nothing is left of it.
    """
    writer = await asyncio.to_thread(ArchiveWriter, file.parent, file.name)
    try:
        async for table, rows in parts:
            await asyncio.to_thread(writer.write, table, rows)
        sha256 = await asyncio.to_thread(writer.publish, expected)
    except StorageError:
        await asyncio.to_thread(writer.abandon)
        raise
    return writer.content.rows, sha256
