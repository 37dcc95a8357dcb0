"""What the admins of a guild chose."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildSettings:
    """What was chosen with /setup; None and the defaults where nothing was."""

    guild_id: int
    language: str = "en"
    time_zone: str = "UTC"
    lives_channel_id: int | None = None
    rounds_channel_id: int | None = None
    admin_channel_id: int | None = None
    set_up_by: int | None = None
