"""What admins change about rounds, and what follows: sums, messages, the audit log of each guild."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot.core.requester import Requester
from bot.core.rounds.changes import TEAM_NAME_LENGTH
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.storage import raw_rounds
from bot.storage.round_tables import (
    audit_log,
    evening_members,
    evening_teams,
    ignored_maps,
    ignored_players,
    round_choices,
    round_files,
    round_players,
    rounds,
    voided_rounds,
)
from bot.storage.tables import outbox
from tests.services.round_world import (
    ADMINS,
    BY,
    CHANNEL,
    FIRST,
    GUILD,
    LATER,
    OTHER_CHANNEL,
    OTHER_GUILD,
    SECOND,
    Crash,
    CrashingDatabase,
    RoundWorld,
)
from tools.rebuild_rounds import rebuild

STRANGER = Requester(guild_id=OTHER_GUILD, user_id=7)
OWNER = Requester(guild_id=OTHER_GUILD, user_id=1, is_owner=True)
CHOSEN = (evening_members, evening_teams, ignored_maps, ignored_players, round_choices, voided_rounds)


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL, admin_channel_id=ADMINS)
    await world.join(OTHER_GUILD, OTHER_CHANNEL, admin_channel_id=ADMINS + 1)
    await world.start_watching()
    world.drop(FIRST, SECOND, LATER)
    await world.run_for(10)
    return world


async def file_of(world, name):
    return (await world.files())[name]["id"]


async def sums(world):
    """What the leaderboards add up: kills by player in what counts."""
    async with world.database.read() as conn:
        query = (
            select(round_players.c.guid, func.sum(round_players.c.kills))
            .join(rounds, rounds.c.id == round_players.c.round_id)
            .where(rounds.c.counted)
            .group_by(round_players.c.guid)
        )
        return {guid: int(kills) for guid, kills in await conn.execute(query)}


async def counted(world):
    names = {row["id"]: name for name, row in (await world.files()).items()}
    return {names[row["file_id"]] for row in await world.rounds() if row["counted"]}


async def bodies(world):
    """What each round's message says, by the name of its file."""
    names = {row["id"]: name for name, row in (await world.files()).items()}
    keys = {f"round:{row['id']}": names[row["file_id"]] for row in await world.rounds()}
    return {keys[row["event_key"]]: str(row["message"]) for row in await world.posts()}


async def told(world):
    """What the audit channels were told, and where."""
    rows = [row for row in await world.rows(outbox) if row["event_key"].startswith("audit:")]
    return [(row["channel_id"], row["message"]["body"]) for row in rows]


async def log(world, guild=GUILD):
    return [row["what"] for row in await world.rows(audit_log) if row["guild_id"] == guild]


async def everything(world):
    return [await world.rows(table, next(iter(table.primary_key)).name) for table in (*CHOSEN, rounds)]


# --- Void and restored -------------------------------------------------------------------------


async def test_a_void_round_leaves_the_sums_and_comes_back_with_the_same_ones(world):
    before, messages = await sums(world), await bodies(world)
    chosen = str(await file_of(world, LATER))
    said = await world.admin.void(BY, chosen)
    assert said.startswith("**alpha**: Round 1 of Supply, ended ")
    assert said.endswith("is void.")
    assert await counted(world) == {FIRST, SECOND}
    assert await sums(world) != before
    assert world.reader.is_set()
    assert "admin" in (await bodies(world))[LATER]

    await world.admin.void(BY, chosen, void=False)
    assert await counted(world) == {FIRST, SECOND, LATER}
    assert await sums(world) == before
    assert await bodies(world) == messages
    assert await world.rows(voided_rounds, "file_id") == []


async def test_what_is_so_already_changes_nothing_and_is_not_logged(world):
    chosen = str(await file_of(world, LATER))
    with pytest.raises(InputRefused, match="so already"):
        await world.admin.void(BY, chosen, void=False)
    await world.admin.void(BY, chosen)
    with pytest.raises(InputRefused, match="so already"):
        await world.admin.void(BY, chosen)
    assert len(await log(world)) == 1


async def test_a_void_round_stays_void_when_everything_is_made_anew(world):
    await world.admin.void(BY, str(await file_of(world, FIRST)))
    await world.admin.ignore_map(BY, "supply")
    async with world.database.read() as conn:
        before = await raw_rounds.derived_rows(conn)
    done = await rebuild(world.database, {"alpha": "UTC"}, world.clock.now(), dry_run=False)
    assert (done.rounds, done.changed) == (3, 0)
    async with world.database.read() as conn:
        assert await raw_rounds.derived_rows(conn) == before
    assert await counted(world) == {SECOND}


