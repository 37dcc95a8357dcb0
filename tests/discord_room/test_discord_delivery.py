"""The outbox against a Discord that fails in every way it is known to fail."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.delivery import Outgoing
from bot.discord import client, delivery, looking
from bot.discord.embeds import Drawn
from bot.storage import guilds
from bot.storage.tables import destinations
from bot.storage.tables import guilds as guilds_table
from tests.discord_room.room import PNG, Room

LIVE = Message(
    title="Anna is live", tone=Tone.LIVE, body="Now", button_label="Watch", button_url="https://example.org"
)
ENDED = Message(title="Anna was live", tone=Tone.ENDED, fields=(MessageField(name="Viewers", value="7"),))
CHART = BarChart(
    title="Damage", value_axis="damage (hp)", groups=(BarGroup(name="A", bars=(Bar(label="x", value=1),)),)
)


def role(room: Room, name: str) -> int:
    return int(room.server.facts["roles"][name])


async def titles(room: Room, channel: int | str) -> list[str]:
    return [message["embeds"][0]["title"] for message in await room.shown(channel)]


async def test_a_message_is_posted_once_with_its_nonce_and_pings_only_its_role(room: Room) -> None:
    channel = await room.channel()
    ping = role(room, "Live pings")
    await room.put(channel, replace(LIVE, mention_role_id=ping))
    row = await room.becomes(channel, "delivered")
    (posted,) = await room.shown(channel)
    assert posted["pinged_roles"] == [str(ping)]
    assert not posted["pinged_users"]
    assert not posted["pinged_everyone"]
    assert (posted["nonce"], int(posted["id"])) == (row["nonce"], row["message_id"])
    assert posted["embeds"][0]["footer"]["text"] == f"ref {row['nonce'][:8]}"
    assert posted["components"][0]["components"][0]["url"] == "https://example.org"


async def test_a_role_in_the_text_is_not_pinged(room: Room) -> None:
    channel = await room.channel()
    ping, other = role(room, "Live pings"), role(room, "Quiet")
    await room.put(channel, replace(LIVE, mention_role_id=ping, body=f"<@&{other}> @everyone"))
    await room.becomes(channel, "delivered")
    (sent,) = await room.posts(channel)
    assert sent["body"]["allowed_mentions"] == {"parse": [], "roles": [ping]}
    (posted,) = await room.shown(channel)
    assert posted["pinged_roles"] == [str(ping)]


async def test_a_changed_message_is_edited_and_pings_nobody_again(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, replace(LIVE, mention_role_id=role(room, "Live pings")))
    await room.becomes(channel, "delivered")
    await room.put(channel, replace(ENDED, mention_role_id=role(room, "Live pings")))
    await room.until_async(lambda: _shows(room, channel, ENDED.title))
    (posted,) = await room.shown(channel)
    assert posted["edits"] == 1
    assert len(posted["pinged_roles"]) == 1
    assert posted["components"] == []
    assert len(await room.posts(channel)) == 1
    (edit,) = await room.ask(room.server.requests, "PATCH", f"/messages/{posted['id']}")
    assert edit["body"]["allowed_mentions"] == {"parse": []}


async def _shows(room: Room, channel: int, title: str) -> bool:
    return await titles(room, channel) == [title]


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "drop"}])
async def test_an_answer_lost_after_the_post_gives_one_message(room: Room, fault: dict) -> None:
    channel = await room.channel()
    await room.fault(channel, when="after", **fault)
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    assert (await room.row(channel))["state"] == "pending"
    room.clock.advance(2)
    await room.becomes(channel, "delivered")
    assert await titles(room, channel) == [LIVE.title]
    assert len(await room.posts(channel)) == 2


async def _failed_once(room: Room, channel: int) -> bool:
    return (await room.row(channel))["error"] != ""


async def test_a_message_that_changed_while_its_post_was_in_doubt_shows_the_newest_text(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, status=503, when="after")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.put(channel, ENDED)
    room.clock.advance(2)
    await room.until_async(lambda: _shows(room, channel, ENDED.title))
    assert (await room.becomes(channel, "delivered"))["delivered_revision"] == 2


async def test_a_message_that_changed_before_its_post_is_posted_once_and_newest(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, status=503)
    await room.put(channel, replace(LIVE, mention_role_id=role(room, "Live pings")))
    await room.until_async(lambda: _failed_once(room, channel))
    await room.put(channel, ENDED)
    room.clock.advance(2)
    await room.until_async(lambda: _shows(room, channel, ENDED.title))
    assert (await room.shown(channel))[0]["pinged_roles"] == []


async def test_after_a_restart_the_channel_is_read_before_anything_is_posted(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, "drop", when="after")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.stop()
    room.clock.advance(1)
    await room.start()
    room.clock.advance(10)
    row = await room.becomes(channel, "delivered")
    (posted,) = await room.shown(channel)
    assert row["message_id"] == int(posted["id"])
    assert len(await room.posts(channel)) == 1


async def test_a_clock_ahead_of_discords_does_not_hide_what_was_posted(room: Room) -> None:
    channel = await room.channel()
    room.clock.advance(3 * 24 * 3600)
    await room.fault(channel, "drop", when="after")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.stop()
    room.clock.advance(1)
    await room.start()
    room.clock.advance(10)
    await room.becomes(channel, "delivered")
    assert len(await room.posts(channel)) == 1


async def _restart_in_doubt(
    room: Room, channel: int, before_start: Callable[[], object] = lambda: None
) -> None:
    """Lose the answer to a post, and start again without knowing how it ended."""
    await room.fault(channel, "drop", when="after")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.stop()
    await room.ask(before_start)
    room.clock.advance(1)
    await room.start()
    room.clock.advance(10)


async def test_after_a_restart_a_post_is_found_in_a_busy_channel_by_a_clock_that_is_wrong(room: Room) -> None:
    channel = await room.channel()
    room.clock.advance(600)
    await _restart_in_doubt(room, channel, lambda: _chat(room, channel, 120))
    await room.becomes(channel, "delivered")
    assert len(await room.posts(channel)) == 1


async def test_in_a_channel_too_busy_to_be_read_back_a_post_is_found_from_its_first_try_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_LOOK_AT", 20)
    channel = await room.channel()
    await _restart_in_doubt(room, channel, lambda: _chat(room, channel, 30))
    await room.becomes(channel, "delivered")
    assert len(await room.posts(channel)) == 1


async def test_where_nobody_can_tell_whether_it_was_posted_it_is_given_up_and_not_posted_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_LOOK_AT", 20)
    channel = await room.channel()
    await room.ask(_chat, room, channel, 30)
    await _restart_in_doubt(room, channel, lambda: _chat(room, channel, 30))
    assert "cannot tell" in (await room.becomes(channel, "dead"))["error"]
    assert len(await room.posts(channel)) == 1


def _chat(room: Room, channel: int, count: int) -> None:
    for number in range(count):
        said = {"user": "member", "channel": str(channel), "content": str(number)}
        room.server.control("POST", "messages", said)


async def test_where_the_channel_cannot_be_read_after_a_restart_nothing_is_posted_until_it_can(
    room: Room,
) -> None:
    channel, admin = await room.channel(), await room.channel()
    await _set_admin_channel(room, admin)
    history = {"permissions": ["read_message_history"]}
    await _restart_in_doubt(
        room, channel, lambda: room.server.control("POST", f"channels/{channel}/deny", history)
    )
    assert "Read Message History" in (await room.becomes(channel, "parked"))["error"]
    await room.until_async(lambda: _has_messages(room, admin, 1))
    assert len(await room.posts(channel)) == 1
    await room.ask(room.server.control, "POST", f"channels/{channel}/allow", history)
    await room.becomes(channel, "delivered")
    assert len(await room.posts(channel)) == 1


async def _restart_too_late(room: Room, channel: int, **fault: str) -> dict[str, Any]:
    """Lose the answer to a post, and start again when it is no news any more and has ended; give its row."""
    until = room.clock.now() + timedelta(hours=12)
    await room.fault(channel, "drop", **fault)
    await room.put(channel, LIVE, expires_at=until)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.stop()
    room.clock.advance(13 * 3600)
    await room.put(channel, ENDED, expires_at=until)
    await room.start()
    await room.until_async(lambda: _is_settled(room, channel))
    return await room.row(channel)


async def _is_settled(room: Room, channel: int) -> bool:
    row = await room.row(channel)
    return row["state"] == "expired" or row["delivered_revision"] == row["revision"]


async def test_what_was_posted_before_it_came_too_late_is_found_and_edited(room: Room) -> None:
    channel = await room.channel()
    row = await _restart_too_late(room, channel, when="after")
    assert row["state"] == "delivered"
    assert await titles(room, channel) == [ENDED.title]


async def test_what_was_tried_in_vain_before_it_came_too_late_is_not_posted(room: Room) -> None:
    channel = await room.channel()
    row = await _restart_too_late(room, channel)
    assert (row["state"], row["error"]) == ("expired", "too late to be news")
    assert await room.shown(channel) == []


async def test_after_a_restart_what_was_not_posted_is_posted(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, "drop")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    await room.stop()
    room.clock.advance(1)
    await room.start()
    room.clock.advance(10)
    await room.becomes(channel, "delivered")
    assert await titles(room, channel) == [LIVE.title]


async def test_a_ban_stops_everything_and_then_everything_goes_on(room: Room) -> None:
    banned, other = await room.channel(), await room.channel()
    await room.fault(banned, "cloudflare")
    await room.put(banned, LIVE)
    await room.until_async(lambda: _failed_once(room, banned))
    await room.put(other, LIVE)
    assert await room.announcements.due() == ()
    room.clock.advance(9 * 60)
    assert await room.announcements.due() == ()
    assert await room.posts(other) == []
    room.clock.advance(61)
    await room.becomes(banned, "delivered")
    await room.becomes(other, "delivered")
    assert await titles(room, banned) == await titles(room, other) == [LIVE.title]


async def test_a_long_rate_limit_is_waited_for_in_the_outbox(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, "rate_limit", headers={"Retry-After": "120"})
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    row = await room.row(channel)
    assert row["state"] == "pending"
    assert (row["next_try_at"] - room.clock.now()).total_seconds() >= 119
    room.clock.advance(121)
    await room.becomes(channel, "delivered")


async def test_limits_for_all_requests_that_outlast_a_request_end_when_discord_says(
    open_room: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_REQUEST_SECONDS", 1.0)
    async with open_room() as room:
        channel, other = await room.channel(), await room.channel()
        headers = {"Retry-After": "0.7", "X-RateLimit-Global": "true"}
        await room.fault(channel, "rate_limit", times=2, headers=headers)
        await room.put(channel, LIVE)
        await room.becomes(channel, "delivered")
        await room.put(other, LIVE)
        await room.becomes(other, "delivered")
        assert len(await room.posts(channel)) == 3


async def test_a_delivery_wakes_nobody_who_looks_for_what_is_to_be_told(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, LIVE)
    room.announcements.told.clear()
    await room.becomes(channel, "delivered")
    name = f"delivery to {channel}"
    await room.until(lambda: all(task.get_name() != name for task in asyncio.all_tasks()))
    assert not room.announcements.told.is_set()


async def test_a_mute_request_is_given_up_and_tried_again(
    open_room: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_REQUEST_SECONDS", 1.0)
    async with open_room() as room:
        channel = await room.channel()
        await room.fault(channel, "hang")
        await room.put(channel, LIVE)
        await room.until_async(lambda: _failed_once(room, channel))
        assert "no answer" in (await room.row(channel))["error"]
        room.clock.advance(2)
        await room.becomes(channel, "delivered")


async def test_a_forbidden_channel_parks_tells_an_admin_once_and_goes_on_when_allowed(room: Room) -> None:
    channel, admin = await room.channel(), await room.channel()
    await _set_admin_channel(room, admin)
    await room.ask(
        room.server.control, "POST", f"channels/{channel}/deny", {"permissions": ["send_messages"]}
    )
    await room.put(channel, LIVE)
    await room.becomes(channel, "parked")
    room.clock.advance(301)
    await room.until_async(lambda: _blocked_tries(room, channel, 2))
    room.clock.advance(601)
    await room.until_async(lambda: _blocked_tries(room, channel, 3))
    await room.until_async(lambda: _has_messages(room, admin, 1))
    (notice,) = await room.shown(admin)
    assert f"<#{channel}>" in notice["embeds"][0]["description"]
    assert await room.shown(channel) == []

    await room.ask(
        room.server.control, "POST", f"channels/{channel}/allow", {"permissions": ["send_messages"]}
    )
    await room.becomes(channel, "delivered")
    assert await titles(room, channel) == [LIVE.title]
    assert len(await room.shown(admin)) == 1
    assert await room.announcements.blocked_channels(room.guild_id) == ()


async def _set_admin_channel(room: Room, channel: int) -> None:
    from bot.core.requester import Requester

    admin = Requester(guild_id=room.guild_id, user_id=int(room.server.facts["users"]["admin"]))
    await room.services.guilds.save(admin, admin_channel_id=channel)


async def _blocked_tries(room: Room, channel: int, tries: int) -> bool:
    async with room.database.read() as conn:
        query = select(destinations.c.tries).where(destinations.c.channel_id == channel)
        return (await conn.execute(query)).scalar() == tries


async def _has_messages(room: Room, channel: int | str, count: int) -> bool:
    return len(await room.shown(channel)) == count


async def test_about_its_own_channel_an_admin_is_told_in_person(room: Room) -> None:
    admin = await room.channel()
    await _set_admin_channel(room, admin)
    await room.ask(room.server.control, "POST", f"channels/{admin}/deny", {"permissions": ["view_channel"]})
    await room.put(admin, LIVE)
    await room.becomes(admin, "parked")

    async def told() -> bool:
        found = await room.ask(room.server.control, "GET", "messages")
        return any(
            one["guild_id"] is None and f"<#{admin}>" in one["embeds"][0]["description"] for one in found
        )

    await room.until_async(told)


async def test_a_deleted_channel_parks_its_messages_until_they_are_given_up(room: Room) -> None:
    channel = await room.channel()
    await room.ask(room.server.control, "DELETE", f"channels/{channel}")
    await room.put(channel, LIVE)
    assert (await room.becomes(channel, "parked"))["error"] == "the channel does not exist any more"
    room.clock.advance(3 * 24 * 3600)
    await room.becomes(channel, "dead")


async def test_a_message_that_people_deleted_is_never_posted_again(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, LIVE)
    row = await room.becomes(channel, "delivered")
    await room.ask(room.server.control, "DELETE", f"messages/{row['message_id']}")
    await room.put(channel, ENDED)
    await room.until_async(lambda: _is_known_gone(room, channel))
    await room.put(channel, replace(ENDED, body="Still more"))
    assert await room.announcements.due() == ()
    assert await room.shown(channel) == []
    assert len(await room.posts(channel)) == 1


async def _is_known_gone(room: Room, channel: int) -> bool:
    row = await room.row(channel)
    return row["state"] == "delivered" and row["message_id"] is None


async def test_a_message_deleted_while_its_post_was_in_doubt_counts_as_delivered(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, "drop", when="after")
    await room.put(channel, LIVE)
    await room.until_async(lambda: _failed_once(room, channel))
    (posted,) = await room.shown(channel)
    await room.ask(room.server.control, "DELETE", f"messages/{posted['id']}")
    room.clock.advance(2)
    await room.until_async(lambda: _is_known_gone(room, channel))
    assert await room.shown(channel) == []


async def test_a_refused_message_is_given_up_at_once_and_an_admin_is_told(room: Room) -> None:
    channel, admin = await room.channel(), await room.channel()
    await _set_admin_channel(room, admin)
    refusal = json.dumps({"message": "Message was blocked by automatic moderation", "code": 200000})
    await room.fault(channel, status=400, body=refusal, headers={"Content-Type": "application/json"})
    await room.put(channel, LIVE)
    assert "AutoMod" in (await room.becomes(channel, "dead"))["error"]
    await room.until_async(lambda: _has_messages(room, admin, 1))
    assert "AutoMod" in (await room.shown(admin))[0]["embeds"][0]["fields"][1]["value"]
    status = await room.services.health.snapshot(room.guild_id)
    assert [letter.title for letter in status.dead] == [LIVE.title]
    assert len(await room.posts(channel)) == 1


async def test_after_a_refusal_the_next_message_of_the_channel_goes_out(room: Room) -> None:
    channel = await room.channel()
    refusal = json.dumps({"message": "Invalid Form Body", "code": 50035})
    await room.fault(channel, status=400, body=refusal, headers={"Content-Type": "application/json"})
    await room.put(channel, LIVE)
    await room.put(channel, ENDED, "live:2")
    await room.becomes(channel, "delivered", "live:2")
    assert await titles(room, channel) == [ENDED.title]


async def test_a_channel_keeps_its_order_while_one_message_fails(room: Room) -> None:
    channel = await room.channel()
    await room.fault(channel, status=503)
    for number in (1, 2, 3):
        await room.put(channel, replace(LIVE, title=str(number)), f"live:{number}")
    await room.until_async(lambda: _failed_once(room, channel))
    assert await room.shown(channel) == []
    room.clock.advance(2)
    await room.becomes(channel, "delivered", "live:3")
    assert await titles(room, channel) == ["1", "2", "3"]


async def test_what_was_read_during_a_try_is_not_taken_for_the_state_after_it(room: Room) -> None:
    channel = await room.channel()
    go_on, was_read, real_due = asyncio.Event(), asyncio.Event(), room.announcements.due

    async def slow_picture(spec: object) -> bytes:
        await go_on.wait()
        return PNG

    async def slow_due(*which: Any, **more: Any) -> tuple[Outgoing, ...]:
        found = await real_due(*which, **more)
        was_read.set()
        await room.until_async(lambda: _failed_once(room, channel))
        return found

    room.painter.render = slow_picture
    await room.fault(channel, status=503)
    await room.put(channel, replace(LIVE, chart=CHART))
    await room.until_async(lambda: _was_begun(room, channel))
    room.announcements.due = slow_due
    room.announcements.wake()
    await was_read.wait()
    go_on.set()
    await room.until_async(lambda: _failed_once(room, channel))
    other = await room.channel()
    await room.put(other, LIVE)
    await room.becomes(other, "delivered")
    assert len(await room.posts(channel)) == 1


async def test_a_mute_channel_does_not_hold_the_others(room: Room) -> None:
    mute, other = await room.channel(), await room.channel()
    await room.fault(mute, "hang")
    await room.put(mute, LIVE)
    await room.until_async(lambda: _was_begun(room, mute))
    await room.put(other, LIVE)
    await room.becomes(other, "delivered")
    assert (await room.row(mute))["state"] == "pending"
    await room.ask(room.server.control, "DELETE", "faults")


async def test_a_channel_with_more_edits_than_are_read_at_once_does_not_hold_the_others(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MOST_AT_ONCE", 3)
    mute, other = await room.channel(), await room.channel()
    for number in range(5):
        await room.put(mute, LIVE, event_key=f"live:{number}")
    await room.until_async(lambda: _stand(room, mute, 5))
    await room.fault(mute, "hang", method="PATCH")
    for number in range(5):
        await room.put(mute, replace(LIVE, body="Over"), event_key=f"live:{number}")
    await room.put(other, LIVE)
    await room.becomes(other, "delivered")
    await room.ask(room.server.control, "DELETE", "faults")


async def _stand(room: Room, channel: int, count: int) -> bool:
    return len(await room.posts(channel)) == count


async def _was_begun(room: Room, channel: int) -> bool:
    return (await room.row(channel))["first_tried_at"] is not None


async def test_a_chart_is_drawn_and_attached_and_again_on_an_edit(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, replace(LIVE, chart=CHART))
    await room.becomes(channel, "delivered")
    await room.put(channel, replace(ENDED, chart=CHART))
    await room.until_async(lambda: _shows(room, channel, ENDED.title))
    (posted,) = await room.shown(channel)
    assert posted["embeds"][0]["image"]["url"].endswith("chart.png")
    assert room.painter.drawn == [CHART, CHART]
    (edit,) = await room.ask(room.server.requests, "PATCH", f"/messages/{posted['id']}")
    assert [file["filename"] for file in edit["files"]] == ["chart.png"]


async def test_an_edit_without_a_chart_takes_the_old_picture_away(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, replace(LIVE, chart=CHART))
    await room.becomes(channel, "delivered")
    await room.put(channel, ENDED)
    await room.until_async(lambda: _shows(room, channel, ENDED.title))
    assert (await room.shown(channel))[0]["attachments"] == []


async def test_a_chart_that_cannot_be_drawn_does_not_hold_the_message(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await room.channel()
    room.painter.trouble = "no paint"
    with caplog.at_level(logging.WARNING):
        await room.put(channel, replace(LIVE, chart=CHART))
        await room.becomes(channel, "delivered")
    (posted,) = await room.shown(channel)
    assert "image" not in posted["embeds"][0]
    assert "no paint" in caplog.text


async def test_a_server_that_removed_the_bot_gets_nothing_until_it_is_back(room: Room) -> None:
    made = await room.ask(room.server.control, "POST", "guilds", {"name": "Short stay"})
    guild_id = int(made["id"])
    await room.until_async(lambda: _is_known(room, guild_id))
    await room.ask(room.server.control, "POST", "kick", {"guild": str(guild_id)})
    await room.until_async(lambda: _has_left(room, guild_id))
    channel, other = await room.channel(), await room.channel()
    await room.put(channel, LIVE, guild_id=guild_id)
    await room.put(other, LIVE)
    await room.becomes(other, "delivered")
    assert (await room.row(channel))["first_tried_at"] is None
    await room.services.guilds.joined(guild_id)
    await room.becomes(channel, "delivered")


async def _is_known(room: Room, guild_id: int) -> bool:
    async with room.database.read() as conn:
        return await guilds.load(conn, guild_id) is not None


async def _has_left(room: Room, guild_id: int) -> bool:
    async with room.database.read() as conn:
        query = select(guilds_table.c.left_at).where(guilds_table.c.guild_id == guild_id)
        return (await conn.execute(query)).scalar() is not None


async def test_a_bug_in_one_message_ends_nothing(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = await room.channel(), await room.channel()

    async def broken(spec: object) -> bytes:
        raise ZeroDivisionError

    room.painter.render = broken
    await room.put(bad, replace(LIVE, chart=CHART))
    await room.until_async(lambda: _failed_once(room, bad))
    await room.put(good, LIVE)
    await room.becomes(good, "delivered")
    assert "ZeroDivisionError" in caplog.text
    assert (await room.row(bad))["state"] == "pending"


async def test_a_message_that_is_a_bug_each_time_is_buried_and_lets_the_others_by(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channel, well = await room.channel(), delivery.draw

    def draw(said: Message, **more: Any) -> Drawn:
        if said.title == "poison":
            raise KeyError("bug")
        return well(said, **more)

    monkeypatch.setattr(delivery, "draw", draw)
    await room.put(channel, replace(LIVE, title="poison"), "round:1")
    await room.put(channel, LIVE, "live:2")
    for tries in (1, 2):
        await room.until_async(lambda tries=tries: _has_tried(room, channel, "round:1", tries))
        assert await room.shown(channel) == []
        room.clock.advance(60)
    assert "KeyError" in (await room.becomes(channel, "dead", "round:1"))["error"]
    await room.becomes(channel, "delivered", "live:2")
    assert len([record for record in caplog.records if record.exc_info]) == 1


async def _has_tried(room: Room, channel: int, event_key: str, tries: int) -> bool:
    """Whether so many tries are over."""
    row = await room.row(channel, event_key)
    return row["tries"] == tries and row["next_try_at"] > room.clock.now()
