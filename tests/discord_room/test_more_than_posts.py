"""What is done with a message besides posting and editing it, against a Discord that fails in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from bot.core.announcements import Message, Tone
from bot.core.notifications.placement import Placement
from bot.core.requester import Requester
from bot.discord import looking
from bot.storage.tables import outbox as outbox_table
from tests.discord_room.room import Room

LIVE = Message(title="Anna is live", tone=Tone.LIVE, body="Now", lead="Come in!")
ENDED = Message(title="Anna was live", tone=Tone.ENDED)
RECAP = Message(title="What happened", tone=Tone.ENDED)
PUBLISHED = 1
OF_THE_BOT = "Vedette"


async def titles(room: Room, channel: int | str) -> list[str]:
    return [message["embeds"][0]["title"] for message in await room.shown(channel)]


async def shows(room: Room, channel: int | str, *expected: str) -> None:
    async def check() -> bool:
        return await titles(room, channel) == list(expected)

    await room.until_async(check)


async def settled(room: Room, channel: int, event_key: str = "live:1") -> dict[str, Any]:
    """Wait until nothing is left to do; give the row."""

    async def reached() -> dict[str, Any] | None:
        row = await room.row(channel, event_key)
        stands = row["state"] == "delivered" and row["delivered_revision"] == row["revision"]
        return row if stands and row["old_message_id"] is None else None

    return await room.until_async(reached)


async def failed(room: Room, channel: int, event_key: str = "live:1") -> dict[str, Any]:
    """Wait until a try has failed; give the row."""

    async def reached() -> dict[str, Any] | None:
        row = await room.row(channel, event_key)
        return row if row["error"] and row["next_try_at"] > room.clock.now() else None

    return await room.until_async(reached)


async def again(room: Room) -> None:
    """Start as a new process that cannot trust any nonce."""
    await room.stop()
    room.clock.advance(1)
    await room.start()
    room.clock.advance(700)


async def asked(room: Room, method: str, path_end: str) -> list[dict[str, Any]]:
    return await room.ask(room.server.requests, method, path_end)


async def control(room: Room, method: str, path: str, body: Any = None) -> Any:
    return await room.ask(room.server.control, method, path, body)


async def allow(room: Room, channel: int, *permissions: str) -> None:
    """Give the bot's role more in a channel, and wait until the bot knows."""
    order = {"overwrites": [{"target": OF_THE_BOT, "allow": list(permissions)}]}
    await control(room, "PATCH", f"channels/{channel}", order)

    def knows() -> bool:
        found = room.client.get_channel(channel)
        granted = found.permissions_for(found.guild.me)
        return all(getattr(granted, name) for name in permissions)

    await room.until(knows)


async def admins_are_told_in(room: Room, channel: int) -> None:
    admin = Requester(guild_id=room.guild_id, user_id=int(room.server.facts["users"]["admin"]))
    await room.services.guilds.save(admin, admin_channel_id=channel)


async def threads(room: Room, parent: int) -> list[dict[str, Any]]:
    (guild, *_) = (await control(room, "GET", "state"))["guilds"]
    return [thread for thread in guild["threads"] if thread["parent_id"] == str(parent)]


async def remove(room: Room, channel: int, event_key: str = "live:1") -> None:
    """Mark a message as its subscription does when it is to go."""
    this = (outbox_table.c.channel_id == channel) & (outbox_table.c.event_key == event_key)
    async with room.database.write("test.remove") as conn:
        await conn.execute(
            update(outbox_table)
            .where(this)
            .values(removing=True, state="pending", next_try_at=room.clock.now())
        )
    room.announcements.wake()


# --- The admin's own words -------------------------------------------------------------------------


async def test_the_admins_words_stand_behind_the_ping_and_stay_within_the_limit(room: Room) -> None:
    channel = await room.channel()
    ping = int(room.server.facts["roles"]["Live pings"])
    await room.put(channel, replace(LIVE, lead="x" * 3000, mention_role_id=ping))
    await settled(room, channel)
    (posted,) = await room.shown(channel)
    assert posted["content"].startswith(f"<@&{ping}> xxx")
    assert len(posted["content"]) == 2000
    assert posted["pinged_roles"] == [str(ping)]
    await room.put(channel, replace(ENDED, lead="Over @everyone <@&1>"))
    await shows(room, channel, ENDED.title)
    (posted,) = await room.shown(channel)
    assert posted["content"] == "Over @everyone <@&1>"
    assert not posted["pinged_everyone"]


