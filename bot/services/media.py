"""Keeps the pictures of posts and profiles, because their links expire within days."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture, PictureType
from bot.storage import media as store
from bot.storage.engine import Database
from bot.storage.media_folder import MediaFolder


class Media:
    """The pictures. A post's owner id is its post id, a profile's its account id."""

    def __init__(self, *, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = MediaFolder(folder)

    async def picture_of(self, owner: MediaOwner, owner_id: int) -> Picture | None:
        """Give a picture to attach; None where none is kept, whatever the reason. Raises `StorageError`."""
        return (await self.pictures_of(owner, [owner_id])).get(owner_id)

    async def pictures_of(self, owner: MediaOwner, owner_ids: Collection[int]) -> Mapping[int, Picture]:
        """Give those pictures of a page that are kept, by owner id. Raises `StorageError`."""
        async with self._database.read() as conn:
            found = await store.known(conn, owner, owner_ids)
        pictures = {}
        for owner_id, one in found.items():
            content = await asyncio.to_thread(self._folder.read, one.file, one.sha256)
            if content is not None:
                pictures[owner_id] = Picture(content=content, media_type=PictureType(one.media_type))
        return pictures
