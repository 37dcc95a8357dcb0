"""Builds what admins choose with: guilds, who is followed, and what is told where."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import Clock
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.services.live_monitor import LiveMonitor
from bot.services.notification_roles import NotificationRoles
from bot.services.notification_settings import NotificationSettings
from bot.services.watchlist import Watchlist
from bot.settings import Settings
from bot.storage.engine import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationRooms:
    """The services behind `/setup`, `/live` and `/notify`."""

    guilds: Guilds
    watchlist: Watchlist
    notification_settings: NotificationSettings
    notification_roles: NotificationRoles


def notification_rooms(
    settings: Settings, database: Database, monitor: LiveMonitor, announcements: Announcements, clock: Clock
) -> NotificationRooms:
    """Build them on one database."""
    guilds = Guilds(
        database=database,
        announcements=announcements,
        clock=clock,
        default_time_zone=settings.time_zone,
    )
    watchlist = Watchlist(
        database=database,
        monitor=monitor,
        announcements=announcements,
        clock=clock,
        accounts_per_guild=settings.accounts_per_guild,
    )
    return NotificationRooms(
        guilds=guilds,
        watchlist=watchlist,
        notification_settings=NotificationSettings(
            database=database,
            guilds=guilds,
            watchlist=watchlist,
            announcements=announcements,
            servers=settings.game_servers,
            clock=clock,
        ),
        notification_roles=NotificationRoles(
            database=database, guilds=guilds, announcements=announcements, clock=clock
        ),
    )
