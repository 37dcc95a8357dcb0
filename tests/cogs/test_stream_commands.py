"""`/stream`, as members and admins use it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.core.streams.recording import RecordingState
from bot.storage import privacy
from bot.storage.round_tables import audit_log
from bot.storage.stream_tables import recordings, stream_choices, stream_people
from bot.storage.tables import accounts, guilds, lives, subscriptions
from tests.kept_streams import keep_live

pytest_plugins = ("tests.discord_room.conftest",)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.streams") as room:
        yield room


class Kept:
    """Recorded lives around now, of accounts that this guild follows unless it is said otherwise."""

    def __init__(self, room):
        self.room = room

    async def live(self, handle="ana", ago=2 * HOUR, *, followed=True, **more):
        now = self.room.clock.now()
        async with self.room.database.write("test.keep") as conn:
            kept = await keep_live(conn, handle=handle, started_at=now - ago, **more)
            if more.get("going_on"):
                await conn.execute(
                    update(recordings).where(recordings.c.live_id == kept.live_id).values(viewers_at=now)
                )
            known = select(subscriptions.c.id).where(subscriptions.c.account_id == kept.account_id)
            if followed and (await conn.execute(known)).first() is None:
                await self._follow(conn, kept.account_id, self.room.guild_id)
        return kept

    async def follow(self, account_id, guild_id):
        async with self.room.database.write("test.follow") as conn:
            await self._follow(conn, account_id, guild_id)

    async def _follow(self, conn, account_id, guild_id):
        row = {"account_id": account_id, "guild_id": guild_id, "channel_id": guild_id + 7}
        row |= {"created_by": 1, "created_at": self.room.clock.now()}
        await conn.execute(insert(subscriptions).values(row))

    async def rows(self, table):
        async with self.room.database.read() as conn:
            return [dict(row) for row in (await conn.execute(select(table))).mappings()]

    async def change(self, table, live_id, **values):
        column = table.c.id if table is lives else table.c.live_id
        async with self.room.database.write("test.change") as conn:
            await conn.execute(update(table).where(column == live_id).values(**values))


@pytest.fixture
async def kept(room):
    return Kept(room)


async def said(room, name: str, user: str = "member", **options: Any) -> dict[str, Any]:
    return (await room.command(f"stream {name}", user=user, **options))["response"]


def fields(answer) -> dict[str, str]:
    (embed,) = answer["embeds"]
    return {field["name"]: field["value"] for field in embed["fields"]}


# /stream now


async def test_the_one_live_that_is_on_is_shown_to_everyone(room, kept):
    await kept.live(going_on=True, minutes=120)
    answer = await said(room, "now")
    assert not answer["ephemeral"]
    (row,) = await kept.rows(recordings)
    told = fields(answer)
    assert told["Viewers now"] == f"{row['viewers']:,}"
    assert told["Likes"] == f"{row['room_likes']:,}"
    assert told["Comments"] == f"{row['comments']:,}"
    assert told["Diamonds"].startswith(f"{row['diamonds']:,} from {row['gifts']:,} gifts\nabout $")
    assert told["Recorded"] == "100% of the live"
    assert told["Top supporters"].startswith("**1.** Fan ")
    assert answer["embeds"][0]["image"]["url"].split("?")[0].endswith("chart.png")
    (chart,) = room.painter.drawn
    assert len(chart.runs[0].points) > 20
    assert chart.gaps == ()


async def test_people_who_were_forgotten_take_no_place_among_the_supporters(room, kept):
    live = await kept.live(going_on=True, minutes=120)
    before = fields(await said(room, "now"))["Top supporters"]
    best = max(live.diamonds_of, key=lambda person: live.diamonds_of[person])
    async with room.database.write("test.forget") as conn:
        await privacy.forget_traces(conn, best)
    after = fields(await said(room, "now"))["Top supporters"]
    assert "without a name" not in after
    names = [[line.split("** ")[1].split(":")[0] for line in told.splitlines()] for told in (before, after)]
    assert names[1][:4] == names[0][1:]


async def test_several_lives_are_a_question_and_a_name_answers_it(room, kept):
    await kept.live(going_on=True)
    await kept.live("ben", going_on=True, ago=HOUR, minutes=60)
    answer = await said(room, "now")
    assert answer["ephemeral"]
    assert "`@ana`, `@ben`" in answer["content"]
    assert "Ben" in (await named(room, "now", "ben"))["embeds"][0]["title"]


async def named(room, command, handle, user="member", **options):
    """Give a command about an account; its option has the name that `Room.command` gives to who asks."""
    found = await room.ask(room.server.run, f"stream {command}", {"user": handle, **options}, user=user)
    return found["response"]


async def test_who_is_not_live_not_recorded_or_not_followed_is_a_hint_for_one(room, kept):
    await kept.live()
    await kept.live("eve", going_on=True, followed=False)
    ben = await kept.live("ben", ago=3 * DAY)
    async with room.database.write("test.on") as conn:
        row = {"account_id": ben.account_id, "phase": "on", "title": "", "cover_url": ""}
        now = room.clock.now()
        row |= {"started_at": now, "found_at": now, "last_seen_at": now}
        await conn.execute(insert(lives).values(row))
    for handle, hint in (("ana", "not live now"), ("eve", "not followed here"), ("ben", "not recorded")):
        answer = await named(room, "now", handle)
        assert answer["ephemeral"]
        assert hint in answer["content"]
    answer = await said(room, "now")
    assert answer["ephemeral"]
    assert "Nobody" in answer["content"]


async def test_an_old_count_is_told_with_its_age_and_trouble_is_told(room, kept):
    live = await kept.live(going_on=True)
    await kept.change(
        recordings,
        live.live_id,
        viewers=77,
        viewers_at=room.clock.now() - timedelta(minutes=9),
        state=RecordingState.DEGRADED,
        trouble="HTTP *500*",
    )
    (embed,) = (await said(room, "now"))["embeds"]
    assert {"name": "Viewers now", "value": "77, 9 min ago", "inline": True} in embed["fields"]
    assert "signing service is not to be had" in embed["description"]
    assert r"HTTP \*500\*" in embed["description"]


async def test_without_any_count_nothing_is_called_0(room, kept):
    live = await kept.live(going_on=True)
    await kept.change(
        recordings,
        live.live_id,
        viewers=None,
        peak_viewers=None,
        peak_at=None,
        watched_seconds=0,
        viewer_seconds=0,
        room_likes=None,
        first_connected_at=None,
        connected_seconds=0,
    )
    async with room.database.write("test.unseen") as conn:
        await conn.execute(update(lives).values(peak_viewers=None))
    told = fields(await said(room, "now"))
    names = ("Viewers now", "Most viewers", "Mean viewers", "Likes", "Comments", "Followers won", "Diamonds")
    assert [told[name] for name in names] == ["unknown"] * len(names)


@pytest.mark.parametrize("name", ["*" * 300, "@everyone `x` <@1> " * 20, "\U0001f3f4" * 300])
async def test_a_long_hostile_name_is_held_within_the_limits(room, kept, name):
    live = await kept.live(going_on=True)
    async with room.database.write("test.name") as conn:
        await conn.execute(update(accounts).values(nickname=name))
        await conn.execute(update(stream_people).values(nickname=name, handle=name))
    await kept.change(lives, live.live_id, title=name)
    answer = await said(room, "now")
    (embed,) = answer["embeds"]
    assert len(embed["title"]) <= 256
    assert embed["title"].endswith(": the live so far")
    assert "Top supporters" in fields(answer)
    assert (answer["pinged_users"], answer["pinged_roles"], answer["pinged_everyone"]) == ([], [], False)
    await named(room, "history", "ana")


# /stream history, compare, correlation


async def test_the_history_has_pages_the_newest_first(room, kept):
    for days in range(1, 9):
        await kept.live(ago=days * DAY, seed=days)
    answer = await named(room, "history", "ana")
    assert not answer["ephemeral"]
    (embed,) = answer["embeds"]
    newest, oldest = (room.clock.now() - days * DAY for days in (1, 8))
    assert embed["title"] == "Recorded lives of Ana"
    assert f"<t:{int(newest.timestamp())}:f>" in embed["description"]
    assert f"<t:{int(oldest.timestamp())}:f>" not in embed["description"]
    assert "recorded: 100%" in embed["description"]
    assert embed["footer"]["text"] == "Page 1 of 2"


async def test_an_account_without_a_recorded_live_has_an_empty_history(room, kept):
    await kept.live()
    async with room.database.write("test.none") as conn:
        await conn.execute(recordings.delete())
    (embed,) = (await named(room, "history", "ana"))["embeds"]
    assert "No live of this account" in embed["description"]


async def test_two_lives_are_compared_with_their_viewers_from_the_beginning_on(room, kept):
    one = await kept.live(ago=2 * DAY)
    other = await kept.live("ben", ago=DAY, minutes=45, connected_share=0.5)
    answer = await said(room, "compare", a=str(one.live_id), b=str(other.live_id))
    table = fields(answer)["Side by side"]
    assert "     1:30     0:45  Duration (h:mm)" in table
    assert "     100%      50%  Recorded" in table
    assert f"{one.totals['comments']:>9}{other.totals['comments']:>9}  Comments" in table
    hours = 1.5, 0.375
    rates = [live.totals["comments"] / hour for live, hour in zip((one, other), hours, strict=True)]
    cells = [f"{rate:.1f}" if rate < 100 else f"{rate:.0f}" for rate in rates]
    assert f"{cells[0]:>9}{cells[1]:>9}  Comments/hour" in table
    (chart,) = room.painter.drawn
    starts = [line.points[0][0] for line in chart.lines]
    assert abs(starts[0] - starts[1]) < timedelta(minutes=5)


async def test_two_accounts_are_compared_over_thirty_days(room, kept):
    recent = [await kept.live(ago=days * DAY, seed=days) for days in (3, 5)]
    await kept.live(ago=31 * DAY)
    ben = await kept.live("ben", ago=DAY)
    answer = await said(room, "compare", a="@ana", b="ben")
    assert "2 lives of the last 30 days" in answer["embeds"][0]["description"]
    assert "1 live of the last 30 days" in answer["embeds"][0]["description"]
    diamonds = sum(live.totals["diamonds"] for live in recent)
    assert f"{diamonds:>9}{ben.totals['diamonds']:>9}  Diamonds" in fields(answer)["Side by side"]
    assert room.painter.drawn == []


async def test_what_cannot_be_compared_is_a_hint_for_one(room, kept):
    one = await kept.live()
    foreign = await kept.live("eve", followed=False)
    number = str(one.live_id)
    for a, b, hint in (
        (number, number, "one and the same"),
        (number, "ana", "not one of each"),
        (number, str(foreign.live_id), "suggestions"),
        ("ana", "eve", "not followed here"),
        ("ana", "not a handle", "handle"),
    ):
        answer = await said(room, "compare", a=a, b=b)
        assert answer["ephemeral"]
        assert hint in answer["content"]


async def test_what_moved_the_viewers_is_told_of_a_live_or_an_account(room, kept):
    live = await kept.live()
    for answer in (
        await said(room, "correlation", live=str(live.live_id)),
        await named(room, "correlation", "ana"),
    ):
        assert not answer["ephemeral"]
        assert "Ana" in answer["embeds"][0]["title"]
    answer = await said(room, "correlation")
    assert answer["ephemeral"]
    assert "not both" in answer["content"]
    answer = await said(room, "correlation", live="4711")
    assert "suggestions" in answer["content"]


# What admins change


async def test_an_admin_stops_a_recording_and_starts_it_again(room, kept):
    live = await kept.live(going_on=True)
    answer = await named(room, "stop", "ana", user="admin")
    assert answer["ephemeral"]
    assert "not recorded any more" in answer["content"]
    (row,) = await kept.rows(recordings)
    admin = int(room.server.facts["users"]["admin"])
    assert (row["state"], row["stopped_by"]) == (RecordingState.STOPPED, admin)
    assert "No live" in (await named(room, "stop", "ana", user="admin"))["content"]
    answer = await named(room, "start", "ana", user="admin")
    assert "recorded from now on" in answer["content"]
    (row,) = await kept.rows(recordings)
    assert (row["state"], row["live_id"]) == (RecordingState.WAITING, live.live_id)
    assert "already" in (await named(room, "start", "ana", user="admin"))["content"]
    told = [entry["what"] for entry in await kept.rows(audit_log)]
    assert ["not recorded any more" in what for what in told] == [True, False]
    assert room.world.monitor.recordings_changed.is_set()


async def test_a_live_that_is_not_on_cannot_be_recorded(room, kept):
    await kept.live()
    answer = await named(room, "start", "ana", user="admin")
    assert "not live now" in answer["content"]


async def test_what_another_server_has_recorded_is_not_stopped_for_it(room, kept):
    live = await kept.live(going_on=True)
    await kept.follow(live.account_id, room.guild_id + 1)
    answer = await named(room, "stop", "ana", user="admin")
    assert "Another server" in answer["content"]
    (row,) = await kept.rows(recordings)
    assert row["state"] == RecordingState.RECORDING
    async with room.database.write("test.off") as conn:
        choice = {"account_id": live.account_id, "guild_id": room.guild_id + 1, "record": False}
        choice |= {"set_by": 1, "set_at": room.clock.now()}
        await conn.execute(insert(stream_choices).values(choice))
    answer = await named(room, "stop", "ana", user="admin")
    assert "not recorded any more" in answer["content"]


async def test_settings_are_shown_changed_and_written_down(room, kept):
    live = await kept.live()
    async with room.database.write("test.language") as conn:
        await conn.execute(update(guilds).values(language="id"))
    answer = await named(room, "settings", "ana", user="admin")
    assert answer["ephemeral"]
    assert answer["content"].splitlines() == [
        "`@ana`: Recording of lives: on",
        "`@ana`: Live figures in the alert: off",
        "`@ana`: Keeping the words of comments: off",
    ]
    assert await kept.rows(stream_choices) == []
    answer = await named(room, "settings", "ana", user="admin", live_edits=True, record=True)
    assert "Live figures in the alert: on" in answer["content"]
    (row,) = await kept.rows(stream_choices)
    chosen = {name: row[name] for name in ("account_id", "guild_id", "record", "live_edits", "keep_comments")}
    assert chosen == {
        "account_id": live.account_id,
        "guild_id": room.guild_id,
        "record": True,
        "live_edits": True,
        "keep_comments": False,
    }
    (entry,) = await kept.rows(audit_log)
    assert "Live figures in the alert: on" in entry["what"]


async def test_a_live_that_is_on_follows_the_switch_of_its_account(room, kept):
    live = await kept.live(going_on=True)
    for on, state in ((False, "stopped"), (True, "waiting")):
        await named(room, "settings", "ana", user="admin", record=on)
        assert [row["state"] for row in await kept.rows(recordings)] == [state]
    await kept.follow(live.account_id, room.guild_id + 1)
    await named(room, "settings", "ana", user="admin", record=False)
    assert [row["state"] for row in await kept.rows(recordings)] == ["waiting"]


@pytest.mark.parametrize("command", ["start", "stop", "settings"])
async def test_members_change_nothing(room, kept, command):
    await kept.live(going_on=True)
    before = await kept.rows(recordings)
    answer = await named(room, command, "ana")
    assert answer["ephemeral"]
    assert "Manage Server" in answer["content"]
    assert (await kept.rows(recordings), await kept.rows(stream_choices)) == (before, [])


# Suggestions


async def suggested(room, command, focused, part):
    order = {"user": "member", "channel": "general", "name": f"stream {command}", "focused": focused}
    order["options"] = {focused: part}
    started = await room.ask(room.server.control, "POST", "autocomplete", order)
    answered = await room.ask(room.server.answer, started["interaction_id"])
    return [choice["value"] for choice in answered["choices"]]


async def test_accounts_and_lives_of_this_server_are_suggested(room, kept):
    one = await kept.live(ago=2 * DAY)
    other = await kept.live("ben", ago=HOUR, going_on=True)
    await kept.live("eve", going_on=True, followed=False)
    numbers = [str(other.live_id), str(one.live_id)]
    assert await suggested(room, "now", "user", "") == ["ben"]
    assert await suggested(room, "history", "user", "") == ["ana", "ben"]
    assert await suggested(room, "correlation", "live", "") == numbers
    assert await suggested(room, "compare", "a", "") == [*numbers, "@ana", "@ben"]
    assert await suggested(room, "compare", "b", "@an") == [str(one.live_id), "@ana"]


async def test_there_are_no_more_suggestions_than_discord_takes(room, kept):
    for number in range(30):
        await kept.live(ago=(number + 1) * DAY, minutes=1, people=1)
    found = await suggested(room, "compare", "a", "")
    assert len(found) == 25
    assert found[-1] == "@ana"
