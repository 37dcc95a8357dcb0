"""What an export of a profile is to hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.streams.export import ExportFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileOrder:
    """All that is kept of one profile: posts, snapshots, sums and runs.

    Instants are written in `zone`, an IANA name. `name` is what the files are called, without an ending. `guild_id`
    is whose export it is; None is for whoever owns the machine.
    """

    name: str
    format: ExportFormat
    account_id: int
    handle: str
    asked_at: datetime
    zone: str
    guild_id: int | None = None
