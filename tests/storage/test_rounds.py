from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from bot.core.rounds.files import FileRecord, FileState, failed, imported
from bot.core.rounds.pairing import Pairing
from bot.core.rounds.resolve import resolve
from bot.storage import evenings, round_choices, rounds
from bot.storage.round_tables import round_files, round_players
from bot.storage.tables import guilds
from tests.clocks import START
from tests.core.rounds.samples import GUIDS, header, played, roster, spaced

SEEN = FileRecord(state=FileState.SEEN, size=9, modified_at=START, listed_at=START)
NAME = "2026-11-21-200000-supply-round-1.txt"


async def keep_file(conn, name=NAME, *, server="alpha", sha256="aa", content=b"x"):
    await rounds.save_files(conn, server, {name: SEEN}, now=START, silent=False)
    return await rounds.keep_content(conn, server, name, imported(SEEN), sha256=sha256, content=content)


async def test_more_files_than_are_read_at_once_come_back_as_they_were(database):
    many = {f"file {number}": replace(SEEN, size=number) for number in range(3 * rounds.AT_ONCE + 1)}
    async with database.write("test.save") as conn:
        await rounds.save_files(conn, "alpha", many, now=START, silent=True)
    async with database.read() as conn:
        assert await rounds.load_files(conn, "alpha") == many
        assert await rounds.load_files(conn, "beta") == {}


async def test_a_file_seen_again_keeps_when_it_was_first_seen_and_whether_it_is_silent(database):
    later = START + timedelta(hours=1)
    async with database.write("test.save") as conn:
        await rounds.save_files(conn, "alpha", {NAME: SEEN}, now=START, silent=True)
        grown = {NAME: replace(SEEN, size=10, listed_at=later)}
        await rounds.save_files(conn, "alpha", grown, now=later, silent=False)
        row = (await conn.execute(select(round_files))).mappings().one()
    assert (row["size"], row["first_seen_at"], row["silent"]) == (10, START, True)


async def test_a_copy_is_found_only_among_imported_files_of_the_same_server(database):
    async with database.write("test.save") as conn:
        await keep_file(conn)
        assert await rounds.find_copy(conn, "alpha", NAME, "aa") is None
        assert await rounds.find_copy(conn, "alpha", "another", "aa") == NAME
        assert await rounds.find_copy(conn, "alpha", "another", "bb") is None
        assert await rounds.find_copy(conn, "beta", "another", "aa") is None
        await rounds.save_file(conn, "alpha", NAME, failed(SEEN, reason="spoilt", now=START))
        assert await rounds.find_copy(conn, "alpha", "another", "aa") is None


async def test_a_round_read_again_replaces_the_earlier_reading(database):
    first = resolve(played(NAME, 0, header(), *roster()), Pairing(round=1))
    again = resolve(played(NAME, 0, header(winner=1), *roster()[:2]), Pairing(round=1))
    async with database.write("test.keep") as conn:
        file = await keep_file(conn)
        old = await rounds.keep_round(conn, "alpha", file.id, first, partner_round_id=None, now=START)
        new = await rounds.keep_round(conn, "alpha", file.id, again, partner_round_id=7, now=START)
        guids = (await conn.execute(select(round_players.c.guid))).scalars().all()
    assert old == new
    assert set(guids) == {player.guid for player in again.players}


async def test_what_a_script_does_not_count_is_kept_as_unknown(database):
    lines = [spaced(guid) for guid in GUIDS]
    round_ = resolve(played(NAME, 0, header(), *lines), Pairing(round=1))
    async with database.write("test.keep") as conn:
        file = await keep_file(conn)
        await rounds.keep_round(conn, "alpha", file.id, round_, partner_round_id=None, now=START)
        found = (await conn.execute(select(round_players.c.headshot_kills, round_players.c.kills))).all()
    assert set(found) == {(None, 5)}


async def test_rounds_near_an_instant_are_those_of_the_map_and_server(database):
    async with database.write("test.keep") as conn:
        for server, minutes, map_name in (
            ("alpha", 0, "supply"),
            ("alpha", 30, "supply"),
            ("alpha", 90, "supply"),
            ("alpha", 31, "other"),
            ("beta", 32, "supply"),
        ):
            one = played(f"{minutes}", minutes, header(map_name=map_name), *roster())
            file = await keep_file(conn, f"{minutes}", server=server, content=b"raw")
            resolved = resolve(one, Pairing(round=1))
            await rounds.keep_round(conn, server, file.id, resolved, partner_round_id=None, now=START)
        until = START + timedelta(minutes=60)
        near = await rounds.rounds_near(conn, "alpha", "supply", START, until)
        assert [(row.name, row.content) for row in near] == [("0", b"raw"), ("30", b"raw")]
        assert await evenings.last_round(conn, ["alpha"]) == ("alpha", START + timedelta(minutes=90))
        assert await evenings.last_round(conn, ["alpha", "beta"]) == ("alpha", START + timedelta(minutes=90))
        assert await evenings.last_round(conn, ["gamma"]) is None


async def test_troubles_are_the_files_with_a_reason_newest_first(database):
    async with database.write("test.save") as conn:
        records = {
            "a": failed(SEEN, reason="too short", now=START),
            "b": SEEN,
            "c": failed(SEEN, reason="another layout", now=START),
        }
        await rounds.save_files(conn, "alpha", records, now=START, silent=False)
        found = await rounds.troubles(conn, "alpha")
        assert [(trouble.name, trouble.reason) for trouble in found] == [
            ("c", "another layout"),
            ("a", "too short"),
        ]
        assert await rounds.count_by_state(conn, "alpha") == {FileState.FAILED: 2, FileState.SEEN: 1}
        await rounds.retry_failed(conn, "alpha", START)
        known = await rounds.load_files(conn, "alpha")
    assert {record.next_try_at for record in known.values()} == {None, START}


async def test_rounds_go_to_the_guilds_that_chose_a_channel(database):
    async with database.write("test.guilds") as conn:
        for guild_id, channel_id, left_at in (
            (1, 100, None),
            (2, None, None),
            (3, 300, START),
            (4, 400, None),
        ):
            row = {"guild_id": guild_id, "rounds_channel_id": channel_id, "left_at": left_at}
            await conn.execute(guilds.insert().values(**row))
        assert await round_choices.targets(conn, (1, 2, 3), "alpha", "posts") == ((1, 100),)
