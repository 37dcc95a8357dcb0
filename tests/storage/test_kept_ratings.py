"""The counted maps that ratings are made of, and the ratings."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update

from bot.core.rounds.rating import Rating, half, rate, rated_map
from bot.storage import ratings as store
from bot.storage.round_tables import ignored_players, round_players, rounds
from tests.storage.test_resolved_rounds import keep, real_rounds


@pytest.fixture
async def kept(database, reference_data):
    """Every real round in the database; by name of its file."""
    resolved = real_rounds(reference_data)
    async with database.write("test.keep") as conn:
        await keep(conn, resolved)
    return resolved


def half_of(resolved):
    return half(
        attackers_succeeded=resolved.attackers_succeeded,
        defender_side=resolved.defender_side,
        played_seconds=resolved.played_seconds,
        players=[(one.guid, one.side, one.team_seconds) for one in resolved.players],
    )


def maps_of(resolved):
    pairs = [(resolved[two.partner_key], two) for two in resolved.values() if two.partner_key]
    counted = [pair for pair in pairs if all(one.counted for one in pair)]
    ordered = sorted(counted, key=lambda pair: pair[1].ended_at)
    return [rated_map(half_of(first), half_of(second)) for first, second in ordered]


async def read(database):
    async with database.read() as conn:
        return [one async for some in store.counted_maps(conn) for one in some]


async def fingerprint(database):
    async with database.read() as conn:
        return await store.fingerprint(conn)


async def change(database, *statements):
    async with database.write("test.change") as conn:
        for statement in statements:
            await conn.execute(statement)


@pytest.mark.parametrize("at_once", [1, 7, 100])
async def test_the_maps_are_those_of_the_rounds_in_the_order_in_which_they_ended(
    database, kept, at_once, monkeypatch
):
    monkeypatch.setattr(store, "MAPS_AT_ONCE", at_once)
    expected = maps_of(kept)
    assert len(expected) == 26
    assert await read(database) == expected


async def test_a_round_that_an_admin_left_out_takes_its_map_along(database, kept):
    partner = select(rounds.c.partner_round_id).where(rounds.c.partner_round_id.is_not(None)).limit(1)
    await change(
        database, update(rounds).where(rounds.c.id == partner.scalar_subquery()).values(counted=False)
    )
    assert len(await read(database)) == 25


async def test_who_is_ignored_on_a_server_is_in_no_map_of_it(database, kept):
    guid = next(iter(maps_of(kept)[0].round_1_attackers))
    await change(database, insert(ignored_players).values(server="beta", guid=guid))
    assert await read(database) == maps_of(kept)
    await change(database, insert(ignored_players).values(server="alpha", guid=guid))
    assert guid not in rate(await read(database))
    assert len(await read(database)) == 26


async def test_the_fingerprint_changes_with_whatever_ratings_are_made_of(database, kept):
    (second,) = [two for two in kept.values() if two.partner_key][:1]
    async with database.read() as conn:
        row = (
            await conn.execute(
                select(rounds).where(
                    rounds.c.ended_at == second.ended_at, rounds.c.partner_round_id.is_not(None)
                )
            )
        ).one()
    this = rounds.c.id == row.id
    one_player = (round_players.c.round_id == row.id) & (round_players.c.guid == second.players[0].guid)
    other_side = 3 - second.players[0].side
    changes = [
        update(rounds).where(this).values(counted=False),
        update(rounds).where(this).values(counted=True, attackers_succeeded=not row.attackers_succeeded),
        update(rounds).where(this).values(attackers_succeeded=None),
        update(rounds).where(this).values(defender_side=3 - row.defender_side),
        update(rounds).where(this).values(played_seconds=row.played_seconds + 1),
        update(rounds)
        .where(this)
        .values(ended_at=row.ended_at.replace(minute=(row.ended_at.minute + 1) % 60)),
        update(round_players).where(one_player).values(side=other_side),
        update(round_players).where(one_player).values(team_seconds=round_players.c.team_seconds + 1),
        delete(round_players).where(one_player),
        insert(ignored_players).values(server="alpha", guid="AAAAAAA1"),
        update(rounds).where(this).values(partner_round_id=None),
    ]
    seen = [await fingerprint(database)]
    assert await fingerprint(database) == seen[0]
    for one in changes:
        await change(database, one)
        seen.append(await fingerprint(database))
    assert len(set(seen)) == len(changes) + 1


async def test_a_round_without_a_partner_changes_no_fingerprint(database, kept):
    before = await fingerprint(database)
    (alone, *_) = [one for one in kept.values() if not one.counted and one.players]
    await change(database, delete(rounds).where(rounds.c.ended_at == alone.ended_at))
    async with database.read() as conn:
        assert len((await conn.execute(select(rounds.c.id))).all()) == len(kept) - 1
    assert await fingerprint(database) == before


async def test_ratings_are_replaced_as_a_whole(database):
    old = {f"{at:08X}": Rating(mean=at / 8, deviation=2.5, maps=at) for at in range(700)}
    new = {"AAAAAAA1": Rating(mean=-3.25, deviation=7.5, maps=1)}
    for ratings in (old, new):
        async with database.write("test.ratings") as conn:
            await store.replace_all(conn, ratings)
        async with database.read() as conn:
            assert await store.ratings_of(conn, [*old, *new]) == ratings


async def test_a_name_is_that_of_who_has_it_now_and_played_last(database, kept):
    newest = {}
    for one in sorted(kept.values(), key=lambda one: one.ended_at):
        newest |= {player.guid: (player.name, one.ended_at) for player in one.players}
    expected = {}
    for guid, (name, _) in sorted(newest.items(), key=lambda item: item[1][1]):
        expected[name] = guid
    every_name = {player.name for one in kept.values() for player in one.players}
    assert len(every_name) > len(expected)  # some have had others before
    async with database.read() as conn:
        assert await store.players_called(conn, [*every_name, "nobody"]) == expected
        assert await store.players_called(conn, []) == {}