# --- Publishing --------------------------------------------------------------------------------------


async def test_in_an_announcement_channel_it_is_published_once(room: Room) -> None:
    channel = await room.channel(kind="announcement")
    await room.put(channel, LIVE, placement=Placement())
    row = await settled(room, channel)
    assert row["published"]
    (posted,) = await room.shown(channel)
    assert posted["flags"] & PUBLISHED
    await room.put(channel, ENDED)
    await shows(room, channel, ENDED.title)
    await settled(room, channel)
    assert len(await asked(room, "POST", f"/channels/{channel}/messages/{posted['id']}/crosspost")) == 1


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "drop"}])
async def test_what_was_published_before_the_answer_was_lost_counts(room: Room, fault: dict) -> None:
    channel = await room.channel(kind="announcement")
    await room.fault(channel, path=f"/channels/{channel}/messages/.*/crosspost", when="after", **fault)
    await room.put(channel, LIVE, placement=Placement())
    await failed(room, channel)
    await again(room)
    assert (await settled(room, channel))["published"]
    assert await titles(room, channel) == [LIVE.title]


async def test_what_nobody_subscribed_to_or_does_not_want_published_is_not(room: Room) -> None:
    channel, text = await room.channel(kind="announcement"), await room.channel()
    await room.put(channel, LIVE)
    await room.put(channel, LIVE, "live:2", placement=Placement(publish=False))
    await room.put(text, LIVE, placement=Placement())
    await settled(room, channel)
    await settled(room, channel, "live:2")
    await settled(room, text)
    assert all(not posted["flags"] & PUBLISHED for posted in await room.shown(channel))
    found = await room.ask(room.server.control, "GET", "requests")
    ours = [one for one in found if one["path"].endswith("/crosspost") and str(channel) in one["path"]]
    assert ours == []


async def test_when_too_much_was_published_edits_go_on_and_it_is_published_later(room: Room) -> None:
    channel = await room.channel(kind="announcement")
    await control(room, "POST", "rate_limits", {"publishing": [0, 3600]})
    try:
        await room.put(channel, LIVE, placement=Placement())
        row = await failed(room, channel)
        assert (row["next_try_at"] - room.clock.now()).total_seconds() > 3000
        await room.put(channel, ENDED)
        await shows(room, channel, ENDED.title)
        assert (await room.row(channel))["state"] == "pending"
    finally:
        await control(room, "POST", "rate_limits", {"publishing": [10, 3600]})
    room.clock.advance(3601)
    assert (await settled(room, channel))["published"]


# --- A thread for each live ----------------------------------------------------------------------------


async def test_a_thread_is_opened_below_the_alert_and_the_recap_goes_into_it(room: Room) -> None:
    channel = await room.channel()
    await allow(room, channel, "create_public_threads")
    await room.put(channel, LIVE, placement=Placement(opens_thread=True, thread_name="Anna, Friday"))
    row = await settled(room, channel)
    (thread,) = await threads(room, channel)
    assert (int(thread["id"]), thread["name"]) == (row["thread_id"], "Anna, Friday")
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of="live:1"))
    await settled(room, channel, "recap:1")
    assert await titles(room, thread["id"]) == [RECAP.title]
    assert await titles(room, channel) == [LIVE.title]
    await room.put(channel, ENDED)
    await room.put(channel, replace(RECAP, body="More"), "recap:1")
    await shows(room, channel, ENDED.title)
    await settled(room, channel, "recap:1")
    assert (await room.shown(thread["id"]))[0]["embeds"][0]["description"] == "More"


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "drop"}])
async def test_a_thread_whose_answer_was_lost_is_known_again(room: Room, fault: dict) -> None:
    channel = await room.channel()
    await allow(room, channel, "create_public_threads")
    await room.fault(channel, path=f"/channels/{channel}/messages/.*/threads", when="after", **fault)
    await room.put(channel, LIVE, placement=Placement(opens_thread=True))
    await failed(room, channel)
    await again(room)
    row = await settled(room, channel)
    (thread,) = await threads(room, channel)
    assert (int(thread["id"]), thread["name"]) == (row["thread_id"], LIVE.title)


