"""Small tables, so that the tests of the engine do not depend on the bot's own."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, MetaData, Table, Text

from bot.storage.types import BIGINT, Flag, Instant, Json

toys = MetaData()
counters = Table(
    "counters",
    toys,
    Column("name", Text, primary_key=True),
    Column("value", BIGINT, nullable=False),
    sqlite_strict=True,
)
things = Table(
    "things",
    toys,
    Column("id", BIGINT, primary_key=True),
    Column("at", Instant),
    Column("flag", Flag),
    Column("data", Json),
    Column("counter", ForeignKey("counters.name")),
    sqlite_strict=True,
)
rows = Table(
    "rows",
    toys,
    Column("at", Instant, primary_key=True),
    *[Column(name, BIGINT) for name in ("sum", "new", "first", "last", "low", "high")],
    sqlite_strict=True,
)
