"""INSERT with an ON CONFLICT clause: the one statement SQLAlchemy Core writes per engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, ColumnElement, Dialect, Table, TypeDecorator, case, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = sqlite.Insert | postgresql.Insert


def insert_for(conn: AsyncConnection, table: Table) -> Insert:
    """Give an insert into `table` that knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return insert_on(conn.dialect.name, table)


def insert_on(dialect: str, table: Table) -> Insert:
    """Give such an insert by the engine's name, for a statement that is made once for each."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@dataclass(frozen=True)
class Upsert:
    """Rows of a table that are written or brought up to date, by its key (the primary one where none is named).

    Of a row that is there, columns are `added` to, `replaced`, kept where they are known (`earlier`), replaced by
    what is known (`later`), or become the `lowest` or `highest` known; all others stay.
    """

    table: Table
    key: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    lowest: tuple[str, ...] = ()
    highest: tuple[str, ...] = ()

    def on(self, dialect: str) -> Insert:
        """Give the statement for an engine by its name."""
        insert = insert_on(dialect, self.table)
        key = list(self.key or self.table.primary_key.columns.keys())
        old, new = self.table.c, insert.excluded
        changed: dict[str, ColumnElement[Any]] = {
            **{name: old[name] + new[name] for name in self.added},
            **{name: new[name] for name in self.replaced},
            **{name: func.coalesce(old[name], new[name]) for name in self.earlier},
            **{name: func.coalesce(new[name], old[name]) for name in self.later},
            **{name: _known(old[name], new[name], new[name] < old[name]) for name in self.lowest},
            **{name: _known(old[name], new[name], new[name] > old[name]) for name in self.highest},
        }
        if not changed:
            return insert.on_conflict_do_nothing(index_elements=key)
        return insert.on_conflict_do_update(index_elements=key, set_=changed)

    async def put(
        self, conn: AsyncConnection, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Write rows, each the values of `columns` in this order.

        The statement is made once, and the values go to the driver as they are stored: with hundreds of rows a second
        SQLAlchemy's own handling of parameters would cost more than the database.
        """
        sql, kinds, in_order = _prepared(self, conn.dialect, columns)
        values = []
        for row in rows:
            stored = list(row)
            for place, kind in kinds:
                stored[place] = kind.process_bind_param(stored[place], conn.dialect)
            values.append(in_order(stored))
        if values:
            await conn.exec_driver_sql(sql, values)


_Prepared = tuple[str, list[tuple[int, TypeDecorator[Any]]], Callable[[Sequence[Any]], tuple[Any, ...]]]


@lru_cache(maxsize=64)
def _prepared(upsert: Upsert, dialect: Dialect, columns: tuple[str, ...]) -> _Prepared:
    """Give the statement as text, which columns are stored as something else, and the order of its parameters."""
    made = upsert.on(dialect.name).compile(dialect=dialect, column_keys=list(columns))
    types = [upsert.table.c[name].type for name in columns]
    kinds = [(place, kind) for place, kind in enumerate(types) if isinstance(kind, TypeDecorator)]
    order = [columns.index(name) for name in made.positiontup or ()]
    if len(order) < 2 or sorted(order) != list(range(len(columns))):
        raise AssertionError(f"an upsert of {upsert.table.name} needs parameters that are no columns")
    return made.string, kinds, itemgetter(*order)


def _known(old: Column[Any], new: ColumnElement[Any], is_better: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((is_better, new), else_=func.coalesce(old, new))
