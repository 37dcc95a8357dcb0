"""The sums of the database are those of core over the same rounds, on every engine."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import insert, update

from bot.core.rounds.counters import COUNTERS
from bot.core.rounds.metrics import METRICS, RATING, Per, related
from bot.core.rounds.ranking import rank_measured, rank_players
from bot.storage.player_sums import last_rounds, measure_all, rating_all
from bot.storage.round_tables import ignored_players, player_ratings, round_players, rounds
from tests.clocks import START
from tests.core.rounds import real_rows
from tests.kept_rounds import as_player_rounds, put_round
from tests.storage.test_resolved_rounds import keep, real_rounds

GUIDS = ("AAAAAAA1", "AAAAAAA2", "BBBBBBB1", "BBBBBBB2", "CCCCCCC1", "OMNIBOT0")
IGNORED = ("beta", "AAAAAAA1")
SINCE, UNTIL = START + timedelta(hours=8), START + timedelta(hours=24)
SPANS = ((None, None), (SINCE, None), (SINCE, UNTIL), (None, UNTIL))
METRIC_KINDS = [related(metric, per) for metric in METRICS.values() for per in Per]


def counters(luck: Random) -> dict[str, int]:
    """Everything known, or nothing of what an old script does not count; some without the time on a team."""
    nullable = [name for name in COUNTERS if round_players.c[name].nullable]
    unknown = set(luck.choice(((), (), nullable, luck.sample(nullable, 3))))
    known = {name: luck.choice((0, luck.randrange(1, 400))) for name in COUNTERS if name not in unknown}
    return {**known, "name": luck.choice("abc")}


async def ranking_of(conn, servers, metric, **span):
    found = await measure_all(conn, servers, metric, **span)
    return rank_measured(found.measured, found.names, metric, min_rounds=2)


@pytest.mark.parametrize("seed", range(4))
async def test_a_table_is_the_one_that_core_makes_of_the_same_rounds(database, seed):
    luck = Random(seed)
    kept = []
    async with database.write("test.put") as conn:
        await conn.execute(insert(ignored_players).values(server=IGNORED[0], guid=IGNORED[1]))
        for number in range(40):
            ended_at = START + timedelta(hours=luck.randrange(40), minutes=number)
            players = {guid: counters(luck) for guid in luck.sample(GUIDS, luck.randrange(6))}
            server, counted = luck.choice(("alpha", "beta", "gamma")), luck.random() < 0.8
            await put_round(conn, ended_at, players, server=server, counted=counted)
            kept += [(server, one) for one in as_player_rounds(ended_at, players, counted=counted)]
    async with database.read() as conn:
        for metric in METRIC_KINDS:
            for since, until in SPANS:
                rows = [
                    one
                    for server, one in kept
                    if server != "gamma"
                    and (server, one.guid) != IGNORED
                    and (since is None or one.ended_at >= since)
                    and (until is None or one.ended_at < until)
                ]
                found = await ranking_of(conn, ["alpha", "beta"], metric, since=since, until=until)
                assert found == rank_players(rows, metric, min_rounds=2), (metric.key, since, until)


async def test_the_real_rounds_come_to_what_the_bytes_say(database, reference_data):
    resolved = real_rounds(reference_data)
    files = {name: (reference_data / "etlegacy" / name).read_bytes() for name in resolved}
    expected = real_rows.expected_rows(files)
    async with database.write("test.keep") as conn:
        await keep(conn, resolved)
    async with database.read() as conn:
        kills = await measure_all(conn, ["alpha"], METRICS["kills"])
        denied = await measure_all(conn, ["alpha"], METRICS["denied_seconds"])
        accuracy = await measure_all(conn, ["alpha"], METRICS["accuracy"])
        dpm = await measure_all(conn, ["alpha"], METRICS["dpm"])
    assert len(expected) > 20
    assert kills.measured.keys() == expected.keys()
    for guid, own in expected.items():
        assert (kills.measured[guid].value, kills.measured[guid].rounds) == (
            sum(one["kills"] for one in own),
            len(own),
        )
        told = [one["denied_seconds"] for one in own if "denied_seconds" in one]
        assert (denied.measured[guid].value, denied.measured[guid].rounds) == (
            sum(told) if told else None,
            len(told),
        )
        hits, shots = (sum(one[name] for one in own) for name in ("gun_hits", "gun_shots"))
        assert accuracy.measured[guid].value == (hits / shots if shots else None)
        damage, seconds = (sum(one[name] for one in own) for name in ("damage_given", "team_seconds"))
        assert dpm.measured[guid].value == pytest.approx(damage * 60 / seconds)


async def test_a_round_that_an_admin_left_out_is_in_no_table(database, reference_data):
    resolved = real_rounds(reference_data)
    name = next(name for name, one in resolved.items() if one.counted)
    async with database.write("test.keep") as conn:
        ids = await keep(conn, resolved)
        before = (await measure_all(conn, ["alpha"], METRICS["kills"])).measured
        await conn.execute(update(rounds).where(rounds.c.id == ids[name]).values(counted=False))
        after = (await measure_all(conn, ["alpha"], METRICS["kills"])).measured
    changed = {guid for guid, one in before.items() if guid not in after or after[guid] != one}
    assert changed == {player.guid for player in resolved[name].players}


async def test_who_played_is_called_as_he_was_last_and_of_two_at_once_one_name_is_taken(database):
    async with database.write("test.put") as conn:
        await put_round(conn, START, {"A": {"name": "new"}})
        await put_round(conn, START - timedelta(hours=1), {"A": {"name": "late file"}})
        await put_round(conn, START, {"A": {"name": "elsewhere"}}, server="beta")
        found = await measure_all(conn, ["alpha"], METRICS["kills"])
        both = await measure_all(conn, ["alpha", "beta"], METRICS["kills"])
    assert found.names == {"A": "new"}
    assert both.names == {"A": "elsewhere"}


async def test_ratings_are_of_who_played_on_the_servers_and_of_the_others_unknown(database):
    async with database.write("test.put") as conn:
        await put_round(conn, START, {"A": {}, "B": {}, "C": {}, "OMNIBOT1": {}})
        await put_round(conn, START, {"D": {}}, server="beta")
        await conn.execute(insert(ignored_players).values(server="alpha", guid="C"))
        for guid in ("A", "C", "D", "OMNIBOT1"):
            await conn.execute(insert(player_ratings).values(guid=guid, mean=30.0, deviation=2.0, maps=12))
        found = await rating_all(conn, ["alpha"], RATING)
    ranking = rank_measured(found.measured, found.names, RATING)
    assert [(one.guid, one.name, one.value, one.rounds) for one in ranking.players] == [("A", "pA", 24.0, 12)]
    assert (ranking.below_minimum, ranking.unknown) == (0, 1)


async def test_the_last_rounds_are_of_the_server_where_people_played_last(database):
    async with database.write("test.put") as conn:
        assert await last_rounds(conn, ["alpha", "beta"], timedelta(days=2)) is None
        await put_round(conn, START - timedelta(days=3), {})
        await put_round(conn, START - timedelta(hours=1), {}, seconds=None)
        await put_round(conn, START, {})
        await put_round(conn, START + timedelta(hours=1), {}, counted=False)
        await put_round(conn, START - timedelta(minutes=1), {}, server="beta")
        await put_round(conn, START + timedelta(hours=5), {}, server="gamma")
        found = await last_rounds(conn, ["alpha", "beta"], timedelta(days=2))
    assert found == ("alpha", [(START - timedelta(hours=1), None), (START, 600)])
