"""Puts together what reads profiles, for the bot and for a worker's process: sources, services and the queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.clock import Clock
from bot.core.jobs import MEDIA_QUEUE, PROFILE_QUEUE
from bot.core.posts.coverage import Wanted
from bot.jobs.catalog import JobHandler
from bot.jobs.loops import Loop
from bot.jobs.profile_jobs import bots_jobs, embedded_queue, media_loop, profile_answers_loop
from bot.services.announcements import Announcements
from bot.services.media import Media, MediaJobs
from bot.services.post_monitor import PostMonitor
from bot.services.profiles import Profiles
from bot.settings import Settings
from bot.sources.media.fetcher import MediaFetcher
from bot.sources.post_sources import post_sources_of, web_proxy_of
from bot.storage.engine import Database


@asynccontextmanager
async def profile_rooms(
    settings: Settings, database: Database, announcements: Announcements, clock: Clock, queues: Sequence[str]
) -> AsyncIterator[tuple[Profiles, list[Loop]]]:
    """Give what the bot's commands ask, and the loops that read profiles; it does jobs of these `queues`."""
    queue = embedded_queue(database, clock)
    profiles = Profiles.of(settings, database, announcements, queue, clock=clock)
    async with (
        job_handlers(settings, database, announcements, profiles.media, clock) as handlers,
        bots_jobs(settings, database, clock, queue, handlers=handlers, queues=queues) as loops,
    ):
        yield profiles, [*loops, profile_answers_loop(profiles), media_loop(profiles.media, clock)]


@asynccontextmanager
async def job_handlers(
    settings: Settings, database: Database, announcements: Announcements, media: Media, clock: Clock
) -> AsyncIterator[Mapping[str, JobHandler]]:
    """Give who does the jobs, by their kinds."""
    monitor = PostMonitor(
        database=database,
        sources=post_sources_of(settings, clock),
        announcements=announcements,
        clock=clock,
        wanted=Wanted(
            newest=settings.profile_newest_posts, recent=timedelta(days=settings.profile_recent_days)
        ),
    )
    async with MediaFetcher(proxy=web_proxy_of(settings)) as fetcher:
        yield {PROFILE_QUEUE: monitor, MEDIA_QUEUE: MediaJobs(media=media, source=fetcher)}


def media_of(settings: Settings, database: Database, clock: Clock) -> Media:
    """Give the pictures that are kept."""
    return Media(
        database=database, folder=settings.media_folder, clock=clock, megabytes=settings.media_megabytes
    )
