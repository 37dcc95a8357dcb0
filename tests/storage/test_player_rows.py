"""Players as the database tells them, against the second decoder and against the sums of the core."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.core.rounds.counters import COUNTERS, known_sums
from bot.core.rounds.metrics import METRICS, Per, from_sums, related
from bot.core.rounds.names import clean_name
from bot.core.rounds.pairing import Pairing
from bot.core.rounds.resolve import resolve
from bot.storage import players
from bot.storage import rounds as rounds_store
from bot.storage.round_tables import (
    ignored_players,
    round_duels,
    round_players,
    rounds,
)
from tests.clocks import START
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.conftest import real_files, real_rounds
from tests.core.rounds.row_samples import row
from tests.core.rounds.samples import GUIDS, header, played, player, roster
from tests.storage.test_resolved_rounds import keep
from tests.storage.test_rounds import keep_file

__all__ = ["real_files", "real_rounds"]  # fixtures
ALPHA = ("alpha",)
GROUPS = [metric.counters for metric in METRICS.values()]
GROUPS += [related(metric, Per.TEN_MINUTES).counters for metric in METRICS.values() if metric.has_rate]


async def keep_round(conn, minutes, *lines, server="alpha", name=None):
    """Store one invented round; gives its id and that of its file."""
    one = played(name or f"{server} {minutes}", minutes, header(), *lines)
    file = await keep_file(conn, one.key, server=server)
    resolved = resolve(one, Pairing(round=1))
    round_id = await rounds_store.keep_round(
        conn, server, file.id, resolved, partner_round_id=None, now=START
    )
    return round_id, file.id


@pytest.fixture
async def real(database, real_rounds):
    """A database with every real round."""
    async with database.write("test.keep") as conn:
        await keep(conn, real_rows.resolved_rounds(real_rounds))
    return database


async def test_sums_of_every_real_player_are_those_of_the_bytes(real, real_files):
    expected = real_rows.expected_rows(real_files)
    async with real.read() as conn:
        found = await players.sums(conn, ALPHA, GROUPS)
    assert found.keys() == expected.keys()
    for guid, own in expected.items():
        for key in ("kills", "gibs", "revives"):
            sums, known = found[guid][METRICS[key].counters]
            assert (sums[key], known) == (sum(one[key] for one in own), len(own))
        dpm = from_sums(METRICS["dpm"], *found[guid][METRICS["dpm"].counters])
        seconds = sum(one["team_seconds"] for one in own)
        assert dpm.value == pytest.approx(sum(one["damage_given"] for one in own) * 60 / seconds, rel=1e-6)
        told = [one["denied_seconds"] for one in own if "denied_seconds" in one]
        assert found[guid]["denied_seconds",] == ({"denied_seconds": sum(told)}, len(told))


async def test_sums_in_sql_are_the_sums_of_the_core_whatever_is_unknown(database):
    chance = random.Random(1)
    told = defaultdict(list)
    async with database.write("test.keep") as conn:
        for minutes in range(25):
            round_id, _ = await keep_round(conn, minutes, *roster())
            for guid in GUIDS:
                counters = {name: chance.choice([0, 1, 7, 2**33]) for name in COUNTERS}
                for name in COUNTERS:
                    if round_players.c[name].nullable and chance.random() < 0.3:
                        counters[name] = None
                await conn.execute(
                    update(round_players)
                    .where(round_players.c.round_id == round_id, round_players.c.guid == guid)
                    .values(counters)
                )
                if not counters["team_seconds"]:
                    counters |= {"team_seconds": None, "alive_seconds": None}
                told[guid].append(row(guid, **counters))
        groups = [*GROUPS, ("team_seconds", "alive_seconds"), ("alive_seconds",)]
        found = await players.sums(conn, ALPHA, groups)
        assert await players.sums(conn, ALPHA, groups, GUIDS[:1]) == {GUIDS[0]: found[GUIDS[0]]}
    assert found.keys() == told.keys()
    for guid, own in told.items():
        assert found[guid] == {group: known_sums(own, group) for group in groups}
        assert any(known < len(own) for _, known in found[guid].values())


async def test_what_does_not_count_and_other_servers_are_in_no_sum(database):
    async with database.write("test.keep") as conn:
        await keep_round(conn, 0, *roster())
        void, _ = await keep_round(conn, 10, *roster())
        await keep_round(conn, 20, *roster(), server="beta")
        await conn.execute(update(rounds).where(rounds.c.id == void).values(counted=False))
        group = ("kills",)
        assert (await players.sums(conn, ALPHA, [group]))[GUIDS[0]][group] == ({"kills": 5}, 1)
        both = await players.sums(conn, ("alpha", "beta"), [group])
        assert both[GUIDS[0]][group] == ({"kills": 10}, 2)
        assert await players.sums(conn, (), [group]) == {}
        (weapon,) = await players.weapons(conn, ALPHA, GUIDS[0])
        assert (weapon.weapon, weapon.hits, weapon.shots, weapon.kills) == (4, 30, 100, 5)
        assert len(await players.rounds_of(conn, ALPHA, GUIDS[0], ["kills"])) == 1


async def test_weapons_of_every_real_player_agree_with_the_bytes(real, real_files):
    """Round 2 alone is what its file holds more than that of round 1; knives are clamped and left out."""
    pairs = decoder.halves(real_files)
    expected = defaultdict(Counter)
    told = real_rows.expected_rows(real_files)
    for guid, own in told.items():
        for one in own:
            now = kills_by_weapon(real_files[one["file"]], guid)
            if one["file"] in pairs and not one["counter_reset"]:
                now -= kills_by_weapon(real_files[pairs[one["file"]]], guid)
            expected[guid] += now
    async with real.read() as conn:
        for guid, kills in expected.items():
            weapons = await players.weapons(conn, ALPHA, guid)
            assert {one.weapon: one.kills for one in weapons if one.kills and one.weapon} == kills
            assert [one.kills for one in weapons] == sorted((one.kills for one in weapons), reverse=True)


def kills_by_weapon(content, guid):
    for line in content.decode("latin-1").splitlines()[1:]:
        if line.startswith(guid):
            mask, *numbers = map(int, line.split("\t")[0].rsplit("\\", 1)[1].split())
            slots = [slot for slot in range(28) if mask >> slot & 1]
            return Counter({slot: numbers[5 * at + 2] for at, slot in enumerate(slots) if slot})
    return Counter()


async def test_rounds_of_a_real_player_come_with_the_counters_that_were_asked_for(real, real_files):
    expected = real_rows.expected_rows(real_files)
    guid = max(expected, key=lambda one: len(expected[one]))
    async with real.read() as conn:
        found = await players.rounds_of(conn, ALPHA, guid, ["damage_given", "team_seconds"])
        spans = await players.spans(conn, ALPHA)
    assert {server for server, _ in found} == {"alpha"}
    assert [one.counters["damage_given"] for _, one in found] == [
        one["damage_given"] for one in sorted(expected[guid], key=lambda one: one["file"])
    ]
    assert {one.ended_at for _, one in found} <= {span.ended_at for span in spans}


async def test_names_of_every_real_player_are_those_of_the_files(real, real_files, real_rounds):
    expected = Counter()
    for one in real_rounds.values():
        for line in one.stats.players:
            if not (line.side == 3 and line.counts["xp"] == 0):
                expected[line.guid, clean_name(line.name)] += 1
    async with real.read() as conn:
        found = await players.names(conn, ALPHA)
    assert {(one.guid, one.name): one.rounds for one in found} == expected
    assert [one.last_at for one in found] == sorted((one.last_at for one in found), reverse=True)
    assert all(one.first_at <= one.last_at for one in found)
    assert len({one.guid for one in found}) < len(found)


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("100%", {"AAAAAAA1"}),
        ("%", {"AAAAAAA1"}),
        ("_", {"AAAAAAA2"}),
        ("UNDER_sc", {"AAAAAAA2"}),
        ("under.sc", set()),
        ("\\", set()),
        ("/", {"BBBBBBB1"}),
        ("'", {"BBBBBBB2"}),
        ("bbbbbbb2", {"BBBBBBB2"}),
        ("BBBBBBB2" * 4, {"BBBBBBB2"}),
        ("BBBBBBB", set()),
        ("nobody", set()),
    ],
)
async def test_a_part_of_a_name_is_found_as_it_is_written_in_either_case(database, part, found):
    names = ("100% aim", "under_score", "a/b", "o'neil")
    lines = [player(guid, name=name) for guid, name in zip(GUIDS, names, strict=True)]
    async with database.write("test.keep") as conn:
        await keep_round(conn, 0, *lines)
        assert {one.guid for one in await players.names(conn, ALPHA, part=part)} == found


async def test_whom_an_admin_ignores_on_a_server_is_told_by_name_alone_and_only_when_asked_for(database):
    ignored, others = GUIDS[0], set(GUIDS[1:])
    async with database.write("test.keep") as conn:
        round_id, file_id = await keep_round(conn, 0, *roster())
        await conn.execute(insert(ignored_players).values(server="alpha", guid=ignored))
        duel = {"round_id": round_id, "file_id": file_id, "kills": 3, "deaths": 1}
        pairs = ((GUIDS[1], ignored), (GUIDS[1], GUIDS[2]), (ignored, GUIDS[1]))
        await conn.execute(
            insert(round_duels), [{**duel, "guid": one, "opponent_guid": other} for one, other in pairs]
        )
        assert (await players.sums(conn, ALPHA, [("kills",)])).keys() == others
        assert {one.guid for one in await players.names(conn, ALPHA)} == others
        assert {one.guid for one in await players.names(conn, ALPHA, ignored=True)} == {ignored}
        assert await players.weapons(conn, ALPHA, ignored) == ()
        assert await players.rounds_of(conn, ALPHA, ignored, ["kills"]) == []
        assert await players.duels(conn, ALPHA, ignored) == {}
        assert await players.duels(conn, ALPHA, GUIDS[1]) == {GUIDS[2]: (3, 1, 1)}
        await keep_round(conn, 30, *roster(), server="beta")
        assert ignored in await players.sums(conn, ("alpha", "beta"), [("kills",)])


@pytest.mark.parametrize("guid", ["OMNIBOT0#1", "NO_GUID", "UNKNOWN"])
async def test_bots_and_nobody_have_no_name_here(database, guid):
    async with database.write("test.keep") as conn:
        round_id, _ = await keep_round(conn, 0, *roster())
        nobody = update(round_players).where(
            round_players.c.round_id == round_id, round_players.c.guid == GUIDS[0]
        )
        await conn.execute(nobody.values(guid=guid))
        assert {one.guid for one in await players.names(conn, ALPHA)} == set(GUIDS[1:])


async def test_duels_are_summed_over_the_rounds_that_count(database):
    async with database.write("test.keep") as conn:
        for minutes in (0, 10, 20):
            round_id, file_id = await keep_round(conn, minutes, *roster())
            values = {"round_id": round_id, "file_id": file_id, "guid": GUIDS[0], "opponent_guid": GUIDS[1]}
            await conn.execute(insert(round_duels).values(**values, kills=minutes, deaths=1))
        await conn.execute(update(rounds).where(rounds.c.id == round_id).values(counted=False))
        assert await players.duels(conn, ALPHA, GUIDS[0]) == {GUIDS[1]: (10, 2, 2)}
        assert await players.duels(conn, ("beta",), GUIDS[0]) == {}


async def test_a_member_is_one_player_and_a_player_one_member_of_a_guild(database):
    async with database.write("test.link") as conn:
        await players.link(conn, 1, 10, "AAAAAAA1", by=10, now=START)
        await players.link(conn, 2, 10, "AAAAAAA1", by=10, now=START)
        await players.link(conn, 1, 11, "AAAAAAA2", by=11, now=START)
        await players.link(conn, 1, 11, "AAAAAAA1", by=99, now=START + timedelta(days=1))
        assert await players.linked_guid(conn, 1, 10) is None
        assert await players.linked_guid(conn, 1, 11) == "AAAAAAA1"
        assert await players.linked_guid(conn, 2, 10) == "AAAAAAA1"
        members = await players.linked_members(conn, 1, ["AAAAAAA1", "AAAAAAA2"])
        assert members == {"AAAAAAA1": 11}
        kept = (
            await conn.execute(select(players.player_links).where(players.player_links.c.guild_id == 1))
        ).one()
        assert (kept.linked_by, kept.linked_at) == (99, START + timedelta(days=1))
        await players.forget_link(conn, 1, 11)
        assert await players.linked_guid(conn, 1, 11) is None
        assert await players.linked_guid(conn, 2, 10) == "AAAAAAA1"
