"""Characters that a database cannot keep: one file's trouble at most, never that of its server."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.rounds.files import parse_name
from tests.core.rounds.samples import content, header, player, roster
from tests.services.round_world import CHANNEL, GUILD, RoundWorld

GATHER = "gamestats-7-2024-12-05-205654-supply-round-1.json"
STATS = "2024-12-05-200000-supply-round-1.txt"
ENDSTATS = "2024-12-05-200001-supply-round-1-endstats.txt"
GOOD = "2024-12-05-210000-braundorf_b4-round-1.txt"
ODD = ("\ud800", "a\x00b", "\x85")


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy", at=datetime(2024, 12, 5, 21, 5, tzinfo=UTC))
    match = json.loads((reference_data / "etlegacy" / "1733415574.json").read_bytes())["match"]
    world.document = match["rounds"][0]["round_data"]
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


def gather(world, odd, *, of_player):
    document = copy.deepcopy(world.document)
    if of_player:
        next(iter(document["player_stats"].values()))["name"] = odd
    else:
        document["round_info"]["mapname"] = odd
    at = parse_name(GATHER).wall_clock.replace(tzinfo=UTC) - timedelta(hours=1)
    world.folder.put(GATHER, json.dumps(document).encode(), at)


def stats(world, odd, *, of_player):
    name, map_name = ("ODD", "supply") if of_player else ("x", "ODD")
    plain = content(header(map_name=map_name), *roster()[1:], player("AAAAAAA1", name=name))
    world.folder.put(STATS, plain.replace(b"ODD", odd.encode("utf-8", "surrogatepass")))


def endstats(world, odd, *, of_player):
    world.folder.put(STATS, content(header(), *roster()))
    title, name = ("Most damage", odd) if of_player else (odd, "someone")
    world.folder.put(ENDSTATS, f"{title}\t{name}\t3214\n".encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("of_player", [True, False])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("put", [gather, stats, endstats])
async def test_it_is_at_most_the_trouble_of_the_file(world, put, odd, of_player):
    put(world, odd, of_player=of_player)
    world.folder.put(GOOD, content(header(map_name="braundorf_b4"), *roster(f0=901, f1=901)))
    await world.run_for(30)
    assert (await world.files())[GOOD]["state"] == "imported"
