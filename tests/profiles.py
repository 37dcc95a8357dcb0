"""Watched profiles as the commands see them, on the queue of the bot's own database, which nobody works through."""

from __future__ import annotations

from bot.clock import Clock
from bot.jobs.profile_jobs import embedded_queue
from bot.services.announcements import Announcements
from bot.services.profiles import Profiles
from bot.settings import Settings
from bot.storage.engine import Database


def profiles_of(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> Profiles:
    return Profiles.of(settings, database, announcements, embedded_queue(database, clock), clock=clock)
