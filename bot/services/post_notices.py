"""Tells admins that profiles cannot be read, once, and once that they can be again.

What is wrong with one profile is told of that profile. What is wrong with a source keeps all profiles from being read:
that is told once for all of them, and is over when none is left that it keeps.
"""

from __future__ import annotations

from datetime import datetime

from bot.core.posts.merging import OF_PROFILE
from bot.core.posts.models import Trouble
from bot.core.posts.notices import (
    profile_read_again,
    profile_unread,
    profiles_read_again,
    profiles_unread,
)
from bot.services.admin_notices import outage_key, tell_admins, tell_again
from bot.storage import guilds, outbox, profile_state, status
from bot.storage.engine import Connection

OF_SOURCE = frozenset(Trouble) - OF_PROFILE
_OUTAGE = "posts:outage"


async def tell_unread(
    conn: Connection,
    account_id: int,
    handle: str,
    trouble: Trouble,
    words: str,
    *,
    since: datetime,
    now: datetime,
) -> None:
    """Tell whoever watches a profile why it cannot be read; `since` is when its first run failed."""
    guild_ids = await profile_state.watching_guilds(conn, [account_id])
    if trouble in OF_PROFILE:
        message = profile_unread(handle, trouble, words, since)
        await tell_admins(conn, _key(account_id, since), guild_ids, message, now, urgent=False)
        return
    began_at = await _outage(conn) or now
    await status.write_note(conn, _OUTAGE, began_at.isoformat())
    key, message = outage_key("posts", began_at), profiles_unread(handle, trouble, words, began_at)
    known = set(await outbox.channels_of(conn, key))
    for guild_id in guild_ids:
        target = await guilds.admin_target(conn, guild_id)
        if target is not None and target[0] not in known:  # the reason of another profile is no news
            await tell_admins(conn, key, [guild_id], message, now)


async def tell_read(
    conn: Connection, account_id: int, handle: str, *, failing_since: datetime | None, now: datetime
) -> None:
    """Tell that a profile was read again, where it was told that it could not be; after its trouble was cleared."""
    if failing_since is not None:
        message = profile_read_again(handle, failing_since, now)
        await tell_again(conn, _key(account_id, failing_since), message, now)
    began_at = await _outage(conn)
    if began_at is not None and not await profile_state.is_any_failing(conn, OF_SOURCE):
        await tell_again(conn, outage_key("posts", began_at), profiles_read_again(began_at, now), now)
        await status.write_note(conn, _OUTAGE, "")


def _key(account_id: int, since: datetime) -> str:
    return outage_key(f"profile:{account_id}", since)


async def _outage(conn: Connection) -> datetime | None:
    """Give since when a source keeps profiles from being read, None while none does."""
    note = await status.note(conn, _OUTAGE)
    return datetime.fromisoformat(note) if note else None
