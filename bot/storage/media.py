"""Statements on the pictures of posts and profiles; the pictures themselves lie in `bot.storage.media_folder`.

A row without a file is a picture that was not to be had (`error`), or one that there was no room for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import KnownPicture, PictureOf
from bot.storage.post_tables import media, posts, profile_watches
from bot.storage.upsert import insert_for

AT_ONCE = 500
"""So many rows are changed or read at once: others want their turn."""

_KNOWN = (
    media.c.owner_id,
    media.c.source_url,
    media.c.file,
    media.c.media_type,
    media.c.sha256,
    media.c.error,
    media.c.tried_at,
)
_EMPTY = {"file": "", "media_type": "", "bytes": None, "sha256": "", "fetched_at": None}
_HAS_FILE = media.c.file != ""
_NO_ROOM = and_(media.c.file == "", media.c.error == "")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A file that a row names, and how many bytes it has."""

    owner: MediaOwner
    owner_id: int
    name: str
    size: int


async def known(
    conn: AsyncConnection, owner: MediaOwner, owner_ids: Collection[int]
) -> Mapping[int, KnownPicture]:
    """Give what is known of pictures, by owner id."""
    query = select(*_KNOWN).where(media.c.owner == owner, media.c.owner_id.in_(owner_ids))
    rows = (await conn.execute(query)).mappings()
    return {row["owner_id"]: KnownPicture(**{name: row[name] for name in _FIELDS}) for row in rows}


_FIELDS = tuple(KnownPicture.__dataclass_fields__)


async def note_kept(
    conn: AsyncConnection,
    whose: PictureOf,
    now: datetime,
    *,
    file: str,
    media_type: str,
    size: int,
    sha256: str,
) -> Sequence[str]:
    """Note the file of a picture; names the file that it takes the place of."""
    before = await _file_of(conn, whose)
    kept = {"file": file, "media_type": media_type, "bytes": size, "sha256": sha256, "fetched_at": now}
    await _put(conn, whose, {**kept, "error": "", "tried_at": now})
    return [before] if before and before != file else []


async def note_failure(conn: AsyncConnection, whose: PictureOf, error: str, now: datetime) -> None:
    """Note why a picture could not be fetched; an older one stays."""
    await _put(conn, whose, {"error": error, "tried_at": now})


async def _file_of(conn: AsyncConnection, whose: PictureOf) -> str:
    return (await conn.execute(select(media.c.file).where(_is(whose.owner, whose.owner_id)))).scalar() or ""


async def _put(conn: AsyncConnection, whose: PictureOf, values: Mapping[str, Any]) -> None:
    changed = {"source_url": whose.url, **values}
    row = {"owner": whose.owner, "owner_id": whose.owner_id, **changed}
    new = insert_for(conn, media).values(row)
    await conn.execute(new.on_conflict_do_update(index_elements=list(media.primary_key), set_=changed))


def _is(owner: MediaOwner, owner_id: int) -> ColumnElement[bool]:
    return and_(media.c.owner == owner, media.c.owner_id == owner_id)


# --- Room ----------------------------------------------------------------------------------------


async def kept_bytes(conn: AsyncConnection) -> int:
    """Sum the sizes of all pictures."""
    return int((await conn.execute(select(func.coalesce(func.sum(media.c.bytes), 0)))).scalar_one())


async def evict(conn: AsyncConnection, most_bytes: int) -> Sequence[str]:
    """Let go of pictures until they fit, the covers of the oldest posts first; names their files.

    At most `AT_ONCE`. A post's number grows with the time it was posted at.
    """
    too_many = await kept_bytes(conn) - most_bytes
    if too_many <= 0:
        return []
    is_avatar = case((media.c.owner == MediaOwner.PROFILE, 1), else_=0)
    oldest = select(media.c.owner, media.c.owner_id, media.c.file, media.c.bytes).where(_HAS_FILE)
    rows = (await conn.execute(oldest.order_by(is_avatar, media.c.owner_id).limit(AT_ONCE))).all()
    going = []
    for row in rows:
        if too_many <= 0:
            break
        too_many -= row.bytes
        going.append(row)
    key = tuple_(media.c.owner, media.c.owner_id)
    await conn.execute(
        update(media).where(key.in_([(row.owner, row.owner_id) for row in going])).values(_EMPTY)
    )
    return [row.file for row in going]


async def forget_without_room(conn: AsyncConnection) -> int:
    """Forget some pictures that there was no room for, so that they are asked for again; gives how many."""
    return await _delete(conn, _NO_ROOM)


async def _delete(conn: AsyncConnection, where: ColumnElement[bool]) -> int:
    key = (media.c.owner, media.c.owner_id)
    some = select(*key).where(where).limit(AT_ONCE)
    return (await conn.execute(delete(media).where(tuple_(*key).in_(some)))).rowcount


# --- What is not needed any more ------------------------------------------------------------------


async def forget_unwatched(conn: AsyncConnection) -> int:
    """Forget some pictures of profiles that nobody watches, and of posts that are not known; gives how many."""
    of_post = exists().where(
        posts.c.post_id == media.c.owner_id, profile_watches.c.account_id == posts.c.account_id
    )
    of_profile = exists().where(profile_watches.c.account_id == media.c.owner_id)
    is_of_post = media.c.owner == MediaOwner.POST
    return await _delete(conn, or_(and_(is_of_post, ~of_post), and_(~is_of_post, ~of_profile)))


async def files(conn: AsyncConnection) -> AsyncIterator[Sequence[KeptFile]]:
    """Give all files that rows name, some at a time."""
    query = select(media.c.owner, media.c.owner_id, media.c.file, media.c.bytes).where(_HAS_FILE)
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.partitions():
            yield [
                KeptFile(owner=MediaOwner(row.owner), owner_id=row.owner_id, name=row.file, size=row.bytes)
                for row in part
            ]


async def forget_file(conn: AsyncConnection, one: KeptFile) -> None:
    """Forget a picture whose file is not there, so that it is asked for again."""
    await conn.execute(delete(media).where(_is(one.owner, one.owner_id), media.c.file == one.name))
