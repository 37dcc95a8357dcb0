"""The recap of a live, and its alert while it is on: once, true, and where they are wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import cast

import pytest
from sqlalchemy import delete, insert, select, update

from bot.core.announcements import Message
from bot.core.live.transitions import Phase
from bot.core.machine import Pressure
from bot.core.notifications.kinds import ALL, Kind
from bot.core.notifications.options import Options
from bot.core.requester import Requester
from bot.core.streams.choices import StreamChoice
from bot.core.streams.recording import RecordingState
from bot.services.announcements import Announcements
from bot.services.live_state import EDIT_EVERY, NEWS_FOR, say
from bot.services.players import Players
from bot.services.privacy import Privacy
from bot.services.stream_findings import StreamFindings
from bot.services.stream_showing import ShowingRules, StreamShowing
from bot.services.stream_telling import LOOK_EVERY, StreamTelling
from bot.storage import live as store
from bot.storage import notification_rules
from bot.storage import stream_choices as stream_choices_store
from bot.storage.notification_rules import NotificationRule
from bot.storage.stream_tables import (
    recordings,
    stream_choices,
    stream_findings,
    stream_gifts,
    stream_minutes,
    stream_people,
)
from bot.storage.tables import accounts, guilds, lives, outbox, subscriptions
from bot.texts import unpacked
from tests.clocks import ManualClock
from tests.kept_streams import START, keep_live
from tests.services.round_world import Crash, CrashingDatabase

GUILD, CHANNEL = 1, 100
BY = Requester(guild_id=GUILD, user_id=42)
MINUTE = timedelta(minutes=1)
OVER = START + 90 * MINUTE  # when the live of `keep_live` ends


class Told:
    """The service on a database with one recorded live of ana, which ended a minute ago."""

    def __init__(self, database, now=OVER + MINUTE):
        self.database = database
        self.clock = ManualClock(now)
        self.service = self.on(database)

    def on(self, database):
        return StreamTelling(
            database=database,
            announcements=Announcements(self.database, self.clock),
            findings=StreamFindings(self.database, self.clock),
            showing=StreamShowing(self.database, ShowingRules(usd_per_diamond=0.005)),
            clock=self.clock,
        )

    async def keep(self, **more):
        async with self.database.write("test.keep") as conn:
            kept = await keep_live(conn, **more)
            self.account_id, self.live_id = kept.account_id, kept.live_id
            return kept

    async def follow(self, guild=GUILD, channel=CHANNEL, zone="UTC", **more):
        async with self.database.write("test.follow") as conn:
            known = (await conn.execute(select(guilds.c.guild_id))).scalars().all()
            if guild not in known:
                await conn.execute(insert(guilds).values(guild_id=guild, time_zone=zone))
            await conn.execute(
                insert(subscriptions).values(
                    account_id=self.account_id,
                    guild_id=guild,
                    channel_id=channel,
                    created_by=42,
                    created_at=START,
                    **more,
                )
            )

    async def choose(self, guild=GUILD, **chosen):
        async with self.database.write("test.choose") as conn:
            row = {"account_id": self.account_id, "guild_id": guild, "set_by": 42, "set_at": START}
            await conn.execute(insert(stream_choices).values(row | chosen))

    async def change(self, table, **values):
        column = table.c.id if table is lives else table.c.live_id
        async with self.database.write("test.change") as conn:
            await conn.execute(update(table).where(column == self.live_id).values(**values))

    async def rows(self, table=outbox):
        async with self.database.read() as conn:
            return [dict(row) for row in (await conn.execute(select(table))).mappings()]

    async def deliver(self):
        """Let what waits stand in its channel, as the deliverer would."""
        async with self.database.write("test.deliver") as conn:
            await conn.execute(
                update(outbox).values(
                    state="delivered",
                    delivered_revision=outbox.c.revision,
                    delivered_at=self.clock.now(),
                    message_id=outbox.c.channel_id + 1,
                )
            )

    async def announce(self):
        """Say that the live is on, as the monitor does."""
        async with self.database.write("test.say") as conn:
            (on,) = await store.open_lives(conn, account_id=self.account_id)
            await say(conn, on.account, on.live_id, on.live, self.clock.now(), to_everyone=True)

    async def look_again(self, **changed):
        """Look at the live once more, as the monitor does."""
        async with self.database.write("test.say") as conn:
            (on,) = await store.open_lives(conn, account_id=self.account_id)
            live = replace(on.live, **changed)
            await say(conn, on.account, on.live_id, live, self.clock.now(), in_time=True)


def fields(row) -> dict[str, str]:
    message = Message.from_json(unpacked(row["message"]))
    return {str(field.name): str(field.value) for field in message.fields}


@pytest.fixture
async def told(database):
    told = Told(database)
    await told.keep()
    await told.follow()
    return told


async def test_a_live_that_is_over_is_summed_up_once(told):
    assert await told.service.step() == told.clock.now() + LOOK_EVERY
    (row,) = await told.rows()
    assert (row["event_key"], row["channel_id"], row["guild_id"]) == (f"recap:{told.live_id}", CHANNEL, GUILD)
    assert row["expires_at"] == OVER + NEWS_FOR
    message = Message.from_json(unpacked(row["message"]))
    assert message.title == "Recap: Ana was live"
    assert message.mention_role_id is None
    assert message.chart is not None
    told.clock.advance(60)
    await told.service.step()
    assert [(row["revision"], row["id"]) for row in await told.rows()] == [(1, row["id"])]


async def test_the_figures_of_a_recap_are_those_of_the_recording(told):
    await told.service.step()
    (row,) = await told.rows()
    (recording,) = await told.rows(recordings)
    said = fields(row)
    assert said["Duration"] == "1 h 30 min"
    assert said["Recorded"] == "100% of the live"
    assert said["Likes"] == f"{recording['room_likes']:,}"
    assert said["Comments"] == f"{recording['comments']:,}"
    assert said["Followers won"] == f"{recording['follows']:,}"
    diamonds, gifts = recording["diamonds"], recording["gifts"]
    worth = diamonds * 0.005
    dollars = f"{worth:,.0f}" if worth >= 100 else f"{worth:.2f}"
    assert said["Diamonds"] == f"{diamonds:,} from {gifts:,} gifts\nabout ${dollars} (estimate)"
    assert said["Most viewers"].startswith(f"{recording['peak_viewers']:,} after ")
    assert said["Mean viewers"] == f"{recording['viewer_seconds'] / recording['watched_seconds']:,.0f}"
    assert said["Top supporters"].count("\n") == 4
    assert "viewers" in said["Best minute"]


async def test_a_total_of_a_part_says_that_it_is_one(database):
    told = Told(database)
    await told.keep(connected_share=0.5)
    await told.follow()
    await told.service.step()
    (row,) = await told.rows()
    assert (
        fields(row)["Recorded"]
        == "50% of the live\nCounted in this part; likes are TikTok's own count of the whole live."
    )


async def test_what_nobody_counted_is_unknown_and_never_0(told):
    """The signing service was not to be had: there were only counts of viewers."""
    await told.change(
        recordings,
        first_connected_at=None,
        connected_seconds=0,
        room_likes=None,
        **dict.fromkeys(("comments", "likes", "gifts", "diamonds", "follows"), 0),
    )
    async with told.database.write("test.less") as conn:
        await conn.execute(delete(stream_gifts))
    await told.service.step()
    (row,) = await told.rows()
    said = fields(row)
    assert [said[name] for name in ("Likes", "Comments", "Followers won", "Diamonds")] == ["unknown"] * 4
    assert said["Mean viewers"] != "unknown"
    assert said["Recorded"].startswith("0%")


async def test_a_recording_with_nothing_in_it_is_not_told(told):
    await told.change(recordings, first_connected_at=None, viewers=None, watched_seconds=0)
    await told.service.step()
    assert await told.rows() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"state": RecordingState.RECORDING},
        {"state": RecordingState.WAITING},
        {"leased_until": OVER + 2 * MINUTE},
    ],
    ids=["recorded", "waiting", "held"],
)
async def test_nothing_is_told_before_the_recorder_has_written_all(told, changed):
    told.clock.advance(5)
    if "leased_until" in changed:
        changed = {"leased_until": told.clock.now() + timedelta(seconds=10)}
    await told.change(recordings, **changed)
    await told.service.step()
    assert await told.rows() == []
    await told.change(recordings, state=RecordingState.DONE)
    told.clock.advance(10)
    await told.service.step()
    assert len(await told.rows()) == 1


async def test_nothing_is_told_of_a_live_that_is_on(database):
    told = Told(database)
    await told.keep(going_on=True)
    await told.follow()
    await told.change(recordings, state=RecordingState.STOPPED)
    await told.service.step()
    assert await told.rows() == []


async def test_what_was_stopped_by_hand_is_summed_up_when_the_live_is_over(told):
    await told.change(recordings, state=RecordingState.STOPPED)
    await told.service.step()
    assert len(await told.rows()) == 1


@pytest.mark.parametrize(("late", "told_of"), [(-MINUTE, 1), (timedelta(0), 0)])
async def test_an_old_live_is_not_news(told, late, told_of):
    told.clock.advance((OVER + NEWS_FOR + late - told.clock.now()).total_seconds())
    await told.service.step()
    assert len(await told.rows()) == told_of


async def test_why_viewers_moved_is_found_out_also_where_the_live_is_no_news_any_more(told):
    told.clock.advance((OVER + 2 * NEWS_FOR - told.clock.now()).total_seconds())
    await told.service.step()
    assert await told.rows() == []
    (found,) = await told.rows(stream_findings)
    assert found["findings"]["minutes"] > 80
    await told.service.step()
    assert await told.rows(stream_findings) == [found]


async def test_every_channel_that_follows_reads_it_unless_its_guild_has_recording_off(told):
    await told.follow(GUILD, 101)
    await told.follow(2, 200)
    await told.follow(3, 300, paused=True)
    await told.follow(4, 400)
    await told.choose(4, record=False)
    await told.service.step()
    assert sorted(row["channel_id"] for row in await told.rows()) == [100, 101, 200]


async def test_each_guild_reads_times_of_its_own_zone(told):
    await told.follow(2, 200, zone="Asia/Jakarta")
    await told.service.step()
    zones = [Message.from_json(unpacked(row["message"])).chart.zone for row in await told.rows()]
    assert zones == ["UTC", "Asia/Jakarta"]


async def test_a_live_that_goes_on_and_ends_again_changes_the_same_message(told):
    await told.service.step()
    await told.deliver()
    await told.follow(2, 200)  # who follows only now is not told of the past
    await told.change(lives, ended_at=None, phase="on")
    await told.change(recordings, state=RecordingState.RECORDING)
    told.clock.advance(60)
    await told.service.step()
    (row,) = await told.rows()
    assert (row["revision"], row["state"]) == (1, "delivered")
    told.clock.advance(1800)
    await told.change(lives, ended_at=told.clock.now(), phase="ended")
    await told.change(recordings, state=RecordingState.DONE, connected_seconds=6000)
    told.clock.advance(30)
    await told.service.step()
    (row,) = await told.rows()
    assert (row["revision"], row["event_key"]) == (2, f"recap:{told.live_id}")
    assert fields(row)["Duration"] == "2 h 02 min"
    told.clock.advance(60)
    await told.service.step()
    assert [row["revision"] for row in await told.rows()] == [2]


@pytest.mark.parametrize("committed", [False, True])
async def test_a_process_that_dies_while_it_tells_neither_loses_nor_doubles_it(told, committed):
    dying = told.on(CrashingDatabase(told.database, "streams.recap", committed=committed))
    with pytest.raises(Crash):
        await dying.step()
    assert len(await told.rows()) == len(await told.rows(stream_findings)) == committed
    await told.service.step()
    assert [row["revision"] for row in await told.rows()] == [1]
    assert len(await told.rows(stream_findings)) == 1


async def test_a_live_that_cannot_be_summed_up_keeps_no_other_from_it(told, caplog):
    broken = told.live_id
    await told.keep(handle="ben", seed=2)
    await told.follow()
    explain = told.service._findings.explain

    async def fails(live_id):
        if live_id == broken:
            raise ArithmeticError("odd minutes")
        return await explain(live_id)

    told.service._findings.explain = fails
    for _ in range(2):
        await told.service.step()
    assert [row["event_key"] for row in await told.rows()] == [f"recap:{told.live_id}"]
    assert caplog.text.count("cannot be summed up") == 1
    told.service._findings.explain = explain
    await told.service.step()
    assert len(await told.rows()) == 2


async def test_a_live_that_cannot_be_summed_up_is_not_tried_for_a_month(told):
    tries = []

    async def fails(live_id):
        tries.append(live_id)
        raise ArithmeticError("odd minutes")

    told.service._findings.explain = fails
    for _ in range(2):
        await told.service.step()
    told.clock.advance(NEWS_FOR.total_seconds())
    for _ in range(3):
        await told.service.step()
    assert len(tries) == 2


@pytest.mark.parametrize("posted", [False, True])
async def test_a_recap_names_nobody_who_is_forgotten_before_or_just_after_it_is_posted(told, posted):
    await told.service.step()
    (before,) = await told.rows()
    if posted:
        await told.deliver()
    best = fields(before)["Top supporters"].removeprefix("**1.** ").split(":")[0]
    (person,) = [row for row in await told.rows(stream_people) if row["nickname"] == best]
    players = cast(Players, None)  # nobody looks for any
    privacy = Privacy(
        database=told.database,
        players=players,
        announcements=Announcements(told.database, told.clock),
        clock=told.clock,
    )
    by = Requester(guild_id=GUILD, user_id=42, is_owner=True)
    await privacy.forget(by, await privacy.find(by, f"@{person['handle']}"))
    await told.service.step()
    (after,) = [row for row in await told.rows() if row["event_key"] == before["event_key"]]
    assert f" {best}:" not in str(Message.from_json(unpacked(after["message"])))
    assert (after["state"], after["revision"]) == ("pending", 2)


async def test_what_was_missed_in_a_short_outage_is_told_afterwards(told):
    told.clock.advance(6 * 3600)
    await told.on(told.database).step()
    (row,) = await told.rows()
    assert row["expires_at"] == OVER + NEWS_FOR


async def test_a_live_without_a_course_is_summed_up_without_a_chart(told):
    async with told.database.write("test.less") as conn:
        await conn.execute(delete(stream_minutes))
    await told.service.step()
    (row,) = await told.rows()
    assert Message.from_json(unpacked(row["message"])).chart is None
    assert "Best minute" not in fields(row)


# The alert while the live is on.


@pytest.fixture
async def live(database):
    told = Told(database)
    await told.keep(going_on=True)
    await told.follow()
    return told


async def test_an_alert_shows_how_the_live_goes_only_where_it_is_switched_on(live):
    await live.follow(2, 200)
    await live.choose(2, live_edits=True)
    await live.announce()
    one, other = await live.rows()
    assert list(fields(one)) == ["Viewers", "Started"]
    assert list(fields(other)) == ["Viewers", "Likes", "Gifts so far", "Duration", "Started"]
    (recording,) = await live.rows(recordings)
    assert fields(other)["Likes"] == f"{recording['room_likes']:,}"
    assert fields(other)["Duration"] == "1 h 31 min"


async def test_a_channel_that_is_told_of_all_lives_shows_how_they_go_too(live):
    async with live.database.write("test.rule") as conn:
        rule = NotificationRule(
            guild_id=GUILD, channel_id=300, kind=Kind.LIVE, subject=ALL, options=Options()
        )
        await notification_rules.save(conn, rule, 1, live.clock.now())
    await live.choose(live_edits=True)
    await live.announce()
    await live.deliver()
    live.clock.advance(3600)
    await live.service.step()
    assert [fields(row).get("Duration") for row in await live.rows()] == ["2 h 31 min"] * 2


async def test_the_alert_is_edited_every_five_minutes_at_most(live):
    await live.choose(live_edits=True)
    await live.announce()
    await live.deliver()
    edits = []
    for second in range(0, 1200, 30):
        live.clock.advance(30)
        await live.look_again(viewers=second)  # news of the monitor come in between
        await live.service.step()
        (row,) = await live.rows()
        if row["state"] != "delivered":
            edits.append(live.clock.now())
            await live.deliver()
    assert len(edits) == 4
    assert min(after - before for before, after in pairwise(edits)) >= EDIT_EVERY


async def test_news_of_the_live_do_not_wait_for_the_next_edit(live):
    await live.choose(live_edits=True)
    await live.announce()
    await live.deliver()
    async with live.database.write("test.end") as conn:
        (on,) = await store.open_lives(conn, account_id=live.account_id)
        over = replace(on.live, phase=Phase.ENDED, ended_at=live.clock.now())
        await say(conn, on.account, on.live_id, over, live.clock.now())
    (row,) = await live.rows()
    assert Message.from_json(unpacked(row["message"])).title == "Ana was live"


async def test_without_figures_the_alert_stays_as_it_is(live):
    await live.announce()
    await live.deliver()
    live.clock.advance(3600)
    await live.service.step()
    assert [row["revision"] for row in await live.rows()] == [1]


async def test_an_alert_that_nobody_could_post_makes_no_work(live, monkeypatch):
    await live.choose(live_edits=True)
    await live.announce()
    live.clock.advance(3600)
    before = await live.rows()
    await live.on(CrashingDatabase(live.database, "streams.renew_alerts", committed=False)).step()
    assert await live.rows() == before


async def test_a_clock_that_was_set_back_does_not_stop_the_edits(live):
    await live.choose(live_edits=True)
    await live.announce()
    live.clock.advance(3600)
    await live.deliver()
    async with live.database.write("test.back") as conn:
        await conn.execute(update(accounts).values(next_check_at=START))
    live.clock.advance(-3000)
    await live.service.step()
    assert [row["revision"] for row in await live.rows()] == [2]


async def test_a_machine_under_pressure_shows_longer_intervals_and_says_why(told):
    short = Pressure(interval_minutes=10, reason="The machine is short of memory.")
    showing = StreamShowing(told.database, ShowingRules(pressure=lambda: short))
    telling = StreamTelling(
        database=told.database,
        announcements=Announcements(told.database, told.clock),
        findings=StreamFindings(told.database, told.clock),
        showing=showing,
        clock=told.clock,
    )
    await telling.step()
    (row,) = await told.rows()
    message = Message.from_json(unpacked(row["message"]))
    assert (message.footer, message.chart.column_minutes) == (short.reason, 10)


# What was chosen follows the account.


async def test_choices_go_with_the_account_and_end_with_following_it(told):
    await told.choose(live_edits=True)
    await told.choose(2, keep_comments=True)
    async with told.database.write("test.other") as conn:
        other = (await keep_live(conn, handle="ana.old", started_at=START - timedelta(days=9))).account_id
        await stream_choices_store.change(conn, BY, other, START, record=False)
        await stream_choices_store.hand_over(conn, from_id=told.account_id, to_id=other)
    async with told.database.read() as conn:
        chosen = await stream_choices_store.of_account(conn, other)
    # Guild 1 chose something for the account that stays already.
    assert chosen == {GUILD: StreamChoice(record=False), 2: StreamChoice(keep_comments=True)}
    async with told.database.write("test.forget") as conn:
        await stream_choices_store.forget(conn, other, 2)
    async with told.database.read() as conn:
        assert await stream_choices_store.load(conn, other, 2) == StreamChoice()
