"""What the admins of a guild chose."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}


@dataclass(frozen=True, kw_only=True, slots=True)
class GuildSettings:
    """What was chosen with /setup and /predict; None and the defaults where nothing was.

    `country` is the ISO code of the country whose public holidays count, empty for none. With `daily_scores`
    the admin channel reads every day how the day before went, with `weekly_players` all read the week's table,
    with `weekly_streams` what the week's lives were.
    """

    guild_id: int
    language: str = "en"
    time_zone: str = "UTC"
    lives_channel_id: int | None = None
    rounds_channel_id: int | None = None
    admin_channel_id: int | None = None
    audit_channel_id: int | None = None
    set_up_by: int | None = None
    country: str = ""
    daily_scores: bool = False
    weekly_players: bool = True
    weekly_streams: bool = True
