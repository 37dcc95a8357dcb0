"""`/top players` as the service answers it: whose rounds, of which days, and for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from bot.core.requester import Requester
from bot.core.rounds.metrics import Per
from bot.core.rounds.periods import Period
from bot.core.rounds.ranking import minimum_words
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.leaderboards import COMPARED, Leaderboards
from bot.settings import GameServer
from bot.storage.round_tables import player_ratings
from bot.storage.tables import guilds
from tests.clocks import ManualClock
from tests.kept_rounds import put_round

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
BY = Requester(guild_id=1, user_id=42)


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
async def leaderboards(database, clock):
    async with database.write("test.join") as conn:
        await conn.execute(insert(guilds).values(guild_id=1, time_zone="Asia/Jakarta"))
    servers = {
        name: GameServer(host="a.example", username="u", guild_ids=ids)
        for name, ids in {"alpha": (1,), "second": (1, 2), "beta": (2,), "nobody's": ()}.items()
    }
    return Leaderboards(database=database, servers=servers, clock=clock, default_time_zone="Europe/Berlin")


async def put(database, *rounds, **more):
    async with database.write("test.put") as conn:
        for ended_at, players in rounds:
            await put_round(conn, ended_at, players, **more)


def shown(top):
    return [(one.place, one.guid, one.value) for one in top.ranking.players]


async def test_each_guild_reads_the_players_of_its_own_servers_alone(database, leaderboards):
    for number, server in enumerate(("alpha", "second", "beta", "nobody's"), 1):
        await put(database, (NOW, {server.upper(): {"kills": number}}), server=server)
    top = await leaderboards.top(BY, "kills", Period.ALL_TIME)
    assert shown(top) == [(1, "SECOND", 2), (2, "ALPHA", 1)]
    other = await leaderboards.top(Requester(guild_id=2, user_id=42, is_owner=True), "kills", Period.ALL_TIME)
    assert shown(other) == [(1, "BETA", 3), (2, "SECOND", 2)]
    assert shown(await leaderboards.top(BY, "kills", Period.ALL_TIME, server="alpha")) == [(1, "ALPHA", 1)]


async def test_what_cannot_be_answered_is_refused_before_anything_is_read(leaderboards):
    with pytest.raises(NotAllowed, match="does not belong"):
        leaderboards.chosen(BY, "kills", "beta")
    with pytest.raises(InputRefused, match="suggestions"):
        leaderboards.chosen(BY, "kils", None)
    with pytest.raises(NothingThere, match="No game server"):
        leaderboards.chosen(Requester(guild_id=3, user_id=42, is_owner=True), "kills", None)


async def test_a_week_is_that_of_the_guilds_zone(database, leaderboards):
    monday = datetime(2026, 11, 22, 17, tzinfo=UTC)  # midnight in Jakarta
    players = {"A": {"kills": 1}}
    await put(database, *[(at, players) for at in (monday, monday - timedelta(seconds=1))])
    await put(database, (monday - timedelta(days=7), {"A": {"kills": 10}}))
    await put(database, (monday - timedelta(days=7, seconds=1), {"A": {"kills": 100}}))
    assert shown(await leaderboards.top(BY, "kills", Period.THIS_WEEK)) == [(1, "A", 1)]
    assert shown(await leaderboards.top(BY, "kills", Period.LAST_WEEK)) == [(1, "A", 11)]


async def test_the_last_evening_is_that_of_the_server_played_last(database, leaderboards):
    await put(database, (NOW - timedelta(hours=9), {"EARLIER": {"kills": 9}}))
    await put(database, *[(NOW - timedelta(minutes=at), {"A": {"kills": 1}}) for at in (100, 50)])
    await put(database, (NOW - timedelta(minutes=60), {"ELSEWHERE": {"kills": 9}}), server="second")
    top = await leaderboards.top(BY, "kills", Period.LAST_EVENING)
    assert shown(top) == [(1, "A", 2)]
    assert top.servers == ("alpha",)


async def test_an_evening_asks_for_three_rounds_and_states_it(database, leaderboards):
    played = {"damage_given": 900, "team_seconds": 600, "gun_shots": 150, "gun_hits": 60}
    for number in range(3):
        players = {"A": played, "LATE": played} if number else {"A": played}
        await put(database, (NOW - timedelta(minutes=10 * number), players))
    top = await leaderboards.top(BY, "dpm", Period.LAST_EVENING)
    assert shown(top) == [(1, "A", 90)]
    assert (minimum_words(top.ranking.minimum), top.ranking.below_minimum) == ("at least 3 rounds", 1)
    accuracy = await leaderboards.top(BY, "accuracy", Period.LAST_EVENING)
    assert shown(accuracy) == [(1, "A", 0.4)]
    assert minimum_words(accuracy.ranking.minimum) == "at least 3 rounds, at least 300 shots"
    asked = await leaderboards.top(BY, "dpm", Period.LAST_EVENING, min_rounds=2)
    assert [guid for _, guid, _ in shown(asked)] == ["A", "LATE"]
    assert shown(await leaderboards.top(BY, "dpm", Period.THIS_WEEK)) == []


async def test_without_a_round_every_period_is_empty(leaderboards):
    for period in Period:
        assert shown(await leaderboards.top(BY, "dpm", period)) == []


async def test_a_rating_is_of_all_time_and_nobody_is_rated_before_ten_maps(database, leaderboards):
    await put(database, (NOW - timedelta(days=900), {guid: {} for guid in "ABC"}))
    async with database.write("test.rate") as conn:
        for guid, maps in (("A", 9), ("B", 10), ("C", 20)):
            values = {"guid": guid, "mean": 25.0, "deviation": 1.0, "maps": maps}
            await conn.execute(insert(player_ratings).values(values))
    top = await leaderboards.top(BY, "rating", Period.THIS_WEEK, min_rounds=1)
    assert shown(top) == [(1, "B", 22.0), (1, "C", 22.0)]
    assert (top.period, top.span.since, top.ranking.below_minimum) == (Period.ALL_TIME, None, 1)
    assert shown(await leaderboards.top(BY, "rating", Period.ALL_TIME, min_rounds=11)) == [(1, "C", 22.0)]


async def test_everything_that_can_be_compared_has_a_table_in_total_and_as_a_rate(database, leaderboards):
    everything = {"kills": 200, "gun_shots": 2000, "gun_hits": 900, "team_seconds": 600, "damage_given": 1}
    everything |= dict.fromkeys(
        ("deaths", "gibs", "revives", "head_hits", "headshot_kills", "useful_kills"), 1
    )
    everything |= dict.fromkeys(("denied_seconds", "dynamite_planted", "dynamite_defused"), 1)
    everything |= dict.fromkeys(
        ("double_kills", "triple_kills", "quad_kills", "penta_kills", "hexa_kills"), 1
    )
    await put(database, (NOW, {"A": everything}))
    for key in COMPARED.keys() - {"rating"}:
        for per in Per:
            top = await leaderboards.top(BY, key, Period.THIS_WEEK, per=per, min_rounds=1)
            assert [one.guid for one in top.ranking.players] == ["A"], key