async def test_a_file_that_is_corrected_leaves_its_round_void(world):
    await world.admin.void(BY, str(await file_of(world, LATER)))
    world.folder.put(LATER, b"".join(world.real(LATER).splitlines(keepends=True)[:-1]))
    await world.run_for(130)
    assert LATER not in await counted(world)


@pytest.mark.parametrize("chosen", ["", "x", "-1", "99999", "9" * 30, "Supply · round 1"])
async def test_a_round_that_is_not_known_is_a_hint(world, chosen):
    with pytest.raises(NothingThere, match="suggestions"):
        await world.admin.void(BY, chosen)


# --- Left out ------------------------------------------------------------------------------------


async def test_an_ignored_map_counts_no_more_until_it_is_taken_in_again(world):
    before, messages = await sums(world), await bodies(world)
    (said,) = await world.admin.ignore_map(BY, "etl_adlernest")
    assert said == "**alpha**: The map `etl_adlernest` is left out of all tables (2 rounds)."
    assert await counted(world) == {LATER}
    changed = await bodies(world)
    assert {name for name in changed if changed[name] != messages[name]} >= {FIRST, SECOND}

    await world.admin.ignore_map(BY, "etl_adlernest", ignored=False)
    assert await counted(world) == {FIRST, SECOND, LATER}
    assert await sums(world) == before
    assert await bodies(world) == messages