async def test_without_the_permission_there_is_no_thread_and_the_admins_are_told_once(room: Room) -> None:
    channel, admin = await room.channel(), await room.channel()
    await admins_are_told_in(room, admin)
    for number in (1, 2):
        await room.put(channel, LIVE, f"live:{number}", placement=Placement(opens_thread=True))
        row = await settled(room, channel, f"live:{number}")
        assert "Create Public Threads" in row["error"]
    await room.until_async(lambda: room.shown(admin))
    (notice,) = await room.shown(admin)
    assert "Create Public Threads" in notice["embeds"][0]["description"]
    assert len(await room.shown(channel)) == 2
    assert await room.announcements.blocked_channels(room.guild_id) == ()
    await allow(room, channel, "create_public_threads")
    await room.put(channel, LIVE, "live:3", placement=Placement(opens_thread=True))
    await settled(room, channel, "live:3")
    assert len(await threads(room, channel)) == 1


async def _with_thread(room: Room) -> tuple[int, int]:
    channel = await room.channel()
    await allow(room, channel, "create_public_threads")
    await room.put(channel, LIVE, placement=Placement(opens_thread=True))
    row = await settled(room, channel)
    return channel, row["thread_id"]


async def test_an_archived_thread_is_opened_for_a_post_and_for_an_edit(room: Room) -> None:
    channel, thread = await _with_thread(room)
    await control(room, "PATCH", f"channels/{thread}", {"archived": True})
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of="live:1"))
    await settled(room, channel, "recap:1")
    await control(room, "PATCH", f"channels/{thread}", {"archived": True})
    await room.put(channel, ENDED, "recap:1")
    await shows(room, thread, ENDED.title)
    assert not (await threads(room, channel))[0]["thread_metadata"]["archived"]


@pytest.mark.parametrize("trouble", ["deleted", "locked", "never there"])
async def test_where_the_thread_takes_nothing_the_recap_stands_in_the_channel(
    room: Room, trouble: str
) -> None:
    channel, thread = await _with_thread(room)
    if trouble == "deleted":
        await control(room, "DELETE", f"channels/{thread}")
    elif trouble == "locked":
        await control(room, "PATCH", f"channels/{thread}", {"archived": True, "locked": True})
    of = "live:9" if trouble == "never there" else "live:1"
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of=of))
    await settled(room, channel, "recap:1")
    assert await titles(room, channel) == [LIVE.title, RECAP.title]
    await room.put(channel, ENDED, "recap:1")
    await shows(room, channel, LIVE.title, ENDED.title)


async def test_a_recap_in_a_thread_whose_answer_was_lost_is_found_there(room: Room) -> None:
    channel, thread = await _with_thread(room)
    await room.fault(thread, "drop", when="after")
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of="live:1"))
    await failed(room, channel, "recap:1")
    await again(room)
    row = await settled(room, channel, "recap:1")
    assert await titles(room, thread) == [RECAP.title]
    assert await titles(room, channel) == [LIVE.title]
    assert (row["thread_id"], row["in_thread"]) == (thread, True)


# --- Forums ------------------------------------------------------------------------------------------


async def forum(room: Room, **more: Any) -> tuple[int, dict[str, int]]:
    channel = await room.channel(kind="forum", tags=["Lives", "Rounds"], **more)
    tags = {tag.name: tag.id for tag in room.client.get_channel(channel).available_tags}
    return channel, tags


async def posts(room: Room, channel: int) -> list[tuple[str, list[str]]]:
    """Name each post of a forum and the titles in it."""
    return [(one["name"], await titles(room, one["id"])) for one in await threads(room, channel)]


async def test_in_a_forum_it_is_a_post_with_its_tag_which_is_edited(room: Room) -> None:
    channel, tags = await forum(room)
    placement = Placement(tag_id=tags["Lives"], thread_name="Anna, Friday", opens_thread=True)
    ping = int(room.server.facts["roles"]["Live pings"])
    await room.put(channel, replace(LIVE, mention_role_id=ping), placement=placement)
    row = await settled(room, channel)
    (post,) = await threads(room, channel)
    assert (post["name"], post["applied_tags"]) == ("Anna, Friday", [str(tags["Lives"])])
    (posted,) = await room.shown(post["id"])
    assert (posted["pinged_roles"], posted["content"]) == ([str(ping)], f"<@&{ping}> Come in!")
    assert (row["thread_id"], row["message_id"], row["in_thread"]) == (int(post["id"]), int(post["id"]), True)
    await room.put(channel, ENDED)
    await shows(room, post["id"], ENDED.title)
    await control(room, "PATCH", f"channels/{post['id']}", {"archived": True})
    await room.put(channel, replace(ENDED, title="Late"))
    await shows(room, post["id"], "Late")
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of="live:1"))
    await settled(room, channel, "recap:1")
    assert await posts(room, channel) == [("Anna, Friday", ["Late", RECAP.title])]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 503}, {"kind": "status", "status": 500}, {"kind": "drop"}],
    ids=["503", "500, which the library repeats", "drop"],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_forum_post_in_doubt_is_looked_for_and_there_once(room: Room, fault: dict, when: str) -> None:
    channel, _ = await forum(room)
    await room.fault(channel, path=f"/channels/{channel}/threads", when=when, **fault)
    await room.put(channel, LIVE, placement=Placement())
    await failed(room, channel)
    room.clock.advance(2)
    await settled(room, channel)
    assert await posts(room, channel) == [(LIVE.title, [LIVE.title])]
    assert len(await asked(room, "POST", f"/channels/{channel}/threads")) == (1 if when == "after" else 2)


