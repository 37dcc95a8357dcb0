"""One file of a game server's folder, as most tests want it."""

from __future__ import annotations

from bot.errors import SourceError
from bot.ports import RemoteFile
from bot.sources.etlegacy.sftp import SftpRoundSource


async def fetch(source: SftpRoundSource, file: RemoteFile) -> bytes:
    """Fetch one file alone; raises what keeps it from being read."""
    content = (await source.fetch([file]))[file.name]
    if isinstance(content, SourceError):
        raise content
    return content
