"""INSERT with an ON CONFLICT clause: the one statement SQLAlchemy Core writes per engine."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = sqlite.Insert | postgresql.Insert


def insert_for(conn: AsyncConnection, table: Table) -> Insert:
    """Give an insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return insert_on(conn.dialect.name, table)


def insert_on(dialect: str, table: Table) -> Insert:
    """Give such an insert by the engine's name, for a statement that is made once for each."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
