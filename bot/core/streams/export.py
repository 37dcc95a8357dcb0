"""What an export of recorded lives is to hold, and where its files came to lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExportFormat(StrEnum):
    """What can be asked for. CSV comes as a zip with one file for each sheet."""

    XLSX = "xlsx"
    CSV = "csv"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOrder:
    """Which lives: those that began in [since, until), of one account or of all that a guild follows.

    `guild_id` None is for whoever owns the machine: all accounts. `live_id` is the one live that is meant, None
    for all. Instants are written in `zone`, an IANA name. `name` is what the files are called, without an ending.
    """

    name: str
    format: ExportFormat
    since: datetime
    until: datetime
    asked_at: datetime
    zone: str
    usd_per_diamond: float
    guild_id: int | None = None
    account_id: int | None = None
    live_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedFile:
    """A finished file of `size` bytes: its `content` where it was to be handed over, else the `place` it lies at."""

    name: str
    size: int
    content: bytes | None = None
    place: str = ""


def file_name(what: str, first: datetime, last: datetime) -> str:
    """Give a name that every system takes; both instants are local, `last` is the last one within."""
    kept = "".join(one if one.isascii() and (one.isalnum() or one in "._") else "_" for one in what)
    days = dict.fromkeys(f"{day:%Y-%m-%d}" for day in (first, last))
    return "_".join(["vedette", kept[:40], *days])
