"""The services behind `/notify`, as `bot.notification_rooms` builds them, on a test's worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.services.notification_roles import NotificationRoles
from bot.services.notification_settings import NotificationSettings
from bot.services.watchlist import Watchlist
from bot.settings import GameServer
from bot.storage.engine import Database


def notify_services(
    database: Database,
    watchlist: Watchlist,
    announcements: Announcements,
    clock: Clock,
    servers: Mapping[str, GameServer],
) -> dict[str, Any]:
    """Give `guilds` and both services as fields of `Services`."""
    guilds = Guilds(database=database, announcements=announcements, clock=clock, default_time_zone="UTC")
    return {
        "guilds": guilds,
        "notification_settings": NotificationSettings(
            database=database,
            guilds=guilds,
            watchlist=watchlist,
            announcements=announcements,
            servers=servers,
            clock=clock,
        ),
        "notification_roles": NotificationRoles(
            database=database, guilds=guilds, announcements=announcements, clock=clock
        ),
    }
