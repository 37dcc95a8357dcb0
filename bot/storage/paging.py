"""Reads what is long page by page: each page is a short transaction of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select

from bot.storage.engine import Database

ROWS_AT_ONCE = 2000


async def pages(
    database: Database, statement: Select[Any], given: Mapping[str, Any]
) -> AsyncIterator[Sequence[Row[Any]]]:
    """Run a statement, limited to `ROWS_AT_ONCE`, until it gives no full page.

    Whoever takes a page says in `given` what follows.
    """
    while True:
        async with database.read() as conn:
            rows = (await conn.execute(statement, given)).all()
        if rows:
            yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
