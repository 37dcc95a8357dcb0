"""What the log says of a message: its hours, for whoever reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import discord

from bot.core.delivery import OutboxState
from bot.core.markup import stamp
from bot.core.notifications.kinds import ALL, Kind
from bot.discord.notify_words import what_became
from bot.storage.notification_log import LogRow
from bot.texts import text

CAME = datetime(2026, 10, 3, 13, 36, tzinfo=UTC)


def row(**facts: Any) -> LogRow:
    usual: dict[str, Any] = {
        "id": 1, "channel_id": 5, "direct": False, "kind": Kind.LIVE, "subject": ALL, "title": "Ana is live",
        "pinged_role_id": None, "state": OutboxState.HELD, "created_at": CAME, "next_try_at": CAME, "held_by": "",
        "held_until": None, "why": "", "error": "", "merged_into": "", "message_id": None, "thread_id": None,
        "in_thread": False, "delivered_at": None, "remove_at": None, "tries": 0,
    }  # fmt: skip
    return LogRow(**(usual | facts))


def test_the_hours_of_a_reason_are_for_each_reader_in_their_own_zone() -> None:
    until = CAME + timedelta(minutes=39)
    why = text("held by quiet hours until {until}", until=until)
    assert what_became(row(why=why)) == f"held by quiet hours until {stamp(until, 'f')}"
    not_told = row(state=OutboxState.SKIPPED, why=why)
    assert what_became(not_told) == f"not told: held by quiet hours until {stamp(until, 'f')}"
    assert what_became(row(why="held by quiet hours until 07:00")) == "held by quiet hours until 07:00"


def test_posted_is_when_it_was_posted_and_not_when_it_was_edited_last() -> None:
    posted_at = CAME + timedelta(minutes=1)
    posted = {"state": OutboxState.DELIVERED, "delivered_at": CAME + timedelta(minutes=40)}
    known = row(message_id=discord.utils.time_snowflake(posted_at), **posted)
    assert what_became(known) == f"posted {stamp(posted_at, 'f')}"
    assert what_became(row(**posted)) == f"posted {stamp(CAME + timedelta(minutes=40), 'f')}"
