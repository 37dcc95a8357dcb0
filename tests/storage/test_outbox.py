"""What the outbox keeps, and whose turn it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState, Outgoing
from bot.storage import destinations, guilds, outbox
from bot.storage.engine import Database

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
HELLO = Message(title="Hello", tone=Tone.LIVE)
BYE = Message(title="Bye", tone=Tone.ENDED)


async def put(
    database: Database, event: str = "live:1", channel: int = 10, message: Message = HELLO, **more
) -> None:
    async with database.write("test.put") as conn:
        values = {"guild_id": 1, "now": NOW, **more}
        await outbox.put(conn, event_key=event, channel_id=channel, message=message, **values)


async def due(database: Database, now: datetime = NOW) -> tuple[Outgoing, ...]:
    async with database.read() as conn:
        return await outbox.due(conn, now)


async def due_titles(database: Database, now: datetime = NOW) -> list[str]:
    return [message.message.title for message in await due(database, now)]


async def settle(database: Database, message: Outgoing, state: OutboxState, **values: object) -> None:
    async with database.write("test.settle") as conn:
        await outbox.settle(conn, message.id, state, **values)


async def deliver(database: Database, message: Outgoing) -> None:
    shown = {"message_id": 99, "delivered_revision": message.revision}
    await settle(database, message, OutboxState.DELIVERED, **shown)


async def test_a_message_is_due_at_once_and_as_it_was_put(database: Database) -> None:
    await put(database)
    (message,) = await due(database)
    assert (message.message, message.revision, message.delivered_revision) == (HELLO, 1, 0)
    assert (message.state, message.tries, message.first_tried_at) == (OutboxState.PENDING, 0, None)


async def test_the_same_text_again_changes_nothing(database: Database) -> None:
    await put(database)
    (first,) = await due(database)
    await deliver(database, first)
    await put(database)
    assert await due(database) == ()


async def test_another_text_replaces_one_that_was_not_posted_yet(database: Database) -> None:
    await put(database)
    await put(database, message=BYE)
    (message,) = await due(database)
    assert (message.message, message.revision, message.is_posted) == (BYE, 2, False)


async def test_another_text_makes_a_posted_message_due_as_an_edit(database: Database) -> None:
    await put(database)
    (first,) = await due(database)
    await deliver(database, first)
    await put(database, message=BYE, now=LATER)
    (message,) = await due(database, LATER)
    assert (message.message_id, message.is_posted, message.nonce) == (99, True, first.nonce)
    assert (message.tries, message.first_tried_at) == (0, None)


async def test_a_change_keeps_the_trace_of_a_try_that_is_in_doubt(database: Database) -> None:
    await put(database)
    (first,) = await due(database)
    async with database.write("test.try") as conn:
        assert await outbox.note_try(conn, first, NOW)
        assert await outbox.note_try(conn, replace(first, tries=1), LATER)
    await put(database, message=BYE)
    (message,) = await due(database)
    assert (message.tries, message.first_tried_at) == (2, NOW)


@pytest.mark.parametrize("change", ["tried", "changed", "delivered"])
async def test_a_try_does_not_begin_with_what_is_not_true_any_more(database: Database, change: str) -> None:
    await put(database)
    (first,) = await due(database)
    if change == "changed":
        await put(database, message=BYE)
    async with database.write("test.try") as conn:
        if change == "tried":
            await outbox.note_try(conn, first, NOW)
        if change == "delivered":
            await outbox.settle(conn, first.id, OutboxState.DELIVERED, message_id=9, delivered_revision=1)
        assert not await outbox.note_try(conn, first, LATER)


@pytest.mark.parametrize("state", [OutboxState.DEAD, OutboxState.EXPIRED])
async def test_what_was_given_up_stays_so(database: Database, state: OutboxState) -> None:
    await put(database)
    (first,) = await due(database)
    await settle(database, first, state)
    await put(database, message=BYE)
    assert await due(database) == ()


async def test_what_people_deleted_stays_deleted(database: Database) -> None:
    await put(database)
    (first,) = await due(database)
    await settle(database, first, OutboxState.DELIVERED, message_id=None, delivered_revision=1)
    await put(database, message=BYE)
    assert await due(database) == ()


async def test_an_event_has_one_message_in_each_channel(database: Database) -> None:
    await put(database, channel=10)
    await put(database, channel=11)
    await put(database, event="live:2", channel=12)
    async with database.read() as conn:
        assert await outbox.channels_of(conn, "live:1") == (10, 11)
    nonces = {message.nonce for message in await due(database)}
    assert len(nonces) == 3


async def test_first_posts_of_a_channel_wait_for_the_earlier_one(database: Database) -> None:
    for number in (1, 2):
        await put(database, f"live:{number}", message=replace(HELLO, title=str(number)))
    await put(database, "live:3", 11, replace(HELLO, title="other channel"))
    assert await due_titles(database) == ["1", "other channel"]
    (first, _) = await due(database)
    await settle(database, first, OutboxState.PENDING, next_try_at=LATER)
    assert await due_titles(database) == ["other channel"]
    await settle(database, first, OutboxState.DEAD)
    assert await due_titles(database) == ["2", "other channel"]


async def test_an_edit_neither_waits_nor_makes_others_wait(database: Database) -> None:
    await put(database)
    (first,) = await due(database)
    await deliver(database, first)
    await put(database, message=BYE)
    await settle(database, first, OutboxState.PENDING, next_try_at=LATER)
    await put(database, "live:2", message=replace(HELLO, title="new"))
    assert await due_titles(database) == ["new"]
    assert await due_titles(database, LATER) == ["Bye", "new"]


async def test_nothing_is_due_in_a_blocked_channel_until_it_is_tried_again(database: Database) -> None:
    await put(database)
    async with database.write("test.block") as conn:
        blocked = await destinations.block(conn, channel_id=10, guild_id=1, reason="no", now=NOW)
        await outbox.park(conn, 10)
    await put(database, "live:2")
    assert await due(database) == ()
    assert await due_titles(database, blocked.next_try_at) == ["Hello"]
    async with database.write("test.open") as conn:
        await destinations.try_now(conn, 10, LATER)
        await outbox.unpark(conn, 10, LATER)
    assert [message.state for message in await due(database, LATER)] == [OutboxState.PENDING]


async def test_a_channel_that_refuses_again_keeps_when_it_began(database: Database) -> None:
    async with database.write("test.block") as conn:
        await destinations.block(conn, channel_id=10, guild_id=1, reason="no", now=NOW)
        await destinations.block(conn, channel_id=10, guild_id=1, reason="still no", now=LATER)
    async with database.read() as conn:
        (blocked,) = await destinations.of_guild(conn, 1)
    assert (blocked.tries, blocked.blocked_since, blocked.reason) == (2, NOW, "still no")
    assert blocked.next_try_at == LATER + timedelta(minutes=10)


async def test_a_server_that_removed_the_bot_keeps_its_messages(database: Database) -> None:
    await put(database)
    async with database.write("test.left") as conn:
        await guilds.joined(conn, 1, "UTC")
        await guilds.left(conn, 1, NOW)
    assert await due(database) == ()
    async with database.write("test.back") as conn:
        await guilds.joined(conn, 1, "UTC")
    assert await due_titles(database) == ["Hello"]


async def test_a_first_post_expires_and_an_edit_does_not(database: Database) -> None:
    await put(database, "round:1", expires_at=LATER)
    await put(database, "round:2", expires_at=LATER, channel=11)
    (late, posted) = await due(database)
    await deliver(database, posted)
    await put(database, "round:2", message=BYE, channel=11)
    async with database.write("test.expire") as conn:
        assert await outbox.expire(conn, LATER - timedelta(seconds=1)) == 0
        assert await outbox.has_expired(conn, LATER)
        assert await outbox.expire(conn, LATER) == 1
        assert (await outbox.load(conn, late.id)).state is OutboxState.EXPIRED
    assert await due_titles(database, LATER) == ["Bye"]


async def test_what_was_tried_is_not_given_up_without_a_look(database: Database) -> None:
    await put(database, "live:1", expires_at=LATER)
    (message,) = await due(database)
    async with database.write("test.try") as conn:
        assert await outbox.note_try(conn, message, NOW)
    async with database.write("test.expire") as conn:
        assert not await outbox.has_expired(conn, LATER)
        assert await outbox.expire(conn, LATER) == 0
    assert await due_titles(database, LATER) == ["Hello"]


async def test_the_next_instant_is_that_of_a_message_a_channel_or_an_expiry(database: Database) -> None:
    async with database.read() as conn:
        assert await outbox.next_try_at(conn, NOW) is None
    await put(database, expires_at=NOW + timedelta(hours=2))
    (message,) = await due(database)
    async with database.write("test.block") as conn:
        assert await outbox.next_try_at(conn, NOW) == NOW + timedelta(hours=2)
        await destinations.block(conn, channel_id=10, guild_id=1, reason="no", now=NOW)
        assert await outbox.next_try_at(conn, NOW) == NOW + timedelta(minutes=5)
        await outbox.settle(conn, message.id, OutboxState.PENDING, next_try_at=LATER)
        assert await outbox.next_try_at(conn, NOW) == LATER


async def test_counts_and_dead_letters_are_those_of_the_guild(database: Database) -> None:
    await put(database)
    await put(database, "live:2", 11, BYE, guild_id=2)
    for message in await due(database):
        await settle(database, message, OutboxState.DEAD, error="refused")
    async with database.read() as conn:
        assert await outbox.count_by_state(conn, 1) == {OutboxState.DEAD: 1}
        (letter,) = await outbox.dead_letters(conn, 1)
    assert (letter.channel_id, letter.title, letter.reason) == (10, "Hello", "refused")


async def test_what_was_taken_back_is_no_dead_letter(database: Database) -> None:
    await put(database)
    (message,) = await due(database)
    await settle(database, message, OutboxState.PARKED, error="refused")
    async with database.write("test.withdraw") as conn:
        await outbox.withdraw(conn, "live:1", 10)
    async with database.read() as conn:
        assert await outbox.count_by_state(conn, 1) == {}
        assert await outbox.dead_letters(conn, 1) == ()
