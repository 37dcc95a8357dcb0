from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.core.announcements import Message
from bot.core.requester import Requester
from bot.core.rounds.files import FileState
from bot.core.rounds.reading import read_round
from bot.errors import (
    HostKeyChanged,
    NotAllowed,
    NothingThere,
    SourceAuthFailed,
    SourceChanged,
    SourceUnavailable,
)
from bot.services import round_import
from bot.storage.tables import guilds
from tests.services.round_world import (
    ADMINS,
    BY,
    CHANNEL,
    EVENING,
    FIRST,
    GUILD,
    LATER,
    OTHER_CHANNEL,
    OTHER_GUILD,
    REFUSED,
    SECOND,
    Crash,
    CrashingDatabase,
    RoundWorld,
)

DOWN = SourceUnavailable("alpha: no answer within 10 s")
CHANGED_KEY = HostKeyChanged("a.example", "SHA256:other")


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL, admin_channel_id=ADMINS)
    await world.join(OTHER_GUILD, OTHER_CHANNEL)
    return world


async def state_of(world: RoundWorld, name: str) -> tuple[str, str]:
    row = (await world.files())[name]
    return row["state"], row["reason"]


def said(records: Sequence[logging.LogRecord], text: str) -> int:
    return sum(text in record.getMessage() for record in records)


# --- A round is played -----------------------------------------------------------------------


async def test_a_round_is_posted_once_with_its_chart(world):
    await world.start_watching()
    world.drop(FIRST)
    await world.run_for(600)
    (post,) = await world.posts()
    (round_,) = await world.rounds()
    assert (post["guild_id"], post["channel_id"]) == (GUILD, CHANNEL)
    assert post["event_key"] == f"round:{round_['id']}"
    assert post["message"]["title"].startswith("Adlernest · round 1")
    assert post["message"]["chart"]["kind"] == "bars"
    assert post["expires_at"] - post["created_at"] == timedelta(hours=2)
    assert world.folder.fetched == [FIRST]
    assert (await world.files())[FIRST]["content"] == world.real(FIRST)


async def test_a_file_is_taken_at_its_second_equal_listing_three_seconds_later(world):
    await world.start_watching()
    world.drop(FIRST)
    come_back = await world.sync.step("alpha")
    assert await world.posts() == []
    wait = (come_back - world.clock.now()).total_seconds()
    assert 3 <= wait < 3.2
    world.clock.advance(1)
    await world.sync.step("alpha")
    assert world.folder.fetched == []
    world.clock.advance(wait - 1)
    await world.sync.step("alpha")
    assert len(await world.posts()) == 1


async def test_the_time_a_slow_listing_takes_proves_nothing(world):
    await world.start_watching()
    world.drop(FIRST)
    world.folder.seconds = 5
    await world.sync.poll_once("alpha")
    await world.sync.poll_once("alpha")
    assert world.folder.fetched == []
    await world.sync.poll_once("alpha")
    assert world.folder.fetched == [FIRST]


async def test_a_file_that_grows_is_taken_only_when_it_has_stopped(world):
    await world.start_watching()
    world.drop(FIRST)
    content = world.real(FIRST)
    for size in (40, 400, 1000):
        world.folder.put(FIRST, content[:size])
        await world.run_for(3)
        assert world.folder.fetched == []
    world.folder.put(FIRST, content)
    await world.run_for(10)
    assert world.folder.fetched == [FIRST]
    assert len(await world.posts()) == 1


