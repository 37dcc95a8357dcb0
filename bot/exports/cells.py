"""What stands in a cell, and how text from outside is made safe there.

A name is never a formula: in a workbook it is written as text; in CSV, which has no types, what a spreadsheet
would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

Value = str | int | float | datetime | timedelta | None
"""What a row holds before it is written; None is nothing known, and leaves its cell empty."""

LONGEST_TEXT = 1000
_FORMULAS = (
    *("=", "+", "-", "@", "\t", "\r"),
    *("\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}"),
    *("\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}"),
)
_NOT_IN_XML = {0xFFFE, 0xFFFF}


class Kind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    COUNT = "count"
    REAL = "real"
    MONEY = "money"
    SHARE = "share"
    CHANCE = "chance"
    LOCAL = "local"  # an instant in the zone of the export
    UTC = "utc"
    SPAN = "span"


FORMATS: Mapping[Kind, str] = {
    Kind.TEXT: "@",
    Kind.COUNT: "#,##0",
    Kind.REAL: "0.00",
    Kind.MONEY: "#,##0.00",
    Kind.SHARE: "0.0%",
    Kind.CHANCE: "0.0000",
    Kind.LOCAL: "yyyy-mm-dd hh:mm:ss",
    Kind.UTC: "yyyy-mm-dd hh:mm:ss",
    Kind.SPAN: "[h]:mm:ss",
}
"""The number format of each in a workbook."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column; `width` in characters."""

    title: str
    kind: Kind
    width: int


def clean(text: str) -> str:
    """Leave out what no cell can hold: control characters and halves of characters; line breaks become spaces."""
    if text.isprintable():  # as nearly all are
        return text.strip()[:LONGEST_TEXT]
    kept = "".join(" " if one.isspace() else one for one in text if one.isspace() or not _is_unfit(one))
    return kept.strip()[:LONGEST_TEXT]


def inert(text: str) -> str:
    """Give a cleaned text as CSV may hold it: nothing a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def in_zone(instant: datetime, kind: Kind, zone: ZoneInfo) -> datetime:
    """Give an instant as its column shows it, without a zone: no spreadsheet knows any."""
    return instant.astimezone(UTC if kind is Kind.UTC else zone).replace(tzinfo=None)


def written(value: Value, kind: Kind, zone: ZoneInfo) -> str:
    """Write a value as it stands in CSV: instants as `2026-11-21 20:15:00`, durations as `h:mm:ss`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return inert(clean(value))
    if isinstance(value, datetime):
        return f"{in_zone(value, kind, zone):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _is_unfit(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or ord(character) in _NOT_IN_XML
