"""INSERT with an ON CONFLICT clause: the one statement SQLAlchemy Core writes per engine."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_for(conn: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Give an insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
