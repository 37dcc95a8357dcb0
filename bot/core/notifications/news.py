"""What happened and where it may be told: what services say, before it is decided how it reaches people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from bot.core.announcements import Message
from bot.core.notifications.kinds import Kind
from bot.texts import Value


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """An event, or how it is now.

    `facts` are what templates may name (`bot.core.notifications.templates`), strings from outside escaped. `began_at`,
    `seen_at` and `ended_at` are of a live, `viewers` None where no answer has told a count. `expires_after` is how
    long its messages wait for their channels once they are let out; None: for ever. `in_thread_of` is the event in
    whose thread it is told, where there is one. A `is_backfill` pings nobody.
    """

    kind: Kind
    subject: str
    event_key: str
    began_at: datetime
    facts: Mapping[str, Value] = field(default_factory=dict)
    seen_at: datetime | None = None
    is_over: bool = False
    ended_at: datetime | None = None
    is_urgent: bool = False
    viewers: int | None = None
    expires_after: timedelta | None = None
    is_backfill: bool = False
    in_thread_of: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give what stays with a message of it; `from_json` reads it back unchanged."""
        data = {name: getattr(self, name) for name in _KEPT}
        data["expires_after"] = None if self.expires_after is None else self.expires_after.total_seconds()
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, kind: Kind, subject: str, event_key: str) -> Self:
        """Read what `to_json` gave; what else stands there is not read."""
        kept = {name: data[name] for name in _KEPT if name in data}
        seconds = kept.get("expires_after")
        kept["expires_after"] = None if seconds is None else timedelta(seconds=seconds)
        return cls(kind=kind, subject=subject, event_key=event_key, **kept)


_KEPT = tuple(name for name in News.__dataclass_fields__ if name not in {"kind", "subject", "event_key"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A channel, or (`direct`) a user, in which an event may be told, and the message as it would be there.

    The message mentions nobody and has no lead: both are decided. `role_id` is the role given with `/live add`.
    """

    guild_id: int
    channel_id: int
    message: Message
    direct: bool = False
    role_id: int | None = None
