"""Watched profiles as the commands see them, on the queue of the bot's own database, which nobody works through."""

from __future__ import annotations

from bot.clock import Clock
from bot.core.posts.run_posts import QUEUES
from bot.jobs.queue import EmbeddedQueue
from bot.services.announcements import Announcements
from bot.services.profiles import Profiles
from bot.settings import Settings
from bot.storage.engine import Database


def profiles_of(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock
) -> Profiles:
    queue = EmbeddedQueue(database, clock, queues=tuple(QUEUES))
    return Profiles.of(settings, database, announcements, queue, clock=clock)
