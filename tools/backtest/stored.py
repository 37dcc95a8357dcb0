"""Reads the lives that a bot has found itself, from its own database."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bot.core.live.past_lives import PastLive, credible
from bot.storage import live as store
from bot.storage.engine import Database
from bot.storage.history import past_lives
from bot.storage.migrate import require_current
from tools.backtest.histories import EARLIEST, BadInput, History


async def read_database(url: str, now: datetime) -> History:
    """Give the lives of the accounts that are followed; what cannot be true is left out and counted.

    Nothing is written. Raises `BadInput` and `StorageError`.
    """
    database = Database.open(url)
    try:
        await require_current(database)
        async with database.read() as conn:
            names = {account.id: account.handle for account in await store.followed_accounts(conn)}
            lives = await past_lives(conn, names, EARLIEST)
    finally:
        await database.close()
    if not lives:
        raise BadInput("the database holds no lives of accounts that are followed")
    return _credible(names, lives, now)


def _credible(names: dict[int, str], lives: tuple[PastLive, ...], now: datetime) -> History:
    by_account: dict[int, list[PastLive]] = defaultdict(list)
    for live in lives:
        by_account[live.account_id].append(live)
    kept: list[PastLive] = []
    skipped = []
    for account_id, some in sorted(by_account.items()):
        good, aside = credible(some, now)
        kept += good
        if aside.total:
            skipped.append(f"{aside.total} lives of @{names[account_id]} that cannot be true")
    if not kept:
        raise BadInput("the database holds no lives that can be true")
    return History(names=names, lives=kept, skipped=skipped)
