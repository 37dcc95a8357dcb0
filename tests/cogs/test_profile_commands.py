"""`/profile`, as members and admins use it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.core.posts.models import MediaOwner, RunState, Trouble
from bot.core.posts.pictures import Picture, PictureType
from bot.storage.media_folder import MediaFolder, name_of, sha256_of
from bot.storage.post_tables import (
    jobs,
    media,
    posts,
    profile_run_askers,
    profile_runs,
    profile_watches,
    profiles,
)
from bot.storage.round_tables import audit_log
from bot.storage.tables import accounts, outbox
from tests.discord_room.room import PNG
from tests.kept_posts import keep_profile

pytest_plugins = ("tests.discord_room.conftest",)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.profiles", settings="PROFILES_PER_GUILD=2\n") as room:
        yield room


class Kept:
    """Profiles whose last run was an hour ago, which this guild watches unless it is said otherwise."""

    def __init__(self, room):
        self.room = room

    async def profile(self, handle="ana", *, runs=10, every=DAY, guild_id=0, **more):
        began = self.room.clock.now() - every * (runs - 1) - HOUR
        async with self.room.database.write("test.keep") as conn:
            return await keep_profile(
                conn,
                handle=handle,
                runs=runs,
                every=every,
                started_at=began,
                guild_id=self.room.guild_id if guild_id == 0 else guild_id,
                **more,
            )

    async def rows(self, table, *where):
        async with self.room.database.read() as conn:
            return [dict(row) for row in (await conn.execute(select(table).where(*where))).mappings()]

    async def change(self, table, *where, **values):
        async with self.room.database.write("test.change") as conn:
            await conn.execute(update(table).where(*where).values(**values))

    async def open_run(self):
        (run,) = await self.rows(profile_runs, profile_runs.c.finished_at.is_(None))
        return run["id"]

    async def run(self, run_id, **values):
        await self.change(profile_runs, profile_runs.c.id == run_id, **values)


@pytest.fixture
async def kept(room):
    return Kept(room)


async def said(room, name: str, user: str = "member", **options: Any) -> dict[str, Any]:
    """Give the answer to a command; an option `handle` is the command's `user`."""
    given = {"user" if key == "handle" else key: value for key, value in options.items()}
    return (await room.ask(room.server.run, f"profile {name}", given, user=user))["response"]


def fields(answer, embed=0) -> dict[str, str]:
    return {field["name"]: field["value"] for field in answer["embeds"][embed]["fields"]}


def table(words: str) -> dict[str, list[str]]:
    """Give the rows of a monospaced table by their names."""
    rows = [line.split("  ") for line in words.strip("`\n").splitlines()]
    return {row[-1]: " ".join(row[:-1]).split() for row in rows}


# /profile show


async def test_a_profile_is_shown_with_its_totals_and_its_growth_to_everyone(room, kept):
    ana = await kept.profile(runs=35)
    answer = await said(room, "show", handle="@Ana")
    assert not answer["ephemeral"]
    told = fields(answer)
    assert told["Views"] == f"{ana.total('views'):,}"
    assert told["Saves"] == f"{ana.total('saves'):,}"
    assert told["Followers"] == "5,000"
    assert told["Known posts"] == str(len(ana.post_ids))
    growth = table(told["Growth over"])
    assert growth["Followers"] == ["+10", "+70", "+300"]
    assert growth["hours apart"] == ["24", "168", "720"]
    (chart,) = room.painter.drawn
    assert [value for _, value in chart.lines[0].points] == [ana.total("views", run) for run in range(35)]
    assert len(chart.steps) == 34
    assert answer["embeds"][0]["image"]["url"].split("?")[0].endswith("chart.png")


async def test_what_nobody_told_is_unknown_and_has_no_row_of_growth(room, kept):
    await kept.profile(followers=None, runs=1)
    told = fields(await said(room, "show", handle="ana"))
    assert told["Followers"] == "unknown"
    growth = table(told["Growth over"])
    assert "Followers" not in growth
    assert growth["Views"] == ["–", "–", "–"]  # noqa: RUF001
    assert growth["hours apart"] == ["–", "–", "–"]  # noqa: RUF001


async def test_growth_over_a_gap_is_told_with_the_hours_that_really_lie_between(room, kept):
    await kept.profile(every=3 * DAY)
    growth = table(fields(await said(room, "show", handle="ana"))["Growth over"])
    assert growth["hours apart"] == ["–", "144", "648"]  # noqa: RUF001
    assert growth["Views"][0] == "–"  # noqa: RUF001


