"""Statements on the pictures of posts and profiles; the pictures themselves lie in `bot.storage.media_folder`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import KnownPicture
from bot.storage.post_tables import media

_KNOWN = (
    media.c.owner_id,
    media.c.source_url,
    media.c.file,
    media.c.media_type,
    media.c.bytes,
    media.c.sha256,
    media.c.error,
    media.c.tried_at,
)


async def known(
    conn: AsyncConnection, owner: MediaOwner, owner_ids: Collection[int]
) -> Mapping[int, KnownPicture]:
    """Give what is known of pictures, by owner."""
    query = select(*_KNOWN).where(media.c.owner == owner, media.c.owner_id.in_(owner_ids))
    return {
        row.owner_id: KnownPicture(
            source_url=row.source_url,
            file=row.file,
            media_type=row.media_type,
            size=row.bytes,
            sha256=row.sha256,
            error=row.error,
            tried_at=row.tried_at,
        )
        for row in await conn.execute(query)
    }
