"""How news reaches people: each rule from what was chosen to what stands in the outbox, on a real database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from bot.core.announcements import Message, Tone, nonce_for
from bot.core.delivery import Event, Result, Step
from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import AfterLive, Digest, Mention, Only, Options, Quiet, QuietMode
from bot.services import notifications
from bot.services.announcements import Announcements
from bot.services.notifications import News, NotificationDesk, Place, places_of, tell
from bot.storage import guilds, notification_rules
from bot.storage.engine import Database
from bot.storage.notification_rules import NotificationRule
from bot.storage.tables import accounts, outbox, personal_roles
from tests.clocks import ManualClock

GUILD, CHANNEL, OTHER, ROLE, ADMIN = 1, 100, 101, 7, 42
ANA = account_subject(1)
BEGAN = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)


@dataclass
class World:
    """A guild with one or two channels; what is let out can be delivered at once."""

    database: Database
    clock: ManualClock
    announcements: Announcements
    desk: NotificationDesk
    channels: list[int] = field(default_factory=lambda: [CHANNEL])
    posts: int = 0

    async def choose(
        self, channel_id: int = CHANNEL, kind: Kind = Kind.LIVE, subject: str = ALL, **chosen: Any
    ) -> None:
        rule = {name: chosen.pop(name) for name in ("off", "paused_until") if name in chosen}
        async with self.database.write("test.choose") as conn:
            made = NotificationRule(
                guild_id=GUILD,
                channel_id=channel_id,
                kind=kind,
                subject=subject,
                options=Options(**chosen),
                **rule,
            )
            await notification_rules.save(conn, made, ADMIN, self.clock.now())

    def news(self, key: str = "live:1", **values: Any) -> News:
        values = {
            "began_at": self.clock.now(),
            "seen_at": self.clock.now(),
            "facts": {"streamer": "Ana"},
        } | values
        return News(
            kind=values.pop("kind", Kind.LIVE),
            subject=ANA,
            event_key=key,
            expires_after=timedelta(hours=12),
            **values,
        )

    async def tell(self, news: News, title: str = "Ana is live", role_id: int | None = None) -> bool:
        message = Message(title=title, tone=Tone.LIVE)
        places = [
            Place(guild_id=GUILD, channel_id=one, message=message, role_id=role_id) for one in self.channels
        ]
        async with self.database.write("test.tell") as conn:
            return await tell(conn, news, places, self.clock.now())

    async def rows(self, key: str | None = None) -> list[dict[str, Any]]:
        async with self.database.read() as conn:
            found = [
                dict(row) for row in (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings()
            ]
        return [row for row in found if key in (None, row["event_key"])]

    async def row(self, key: str = "live:1", channel_id: int = CHANNEL) -> dict[str, Any]:
        [found] = [row for row in await self.rows(key) if row["channel_id"] == channel_id]
        return found

    async def deliver(self) -> list[str]:
        """Deliver what is due; gives what was done, in words."""
        done = []
        while due := await self.announcements.due():
            for message in due:
                step = await self.announcements.begin(message)
                event = {Step.POST: Event.SENT, Step.EDIT: Event.EDITED, Step.REMOVE: Event.REMOVED}[step]
                self.posts += event is Event.SENT
                role_id = message.message.mention_role_id if event is Event.SENT else None
                ping = "" if role_id is None else f" @{role_id}"
                done.append(f"{event} {message.channel_id} {message.message.title}{ping}")
                await self.announcements.settle(message, Result(event=event, message_id=self.posts))
        return done

    async def pass_time(self, **span: float) -> list[str]:
        """Let time pass with the desk at work; gives what was delivered then."""
        until, done = self.clock.now() + timedelta(**span), []
        while True:
            come_back_at = await self.desk.step()
            done += await self.deliver()
            if come_back_at > until:
                self.clock.advance((until - self.clock.now()).total_seconds())
                await self.desk.step()
                return done + await self.deliver()
            self.clock.advance(max(1.0, (come_back_at - self.clock.now()).total_seconds()))


@pytest.fixture
async def world(database: Database) -> World:
    clock = ManualClock(BEGAN)
    async with database.write("test.guild") as conn:
        await guilds.joined(conn, GUILD, "Asia/Jakarta")
    announcements = Announcements(database, clock)
    return World(
        database=database,
        clock=clock,
        announcements=announcements,
        desk=NotificationDesk(
            database=database, announcements=announcements, clock=clock, look_every=timedelta(hours=1)
        ),
    )


async def test_without_a_choice_everything_is_posted_at_once_and_pings_the_role_given_with_it(
    world: World,
) -> None:
    assert await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live @{ROLE}"]
    assert not await world.tell(world.news(), role_id=ROLE)
    await world.tell(world.news(is_over=True, ended_at=world.clock.now()), "Ana was live", role_id=ROLE)
    assert await world.deliver() == ["edited 100 Ana was live"]


# --- Each rule -----------------------------------------------------------------------------------


async def test_held_in_quiet_hours_a_live_is_posted_with_its_ping_when_they_end(world: World) -> None:
    # 21:00 UTC is 04:00 in Jakarta.
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD, begins=22 * 60, ends=7 * 60))
    await world.tell(world.news(), role_id=ROLE)
    row = await world.row()
    assert (row["state"], row["held_by"], row["held_until"]) == ("held", "quiet", BEGAN + timedelta(hours=3))
    assert row["why"] == "held by quiet hours until 2026-07-02 00:00 UTC"
    assert await world.pass_time(hours=2, minutes=59) == []
    assert await world.pass_time(minutes=2) == [f"sent 100 Ana is live @{ROLE}"]
    row = await world.row()
    assert row["expires_at"] == row["told_at"] + timedelta(hours=12)
    assert row["told_at"] == BEGAN + timedelta(hours=3)


async def test_a_live_that_ends_in_quiet_hours_is_told_as_a_summary_that_pings_nobody(world: World) -> None:
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD))
    await world.tell(world.news(), role_id=ROLE)
    over = world.news(is_over=True, ended_at=world.clock.now())
    await world.tell(over, "Ana was live", role_id=ROLE)
    assert (await world.row())["state"] == "held"
    assert await world.pass_time(hours=4) == ["sent 100 Ana was live"]


async def test_in_silent_quiet_hours_it_is_posted_without_a_ping_that_no_edit_brings_back(
    world: World,
) -> None:
    await world.choose(quiet=Quiet(mode=QuietMode.SILENT))
    await world.tell(world.news(), role_id=ROLE)
    await world.tell(world.news(), "Ana is live, still", role_id=ROLE)
    assert await world.deliver() == ["sent 100 Ana is live, still"]
    assert (await world.row())["message"]["mention_role_id"] is None
    assert "without a ping" in (await world.row())["why"]


async def test_what_is_paused_is_held_while_it_lasts_and_told_when_the_pause_is_ended_early(
    world: World,
) -> None:
    await world.choose(paused_until=BEGAN + timedelta(days=1))
    await world.tell(world.news(), role_id=ROLE)
    assert await world.pass_time(hours=1) == []
    await world.choose(paused_until=None)
    assert await world.pass_time(minutes=1) == [f"sent 100 Ana is live @{ROLE}"]


async def test_what_is_over_before_it_is_told_is_told_nowhere_but_a_live_that_goes_on_is(
    world: World,
) -> None:
    await world.choose(delay_minutes=5)
    news = world.news()
    await world.tell(news)
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    assert ((await world.row())["state"], (await world.row())["why"]) == (
        "skipped",
        "over before it could be told",
    )
    world.clock.advance(360)
    await world.tell(replace(news, seen_at=world.clock.now()))
    assert await world.deliver() == ["sent 100 Ana is live"]


async def test_a_delay_needs_a_look_that_sees_it_still_on(world: World) -> None:
    await world.choose(delay_minutes=5)
    news = world.news()
    await world.tell(news, role_id=ROLE)
    assert await world.pass_time(minutes=6) == []
    assert (await world.row())["why"] == "it waits for a look that sees it still on"
    await world.tell(replace(news, seen_at=world.clock.now()), role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live @{ROLE}"]


async def test_too_few_viewers_hold_it_until_there_are_more(world: World) -> None:
    await world.choose(min_viewers=50)
    await world.tell(world.news(viewers=10))
    assert (await world.row())["why"] == "it waits for 50 viewers; 10 watch"
    await world.tell(world.news(viewers=50))
    assert await world.deliver() == ["sent 100 Ana is live"]
    await world.tell(world.news(viewers=3), "Ana is live, for 3")
    assert await world.deliver() == ["edited 100 Ana is live, for 3"]


async def test_the_cooldown_counts_from_the_last_message_that_was_let_out(world: World) -> None:
    await world.choose(cooldown_minutes=60)
    await world.tell(world.news("live:1"))
    await world.pass_time(minutes=30)
    await world.tell(world.news("live:2"), "Ana is live again")
    assert (await world.row("live:2"))["held_by"] == "cooldown"
    assert await world.pass_time(minutes=29) == []
    assert await world.pass_time(minutes=2) == ["sent 100 Ana is live again"]
    # It was let out at minute 60: the next is free at minute 120.
    await world.tell(world.news("live:3"), "Ana is live a third time")
    assert (await world.row("live:3"))["held_until"] == BEGAN + timedelta(minutes=120)


async def test_a_message_that_nobody_saw_begins_no_cooldown(world: World) -> None:
    await world.choose(cooldown_minutes=60, after_live=AfterLive.DELETE)
    first = world.news("live:1")
    await world.tell(first)
    await world.tell(replace(first, is_over=True, ended_at=world.clock.now()), "Ana was live")
    assert (await world.row("live:1"))["state"] == "skipped"
    await world.tell(world.news("live:2"), "Ana is live again")
    assert await world.deliver() == ["sent 100 Ana is live again"]


async def test_of_a_round_in_the_cooldown_nothing_is_told_later_either(world: World) -> None:
    await world.choose(kind=Kind.ROUND, cooldown_minutes=60)
    await world.tell(world.news("round:1", kind=Kind.ROUND), "Round 1")
    await world.tell(world.news("round:2", kind=Kind.ROUND), "Round 2")
    assert await world.pass_time(hours=2) == ["sent 100 Round 1"]
    assert (await world.row("round:2"))["state"] == "skipped"


async def test_only_on_some_days_a_live_waits_for_the_next_and_a_round_is_skipped(world: World) -> None:
    # It is Thursday in Jakarta.
    for kind in (Kind.LIVE, Kind.ROUND):
        await world.choose(kind=kind, only=Only(days=(4,)))
        await world.tell(world.news(kind, kind=kind))
    assert [row["state"] for row in await world.rows()] == ["held", "skipped"]
    assert await world.pass_time(hours=21) == ["sent 100 Ana is live"]


async def test_what_is_off_is_not_told_and_no_row_says_so(world: World) -> None:
    await world.choose(off=True)
    assert not await world.tell(world.news())
    assert await world.rows() == []


async def test_switched_off_while_it_is_held_it_is_skipped(world: World) -> None:
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD))
    await world.tell(world.news())
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD), off=True)
    assert await world.pass_time(hours=4) == []
    assert ((await world.row())["state"], (await world.row())["why"]) == (
        "skipped",
        "switched off in this channel",
    )


async def test_a_choice_for_one_account_counts_before_that_for_all_and_the_guilds_last(world: World) -> None:
    async with world.database.write("test.default") as conn:
        await notification_rules.save_default(
            conn, GUILD, Kind.LIVE, Options(template="of the guild", min_viewers=9)
        )
    await world.choose(template="of the channel")
    await world.choose(subject=ANA, min_viewers=0)
    await world.tell(world.news())
    row = await world.row()
    assert (row["state"], row["message"]["lead"]) == ("pending", "of the channel")


# --- Pings ---------------------------------------------------------------------------------------


async def test_in_two_channels_of_a_guild_one_role_is_pinged_once(world: World) -> None:
    world.channels = [CHANNEL, OTHER]
    await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live @{ROLE}", "sent 101 Ana is live"]


async def test_a_channel_that_is_told_later_pings_nobody_again(world: World) -> None:
    await world.tell(world.news(), role_id=ROLE)
    await world.deliver()
    world.channels = [CHANNEL, OTHER]
    await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == ["sent 101 Ana is live"]


async def test_where_the_first_channel_holds_it_the_second_pings_and_the_first_does_not_later(
    world: World,
) -> None:
    world.channels = [CHANNEL, OTHER]
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD))
    await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == [f"sent 101 Ana is live @{ROLE}"]
    assert await world.pass_time(hours=4) == ["sent 100 Ana is live"]


async def test_a_backfill_pings_nobody(world: World) -> None:
    await world.tell(world.news(is_backfill=True), role_id=ROLE)
    assert await world.deliver() == ["sent 100 Ana is live"]


async def test_nobody_is_mentioned_where_that_was_chosen_for_the_account(world: World) -> None:
    await world.choose(subject=ANA, mention=Mention.NOBODY)
    await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == ["sent 100 Ana is live"]


async def test_those_who_asked_for_an_account_are_pinged_by_its_role(world: World) -> None:
    await world.choose(mention=Mention.PERSONAL)
    async with world.database.write("test.role") as conn:
        person = {"platform": "tiktok", "handle": "ana", "profile_state": "active"}
        await conn.execute(insert(accounts).values(id=1, added_at=BEGAN, next_check_at=BEGAN, **person))
        await conn.execute(insert(personal_roles).values(guild_id=GUILD, account_id=1, role_id=99))
    await world.tell(world.news())
    assert await world.deliver() == ["sent 100 Ana is live @99"]


# --- Lives that flap -----------------------------------------------------------------------------


async def flap(world: World, **chosen: Any) -> News:
    """Let a live be told, end, and another begin 5 minutes later; gives that one."""
    await world.choose(grace_minutes=10, **chosen)
    first = world.news("live:1")
    await world.tell(first, role_id=ROLE)
    await world.deliver()
    await world.tell(replace(first, is_over=True, ended_at=world.clock.now()), "Ana was live", role_id=ROLE)
    await world.deliver()
    world.clock.advance(300)
    second = world.news("live:2")
    await world.tell(second, "Ana is live anew", role_id=ROLE)
    return second


async def test_a_live_soon_after_another_goes_on_in_its_message_without_a_ping(world: World) -> None:
    second = await flap(world)
    assert await world.deliver() == ["edited 100 Ana is live anew"]
    row = await world.row("live:2")
    assert (row["state"], row["merged_into"]) == ("skipped", "live:1")
    await world.tell(replace(second, is_over=True, ended_at=world.clock.now()), "Ana was live anew")
    assert await world.deliver() == ["edited 100 Ana was live anew"]
    # A third joins the same message, however often it flaps.
    world.clock.advance(300)
    await world.tell(world.news("live:3"), "Ana is live once more", role_id=ROLE)
    assert await world.deliver() == ["edited 100 Ana is live once more"]
    assert (await world.row("live:3"))["merged_into"] == "live:1"


async def test_a_live_that_goes_on_in_a_message_let_out_with_it_pings_nobody_once_more(world: World) -> None:
    """The first live has pinged the role elsewhere; where it was paused both are let out at once, in one message."""
    world.channels = [CHANNEL, OTHER]
    paused_until = world.clock.now() + timedelta(hours=3)
    await world.choose(OTHER, grace_minutes=30, paused_until=paused_until)
    await world.tell(world.news(), role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live @{ROLE}"]
    world.channels = [OTHER]
    world.clock.advance(60)
    await world.tell(world.news("live:2"), "Ana is live again", role_id=ROLE)

    done = await world.pass_time(hours=4)

    assert [line for line in done if line.startswith("sent")] == ["sent 101 Ana is live again"]


async def test_where_people_deleted_the_message_a_live_that_goes_on_is_told_nowhere(world: World) -> None:
    await world.choose(grace_minutes=10)
    await world.tell(world.news("live:1"))
    await world.deliver()
    async with world.database.write("test.deleted") as conn:
        await conn.execute(update(outbox).values(message_id=None))
    await world.tell(world.news("live:2"), "Ana is live anew")
    assert await world.deliver() == []
    assert (await world.row("live:2"))["merged_into"] == "live:1"


async def test_after_the_grace_a_live_is_told_by_itself(world: World) -> None:
    await world.choose(grace_minutes=10)
    first = world.news("live:1")
    await world.tell(first)
    await world.tell(replace(first, is_over=True, ended_at=world.clock.now()), "Ana was live")
    world.clock.advance(600)
    await world.tell(world.news("live:2"), "Ana is live anew")
    assert (await world.row("live:2"))["state"] == "pending"


async def test_an_alert_that_is_to_be_deleted_waits_out_the_grace_and_stays_when_it_goes_on(
    world: World,
) -> None:
    second = await flap(world, after_live=AfterLive.DELETE)
    assert await world.pass_time(minutes=20) == ["edited 100 Ana is live anew"]
    assert not (await world.row("live:1"))["removing"]
    await world.tell(replace(second, is_over=True, ended_at=world.clock.now()), "Ana was live anew")
    assert await world.pass_time(minutes=9) == ["edited 100 Ana was live anew"]
    assert await world.pass_time(minutes=2) == ["removed 100 Ana was live anew"]


# --- After the live ------------------------------------------------------------------------------


async def test_deleted_after_the_live_it_is_handed_to_the_deliverer_at_once(world: World) -> None:
    await world.choose(after_live=AfterLive.DELETE)
    news = world.news()
    await world.tell(news)
    await world.deliver()
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    await world.desk.step()
    row = await world.row()
    assert (row["state"], row["removing"], row["message"]["title"]) == ("pending", True, "Ana is live")


async def deleted_after_its_end(world: World) -> News:
    """Let a live be told, end, and its alert be deleted; gives it."""
    await world.choose(after_live=AfterLive.DELETE)
    news = world.news()
    await world.tell(news, role_id=ROLE)
    await world.deliver()
    over = replace(news, is_over=True, ended_at=world.clock.now())
    await world.tell(over, "Ana was live", role_id=ROLE)
    assert await world.pass_time(minutes=1) == ["removed 100 Ana is live"]
    await world.tell(over, "Ana was live", role_id=ROLE)
    assert await world.pass_time(minutes=1) == []
    return news


async def test_a_live_that_goes_on_after_its_alert_was_deleted_is_posted_again_without_a_ping(
    world: World,
) -> None:
    news = await deleted_after_its_end(world)
    world.channels = [CHANNEL, OTHER]
    await world.tell(news, "Ana is live again", role_id=ROLE)
    await world.tell(news, "Ana is still live", role_id=ROLE)
    row = await world.row()
    assert (row["nonce"], row["generation"]) == (nonce_for("live:1", CHANNEL, 1), 1)
    assert await world.deliver() == ["sent 100 Ana is still live", "sent 101 Ana is still live"]
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    assert "removed 100 Ana is still live" in await world.pass_time(minutes=1)


async def test_a_live_that_goes_on_while_its_alert_is_being_deleted_is_posted_again_at_the_next_look(
    world: World,
) -> None:
    await world.choose(after_live=AfterLive.DELETE)
    news = world.news()
    await world.tell(news)
    await world.deliver()
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    await world.desk.step()
    await world.tell(news, "Ana is live again")
    assert await world.deliver() == ["removed 100 Ana is live"]
    await world.tell(news, "Ana is live again")
    assert await world.deliver() == ["sent 100 Ana is live again"]


async def test_posted_again_in_quiet_hours_it_waits_and_pings_nobody_later(world: World) -> None:
    news = await deleted_after_its_end(world)
    await world.choose(quiet=Quiet(mode=QuietMode.HOLD))
    await world.tell(news, "Ana is live again", role_id=ROLE)
    assert (await world.row())["held_by"] == "quiet"
    world.channels = [CHANNEL, OTHER]
    await world.tell(news, "Ana is live again", role_id=ROLE)
    assert await world.pass_time(hours=4) == ["sent 101 Ana is live again", "sent 100 Ana is live again"]


async def test_left_after_the_live_it_is_edited_no_more(world: World) -> None:
    await world.choose(after_live=AfterLive.LEAVE, grace_minutes=10)
    news = world.news()
    await world.tell(news)
    await world.deliver()
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    assert await world.deliver() == []
    world.clock.advance(601)
    await world.tell(world.news("live:2"), "Ana is live anew")
    assert await world.deliver() == ["sent 100 Ana is live anew"]


async def test_a_message_goes_so_many_hours_after_it_was_posted(world: World) -> None:
    await world.choose(kind=Kind.ROUND, delete_after_hours=2)
    await world.tell(world.news("round:1", kind=Kind.ROUND))
    await world.deliver()
    assert (await world.row("round:1"))["remove_at"] == BEGAN + timedelta(hours=2)
    world.clock.advance(3600)
    await world.tell(world.news("round:1", kind=Kind.ROUND), "Another outcome")
    await world.deliver()
    assert (await world.row("round:1"))["remove_at"] == BEGAN + timedelta(hours=2)
    world.clock.advance(3600)
    await world.desk.step()
    assert (await world.row("round:1"))["removing"]


async def test_a_lead_names_what_is_known_and_changes_once_the_live_is_over(world: World) -> None:
    await world.choose(template="Look: {streamer}, {viewers}", over_template="{streamer} was here")
    news = world.news()
    await world.tell(news)
    assert (await world.row())["message"]["lead"] == "Look: Ana, -"
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live")
    assert (await world.row())["message"]["lead"] == "Ana was here"


# --- Digests -------------------------------------------------------------------------------------


async def test_a_digest_lists_what_was_collected_and_the_rest_is_counted(world: World) -> None:
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY, digest_at=9 * 60)
    await world.choose(digest=Digest.DAILY, digest_at=9 * 60)
    news = world.news()
    await world.tell(news, role_id=ROLE)
    await world.tell(world.news("round:1", kind=Kind.ROUND), "A round")
    await world.tell(replace(news, is_over=True, ended_at=world.clock.now()), "Ana was live", role_id=ROLE)
    # 09:00 in Jakarta is 02:00 UTC.
    assert await world.pass_time(hours=4, minutes=59) == []
    assert await world.pass_time(minutes=2) == ["sent 100 What there was to tell"]
    [digest] = await world.rows(f"digest:{GUILD}:{CHANNEL}:2026-07-02")
    assert [line.split(">")[1] for line in str(digest["message"]["body"]).split("\n")] == [
        " Ana was live",
        " A round",
    ]
    assert {row["why"] for row in await world.rows() if row["state"] == "skipped"} == {"told in the digest"}
    assert await world.pass_time(days=2) == []


async def test_a_digest_of_many_asks_no_more_of_the_database_than_one_of_few(world: World) -> None:
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY)
    for number in range(60):
        await world.tell(world.news(f"round:{number}", kind=Kind.ROUND), f"Round {number}")
    world.clock.advance(86400)
    statements: list[str] = []

    def note(*of: Any) -> None:
        statements.append(of[2])

    engine = world.database._writer.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await world.desk.step()
    event.remove(engine, "before_cursor_execute", note)
    assert len(statements) < 20
    assert len(await world.rows(f"digest:{GUILD}:{CHANNEL}:2026-07-03")) == 1


async def test_whoever_reads_the_notices_of_two_guilds_has_a_digest_of_each(world: World) -> None:
    async with world.database.write("test.guilds") as conn:
        await guilds.joined(conn, 2, "UTC")
        for guild_id in (GUILD, 2):
            await notification_rules.save_default(conn, guild_id, Kind.NOTICE, Options(digest=Digest.DAILY))
            news = world.news(f"notice:{guild_id}", kind=Kind.NOTICE)
            message = Message(title=f"Of {guild_id}", tone=Tone.NOTICE)
            place = Place(guild_id=guild_id, channel_id=ADMIN, message=message, direct=True)
            await tell(conn, news, [place], world.clock.now())
    world.clock.advance(86400)
    await world.desk.step()
    digests = [row for row in await world.rows() if row["event_key"].startswith("digest:")]
    assert sorted((row["guild_id"], row["direct"]) for row in digests) == [(GUILD, True), (2, True)]


async def test_a_second_digest_of_a_day_does_not_overwrite_the_first(world: World) -> None:
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY, digest_at=9 * 60)
    await world.tell(world.news("round:1", kind=Kind.ROUND), "Round 1")
    await world.pass_time(hours=6)
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY, digest_at=18 * 60)
    await world.tell(world.news("round:2", kind=Kind.ROUND), "Round 2")
    await world.pass_time(hours=12)
    assert [row["event_key"] for row in await world.rows() if row["event_key"].startswith("digest")] == [
        f"digest:{GUILD}:{CHANNEL}:2026-07-02",
        f"digest:{GUILD}:{CHANNEL}:2026-07-02:2",
    ]


async def test_a_pause_of_the_subscription_keeps_it_out_of_the_digest(world: World) -> None:
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY)
    await world.tell(world.news("round:1", kind=Kind.ROUND))
    await world.choose(kind=Kind.ROUND, digest=Digest.DAILY, paused_until=BEGAN + timedelta(days=2))
    assert await world.pass_time(days=1) == []
    assert (await world.row("round:1"))["state"] == "skipped"


# --- Notices -------------------------------------------------------------------------------------


async def test_no_rule_holds_an_urgent_notice(world: World) -> None:
    await world.choose(
        kind=Kind.NOTICE,
        paused_until=BEGAN + timedelta(days=9),
        quiet=Quiet(mode=QuietMode.HOLD),
        only=Only(days=()),
        cooldown_minutes=999,
        digest=Digest.WEEKLY,
    )
    for number in (1, 2):
        await world.tell(
            world.news(f"notice:{number}", kind=Kind.NOTICE, is_urgent=True), f"Trouble {number}"
        )
    await world.tell(world.news("notice:3", kind=Kind.NOTICE), "A small one")
    assert await world.deliver() == ["sent 100 Trouble 1", "sent 100 Trouble 2"]


# --- Places, what stays, many channels -----------------------------------------------------------


async def test_places_are_the_defaults_and_those_chosen_but_for_those_off(world: World) -> None:
    await world.choose(CHANNEL, off=True)
    await world.choose(OTHER)
    await world.choose(102, subject=ANA)
    await world.choose(103, subject=account_subject(2))
    await world.choose(104, off=True)
    await world.choose(104, subject=ANA)
    async with world.database.read() as conn:
        found = await places_of(conn, Kind.LIVE, ANA, [(GUILD, CHANNEL), (GUILD, 105)], [GUILD])
    assert sorted(found) == [(GUILD, 101), (GUILD, 102), (GUILD, 104), (GUILD, 105)]


async def test_what_an_older_version_put_is_edited_and_keeps_its_ping(world: World) -> None:
    await world.tell(world.news(), role_id=ROLE)
    async with world.database.write("test.older") as conn:
        await conn.execute(
            update(outbox).values(kind="", subject="", facts=None, told_at=None, placement=None)
        )
    await world.tell(world.news(), "Ana is live, still", role_id=ROLE)
    assert await world.deliver() == [f"sent 100 Ana is live, still @{ROLE}"]
    await world.tell(world.news(is_over=True, ended_at=world.clock.now()), "Ana was live", role_id=ROLE)
    assert await world.deliver() == ["edited 100 Ana was live"]


async def test_what_is_held_and_cannot_be_read_is_given_up_and_keeps_nobody_waiting(world: World) -> None:
    world.channels = [CHANNEL, OTHER]
    for channel_id in world.channels:
        await world.choose(channel_id, quiet=Quiet(mode=QuietMode.HOLD))
    await world.tell(world.news())
    async with world.database.write("test.newer") as conn:
        newer = {"tone": "of a newer version", "title": "?"}
        await conn.execute(update(outbox).where(outbox.c.channel_id == CHANNEL).values(message=newer))
    assert await world.pass_time(hours=4) == ["sent 101 Ana is live"]
    assert (await world.row())["state"] == "dead"


@pytest.mark.parametrize("digest", [None, Digest.DAILY])
async def test_what_cannot_be_told_in_one_server_keeps_no_other_waiting(
    world: World, digest: Digest | None, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = Quiet(mode=QuietMode.HOLD)
    async with world.database.write("test.guilds") as conn:
        for guild_id in (GUILD, 2):
            await guilds.joined(conn, guild_id, "Asia/Jakarta")
            options = Options(digest=digest, quiet=None if digest else quiet)
            await notification_rules.save_default(conn, guild_id, Kind.LIVE, options)
            message = Message(title=f"Of {guild_id}", tone=Tone.LIVE)
            place = Place(guild_id=guild_id, channel_id=CHANNEL + guild_id, message=message)
            await tell(conn, world.news(f"live:{guild_id}"), [place], world.clock.now())
        # As where the data of time zones is older than what was chosen.
        await guilds.change(conn, GUILD, {"time_zone": "Asia/Nowhere"})
    told = await world.pass_time(days=1)
    assert [line.split()[:2] for line in told] == [["sent", str(CHANNEL + 2)]]
    assert len([one for one in caplog.records if "cannot be told" in one.message]) == 1
    assert (await world.row("live:1", CHANNEL + GUILD))["state"] == "held"
    async with world.database.write("test.mended") as conn:
        await guilds.change(conn, GUILD, {"time_zone": "Asia/Jakarta"})
    told = await world.pass_time(days=1)
    assert [line.split()[:2] for line in told] == [["sent", str(CHANNEL + GUILD)]]


async def test_fifty_channels_take_no_more_statements_than_two(world: World) -> None:
    assert await statements_for(world, range(1000, 1002)) < 12
    parts = 2000 // notifications.AT_ONCE
    assert await statements_for(world, range(2000, 4000)) < 12 + 4 * parts


async def statements_for(world: World, channels: range) -> int:
    """Count what is asked of the database to tell a live in these channels, of which one has chosen."""
    await world.choose(channels[0], grace_minutes=5, cooldown_minutes=1)
    message, statements = Message(title="Ana is live", tone=Tone.LIVE), []
    places = [Place(guild_id=one % 500, channel_id=one, message=message, role_id=one) for one in channels]
    async with world.database.write("test.tell") as conn:

        def note(*of: Any) -> None:
            statements.append(of[2])

        event.listen(conn.sync_connection, "before_cursor_execute", note)
        await tell(conn, world.news(f"live:{channels[0]}"), places, world.clock.now())
    return len(statements)