async def test_a_profile_that_cannot_be_read_says_since_when_and_what_to_do(room, kept):
    ana = await kept.profile()
    failing = room.clock.now() - 5 * HOUR
    this = profiles.c.account_id == ana.account_id
    await kept.change(
        profiles, this, trouble=Trouble.NO_CREDITS, trouble_words="HTTP 402 *no*", failing_since=failing
    )
    body = (await said(room, "show", handle="ana"))["embeds"][0]["description"]
    assert f"<t:{int(failing.timestamp())}:R>" in body
    assert "HTTP 402 \\*no\\*" in body
    assert "can buy more" in body


async def test_old_numbers_are_told_as_old(room, kept):
    await kept.profile()
    room.clock.advance(3 * 86400)
    assert "are old" in (await said(room, "show", handle="ana"))["embeds"][0]["description"]


async def test_profiles_of_another_guild_are_not_even_there(room, kept):
    eve = await kept.profile("eve", guild_id=4711)
    answers = [
        await said(room, "show", handle="eve"),
        await said(room, "posts", handle="eve"),
        await said(room, "post", post=str(eve.post_ids[-1])),
        await said(room, "update", "admin", handle="eve"),
        await said(room, "logs", "admin", handle="eve"),
    ]
    assert all(answer["ephemeral"] for answer in answers)
    assert all("here" in answer["content"] for answer in answers)
    assert await kept.rows(jobs) == []


# /profile posts, /profile post


def titles(answer) -> list[str]:
    return [embed["title"] for embed in answer["embeds"][1:]]


async def keep_cover(room, post_id, content=PNG):
    folder = room.settings.media_folder
    picture = Picture(content=content, media_type=PictureType.PNG)
    name = name_of(MediaOwner.POST, post_id, picture)
    await asyncio.to_thread(MediaFolder(folder).keep, name, content)
    row = {"owner": MediaOwner.POST, "owner_id": post_id, "source_url": "https://p16.tiktokcdn.com/x"}
    row |= {"file": name, "media_type": "image/png", "sha256": sha256_of(content), "bytes": len(content)}
    async with room.database.write("test.cover") as conn:
        await conn.execute(insert(media).values(row))


async def turned(room, answer, until):
    """Turn to the next page; give the message as it then stands."""
    following = answer["components"][0]["components"][1]["custom_id"]
    await room.ask(room.server.press, answer, following, user="member")

    async def there():
        (message,) = [one for one in await room.shown("general") if one["id"] == answer["id"]]
        return message if until in message["embeds"][-1]["footer"]["text"] else None

    return await room.until_async(there)


async def test_posts_are_sorted_by_views_with_their_covers_and_pages_are_turned(room, kept):
    ana = await kept.profile()
    by_views = sorted(ana.post_ids, key=lambda post: -ana.counts[post][-1]["views"])
    for post_id in (by_views[1], by_views[4]):
        await keep_cover(room, post_id)
    interaction = await room.ask(room.server.run, "profile posts", {"user": "ana"}, user="member")
    answer = interaction["response"]
    assert [title.split(" ")[2] for title in titles(answer)] == [str(post % 1000) for post in by_views[:4]]
    shown = [embed.get("thumbnail", {}).get("url", "") for embed in answer["embeds"]]
    assert [bool(url) for url in shown] == [False, False, True, False, False]
    assert shown[2].split("?")[0].endswith("cover2.png")
    assert "Page 1 of 2" in answer["embeds"][-1]["footer"]["text"]
    message = await turned(room, answer, "Page 2")
    assert [title.split(" ")[2] for title in titles(message)] == [str(post % 1000) for post in by_views[4:]]
    assert [attached["filename"] for attached in message["attachments"]] == ["cover1.png"]


async def test_posts_are_sorted_by_what_they_gained_a_day_and_by_engagement(room, kept):
    ana = await kept.profile(runs=15)
    this, other = ana.post_ids[0], ana.post_ids[1]
    await kept.change(posts, posts.c.post_id == this, views=10**9)
    await kept.change(posts, posts.c.post_id == other, likes=10**9)
    first = titles(await said(room, "posts", handle="ana", sort="growth"))[0]
    assert first.split(" ")[2] == str(this % 1000)
    best = (await said(room, "posts", handle="ana", sort="engagement"))["embeds"][1]
    assert best["title"].split(" ")[2] == str(other % 1000)


