"""Shortens the bot's pauses after a failure, so that a case takes seconds. Python loads it by its name.

What is decided stays as it is: only how long one waits for the next try.
"""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from discord import Client
from discord.backoff import ExponentialBackoff
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import app
from bot.core import breaker, delivery
from bot.core.rounds import files
from bot.discord import client, connection, watchdog
from bot.jobs import loops
from bot.services import announcements
from bot.services.live_monitor import MonitorRules
from bot.services.round_sync import SyncRules
from bot.settings import Settings
from bot.storage import engine


async def at_once(*_: object, **__: object) -> None:
    pass


ExponentialBackoff.delay = lambda _: 0.2
Client.before_identify_hook = at_once
watchdog.LOOK_EVERY_SECONDS, watchdog.DEAF_AFTER_SECONDS = 0.2, 12.0
client.LONGEST_REQUEST_SECONDS = 3.0
connection.FIRST_PAUSE_SECONDS = 0.5
loops.FIRST_PAUSE_SECONDS, loops.LONGEST_PAUSE_SECONDS = 0.5, 1.0
announcements._PAUSE_SECONDS = 0.5
delivery.FIRST_RETRY_SECONDS = 0.5
breaker.FIRST_PAUSE = timedelta(seconds=1)
files.FIRST_RETRY = timedelta(seconds=0.5)
engine.BUSY_TIMEOUT_MS = 100

PRAGMA = Path(os.environ.get("DATA_FOLDER", ".")) / "pragma"
make_writer = engine._sqlite_writer


def afflicted_writer(*arguments: object, **options: object) -> AsyncEngine:
    """Make the bot's writing connection, which does before each transaction what a test orders."""
    writer = make_writer(*arguments, **options)
    event.listen(writer.sync_engine, "checkout", afflict)
    return writer


def afflict(connection: DBAPIConnection, *_: object) -> None:
    if PRAGMA.exists():
        cursor = connection.cursor()
        cursor.execute(PRAGMA.read_text("utf-8"))
        cursor.close()


engine._sqlite_writer = afflicted_writer

sync_rules, monitor_rules = app._sync_rules, app.monitor_rules
moment = timedelta(seconds=0.2)


def hurried_sync(settings: Settings) -> SyncRules:
    return replace(sync_rules(settings), settle=moment, poll_every=moment)


def hurried_monitor(settings: Settings) -> MonitorRules:
    rules = monitor_rules(settings)
    return replace(
        rules, sweep_every=moment, viewers_every=moment, live=replace(rules.live, end_confirm=moment)
    )


app._sync_rules, app.monitor_rules = hurried_sync, hurried_monitor
