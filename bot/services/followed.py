"""The account that somebody of a guild means."""

from __future__ import annotations

from bot.core.live.handles import normalise_handle
from bot.errors import NothingThere
from bot.storage import live as store
from bot.storage.engine import Connection
from bot.storage.live import Account
from bot.texts import text


async def followed_account(conn: Connection, guild_id: int, written: str) -> Account:
    """Give the account a guild follows by what somebody wrote. Raises `InputRefused` and `NothingThere`."""
    handle = normalise_handle(written)
    account = await store.followed_account(conn, guild_id, handle)
    if account is None:
        raise NothingThere(
            text("`@{handle}` is not followed here. `/live list` shows who is.", handle=handle)
        )
    return account