async def test_posts_of_which_something_is_unknown_come_last_and_say_so(room, kept):
    ana = await kept.profile()
    await kept.change(posts, posts.c.post_id == ana.post_ids[0], views=None, shares=None)
    interaction = await room.ask(room.server.run, "profile posts", {"user": "ana"}, user="member")
    message = await turned(room, interaction["response"], "Page 2")
    last = message["embeds"][-1]
    assert last["description"].startswith("**unknown** views")
    assert "unknown shares" in last["description"]
    assert "growth unknown · engagement unknown" in last["description"]


async def test_a_profile_without_posts_says_so(room, kept):
    await kept.profile(post_count=0)
    assert "No post" in (await said(room, "posts", handle="ana"))["embeds"][0]["description"]


async def test_one_post_is_shown_with_its_history_by_its_number_or_its_link(room, kept):
    ana = await kept.profile(runs=40)
    post_id = ana.post_ids[2]
    answer = await said(room, "post", post=f"https://www.tiktok.com/@ana/video/{post_id}?is_from_webapp=1")
    assert not answer["ephemeral"]
    views = [count["views"] for count in ana.counts[post_id]]
    assert fields(answer)["Views"] == f"{views[-1]:,}"
    assert table(fields(answer)["Growth over"])["hours apart"] == ["24", "168", "720"]
    (chart,) = room.painter.drawn
    assert [value for _, value in chart.lines[0].points] == views[-30:]
    again = await said(room, "post", post=str(post_id))
    assert again["embeds"][0]["title"] == answer["embeds"][0]["title"]


# /profile compare


async def test_two_profiles_are_beside_each_other_from_the_first_day_of_both(room, kept):
    await kept.profile(runs=20)
    ben = await kept.profile("ben", runs=8)
    answer = await said(room, "compare", a="ana", b="@ben")
    side = table(fields(answer)["Side by side"])
    assert side["Followers"] == ["5000", "5000"]
    gained = table(fields(answer)["Views gained"])
    assert gained["in about 30 d"][1] == "–"  # noqa: RUF001
    (chart,) = room.painter.drawn
    one, other = chart.lines
    assert one.points[0][1] == other.points[0][1] == 0
    assert len(one.points) == len(other.points) == 8
    assert other.points[-1][1] == ben.total("views") - ben.total("views", 0)


# What admins change.


async def test_watching_reads_a_profile_as_a_whole_and_is_noted(room, kept):
    asking = asyncio.create_task(said(room, "watch", "admin", handle="https://www.tiktok.com/@Zoe", hours=6))
    answer = await asking
    assert answer["ephemeral"]
    assert "waits for its turn" in answer["embeds"][0]["description"]
    (watch,) = await kept.rows(profile_watches)
    assert (watch["guild_id"], watch["interval_hours"], watch["paused"]) == (room.guild_id, 6, False)
    (run,) = await kept.rows(profile_runs)
    assert run["is_full"]
    assert [row["kind"] for row in await kept.rows(jobs)] == ["profile"]
    (account,) = await kept.rows(accounts)
    assert account["handle"] == "zoe"
    (note,) = await kept.rows(audit_log)
    assert "`@zoe` is watched: it is read every 6 h" in note["what"]


async def test_watching_again_changes_how_often_and_reads_nothing(room, kept):
    ana = await kept.profile()
    answer = await said(room, "watch", "admin", handle="ana", hours=6)
    assert "every 6 h" in answer["content"]
    (profile,) = await kept.rows(profiles)
    assert profile["next_run_at"] == ana.runs_at[-1] + 6 * HOUR
    assert await kept.rows(jobs) == []


async def test_the_limit_of_profiles_holds_and_says_what_to_do(room, kept):
    for handle in ("ana", "ben"):
        await kept.profile(handle)
    answer = await said(room, "watch", "admin", handle="cleo")
    assert "watches 2 profiles, which is the limit" in answer["content"]
    assert len(await kept.rows(profile_watches)) == 2
    assert "every 12 h" in (await said(room, "watch", "admin", handle="ben", hours=12))["content"]


