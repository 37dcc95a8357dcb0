"""Rounds read back from their rows are the rounds that were resolved from the files."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import insert, select

from bot.core.rounds.files import FileKind, FileRecord, FileState, file_kind, imported, parse_name
from bot.core.rounds.folder import FolderFile, read_folder
from bot.storage import rounds as store
from bot.storage.resolved_rounds import read_rounds
from bot.storage.round_tables import ignored_maps, round_players, rounds, voided_rounds
from tests.clocks import START

SEEN = FileRecord(state=FileState.SEEN, size=9, modified_at=START, listed_at=START)


def real_rounds(reference_data):
    folder = read_folder(
        [
            FolderFile(name=path.name, content=path.read_bytes(), modified_at=START)
            for path in sorted((reference_data / "etlegacy").iterdir())
            if file_kind(path.name) is FileKind.ROUND and parse_name(path.name)
        ],
        None,
    )
    return {one.file: one.resolved for one in folder.rounds}


async def keep(conn, resolved):
    await store.save_files(conn, "alpha", dict.fromkeys(resolved, SEEN), now=START, silent=False)
    ids = {}
    for name, one in resolved.items():
        file = await store.keep_content(conn, "alpha", name, imported(SEEN), sha256=name, content=b"x")
        partner = None if one.partner_key is None else ids[one.partner_key]
        ids[name] = await store.keep_round(conn, "alpha", file.id, one, partner_round_id=partner, now=START)
    return ids


def without_weapons(one):
    return replace(one, players=tuple(replace(player, weapons={}) for player in one.players))


async def test_every_real_round_comes_back_as_it_was_resolved(database, reference_data):
    resolved = real_rounds(reference_data)
    async with database.write("test.keep") as conn:
        await keep(conn, resolved)
    async with database.read() as conn:
        found = await read_rounds(conn, ["alpha"])
        assert await read_rounds(conn, ["beta"]) == ()
    assert {one.told.key: one.told.resolved for one in found} == {
        name: without_weapons(one) for name, one in resolved.items()
    }
    assert not any(one.told.voided for one in found)
    assert [one.told.resolved.ended_at for one in found] == sorted(one.ended_at for one in resolved.values())


async def test_what_an_admin_left_out_stays_out_when_the_round_is_made_anew(database, reference_data):
    resolved = {name: one for name, one in real_rounds(reference_data).items() if one.counted}
    name, ignored = next(iter(resolved)), list(resolved)[-1]
    async with database.write("test.keep") as conn:
        ids = await keep(conn, resolved)
        file_id = (await conn.execute(select(rounds.c.file_id).where(rounds.c.id == ids[name]))).scalar_one()
        await conn.execute(insert(voided_rounds).values(file_id=file_id, voided_by=1, voided_at=START))
        await conn.execute(insert(ignored_maps).values(server="alpha", map=resolved[ignored].map))
        await keep(conn, resolved)
        found = {one.told.key: one.told for one in await read_rounds(conn, ["alpha"])}
        players = (await conn.execute(select(round_players.c.guid).distinct())).all()
    assert players
    assert {key for key, one in found.items() if not one.counted} == {name} | {
        key for key, one in resolved.items() if one.map == resolved[ignored].map
    }