async def test_a_file_that_never_rests_does_not_keep_the_server_busy(world):
    await world.start_watching()
    world.drop(FIRST)
    waits = []
    for size in range(25):
        world.folder.put(FIRST, b"x" * size)
        waits.append(((await world.sync.step("alpha")) - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
    assert set(waits[:20]) == {3.05}
    assert set(waits[20:]) == {60}
    assert world.folder.fetched == []


async def test_a_truncated_file_stays_and_is_tried_again_when_it_is_whole(world):
    await world.start_watching()
    world.drop(FIRST)
    content = world.real(FIRST)
    world.folder.put(FIRST, content[:-30])
    await world.run_for(10)
    assert await world.rounds() == []
    assert (await state_of(world, FIRST))[0] == FileState.FAILED
    world.folder.put(FIRST, content)
    await world.run_for(10)
    assert await state_of(world, FIRST) == (FileState.IMPORTED, "")
    assert len(await world.posts()) == 1


async def test_an_unsupported_layout_is_refused_by_name_and_tried_ever_more_rarely(world, caplog):
    await world.start_watching()
    world.drop(REFUSED)
    with caplog.at_level(logging.INFO):
        await world.run_for(3600)
    state, reason = await state_of(world, REFUSED)
    assert state == FileState.FAILED
    assert "c0rnsp0rn 1.0" in reason
    assert 3 <= len(world.folder.fetched) <= 6
    assert said(caplog.records, "c0rnsp0rn 1.0") == 1
    (status,) = await world.sync.status(["alpha"])
    assert [(trouble.name, trouble.reason) for trouble in status.troubles] == [(REFUSED, reason)]
    assert status.files == {FileState.FAILED: 1}


async def test_the_neighbours_of_round_files_are_left_alone(world):
    await world.start_watching()
    for name in (
        FIRST.replace(".txt", "_ws.txt"),
        "caf\udce9.txt",
        "gametime-supply-R1-1700000000.json",
    ):
        world.folder.put(name, b"something else\n")
    await world.run_for(200)
    assert world.folder.fetched == []
    assert await world.files() == {}


async def test_a_round_without_players_is_kept_and_told(world):
    empty = "2024-09-12-174949-supply-round-2.txt"
    await world.start_watching()
    world.folder.put(empty, world.real(empty), world.clock.now())
    await world.run_for(10)
    (round_,) = await world.rounds()
    assert round_["counted"] is False
    assert await world.players(round_["id"]) == {}


# --- Halves ------------------------------------------------------------------------------------


async def test_round_2_is_told_without_round_1_in_it(world):
    await world.start_watching()
    world.drop(FIRST)
    await world.run_for(60)
    world.drop(SECOND)
    await world.run_for(60)
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
    before, after = await world.players(first["id"]), await world.players(second["id"])
    raw = {line.split("\\")[0]: int(line.split("\t")[1]) for line in _lines(world, SECOND)}
    assert {guid: row["damage_given"] for guid, row in after.items()} == {
        guid: damage - before[guid]["damage_given"] for guid, damage in raw.items()
    }
    assert len(await world.posts()) == 2


def _lines(world: RoundWorld, name: str) -> list[str]:
    # The first tail field is glued to the weapons by a space and a tab.
    return [line.replace(" \t", "\t") for line in world.real(name).decode().splitlines()[1:]]


async def test_a_late_round_1_corrects_the_message_of_round_2(world):
    await world.start_watching()
    world.drop(SECOND)
    await world.run_for(60)
    (alone,) = await world.posts()
    assert "Cumulative, no partner" in alone["message"]["body"]
    world.drop(FIRST)
    await world.run_for(60)
    corrected, of_first = await world.posts()
    assert (corrected["id"], corrected["revision"]) == (alone["id"], 2)
    assert "Cumulative" not in corrected["message"]["body"]
    assert of_first["message"]["title"].startswith("Adlernest · round 1")
    first, second = await world.rounds()
    assert second["partner_round_id"] == first["id"]
    assert second["counted"] is True


async def test_a_late_round_1_posts_no_round_2_that_was_imported_silently(world):
    world.drop(SECOND)
    await world.run_for(60)
    world.drop(FIRST)
    await world.run_for(60)
    assert [row["partner_round_id"] is None for row in await world.rounds()] == [True, False]
    assert ["round 1" in post["message"]["title"] for post in await world.posts()] == [True]


async def test_a_file_that_changes_after_its_import_corrects_round_and_message(world):
    await world.start_watching()
    world.drop(FIRST, SECOND)
    content = world.real(FIRST)
    first_line, *players = content.splitlines(keepends=True)
    world.folder.put(FIRST, first_line + b"".join(players[1:]))
    await world.run_for(10)
    before = await world.posts()
    world.folder.put(FIRST, content)
    await world.run_for(60)
    after = await world.posts()
    assert [post["id"] for post in after] == [post["id"] for post in before]
    assert [post["revision"] for post in after] == [2, 2]
    assert len(await world.rounds()) == 2


async def test_a_file_that_is_spoilt_after_its_import_loses_nothing(world):
    await world.start_watching()
    world.drop(FIRST)
    await world.run_for(60)
    before = await world.rounds()
    world.folder.put(FIRST, b"")
    await world.run_for(60)
    assert (await state_of(world, FIRST))[0] == FileState.FAILED
    assert await world.rounds() == before
    assert (await world.files())[FIRST]["content"] == world.real(FIRST)


async def test_a_touched_or_copied_file_is_no_second_import(world):
    await world.start_watching()
    world.drop(FIRST)
    await world.run_for(60)
    world.folder.put(FIRST, world.real(FIRST), world.clock.now())
    copy = FIRST.replace("213907", "213908")
    world.folder.put(copy, world.real(FIRST))
    await world.run_for(60)
    assert len(await world.rounds()) == 1
    (post,) = await world.posts()
    assert post["revision"] == 1
    assert await state_of(world, copy) == (FileState.IGNORED, f"the same content as {FIRST}")


# --- Who reads it ---------------------------------------------------------------------------------


async def test_the_same_name_on_two_servers_is_two_rounds_for_two_guilds(world):
    await world.start_watching()
    world.drop(FIRST)
    world.drop(FIRST, folder=world.other_folder)
    await world.run_for(10)
    await world.run_for(10, "beta")
    assert {(post["guild_id"], post["channel_id"]) for post in await world.posts()} == {
        (GUILD, CHANNEL),
        (OTHER_GUILD, OTHER_CHANNEL),
    }
    assert [row["server"] for row in await world.rounds()] == ["alpha", "beta"]


async def test_nothing_is_posted_where_no_channel_is_chosen_or_the_bot_has_left(world):
    await world.start_watching()
    async with world.database.write("test.leave") as conn:
        mine = guilds.c.guild_id == GUILD
        await conn.execute(update(guilds).where(mine).values(left_at=world.clock.now()))
        await conn.execute(update(guilds).where(~mine).values(rounds_channel_id=None))
    world.drop(FIRST)
    world.drop(FIRST, folder=world.other_folder)
    await world.run_for(10)
    await world.run_for(10, "beta")
    assert len(await world.rounds()) == 2
    assert await world.posts() == []


# --- Silence --------------------------------------------------------------------------------------


async def test_the_first_listing_of_a_server_imports_without_a_word(world):
    world.drop(FIRST, SECOND)
    await world.run_for(60)
    assert len(await world.rounds()) == 2
    assert await world.posts() == []
    world.drop(LATER)
    await world.run_for(60)
    assert [post["message"]["title"][:6] for post in await world.posts()] == ["Supply"]


async def test_a_first_import_that_is_cut_off_stays_silent(world):
    world.drop(FIRST, SECOND)
    world.restart(CrashingDatabase(world.database, "rounds.import", committed=True))
    with pytest.raises(Crash):
        await world.run_for(60)
    world.restart()
    await world.run_for(60)
    assert len(await world.rounds()) == 2
    assert await world.posts() == []


async def test_rounds_of_long_ago_are_imported_without_a_word(world):
    await world.start_watching()
    world.drop(FIRST)
    world.clock.advance(2 * 3600)
    await world.run_for(60)
    assert len(await world.rounds()) == 1
    assert await world.posts() == []


async def test_a_backfill_is_silent_and_later_rounds_are_not(world):
    await world.start_watching()
    world.drop(FIRST)
    await world.sync.step("alpha")
    world.drop(SECOND)
    world.clock.auto = True
    (poll,) = await world.sync.sync(BY, "alpha", backfill=True)
    assert (poll.imported, poll.waiting, poll.error) == (2, 0, "")
    assert await world.posts() == []
    world.clock.auto = False
    world.drop(LATER)
    await world.run_for(60)
    assert len(await world.posts()) == 1


# --- The process dies -----------------------------------------------------------------------------


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("step", ["rounds.list", "rounds.import", "rounds.answered"])
async def test_a_process_that_dies_in_the_middle_leaves_one_import_and_one_post(world, step, committed):
    await world.start_watching()
    world.drop(FIRST)
    world.restart(CrashingDatabase(world.database, step, committed=committed))
    with pytest.raises(Crash):
        await world.run_for(60)
    world.restart()
    await world.run_for(60)
    assert len(await world.rounds()) == 1
    (post,) = await world.posts()
    assert post["revision"] == 1


# --- The server fails -----------------------------------------------------------------------------


async def test_an_outage_is_logged_once_and_its_end_once(world, caplog):
    await world.start_watching()
    world.folder.trouble = DOWN
    with caplog.at_level(logging.INFO):
        await world.run_for(3600)
        assert said(caplog.records, "cannot be read") == 1
        assert said(caplog.records, "answers again") == 0
        (status,) = await world.sync.status(["alpha"])
        assert status.error == str(DOWN)
        assert status.closed is False
        assert status.last_ok_at < world.clock.now() - timedelta(minutes=50)
        world.folder.trouble = None
        world.drop(FIRST)
        await world.run_for(900)
    assert said(caplog.records, "cannot be read") == 1
    assert said(caplog.records, "answers again") == 1
    assert len(await world.posts()) == 1
    assert await world.notices() == []


async def test_a_server_that_is_down_is_asked_ever_more_rarely(world):
    await world.start_watching()
    world.folder.trouble = DOWN
    waits = []
    for _ in range(6):
        due = await world.sync.step("alpha")
        waits.append((due - world.clock.now()).total_seconds())
        world.clock.advance(waits[-1])
    assert waits == [60, 120, 240, 480, 600, 600]
    world.folder.trouble = None
    await world.sync.step("alpha")
    world.folder.trouble = DOWN
    assert await world.sync.step("alpha") == world.clock.now() + timedelta(seconds=60)


@pytest.mark.parametrize("error", [CHANGED_KEY, SourceAuthFailed("alpha: the password was not accepted")])
async def test_a_server_that_only_a_person_can_mend_is_left_alone_and_told_once(world, caplog, error):
    await world.start_watching()
    world.folder.trouble = error
    with caplog.at_level(logging.INFO):
        await world.run_for(3600)
        for _ in range(3):
            world.clock.advance(24 * 3600)
            assert await world.sync.step("alpha") > world.clock.now()
    assert world.folder.listings == 2
    assert said(caplog.records, str(error)) == 1
    (notice,) = await world.notices()
    assert notice["channel_id"] == ADMINS
    (status,) = await world.sync.status(["alpha"])
    assert (status.closed, status.error) == (True, str(error))

    world.restart()
    await world.run_for(600)
    assert world.folder.listings == 3
    assert len(await world.notices()) == 1


async def test_a_sync_reopens_a_closed_server_and_the_notice_says_so(world):
    await world.start_watching()
    world.folder.trouble = CHANGED_KEY
    await world.run_for(60)
    world.folder.trouble = None
    world.clock.auto = True
    (poll,) = await world.sync.sync(BY, "alpha")
    assert poll.error == ""
    (notice,) = await world.notices()
    assert notice["revision"] == 2
    assert "can be read again" in notice["message"]["title"]
    assert world.sync.changed["alpha"].is_set()
    world.clock.auto = False
    world.drop(FIRST)
    await world.run_for(60)
    assert len(await world.posts()) == 1


async def test_two_outages_within_a_second_are_two_notices(world):
    await world.start_watching()
    world.clock.advance(0.1)
    for _ in range(2):
        world.clock.advance(0.2)
        world.folder.trouble = CHANGED_KEY
        await world.sync.poll_once("alpha")
        world.folder.trouble = None
        await world.sync.poll_once("alpha")
    assert len(await world.notices()) == 2


async def test_a_sync_of_a_closed_server_tells_the_person_and_not_the_log_again(world, caplog):
    await world.start_watching()
    world.folder.trouble = CHANGED_KEY
    world.clock.auto = True
    await world.sync.step("alpha")
    for _ in range(2):
        (poll,) = await world.sync.sync(BY, "alpha")
        assert poll.error
    assert said(caplog.records, "cannot be read") == 1


async def test_one_file_that_cannot_be_fetched_holds_up_no_other(world):
    await world.start_watching()
    world.drop(FIRST, SECOND)
    world.folder.bad[FIRST] = SourceUnavailable("alpha: Permission denied")
    await world.run_for(30)
    assert await state_of(world, FIRST) == (FileState.FAILED, "alpha: Permission denied")
    assert await state_of(world, SECOND) == (FileState.IMPORTED, "")
    (status,) = await world.sync.status(["alpha"])
    assert status.error == ""
    world.folder.bad.clear()
    await world.run_for(200)
    assert await state_of(world, FIRST) == (FileState.IMPORTED, "")


async def test_a_file_that_still_grows_while_it_is_read_is_tried_again(world):
    await world.start_watching()
    world.drop(FIRST)
    world.folder.bad[FIRST] = SourceChanged("it may still be written")
    await world.run_for(10)
    assert (await state_of(world, FIRST))[0] == FileState.FAILED
    world.folder.bad.clear()
    await world.run_for(120)
    assert len(await world.posts()) == 1


async def test_a_server_that_dies_between_files_is_down(world):
    await world.start_watching()
    world.drop(FIRST, SECOND)
    await world.sync.step("alpha")
    world.clock.advance(4)
    world.folder.bad = {FIRST: DOWN, SECOND: DOWN}
    poll = await world.sync.poll_once("alpha")
    assert poll.error == str(DOWN)
    world.folder.bad = {}
    await world.run_for(200)
    assert len(await world.posts()) == 2


# --- What people ask for ---------------------------------------------------------------------------


async def test_only_the_own_servers_can_be_acted_on(world):
    owner = Requester(guild_id=77, user_id=1, is_owner=True)
    stranger = Requester(guild_id=77, user_id=2)
    assert world.sync.servers_of(BY) == ("alpha",)
    assert world.sync.servers_of(owner) == ("alpha", "beta")
    assert world.sync.servers_of(stranger) == ()
    for act in (world.sync.sync, world.sync.last):
        with pytest.raises(NotAllowed):
            await act(BY, "beta")
        with pytest.raises(NotAllowed):
            await act(BY, "no such server")
        with pytest.raises(NothingThere):
            await act(stranger, None)
    assert world.other_folder.listings == 0
    assert len(await world.sync.sync(owner, None)) == 2


async def test_the_last_round_is_shown_as_it_was_posted(world):
    await world.start_watching()
    with pytest.raises(NothingThere):
        await world.sync.last(BY, None)
    world.drop(FIRST, SECOND)
    await world.run_for(60)
    last = await world.sync.last(BY, None)
    newest = (await world.posts())[-1]
    assert last == Message.from_json(newest["message"])
    assert (await world.sync.picture(last)).endswith(last.chart.title.encode())
    world.charts.fails = True
    assert await world.sync.picture(last) is None


async def test_a_sync_waits_for_a_new_file_to_rest(world):
    await world.start_watching()
    world.drop(FIRST)
    world.clock.auto = True
    (poll,) = await world.sync.sync(BY, None)
    assert (poll.server, poll.listed, poll.imported, poll.waiting) == ("alpha", 1, 1, 0)
    assert len(await world.posts()) == 1


async def test_a_sync_tries_failed_files_at_once(world):
    await world.start_watching()
    world.drop(FIRST)
    world.folder.bad[FIRST] = SourceUnavailable("alpha: Permission denied")
    await world.run_for(5)
    (poll,) = await world.sync.sync(BY, None)
    assert [trouble.reason for trouble in poll.troubles] == ["alpha: Permission denied"]
    world.folder.bad.clear()
    (poll,) = await world.sync.sync(BY, None)
    assert (poll.imported, poll.failed, poll.troubles) == (1, 0, ())


async def test_whoever_delivers_is_woken_by_posts_and_notices(world):
    async def woken() -> None:
        # What `due` has seen no longer ends the wait by itself.
        assert await world.announcements.due()
        await asyncio.wait_for(world.announcements.wait(), 10)

    await world.start_watching()
    world.drop(FIRST)
    await world.run_for(10)
    await woken()
    world.folder.trouble = CHANGED_KEY
    await world.run_for(60)
    await woken()
    world.folder.trouble = None
    await world.sync.sync(BY, None)
    await woken()


async def test_a_folder_of_many_files_is_imported(world):
    content = world.real(FIRST).splitlines(keepends=True)
    for number in range(700):
        name = f"2025-09-{1 + number // 60:02d}-{10 + number % 10}{number // 10 % 6}000-supply-round-1.txt"
        world.folder.put(name, content[0])
    names = set(world.folder.files)
    await world.run_for(10)
    assert set(await world.files()) == names
    assert len(await world.rounds()) == len(names)


@pytest.mark.parametrize("year", ["0001", "9999"])
async def test_a_name_with_an_absurd_date_holds_up_nothing(world, year):
    await world.start_watching()
    world.folder.put(f"{year}-12-31-235959-etl_ice-round-1.txt", world.real(FIRST), EVENING)
    world.drop(FIRST)
    await world.run_for(20)
    assert len(await world.posts()) == 1


@pytest.mark.parametrize("error", [ValueError, OverflowError, KeyError, TypeError])
async def test_a_bug_in_importing_one_file_holds_up_no_other(world, monkeypatch, caplog, error):
    def read(name: str, content: bytes):
        if content == world.real(FIRST):
            raise error("a number nobody thought of")
        return read_round(name, content)

    monkeypatch.setattr(round_import, "read_round", read)
    await world.start_watching()
    world.drop(FIRST, LATER)
    await world.run_for(20)
    state, reason = await state_of(world, FIRST)
    assert (state, error.__name__ in reason) == (FileState.FAILED, True)
    assert (await state_of(world, LATER))[0] == FileState.IMPORTED
    assert "nobody thought of" in caplog.text