async def test_what_is_unwatched_is_kept_and_goes_on_when_it_is_watched_again(room, kept):
    ana = await kept.profile()
    await said(room, "unwatch", "admin", handle="ana")
    assert await kept.rows(profile_watches) == []
    assert (await said(room, "show", handle="ana"))["ephemeral"]
    await said(room, "watch", "admin", handle="ana")
    told = fields(await said(room, "show", handle="ana"))
    assert told["Known posts"] == str(len(ana.post_ids))


async def test_a_paused_profile_is_listed_as_such_until_it_goes_on(room, kept):
    await kept.profile()
    await said(room, "pause", "admin", handle="ana")
    listed = (await said(room, "list", "admin"))["embeds"][0]["description"]
    assert "Paused" in listed
    assert "next run" not in listed
    await said(room, "pause", "admin", handle="ana", paused=False)
    assert "next run" in (await said(room, "list", "admin"))["embeds"][0]["description"]


async def test_the_log_tells_why_a_run_failed_and_what_it_cost(room, kept):
    ana = await kept.profile()
    await kept.run(
        ana.run_ids[-1], state=RunState.FAILED, error="HTTP 402 @everyone", credits_left=0, attempts=3
    )
    log = (await said(room, "logs", "admin", handle="ana"))["embeds"][0]["description"]
    newest = log.split("<t:")[1]
    assert "❌ failed" in newest
    assert "0 credits left" in newest
    assert "3 tries" in newest
    assert "HTTP 402 \\@everyone" in newest


async def test_the_queue_tells_its_counts(room, kept):
    await kept.profile()
    await said(room, "update", "admin", handle="ana")
    told = fields(await said(room, "queue", "admin"))
    assert told["Reading profiles"].startswith("waiting 1 · active 0 · delayed 0")
    assert told["Fetching covers and avatars"].startswith("waiting 0")


# /profile update


class Update:
    """An update that somebody asked for, and its answer as it stands."""

    def __init__(self, room, kept, interaction):
        self.room, self.kept = room, kept
        self.id = interaction["id"]

    async def answer(self):
        return (await self.room.ask(self.room.server.answer, self.id))["response"]

    async def says(self, words: str):
        """Let time pass until the answer says so."""

        async def there():
            self.room.clock.advance(3)
            embed = (await self.answer())["embeds"][0]
            return embed if words in f"{embed['title']} {embed.get('description')}" else None

        return await self.room.until_async(there)


@pytest.fixture
async def asked(room, kept):
    async def ask(**more):
        run = room.server.run
        found = await room.ask(run, "profile update", {"user": "ana", **more}, user="admin")
        return Update(room, kept, found)

    return ask


async def end(room, kept, run_id, account_id, **more):
    """End a run as the monitor does, with a sample a day younger than the last."""
    from bot.storage.post_tables import profile_snapshots

    now = room.clock.now()
    samples = await kept.rows(profile_snapshots, profile_snapshots.c.account_id == account_id)
    last = max(samples, key=lambda row: row["at"])
    row = {**last, "run_id": run_id, "at": last["at"] + 30 * HOUR, "views": last["views"] - 500}
    async with room.database.write("test.end") as conn:
        await conn.execute(insert(profile_snapshots).values(row))
    ended = {"state": RunState.COMPLETED, "is_complete": True, "posts": 120, "pages": 8, "new_posts": 2}
    await kept.run(run_id, finished_at=now, **ended, **more)
    return last


async def test_an_update_tells_pages_and_posts_and_ends_with_what_changed(room, kept, asked):
    ana = await kept.profile()
    update = await asked(full=True)
    answer = await update.answer()
    assert answer["ephemeral"]
    assert "waits for its turn" in answer["embeds"][0]["description"]
    (job,) = await kept.rows(jobs)
    assert job["priority"] == 10
    run_id = await kept.open_run()
    await kept.run(run_id, state=RunState.RUNNING, started_at=room.clock.now(), posts=30, pages=2)
    await update.says("30 posts on 2 pages")
    await kept.run(run_id, posts=45, pages=3)
    await update.says("45 posts on 3 pages")
    last = await end(room, kept, run_id, ana.account_id)
    embed = await update.says("120 posts read · 2 new")
    told = {field["name"]: field["value"] for field in embed["fields"]}
    assert told["Views"] == f"{last['views'] - 500:,}\n-500 in 30 h"
    assert told["Followers"] == "5,000\n0 in 30 h"
    await room.until_async(lambda: empty(kept))
    await room.services.profiles.asking.step()
    assert await kept.rows(outbox) == []


