"""What every table has in common. Instants are integer microseconds UTC, ids are 64 bits, SQLite tables are STRICT."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData, Table

from bot.storage.types import BIGINT

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> Column[Any]:
    """Give the number that a row is known by."""
    return Column("id", BIGINT, primary_key=True, autoincrement=True)


def table(name: str, *parts: Any, **options: Any) -> Table:
    """Give a table of the one schema."""
    return Table(name, metadata, *parts, sqlite_strict=True, **options)
