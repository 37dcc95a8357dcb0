"""Column types that mean the same on every engine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot.texts import Text as Said
from bot.texts import join, packed, unpacked

BIGINT = BigInteger().with_variant(Integer, "sqlite")
"""Ids, counts, bytes: 64 bits everywhere (SQLite's INTEGER is its row id alias)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PACKED = '{"text":'


class Instant(TypeDecorator[datetime]):
    """An aware instant, stored as integer microseconds since 1970 UTC; naive ones are refused."""

    impl = BIGINT
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware instant into microseconds; raises ValueError for a naive one."""
        del dialect
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a naive datetime has no place in the database")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn microseconds into an aware UTC instant."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


FLAG = Boolean().with_variant(Integer, "sqlite")
"""SQLite's STRICT tables know no BOOLEAN: 0 or 1 there."""


class Flag(TypeDecorator[bool]):
    """A boolean on every engine."""

    impl = FLAG
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> bool | None:
        """Give a boolean, which SQLite takes for 0 or 1."""
        del dialect
        return None if value is None else bool(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:
        """Turn 0 or 1 into a boolean."""
        del dialect
        return None if value is None else bool(value)


class Real(TypeDecorator[float]):
    """A real number, stored as integer millionths: the same digits on every engine."""

    impl = BIGINT
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> int | None:
        """Turn a number into millionths; raises ValueError for one that is not finite."""
        del dialect
        return None if value is None else round(value * 1e6)

    def process_result_value(self, value: int | None, dialect: Dialect) -> float | None:
        """Turn millionths into a number."""
        del dialect
        return None if value is None else value / 1e6


def compact(value: Any) -> str:
    """Write JSON as `Json` stores it."""
    return json.dumps(packed(value), separators=(",", ":"))


class Json(TypeDecorator[Any]):
    """JSON as text, never filtered on in SQL; what is queried becomes a column. Texts in it stay texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON."""
        del dialect
        return None if value is None else compact(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read JSON."""
        del dialect
        return None if value is None else unpacked(json.loads(value))


class Words(TypeDecorator[str]):
    """One line for people: a `bot.texts.Text` as JSON, so that it stays sayable in every language, or a plain string."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write a text as JSON; a plain string that looks like one becomes a text of itself."""
        del dialect
        if value is not None and not isinstance(value, Said) and value.startswith(_PACKED):
            value = join("", [value])
        return json.dumps(packed(value), separators=(",", ":")) if isinstance(value, Said) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Read a text or a plain string."""
        del dialect
        if value is None or not value.startswith(_PACKED):
            return value
        said: str = unpacked(json.loads(value))
        return said