async def empty(kept):
    return not await kept.rows(profile_run_askers)


async def test_an_update_that_fails_says_what_to_do(room, kept, asked):
    ana = await kept.profile()
    update = await asked()
    run_id = await kept.open_run()
    this = profiles.c.account_id == ana.account_id
    await kept.change(profiles, this, trouble=Trouble.PRIVATE, failing_since=room.clock.now())
    await kept.run(run_id, state=RunState.FAILED, finished_at=room.clock.now(), error="status 10222")
    embed = await update.says("could not be read")
    assert "status 10222" in embed["description"]
    assert "private" in embed["description"]


async def test_an_update_that_is_tried_again_says_why(room, kept, asked):
    await kept.profile()
    update = await asked()
    await kept.run(await kept.open_run(), error="HTTP 429", attempts=1)
    await update.says("The last try failed: HTTP 429")


async def test_two_who_ask_wait_for_one_run(room, kept, asked):
    await kept.profile()
    await asked()
    await asked(full=True)
    (run,) = await kept.rows(profile_runs, profile_runs.c.finished_at.is_(None))
    assert run["is_full"]
    assert len(await kept.rows(jobs)) == 1


async def posted(room, kept, run_id):
    """What the outbox has about the end of a run."""
    return await kept.rows(outbox, outbox.c.event_key == f"profile-run:{run_id}")


async def test_after_its_15_minutes_the_end_is_told_in_the_channel_once(room, kept, asked):
    ana = await kept.profile()
    update = await asked()
    run_id = await kept.open_run()
    await kept.run(run_id, state=RunState.RUNNING, started_at=room.clock.now(), posts=30, pages=2)
    await update.says("30 posts on 2 pages")
    room.clock.advance(15 * 60)
    await update.says("will be told in this channel")
    step = room.services.profiles.asking.step
    await step()
    assert await posted(room, kept, run_id) == []
    await end(room, kept, run_id, ana.account_id)
    await step()
    await step()
    (row,) = await posted(room, kept, run_id)
    delivered = await room.becomes(row["channel_id"], "delivered", f"profile-run:{run_id}")
    (message,) = [
        one for one in await room.shown(row["channel_id"]) if one["id"] == str(delivered["message_id"])
    ]
    assert "120 posts read" in message["embeds"][0]["description"]
    assert await empty(kept)


async def test_a_restart_does_not_lose_the_end(room, kept, asked):
    ana = await kept.profile()
    await asked()
    run_id = await kept.open_run()
    await room.restart()
    await end(room, kept, run_id, ana.account_id)
    await room.services.profiles.asking.step()
    await room.services.profiles.asking.step()
    (row,) = await posted(room, kept, run_id)
    await room.becomes(row["channel_id"], "delivered", f"profile-run:{run_id}")


async def test_an_end_that_the_answer_did_not_take_is_told_in_the_channel(room, kept, asked):
    ana = await kept.profile()
    await asked()
    run_id = await kept.open_run()
    await room.ask(
        room.server.fault,
        "status",
        method="PATCH",
        path="/webhooks/.*",
        status=404,
        body='{"code": 10015, "message": "Unknown"}',
        headers={"Content-Type": "application/json"},
        times=9,
    )
    await end(room, kept, run_id, ana.account_id)

    async def told():
        room.clock.advance(3)
        await room.services.profiles.asking.step()
        return await posted(room, kept, run_id)

    await room.until_async(told)


async def test_while_the_answer_tells_it_the_channel_does_not(room, kept, asked):
    ana = await kept.profile()
    await asked()
    run_id = await kept.open_run()
    await end(room, kept, run_id, ana.account_id)
    await room.services.profiles.asking.step()
    assert await posted(room, kept, run_id) == []


# Suggestions.


async def test_posts_are_suggested_by_a_word_of_their_caption(room, kept):
    ana = await kept.profile()
    await kept.change(posts, posts.c.post_id == ana.post_ids[3], caption="Cats\n& dogs " + 200 * "x")
    choices = await room.services.profiles.suggested_posts(requester(room), "cats")
    assert list(choices) == [str(ana.post_ids[3])]
    assert all(len(name) <= 100 for name in choices.values())
    assert await room.services.profiles.suggested_posts(requester(room), "zzz") == {}


def requester(room):
    from bot.core.requester import Requester

    return Requester(guild_id=room.guild_id, user_id=1)