@pytest.mark.parametrize("archived", [False, True])
async def test_after_a_restart_a_forum_post_is_found_among_others_also_archived(
    room: Room, archived: bool
) -> None:
    channel, _ = await forum(room)
    await room.put(channel, LIVE, "live:0", placement=Placement())
    await settled(room, channel, "live:0")
    await room.fault(channel, "drop", path=f"/channels/{channel}/threads", when="after")
    await room.put(channel, LIVE, placement=Placement())
    await failed(room, channel)
    await room.put(channel, ENDED)
    if archived:
        for post in await threads(room, channel):
            await control(room, "PATCH", f"channels/{post['id']}", {"archived": True})
    await again(room)
    await settled(room, channel)
    assert sorted(await posts(room, channel)) == [(LIVE.title, [LIVE.title]), (LIVE.title, [ENDED.title])]


async def test_in_a_forum_too_busy_to_be_read_nothing_is_posted_twice(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_POSTS_AT", 1)
    channel, _ = await forum(room)
    await room.fault(channel, "drop", path=f"/channels/{channel}/threads", when="after")
    await room.put(channel, LIVE, placement=Placement())
    await failed(room, channel)
    for number in (2, 3):
        await _another_bot_posts(room, channel, f"live:{number}")
    await again(room)
    assert "cannot tell" in (await room.becomes(channel, "dead"))["error"]
    assert len(await asked(room, "POST", f"/channels/{channel}/threads")) == 3


async def _another_bot_posts(room: Room, channel: int, name: str) -> None:
    """Make a post past the outbox, with the bot's own token."""
    found = room.client.get_channel(channel)
    await found.create_thread(name=name, content="Hello")


async def test_a_forum_that_wants_a_tag_waits_for_one_and_says_so_once(room: Room) -> None:
    channel, _ = await forum(room, needs_tag=True)
    admin = await room.channel()
    await admins_are_told_in(room, admin)
    await room.put(channel, LIVE, placement=Placement(tag_id=12345))
    assert "tag" in (await room.becomes(channel, "parked"))["error"]
    await room.until_async(lambda: room.shown(admin))
    (notice,) = await room.shown(admin)
    assert "tag" in notice["embeds"][0]["description"]
    status = await room.services.health.snapshot(room.guild_id)
    assert [(blocked.channel_id, "tag" in blocked.reason) for blocked in status.blocked] == [(channel, True)]
    assert await asked(room, "POST", f"/channels/{channel}/threads") == []
    await control(room, "PATCH", f"channels/{channel}", {"needs_tag": False})
    await settled(room, channel)
    assert await posts(room, channel) == [(LIVE.title, [LIVE.title])]
    assert len(await room.shown(admin)) == 1
    assert await room.announcements.blocked_channels(room.guild_id) == ()


async def test_a_forum_that_the_gateway_has_not_told_of_blocks_and_loses_nothing(room: Room) -> None:
    channel, _ = await forum(room)
    known = room.client.get_guild(room.guild_id)._channels.pop(channel)
    await room.put(channel, LIVE)
    assert "no messages of this kind" in (await room.becomes(channel, "parked"))["error"]
    room.client.get_guild(room.guild_id)._channels[channel] = known
    room.clock.advance(301)
    await settled(room, channel)


# --- Deleting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["there", "gone", "answer lost"])
async def test_a_message_is_deleted_and_stays_so(room: Room, how: str) -> None:
    channel = await room.channel()
    await room.put(channel, LIVE)
    row = await settled(room, channel)
    if how == "gone":
        await control(room, "DELETE", f"messages/{row['message_id']}")
    if how == "answer lost":
        await room.fault(
            channel, status=503, method="DELETE", path=f"/channels/{channel}/messages/.*", when="after"
        )
    await remove(room, channel)
    if how == "answer lost":
        await failed(room, channel)
        await again(room)
    assert (await room.becomes(channel, "removed"))["message_id"] is None
    await room.put(channel, ENDED)
    assert await room.announcements.due() == ()
    assert await room.shown(channel) == []


async def test_where_the_bot_may_not_look_any_more_a_deletion_waits(room: Room) -> None:
    channel = await room.channel()
    await room.put(channel, LIVE)
    await settled(room, channel)
    await control(room, "POST", f"channels/{channel}/deny", {})
    await remove(room, channel)
    await room.becomes(channel, "parked")
    await control(room, "POST", f"channels/{channel}/allow", {})
    await room.becomes(channel, "removed")
    assert await room.shown(channel) == []


async def test_in_a_channel_that_is_gone_there_is_nothing_to_delete(room: Room) -> None:
    channel, (forum_id, _) = await room.channel(), await forum(room)
    for place in (channel, forum_id):
        await room.put(place, LIVE)
        await settled(room, place)
        (post,) = await threads(room, forum_id) if place == forum_id else [{"id": place}]
        await control(room, "DELETE", f"channels/{post['id']}")
        await remove(room, place)
        await room.becomes(place, "removed")


@pytest.mark.parametrize(
    ("may_manage", "answered", "left"),
    [(True, False, []), (False, False, [True]), (True, True, [True])],
    ids=["whole", "not allowed", "answered"],
)
async def test_a_forum_post_is_deleted_whole_or_closed_without_the_bots_words(
    room: Room, may_manage: bool, answered: bool, left: list[bool]
) -> None:
    channel, _ = await forum(room)
    if may_manage:
        await allow(room, channel, "manage_threads")
    await room.put(channel, LIVE)
    row = await settled(room, channel)
    if answered:
        said = {"user": "admin", "channel": str(row["thread_id"]), "content": "Nice!"}
        await control(room, "POST", "messages", said)
    await remove(room, channel)
    await room.becomes(channel, "removed")
    everything = await control(room, "GET", "messages")
    in_post = [one["deleted"] for one in everything if one["channel_id"] == str(row["thread_id"])]
    assert in_post == [True, False][: 1 + answered]
    assert [post["thread_metadata"]["archived"] for post in await threads(room, channel)] == left


# --- Edits of old messages ----------------------------------------------------------------------------


@pytest.fixture
async def strict_room(room: Room) -> Any:
    """A room whose Discord takes no edits of old messages."""
    await control(room, "POST", "rate_limits", {"old_edits": [0, 3600]})
    yield room
    await control(room, "POST", "rate_limits", {"old_edits": [3, 20]})


async def an_old_message(room: Room, channel: int, message: Message = LIVE, **more: Any) -> int:
    await room.put(channel, message, **more)
    row = await settled(room, channel)
    await control(room, "PATCH", f"messages/{row['message_id']}", {"hours_old": 2})
    room.clock.advance(2 * 3600)
    return row["message_id"]


async def _until_tried(room: Room, channel: int, tries: int) -> None:
    async def tried() -> bool:
        row = await room.row(channel)
        return row["tries"] == tries and row["next_try_at"] > room.clock.now()

    await room.until_async(tried)


async def _edits(room: Room, message_id: int) -> int:
    return len(await asked(room, "PATCH", f"/messages/{message_id}"))


async def test_what_is_too_old_to_be_edited_is_tried_slowly_and_then_posted_anew_without_a_ping(
    strict_room: Room,
) -> None:
    room, channel = strict_room, await strict_room.channel()
    ping = int(room.server.facts["roles"]["Live pings"])
    old = await an_old_message(room, channel, replace(LIVE, mention_role_id=ping))
    await room.put(channel, replace(ENDED, mention_role_id=ping))
    await _until_tried(room, channel, 1)
    room.clock.advance(3600)
    await _until_tried(room, channel, 2)
    assert await titles(room, channel) == [LIVE.title]
    room.clock.advance(3600)
    row = await settled(room, channel)
    assert (await _edits(room, old), row["generation"]) == (3, 1)
    (posted,) = await room.shown(channel)
    assert (int(posted["id"]), posted["pinged_roles"]) == (row["message_id"], [])
    assert posted["embeds"][0]["title"] == ENDED.title
    await room.put(channel, replace(ENDED, title="Later still"))
    await shows(room, channel, "Later still")
    assert len(await room.posts(channel)) == 2


async def _on_the_way_to_post_anew(room: Room, channel: int, **more: Any) -> int:
    """Bring an old message to where it is posted anew at the next try."""
    old = await an_old_message(room, channel, **more)
    await room.put(channel, ENDED)
    for tries in (1, 2):
        await _until_tried(room, channel, tries)
        if tries == 1:
            room.clock.advance(3600)
    return old


@pytest.mark.parametrize("lost", ["post", "deletion"])
async def test_a_death_between_posting_anew_and_deleting_leaves_one_message(
    strict_room: Room, lost: str
) -> None:
    room, channel = strict_room, await strict_room.channel()
    await _on_the_way_to_post_anew(room, channel)
    method, path = ("POST", "/messages$") if lost == "post" else ("DELETE", "/messages/.*")
    await room.fault(channel, status=503, when="after", method=method, path=f"/channels/{channel}{path}")
    room.clock.advance(3600)
    row = await room.until_async(lambda: _anew_and_failed(room, channel))
    assert (row["message_id"] == row["old_message_id"]) is (lost == "post")
    await again(room)
    row = await settled(room, channel)
    assert await titles(room, channel) == [ENDED.title]
    assert (row["message_id"], row["old_message_id"]) == (int((await room.shown(channel))[0]["id"]), None)
    assert len(await room.posts(channel)) == 2


async def _anew_and_failed(room: Room, channel: int) -> dict[str, Any] | None:
    row = await room.row(channel)
    return row if row["generation"] == 1 and row["error"] else None


async def test_what_is_to_go_is_deleted_and_not_posted_anew(strict_room: Room) -> None:
    room, channel = strict_room, await strict_room.channel()
    await _on_the_way_to_post_anew(room, channel)
    await room.fault(
        channel, status=503, when="after", method="DELETE", path=f"/channels/{channel}/messages/.*"
    )
    room.clock.advance(3600)
    await room.until_async(lambda: _anew_and_failed(room, channel))
    await remove(room, channel)
    await again(room)
    await room.becomes(channel, "removed")
    assert await room.shown(channel) == []


async def test_the_first_message_of_a_forum_post_is_never_posted_anew(strict_room: Room) -> None:
    room = strict_room
    channel, _ = await forum(room)
    await _on_the_way_to_post_anew(room, channel)
    room.clock.advance(3600)
    await _until_tried(room, channel, 3)
    assert (await room.row(channel))["generation"] == 0
    await control(room, "POST", "rate_limits", {"old_edits": [3, 20]})
    room.clock.advance(3601)
    await settled(room, channel)
    assert await posts(room, channel) == [(LIVE.title, [ENDED.title])]


async def test_an_old_message_is_edited_every_few_minutes_at_most_and_shows_the_newest_then(
    room: Room,
) -> None:
    channel = await room.channel()
    old = await an_old_message(room, channel)
    await room.put(channel, replace(LIVE, title="1"))
    await shows(room, channel, "1")
    for title in ("2", "3"):
        room.clock.advance(30)
        await room.put(channel, replace(LIVE, title=title))
        assert await room.announcements.due() == ()
    room.clock.advance(300)
    await shows(room, channel, "3")
    assert await _edits(room, old) == 2


async def test_a_limit_that_ends_soon_is_waited_for(room: Room) -> None:
    channel = await room.channel()
    await an_old_message(room, channel)
    await room.fault(channel, "code", body="30046", method="PATCH", path=f"/channels/{channel}/messages/.*")
    await room.put(channel, ENDED)
    await shows(room, channel, ENDED.title)
    assert (await settled(room, channel))["generation"] == 0


# --- Permissions ---------------------------------------------------------------------------------------


async def test_where_a_permission_is_missing_discord_is_not_asked(room: Room) -> None:
    channel, (forum_id, _) = await room.channel(), await forum(room)
    for place, words in ((channel, "Send Messages"), (forum_id, "Create Posts")):
        await control(room, "POST", f"channels/{place}/deny", {"permissions": ["send_messages"]})
        await room.until(lambda place=place: _may_not_send(room, place))
        await room.put(place, LIVE)
        assert words in (await room.becomes(place, "parked"))["error"]
        assert await room.posts(place) == await asked(room, "POST", f"/channels/{place}/threads") == []
        await control(room, "POST", f"channels/{place}/allow", {})
        await settled(room, place)


def _may_not_send(room: Room, channel: int) -> bool:
    found = room.client.get_channel(channel)
    return not found.permissions_for(found.guild.me).send_messages