async def test_a_round_of_an_ignored_map_is_imported_and_does_not_count(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    await world.admin.ignore_map(BY, "supply")
    world.drop(FIRST, LATER)
    await world.run_for(10)
    assert await counted(world) == {FIRST}
    assert "admin" in (await bodies(world))[LATER]


async def test_messages_of_long_ago_are_left_as_they_are(world):
    messages = await bodies(world)
    world.clock.advance(3 * 86400)
    await world.admin.ignore_map(BY, "etl_adlernest")
    assert await counted(world) == {LATER}
    assert await bodies(world) == messages


async def test_a_void_round_of_a_map_that_counts_again_stays_out(world):
    await world.admin.ignore_map(BY, "supply")
    await world.admin.void(BY, str(await file_of(world, LATER)))
    await world.admin.ignore_map(BY, "supply", ignored=False)
    assert LATER not in await counted(world)


async def test_flags_still_say_what_may_count_at_all(world):
    async with world.database.write("test.flags") as conn:
        await conn.execute(rounds.update().values(flags=["aborted"], counted=False))
    await world.admin.ignore_map(BY, "supply")
    (said,) = await world.admin.ignore_map(BY, "supply", ignored=False)
    assert said.endswith("(0 rounds).")
    assert await counted(world) == set()


async def test_an_ignored_player_is_known_by_guid_and_stays_in_the_posts(world):
    guid = next(iter(await sums(world)))
    messages = await bodies(world)
    (said,) = await world.admin.ignore_player(BY, guid)
    assert "is left out of all tables" in said
    (row,) = await world.rows(ignored_players, "guid")
    assert (row["server"], row["guid"]) == ("alpha", guid)
    assert world.reader.is_set()
    name = next(row["name"] for row in await world.rows(round_players, "guid") if row["guid"] == guid)
    assert name[:10] in str(messages[FIRST])
    (said,) = await world.admin.ignore_player(BY, guid, ignored=False)
    assert "stands in the tables again" in said
    assert await world.rows(ignored_players, "guid") == []
    with pytest.raises(NothingThere):
        await world.admin.ignore_player(BY, "NOBODY00")


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
async def test_what_is_no_map_is_refused(world, name):
    with pytest.raises(InputRefused):
        await world.admin.ignore_map(BY, name)


# --- Teams ---------------------------------------------------------------------------------------


async def test_a_team_is_named_for_its_evening_and_the_messages_say_so(world):
    said = await world.admin.name_team(BY, 0, "Foxes")
    assert said.endswith("is called Foxes.")
    assert "Foxes" in (await bodies(world))[FIRST]
    await world.admin.name_team(BY, 0, "Wolves", str(await file_of(world, FIRST)))
    assert len(await world.rows(evening_teams, "team")) == 1
    now = await bodies(world)
    assert "Wolves" in now[LATER]
    assert "Foxes" not in str(now)
    with pytest.raises(InputRefused, match="so already"):
        await world.admin.name_team(BY, 0, "Wolves", str(await file_of(world, FIRST)))
    await world.admin.name_team(BY, 0, None)
    assert "Wolves" not in str(await bodies(world))
    assert len(await log(world)) == 3


@pytest.mark.parametrize("name", ["", "^1^2", "x" * (TEAM_NAME_LENGTH + 1), "\u202e"])
async def test_a_name_that_cannot_be_shown_is_refused(world, name):
    with pytest.raises(InputRefused, match="1 to 24"):
        await world.admin.name_team(BY, 0, name)


async def test_a_name_from_people_pings_nobody_and_formats_nothing(world):
    said = await world.admin.name_team(BY, 1, "@everyone **x**")
    assert r"\@everyone \*\*x\*\*" in said
    ((_, body),) = await told(world)
    assert "@everyone" not in body.replace(r"\@", "")


async def test_a_player_is_put_into_a_team_for_one_evening_and_let_go_again(world):
    guid = next(iter(await sums(world)))
    await world.admin.put_player(BY, guid, 1)
    await world.admin.put_player(BY, guid, 0, str(await file_of(world, FIRST)))
    (row,) = await world.rows(evening_members, "guid")
    assert (row["guid"], row["team"]) == (guid, 0)
    await world.admin.put_player(BY, guid, None)
    assert await world.rows(evening_members, "guid") == []
    with pytest.raises(InputRefused, match="so already"):
        await world.admin.put_player(BY, guid, None)
    with pytest.raises(NothingThere):
        await world.admin.put_player(BY, "NOBODY00", 1)


async def test_teams_are_reset_with_all_that_was_set(world):
    messages = await bodies(world)
    await world.admin.name_team(BY, 0, "Foxes")
    await world.admin.put_player(BY, next(iter(await sums(world))), 1, str(await file_of(world, FIRST)))
    await world.admin.reset_teams(BY, str(await file_of(world, SECOND)))
    assert await bodies(world) == messages
    with pytest.raises(InputRefused, match="so already"):
        await world.admin.reset_teams(BY)
    assert len(await log(world)) == 3


async def test_before_any_round_there_is_no_evening(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    with pytest.raises(NothingThere, match="No round"):
        await world.admin.name_team(BY, 0, "Foxes")


# --- Files -----------------------------------------------------------------------------------------


async def test_a_round_is_made_anew_from_what_is_kept_and_stays_void(world):
    chosen = await file_of(world, LATER)
    await world.admin.void(BY, str(chosen))
    before = await everything(world)
    async with world.database.write("test.spoil") as conn:
        await conn.execute(
            rounds.update().where(rounds.c.file_id == chosen).values(winner_side=0, flags=["x"])
        )
    said = await world.admin.reimport(BY, str(chosen))
    assert said == f"**alpha**: The round of `{LATER}` was made anew."
    assert await everything(world) == before
    assert world.folder.fetched.count(LATER) == 1


async def test_a_file_is_known_by_its_name_as_well(world):
    assert await world.admin.reimport(BY, f" {LATER} ") == f"**alpha**: The round of `{LATER}` was made anew."
    with pytest.raises(NothingThere, match="suggestions"):
        await world.admin.reimport(BY, "another.txt")


async def test_a_file_is_fetched_again_on_demand(world):
    chosen = str(await file_of(world, LATER))
    fetched = world.folder.fetched.count(LATER)
    world.sync.changed["alpha"].clear()
    said = await world.admin.reimport(BY, chosen, fetch=True)
    assert said == f"**alpha**: The next look fetches `{LATER}` again."
    assert world.sync.changed["alpha"].is_set()
    posts = await bodies(world)
    await world.run_for(130)
    assert world.folder.fetched.count(LATER) == fetched + 1
    assert await bodies(world) == posts
    assert len(await log(world)) == 1


async def test_files_are_suggested_and_those_of_others_are_not_touched(world):
    found = await world.suggestions.files(BY, "ADLER")
    assert [one.label for one in found] == [SECOND, FIRST]
    assert await world.suggestions.files(STRANGER, "") == ()
    for chosen in (found[0].value, "x", ""):
        with pytest.raises(NothingThere, match="suggestions"):
            await world.admin.reimport(STRANGER, chosen)
    assert await log(world) == []


async def test_a_file_that_cannot_be_read_any_more_is_told_and_its_round_stays(world):
    chosen = await file_of(world, LATER)
    async with world.database.write("test.spoil") as conn:
        await conn.execute(round_files.update().where(round_files.c.id == chosen).values(content=b"x"))
    before = await everything(world)
    with pytest.raises(InputRefused, match="the last line is not finished"):
        await world.admin.reimport(BY, str(chosen))
    assert await everything(world) == before
    assert await log(world) == []


# --- Switches ------------------------------------------------------------------------------------


async def test_a_switch_is_turned_and_turned_back(world):
    assert await world.admin.toggle(BY, "posts") == ("**alpha**: Posts of rounds: off",)
    assert await world.admin.toggle(BY, "posts") == ("**alpha**: Posts of rounds: on",)
    with pytest.raises(InputRefused):
        await world.admin.toggle(BY, "posts", on=True)
    assert await world.admin.toggle(BY, "weekly", on=False) == ("The week's table of players: off",)
    assert await world.admin.switches(BY) == (
        "**alpha**: Watching the server: on",
        "**alpha**: Posts of rounds: on",
        "**alpha**: Summaries of evenings: on",
        "**alpha**: Milestones of players: on",
        "The week's table of players: off",
    )
    assert len(await log(world)) == 3


async def test_watching_that_is_switched_on_again_wakes_the_loop(world):
    await world.admin.toggle(BY, "monitoring", on=False)
    before = world.folder.listings
    await world.run_for(300)
    assert world.folder.listings == before
    world.sync.changed["alpha"].clear()
    await world.admin.toggle(BY, "monitoring", "alpha", on=True)
    assert world.sync.changed["alpha"].is_set()
    assert not world.sync.changed["beta"].is_set()


# --- Whose server it is ----------------------------------------------------------------------------


async def test_an_admin_of_another_guild_can_do_nothing_to_a_server_that_is_not_his(world):
    before, chosen = await everything(world), str(await file_of(world, LATER))
    guid = next(iter(await sums(world)))
    tries = (
        (NotAllowed, world.admin.toggle(STRANGER, "monitoring", "alpha")),
        (NotAllowed, world.admin.ignore_map(STRANGER, "supply", "alpha")),
        (NotAllowed, world.admin.ignore_player(STRANGER, guid, "alpha")),
        (NothingThere, world.admin.ignore_player(STRANGER, guid)),
        (NothingThere, world.admin.void(STRANGER, chosen)),
        (NothingThere, world.admin.name_team(STRANGER, 0, "Foxes", chosen)),
        (NothingThere, world.admin.name_team(STRANGER, 0, "Foxes")),
        (NothingThere, world.admin.put_player(STRANGER, guid, 1, chosen)),
        (NothingThere, world.admin.reset_teams(STRANGER, chosen)),
    )
    for error, attempt in tries:
        with pytest.raises(error):
            await attempt
    assert await everything(world) == before
    assert await told(world) == []
    assert await world.admin.entries(STRANGER) == ()
    nothing = [
        await world.suggestions.rounds(STRANGER, ""),
        await world.suggestions.maps(STRANGER, None, "", ignored=False),
        await world.suggestions.maps(STRANGER, "alpha", "", ignored=False),
        await world.suggestions.players(STRANGER, "alpha", "", ignored=False),
        await world.suggestions.members(STRANGER, chosen, ""),
    ]
    assert nothing == [()] * 5


async def test_what_an_admin_ignores_on_all_his_servers_touches_no_other(world):
    await world.admin.ignore_map(STRANGER, "supply")
    (row,) = await world.rows(ignored_maps, "map")
    assert row["server"] == "beta"
    assert await counted(world) == {FIRST, SECOND, LATER}


async def test_the_owner_may_act_anywhere_and_the_guild_of_the_server_is_told(world):
    await world.admin.void(OWNER, str(await file_of(world, LATER)))
    ((channel, body),) = await told(world)
    assert channel == ADMINS
    assert body.startswith("<@1>: ")
    assert await log(world, OTHER_GUILD) == []
    with pytest.raises(NotAllowed):
        await world.admin.toggle(OWNER, "posts", "alpha")


async def test_all_guilds_of_a_server_hear_of_what_concerns_them_all_and_of_no_switch(world):
    world.restart(also=(OTHER_GUILD,))
    await world.admin.void(BY, str(await file_of(world, LATER)))
    assert [channel for channel, _ in await told(world)] == [ADMINS, ADMINS + 1]
    await world.admin.toggle(BY, "posts", "alpha")
    assert len(await log(world)) == 2
    assert len(await log(world, OTHER_GUILD)) == 1
    assert [entry.user_id for entry in await world.admin.entries(STRANGER)] == [BY.user_id]


# --- One transaction -------------------------------------------------------------------------------


def changes(world, chosen, guid):
    return {
        "rounds.toggle": lambda: world.admin.toggle(BY, "posts", on=False),
        "rounds.ignore_map": lambda: world.admin.ignore_map(BY, "supply"),
        "rounds.ignore_player": lambda: world.admin.ignore_player(BY, guid),
        "rounds.void": lambda: world.admin.void(BY, chosen),
        "rounds.name_team": lambda: world.admin.name_team(BY, 0, "Foxes"),
        "rounds.put_player": lambda: world.admin.put_player(BY, guid, 1),
    }


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("name", changes(None, None, None))
async def test_a_change_its_log_and_its_messages_are_there_together_or_not_at_all(world, name, committed):
    chosen, guid = str(await file_of(world, LATER)), next(iter(await sums(world)))
    before, messages = await everything(world), await bodies(world)
    world.restart(CrashingDatabase(world.database, name, committed=committed))
    with pytest.raises(Crash):
        await changes(world, chosen, guid)[name]()
    world.restart()
    assert ((await everything(world)) != before) is committed
    assert len(await log(world)) == len(await told(world)) == committed
    if not committed:
        assert await bodies(world) == messages


# --- Suggestions -----------------------------------------------------------------------------------


async def test_rounds_are_suggested_newest_first_and_by_their_map(world):
    found = await world.suggestions.rounds(BY, "")
    assert [one.value for one in found] == [
        str(await file_of(world, name)) for name in (LATER, SECOND, FIRST)
    ]
    assert found[0].label == "supply · round 1 · 2025-10-26 22:14 UTC"
    await world.admin.void(BY, found[0].value)
    assert [one.value for one in await world.suggestions.rounds(BY, "", void=True)] == [found[0].value]
    left = await world.suggestions.rounds(BY, "ADLER", void=False)
    assert [one.value for one in left] == [one.value for one in found[1:]]


async def test_maps_and_players_are_suggested_by_what_they_are_now(world):
    assert [one.value for one in await world.suggestions.maps(BY, None, "", ignored=False)] == [
        "supply",
        "etl_adlernest",
    ]
    await world.admin.ignore_map(BY, "supply")
    assert [one.value for one in await world.suggestions.maps(BY, "alpha", "", ignored=False)] == [
        "etl_adlernest"
    ]
    assert [one.value for one in await world.suggestions.maps(BY, None, "SUP", ignored=True)] == ["supply"]

    players = await world.suggestions.players(BY, None, "", ignored=False)
    assert {one.value for one in players} == set(await sums(world)) | {one.value for one in players}
    one = players[0]
    part = one.label.rpartition(" (")[0].upper()
    assert one in await world.suggestions.players(BY, None, part, ignored=False)
    assert await world.suggestions.players(BY, None, "%", ignored=False) == ()
    await world.admin.ignore_player(BY, one.value)
    assert await world.suggestions.players(BY, None, "", ignored=True) == (one,)
    assert one not in await world.suggestions.players(BY, None, "", ignored=False)
    assert one.value in {who.value for who in await world.suggestions.members(BY, "", "")}


async def test_a_player_is_suggested_once_by_the_newest_name_that_fits(world):
    async with world.database.write("test.rename") as conn:
        file_id = (await conn.execute(select(round_files.c.id).where(round_files.c.name == LATER))).scalar()
        last = (await conn.execute(select(rounds.c.id).where(rounds.c.file_id == file_id))).scalar()
        here = round_players.c.round_id == last
        guid = (await conn.execute(select(round_players.c.guid).where(here))).scalars().first()
        renamed = round_players.update().where(here, round_players.c.guid == guid)
        await conn.execute(renamed.values(name="Fresh_100%"))
    (one,) = await world.suggestions.players(BY, None, "sh_100%", ignored=False)
    assert (one.value, one.label) == (guid, f"Fresh_100% ({guid[:8]})")
    everybody = await world.suggestions.players(BY, None, "", ignored=False)
    assert len({player.value for player in everybody}) == len(everybody)
