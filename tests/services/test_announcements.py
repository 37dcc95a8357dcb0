"""The bookkeeping around each try: when something is due, what a failure leads to, who is told."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest
from sqlalchemy import Text, type_coerce, update

from bot.core.announcements import Message, Tone
from bot.core.delivery import Event, OutboxState, Outgoing, Result, Step
from bot.core.requester import Requester
from bot.services.announcements import DISCORD, Announcements
from bot.services.guilds import Guilds
from bot.storage import outbox, sources
from bot.storage.engine import Database
from bot.storage.tables import outbox as outbox_table
from tests.clocks import ManualClock

HELLO = Message(title="Hello", tone=Tone.LIVE)
ADMIN = Requester(guild_id=1, user_id=42)


@pytest.fixture
def announcements(database: Database, clock: ManualClock) -> Announcements:
    return Announcements(database, clock, jitter=lambda: 1.0)


@pytest.fixture
def guilds(database: Database, clock: ManualClock, announcements: Announcements) -> Guilds:
    return Guilds(database=database, announcements=announcements, clock=clock, default_time_zone="UTC")


async def say(announcements: Announcements, key: str = "live:1", channel: int = 10, **more) -> None:
    values = {"guild_id": 1, "message": HELLO, "lasts": timedelta(days=30), **more}
    await announcements.say(event_key=key, channel_id=channel, **values)


async def fail(announcements: Announcements, event: Event, **more) -> Outgoing:
    """Try the first due message, and fail."""
    message = (await announcements.due())[0]
    await announcements.begin(message)
    await announcements.settle(message, Result(event=event, reason="because", **more))
    return message


async def state_of(database: Database, message: Outgoing) -> OutboxState:
    async with database.read() as conn:
        return (await outbox.load(conn, message.id)).state


async def waits_for(announcements: Announcements, clock: ManualClock) -> float:
    """Give how long `wait` would sleep now."""
    await announcements.due()
    waiting = asyncio.create_task(announcements.wait())
    (seconds,) = await clock.asleep()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return seconds


async def test_what_was_put_wakes_the_deliverer(announcements: Announcements, clock: ManualClock) -> None:
    await announcements.due()
    waiting = asyncio.create_task(announcements.wait())
    await clock.asleep()
    await say(announcements)
    await asyncio.wait_for(waiting, 5)
    assert [message.message for message in await announcements.due()] == [HELLO]


async def test_a_try_is_on_record_before_anything_is_sent(
    announcements: Announcements, database: Database, clock: ManualClock
) -> None:
    await say(announcements)
    (message,) = await announcements.due()
    assert await announcements.begin(message) is Step.POST
    async with database.read() as conn:
        begun = await outbox.load(conn, message.id)
    assert (begun.tries, begun.first_tried_at) == (1, clock.now())
    assert await Announcements(database, ManualClock(clock.now() + timedelta(seconds=1))).begin(begun) is (
        Step.LOOK_THEN_POST
    )


async def test_what_changed_since_it_was_read_is_not_begun(announcements: Announcements) -> None:
    await say(announcements)
    (message,) = await announcements.due()
    await say(announcements, message=Message(title="Newer", tone=Tone.LIVE))
    announcements.told.clear()
    assert await announcements.begin(message) is None
    assert announcements.told.is_set()  # it may have been held in that moment: then the desk is to know


async def test_pauses_after_failures_double(announcements: Announcements, clock: ManualClock) -> None:
    await say(announcements)
    pauses = []
    for _ in range(4):
        await fail(announcements, Event.TRANSIENT)
        announcements._news.clear()
        pauses.append(await waits_for(announcements, clock))
        clock.advance(pauses[-1])
    assert pauses == [2, 4, 8, 16]


async def test_a_pause_is_as_long_as_discord_asked_for(
    announcements: Announcements, clock: ManualClock
) -> None:
    await say(announcements)
    await fail(announcements, Event.TRANSIENT, retry_after_seconds=20)
    announcements._news.clear()
    assert await waits_for(announcements, clock) == 20


async def test_a_day_of_failures_ends_in_a_dead_letter_that_is_told(
    announcements: Announcements, guilds: Guilds, database: Database, clock: ManualClock
) -> None:
    await guilds.save(ADMIN, admin_channel_id=99)
    await say(announcements)
    began = clock.now()
    while True:
        message = await fail(announcements, Event.TRANSIENT)
        if await state_of(database, message) is OutboxState.DEAD:
            break
        clock.advance(600)
    assert clock.now() - began >= timedelta(hours=24)
    (notice,) = await announcements.due()
    assert notice.channel_id == 99
    assert "refused" in notice.event_key


async def test_no_notice_is_given_about_a_notice(
    announcements: Announcements, guilds: Guilds, database: Database
) -> None:
    await guilds.save(ADMIN, admin_channel_id=99)
    await say(announcements, "notice:x", 11)
    await fail(announcements, Event.REFUSED)
    assert await announcements.due() == ()


async def test_several_refusals_at_once_are_one_pause(
    announcements: Announcements, clock: ManualClock
) -> None:
    for channel in (10, 11, 12):
        await say(announcements, channel=channel)
    messages = await announcements.due()
    for message in messages:
        await announcements.begin(message)
    for message in messages:
        await announcements.settle(message, Result(event=Event.LIMITED, reason="banned"))
    clock.advance(599)
    assert await announcements.due() == ()
    clock.advance(1)
    assert len(await announcements.due()) == 3


async def test_the_pause_grows_while_discord_goes_on_refusing_and_survives_a_restart(
    announcements: Announcements, database: Database, clock: ManualClock
) -> None:
    await say(announcements)
    await fail(announcements, Event.LIMITED)
    clock.advance(600)
    await fail(announcements, Event.LIMITED)
    restarted = Announcements(database, clock)
    clock.advance(1199)
    assert await restarted.due() == ()
    clock.advance(1)
    assert len(await restarted.due()) == 1


async def test_a_blocked_channel_is_tried_after_5_minutes_and_told_once(
    announcements: Announcements, guilds: Guilds, database: Database, clock: ManualClock
) -> None:
    await guilds.save(ADMIN, admin_channel_id=99)
    await say(announcements)
    await say(announcements, "live:2")
    message = await fail(announcements, Event.BLOCKED)
    assert await state_of(database, message) is OutboxState.PARKED
    (notice,) = await announcements.due()
    assert (notice.channel_id, notice.direct) == (99, False)
    await announcements.begin(notice)
    await announcements.settle(notice, Result(event=Event.SENT, message_id=1))
    clock.advance(300)
    again = await fail(announcements, Event.BLOCKED)
    assert again.id == message.id
    assert await announcements.due() == ()
    clock.advance(600)
    assert [one.id for one in await announcements.due()] == [message.id]


async def deliver_all(announcements: Announcements, channel: int) -> list[str]:
    """Post what is due in a channel; gives the kinds of events."""
    found = [message for message in await announcements.due() if message.channel_id == channel]
    for message in found:
        await announcements.begin(message)
        await announcements.settle(message, Result(event=Event.SENT, message_id=message.id))
    return [message.event_key.rsplit(":", 4)[0] for message in found]


async def test_discords_last_answer_is_ten_seconds_old_at_most(
    announcements: Announcements, database: Database, clock: ManualClock
) -> None:
    """Not every post of a flood is written down as one."""
    told, began = [], clock.now()
    for number in range(7):
        await say(announcements, key=f"live:{number}", channel=number)
        await deliver_all(announcements, number)
        async with database.read() as conn:
            told.append((await sources.load(conn, DISCORD)).last_ok_at - began)
        clock.advance(4)
    assert [at.total_seconds() for at in told] == [0, 0, 0, 12, 12, 12, 24]


async def test_messages_know_their_guilds_also_one_that_was_never_seen(
    announcements: Announcements, guilds: Guilds
) -> None:
    await guilds.save(ADMIN, time_zone="Asia/Jakarta")
    for channel, guild_id in enumerate((1, 1, 2)):
        await say(announcements, channel=channel, guild_id=guild_id)
    known = await announcements.guilds_of(await announcements.due())
    assert {key: (one.guild_id, one.time_zone) for key, one in known.items()} == {
        1: (1, "Asia/Jakarta"),
        2: (2, "UTC"),
    }
    assert await announcements.guilds_of(()) == {}


async def test_what_waits_for_a_channel_that_is_gone_for_days_is_given_up_and_told_once(
    announcements: Announcements, guilds: Guilds, database: Database, clock: ManualClock
) -> None:
    await guilds.save(ADMIN, admin_channel_id=99)
    await say(announcements)
    await deliver_all(announcements, 10)
    await say(announcements, message=Message(title="Newer", tone=Tone.LIVE))
    await say(announcements, "live:2")
    began, told = clock.now(), []
    while clock.now() - began < timedelta(days=10):
        if [one for one in await announcements.due() if one.channel_id == 10]:
            await fail(announcements, Event.BLOCKED, is_gone=True)
        told += await deliver_all(announcements, 99)
        async with database.read() as conn:
            dead = await outbox.dead_letters(conn, 1)
        assert not dead or clock.now() - began >= timedelta(days=3)
        if dead:
            await say(announcements, "live:3")
        clock.advance(6 * 3600)
    assert {(letter.title, letter.reason) for letter in dead} == {("Newer", "because"), ("Hello", "because")}
    assert [key.split(":")[1] for key in told] == ["blocked", "gone"]


async def test_one_success_opens_a_channel_for_everything_that_waits(announcements: Announcements) -> None:
    await say(announcements)
    await say(announcements, "live:2")
    await fail(announcements, Event.BLOCKED)
    await announcements.reopen(10)
    (message,) = await announcements.due()
    await announcements.begin(message)
    await announcements.settle(message, Result(event=Event.SENT, message_id=5))
    assert await announcements.blocked_channels(1) == ()
    assert [one.event_key for one in await announcements.due()] == ["live:2"]


@pytest.mark.parametrize("event", [Event.EDITED, Event.GONE])
async def test_an_edit_opens_no_channel_that_refuses_posts(
    announcements: Announcements, guilds: Guilds, clock: ManualClock, event: Event
) -> None:
    await guilds.save(ADMIN, admin_channel_id=99)
    await say(announcements)
    (message,) = await announcements.due()
    await announcements.begin(message)
    await announcements.settle(message, Result(event=Event.SENT, message_id=5))
    await say(announcements, "live:2")
    await fail(announcements, Event.BLOCKED)
    await say(announcements, message=Message(title="Newer", tone=Tone.LIVE))
    clock.advance(300)
    edit, *_ = await announcements.due()
    await announcements.begin(edit)
    await announcements.settle(edit, Result(event=event))
    assert await announcements.blocked_channels(1) == (10,)
    await fail(announcements, Event.BLOCKED)
    due = await announcements.due()
    assert [one.event_key.split(":")[0] for one in due if one.channel_id == 99] == ["notice"]


async def test_without_an_admin_channel_the_person_who_set_up_is_told(
    announcements: Announcements, guilds: Guilds
) -> None:
    await guilds.save(ADMIN, lives_channel_id=10)
    await say(announcements)
    await fail(announcements, Event.BLOCKED)
    (notice,) = await announcements.due()
    assert (notice.channel_id, notice.direct) == (42, True)


async def test_a_blocked_person_is_told_about_to_nobody(announcements: Announcements, guilds: Guilds) -> None:
    await guilds.save(ADMIN, lives_channel_id=10)
    await say(announcements)
    await fail(announcements, Event.BLOCKED)
    await fail(announcements, Event.BLOCKED)
    assert await announcements.due() == ()


async def test_with_nobody_known_the_log_says_so(
    announcements: Announcements, caplog: pytest.LogCaptureFixture
) -> None:
    await say(announcements)
    with caplog.at_level(logging.WARNING):
        await fail(announcements, Event.BLOCKED)
    assert "nobody to tell" in caplog.text


async def test_what_came_too_late_is_not_posted(
    announcements: Announcements, database: Database, clock: ManualClock
) -> None:
    await say(announcements, lasts=timedelta(hours=2))
    (message,) = await announcements.due()
    clock.advance(7200)
    assert await announcements.due() == ()
    assert await state_of(database, message) is OutboxState.EXPIRED
    async with database.read() as conn:
        (letter,) = await outbox.dead_letters(conn, 1)
    assert (letter.title, letter.reason) == ("Hello", "too late to be news")


async def test_what_a_channel_refused_and_came_too_late_is_given_up_without_a_look(
    announcements: Announcements, database: Database, clock: ManualClock
) -> None:
    await say(announcements, lasts=timedelta(hours=2))
    message = await fail(announcements, Event.BLOCKED)
    clock.advance(7200)
    assert await announcements.due() == ()
    assert await state_of(database, message) is OutboxState.EXPIRED
    async with database.read() as conn:
        (letter,) = await outbox.dead_letters(conn, 1)
    assert letter.reason == "because"


@pytest.mark.parametrize(
    "stored", ['{"title": "x", "tone": "of tomorrow", "fields": []}', '{"title": 1', "[]", '{"news": 1}']
)
async def test_what_cannot_be_read_is_given_up_and_the_rest_goes_on(
    announcements: Announcements, database: Database, caplog: pytest.LogCaptureFixture, stored: str
) -> None:
    await say(announcements, "live:1")
    async with database.write("test.spoil") as conn:
        await conn.execute(update(outbox_table).values(message=type_coerce(stored, Text)))
    await say(announcements, "live:2")
    await announcements.due()
    assert [message.event_key for message in await announcements.due()] == ["live:2"]
    async with database.read() as conn:
        (letter,) = await outbox.dead_letters(conn, 1)
    assert "cannot read it" in letter.reason
    assert "live:1: given up" in caplog.text
    await say(announcements, "live:1")


async def test_a_text_that_cannot_be_read_is_replaced_by_the_next(
    announcements: Announcements, database: Database
) -> None:
    await say(announcements)
    async with database.write("test.spoil") as conn:
        await conn.execute(update(outbox_table).values(message={"tone": "of tomorrow"}))
    await say(announcements)
    assert [message.message for message in await announcements.due()] == [HELLO]


async def test_a_text_that_changed_during_the_post_follows_as_an_edit(announcements: Announcements) -> None:
    await say(announcements)
    (message,) = await announcements.due()
    await announcements.begin(message)
    await say(announcements, message=Message(title="Newer", tone=Tone.LIVE))
    await announcements.settle(message, Result(event=Event.SENT, message_id=5))
    (edit,) = await announcements.due()
    assert (edit.message.title, edit.message_id) == ("Newer", 5)
    assert await announcements.begin(edit) is Step.EDIT


async def test_a_guild_keeps_its_choices_and_only_what_is_given_changes(guilds: Guilds) -> None:
    assert (await guilds.get(1)).time_zone == "UTC"
    await guilds.save(ADMIN, lives_channel_id=5, time_zone="Asia/Jakarta")
    await guilds.save(ADMIN, rounds_channel_id=6)
    settings = await guilds.get(1)
    assert (settings.lives_channel_id, settings.rounds_channel_id) == (5, 6)
    assert settings.time_zone == "Asia/Jakarta"
    await guilds.left(1)
    await guilds.joined(1)
    assert await guilds.get(1) == settings


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event.TRANSIENT, "WARNING live:1: not delivered yet (because); trying again"),
        (Event.LIMITED, "ERROR Discord refuses all requests (because); nothing is sent before"),
    ],
)
async def test_an_outage_of_discord_is_logged_once_and_its_end_once(
    announcements: Announcements,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    event: Event,
    said: str,
) -> None:
    caplog.set_level(logging.INFO)
    for channel in (10, 11, 12):
        await say(announcements, channel=channel)
    for message in await announcements.due():
        await announcements.begin(message)
        await announcements.settle(message, Result(event=event, reason="because"))
    for _ in range(3):
        clock.advance(10_000)
        await fail(announcements, event)
    (down,) = lines(caplog)
    assert down.startswith(said)
    clock.advance(100_000)
    for message in await announcements.due():
        await announcements.begin(message)
        await announcements.settle(message, Result(event=Event.SENT, message_id=message.channel_id))
    assert lines(caplog) == [down, "INFO Discord takes messages again"]
