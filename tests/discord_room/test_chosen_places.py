"""From what an admin chose for a channel to what stands in Discord: news told by the services, brought there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core.announcements import Message, Tone
from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import AfterLive, Mention, Options
from bot.core.requester import Requester
from bot.discord.notify_words import explained, warnings
from bot.services.notification_list import EVERYWHERE, Key
from bot.services.notifications import News, NotificationDesk, Place, tell
from bot.storage import notification_rules
from bot.storage.notification_rules import NotificationRule
from tests.discord_room.room import Room

ANA = account_subject(1)
LIVE, RECAP = "live:7", "recap:7"


class Story:
    """A live of Ana, told in one channel."""

    def __init__(self, room: Room, channel: int) -> None:
        self.room, self.channel = room, channel
        self.began_at = room.clock.now()
        self.desk = NotificationDesk(
            database=room.database, announcements=room.announcements, clock=room.clock
        )

    async def choose(self, kind: Kind = Kind.LIVE, **chosen: Any) -> None:
        rule = NotificationRule(
            guild_id=self.room.guild_id,
            channel_id=self.channel,
            kind=kind,
            subject=ALL,
            options=Options(**chosen),
        )
        async with self.room.database.write("test.choose") as conn:
            await notification_rules.save(conn, rule, 42, self.room.clock.now())

    async def tell(self, title: str, key: str = LIVE, ended_at: datetime | None = None) -> None:
        kind = Kind.LIVE if key == LIVE else Kind.RECAP
        news = News(
            kind=kind,
            subject=ANA,
            event_key=key,
            facts={"streamer": "Ana", "title": title},
            began_at=self.began_at,
            seen_at=self.room.clock.now(),
            is_over=ended_at is not None,
            ended_at=ended_at,
            expires_after=timedelta(hours=12),
            in_thread_of="" if key == LIVE else LIVE,
        )
        message = Message(title=title, tone=Tone.LIVE)
        place = Place(guild_id=self.room.guild_id, channel_id=self.channel, message=message)
        async with self.room.database.write("test.tell") as conn:
            await tell(conn, news, [place], self.room.clock.now())
        self.room.announcements.wake()

    async def until_shown(self, *expected: str, where: str | None = None) -> None:
        async def check() -> bool:
            shown = await self.room.shown(where or self.channel)
            return [message["embeds"][0]["title"] for message in shown] == list(expected)

        await self.room.until_async(check)

    async def settled(self, key: str = LIVE) -> dict[str, Any]:
        return await self.room.becomes(self.channel, "delivered", key)

    async def threads(self) -> list[dict[str, Any]]:
        state = await self.room.ask(self.room.server.control, "GET", "state")
        return [one for one in state["guilds"][0]["threads"] if one["parent_id"] == str(self.channel)]


async def test_a_live_in_a_forum_is_a_post_with_its_tag_the_recap_in_it_and_both_go_in_time(
    room: Room,
) -> None:
    story = Story(room, await room.channel(kind="forum", tags=["Lives"], needs_tag=True))
    (tag,) = room.client.get_channel(story.channel).available_tags
    await story.choose(tag_id=tag.id, template="{streamer}: {title}", delete_after_hours=3)
    await story.choose(Kind.RECAP, tag_id=tag.id)
    await story.tell("Good evening!")
    row = await story.settled()
    (post,) = await story.threads()
    assert (post["name"], post["applied_tags"]) == ("Good evening!", [str(tag.id)])
    (posted,) = await room.shown(post["id"])
    assert posted["content"] == "Ana: Good evening!"
    await story.tell("Ana was live", ended_at=room.clock.now())
    await story.until_shown("Ana was live", where=post["id"])
    await story.tell("What happened", RECAP)
    await story.settled(RECAP)
    await story.until_shown("Ana was live", "What happened", where=post["id"])
    room.clock.advance((row["remove_at"] - room.clock.now()).total_seconds())
    await story.desk.step()
    assert (await room.becomes(story.channel, "removed", LIVE))["message_id"] is None
    await story.until_shown("What happened", where=post["id"])


async def test_an_alert_with_a_thread_is_deleted_after_its_live_and_the_thread_stays(room: Room) -> None:
    story = Story(room, await room.channel())
    order = {"overwrites": [{"target": "Vedette", "allow": ["create_public_threads"]}]}
    await room.ask(room.server.control, "PATCH", f"channels/{story.channel}", order)
    await room.until(lambda: room.client.get_channel(story.channel).overwrites)
    await story.choose(thread=True, after_live=AfterLive.DELETE)
    await story.tell("Ana is live")
    await story.settled()
    (thread,) = await story.threads()
    await story.tell("What happened", RECAP)
    await story.until_shown("What happened", where=thread["id"])
    await story.tell("Ana was live", ended_at=room.clock.now())
    await story.desk.step()
    await room.becomes(story.channel, "removed", LIVE)
    await story.until_shown()
    await story.until_shown("What happened", where=thread["id"])


@pytest.mark.parametrize(("publish", "published"), [(None, True), (False, False)])
async def test_in_an_announcement_channel_alerts_are_published_unless_an_admin_chose_otherwise(
    room: Room, publish: bool | None, published: bool
) -> None:
    story = Story(room, await room.channel(kind="announcement"))
    await story.choose(publish=publish)
    await story.tell("Ana is live")
    assert (await story.settled())["published"] is published


async def test_the_figures_of_a_long_live_are_edited_every_few_minutes_only(room: Room) -> None:
    story = Story(room, await room.channel())
    await story.tell("1 viewer")
    await story.settled()
    room.clock.advance(2 * 3600)
    await story.tell("2 viewers")
    await story.until_shown("2 viewers")
    await story.settled()  # what was edited is written down a moment after it is shown
    for count in (3, 4, 5):
        room.clock.advance(60)
        await story.tell(f"{count} viewers")
        assert await room.announcements.due() == ()
    room.clock.advance(120)
    await story.until_shown("5 viewers")
    assert (await room.shown(story.channel))[0]["edits"] == 2


async def test_a_test_in_a_forum_that_wants_a_tag_bears_the_chosen_one(room: Room) -> None:
    story = Story(room, await room.channel(kind="forum", tags=["Lives"], needs_tag=True))
    (tag,) = room.client.get_channel(story.channel).available_tags
    await story.choose(tag_id=tag.id)
    admin = Requester(guild_id=room.guild_id, user_id=int(room.server.facts["users"]["admin"]))
    settings = room.services.notification_settings
    entry, _ = await settings.find(admin, str(Key(channel_id=story.channel, kind=Kind.LIVE, subject=ALL)))
    await settings.test(admin, entry, story.channel)
    (post,) = await room.until_async(story.threads)
    assert post["applied_tags"] == [str(tag.id)]
    assert await room.announcements.blocked_channels(room.guild_id) == ()


async def test_what_waits_for_a_tag_goes_on_once_one_is_chosen(room: Room) -> None:
    story = Story(room, await room.channel(kind="forum", tags=["Lives"], needs_tag=True))
    (tag,) = room.client.get_channel(story.channel).available_tags
    await story.choose(template="{streamer}")
    await story.choose(Kind.RECAP, template="{streamer}")
    await story.tell("Good evening!")
    await story.tell("What happened", RECAP)
    await room.becomes(story.channel, "parked", LIVE)
    admin = Requester(guild_id=room.guild_id, user_id=42)
    key = Key(channel_id=story.channel, kind=Kind.LIVE, subject=ALL)
    await room.services.notification_settings.change(admin, key, tag_id=tag.id)
    await story.settled()
    await story.settled(RECAP)
    assert {tuple(post["applied_tags"]) for post in await story.threads()} == {(str(tag.id),)}
    assert await room.announcements.blocked_channels(room.guild_id) == ()


async def test_who_chooses_is_warned_of_a_forum_that_wants_a_tag(room: Room) -> None:
    story = Story(room, await room.channel(kind="forum", tags=["Lives"], needs_tag=True))
    guild = room.client.get_guild(room.guild_id)
    (tag,) = room.client.get_channel(story.channel).available_tags
    key = Key(channel_id=story.channel, kind=Kind.LIVE, subject=ALL)
    for tag_id, wanted in ((None, "wants a tag"), (12345, "wants a tag"), (tag.id, "")):
        await story.choose(tag_id=tag_id, template="{streamer}")
        listing = await room.services.notification_settings.listing(room.guild_id)
        assert wanted in "".join(warnings(listing.find(key), guild))
    assert list(warnings(listing.find(key), guild)) == []


async def test_who_chooses_a_role_for_the_whole_server_is_warned_where_it_cannot_be_pinged(
    room: Room,
) -> None:
    guild, roles = room.client.get_guild(room.guild_id), room.server.facts["roles"]
    admin = Requester(guild_id=room.guild_id, user_id=42)
    settings, key = room.services.notification_settings, Key(channel_id=EVERYWHERE, kind=Kind.LIVE)
    for name, warned in (("Quiet", True), ("Live pings", False)):
        entry = await settings.change(admin, key, mention=Mention.ROLE, role_id=int(roles[name]))
        assert ["cannot be pinged" in one for one in warnings(entry, guild)] == [True] * warned


@pytest.mark.parametrize("kind", ["text", "forum"])
async def test_the_log_links_to_where_a_message_stands(room: Room, kind: str) -> None:
    story = Story(room, await room.channel(kind=kind))
    order = {"overwrites": [{"target": "Vedette", "allow": ["create_public_threads"]}]}
    await room.ask(room.server.control, "PATCH", f"channels/{story.channel}", order)
    await room.until(lambda: room.client.get_channel(story.channel).overwrites)
    await story.choose(thread=True)
    await story.tell("Ana is live")
    row = await story.settled()
    assert row["thread_id"] == row["message_id"]
    admin = Requester(guild_id=room.guild_id, user_id=42)
    found = await room.services.notification_settings.explain(admin, str(row["id"]))
    told = explained(found.rows[0], found, room.guild_id)
    place = story.channel if kind == "text" else row["thread_id"]
    assert told.endswith(f"/channels/{room.guild_id}/{place}/{row['message_id']}")


async def test_who_wants_threads_without_the_permission_is_told_that_alerts_come_without_them(
    room: Room,
) -> None:
    story = Story(room, await room.channel())
    await story.choose(thread=True)
    listing = await room.services.notification_settings.listing(room.guild_id)
    entry = listing.find(Key(channel_id=story.channel, kind=Kind.LIVE, subject=ALL))
    (warned,) = warnings(entry, room.client.get_guild(room.guild_id))
    assert "have no thread" in warned
    assert "Create Public Threads" in warned
    assert "wait" not in warned
