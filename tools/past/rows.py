"""Rows that are collected table by table and written by few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.storage.engine import Connection
from bot.storage.tables import metadata
from bot.storage.upsert import Upsert

AT_ONCE = 20_000

Row = Mapping[str, Any]


class Rows:
    """Rows waiting to be written; processes can give them to one another. All of a table have the same columns."""

    def __init__(self) -> None:
        self._of_table: dict[str, list[Row]] = {}

    def add(self, table: Any, *rows: Row) -> None:
        """Add rows to a table."""
        self._of_table.setdefault(table.name, []).extend(rows)

    def take(self, others: Rows) -> None:
        """Add the rows of others."""
        for name, rows in others._of_table.items():
            self._of_table.setdefault(name, []).extend(rows)

    def count(self, table: Any) -> int:
        """Count the rows that wait for a table."""
        return len(self._of_table.get(table.name, ()))

    async def write(self, conn: Connection) -> None:
        """Write all that waits, in the caller's transaction: a table before those that refer to it.

        A row that is there already stays.
        """
        for table in metadata.sorted_tables:
            rows = self._of_table.pop(table.name, [])
            for start in range(0, len(rows), AT_ONCE):
                await _put(conn, table, rows[start : start + AT_ONCE])


async def _put(conn: Connection, table: Any, rows: Sequence[Row]) -> None:
    columns = tuple(rows[0])
    await Upsert(table).put(conn, columns, [tuple([row[name] for name in columns]) for row in rows])
