"""`/top players`, as members use it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.services.leaderboards import COMPARED, Leaderboards
from bot.settings import GameServer
from bot.storage.tables import guilds
from tests.kept_rounds import put_round

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.leaderboards") as room:
        servers = {
            name: GameServer(host="a.example", username="u", guild_ids=(room.guild_id + more,))
            for name, more in (("alpha", 0), ("beta", 1))
        }
        room.client.get_cog("LeaderboardCommands")._leaderboards = Leaderboards(
            database=room.database, servers=servers, clock=room.clock, default_time_zone="UTC"
        )
        async with room.database.write("test.put") as conn:
            await conn.execute(update(guilds).values(language="id"))
            for number, guid in enumerate(("AAAAAAA1", "AAAAAAA2")):
                player = {"kills": 10 + number, "name": f"*{guid}*", "team_seconds": 600}
                for _ in range(10):
                    await put_round(conn, room.clock.now() - timedelta(minutes=30), {guid: player})
        yield room


async def said(room, /, **options):
    return (await room.command("top players", user="member", **options))["response"]


async def test_a_member_shows_everybody_a_table_with_its_chart_in_the_language_of_the_server(room):
    answer = await said(room, metric="kills", period="all_time")
    assert not answer["ephemeral"]
    (embed,) = answer["embeds"]
    assert embed["title"] == "Kill · Sepanjang waktu"
    assert embed["description"].index("*AAAAAAA2*") < embed["description"].index("*AAAAAAA1*")
    assert "alpha" in embed["footer"]["text"]
    assert embed["image"]["url"].split("?")[0].endswith("chart.png")
    (chart,) = room.painter.drawn
    assert [bar.written for bar in chart.groups[0].bars] == ["110", "100"]
    assert answer["components"] == []


async def test_a_rate_and_a_minimum_are_asked_for(room):
    (embed,) = (await said(room, metric="kills", period="all_time", per="ten_minutes"))["embeds"]
    assert "11.0" in embed["description"]
    (embed,) = (await said(room, metric="kills", period="all_time", min_rounds=11))["embeds"]
    assert "AAAAAAA" not in embed["description"]
    assert len(room.painter.drawn) == 1


async def test_without_the_chart_process_the_table_is_there(room):
    room.painter.trouble = "no drawing today"
    (embed,) = (await said(room, metric="kills", period="all_time"))["embeds"]
    assert "image" not in embed
    assert "AAAAAAA2" in embed["description"]


@pytest.mark.parametrize(
    ("options", "hint"), [({"metric": "aim"}, "suggestions"), ({"metric": "kd", "server": "beta"}, "belong")]
)
async def test_what_is_no_metric_and_a_server_of_others_are_hints_for_one(room, options, hint):
    answer = await said(room, **options)
    assert answer["ephemeral"]
    assert hint in answer["content"]


async def suggested(room, part, focused):
    order = {"user": "member", "channel": "general", "name": "top players", "focused": focused}
    order["options"] = {focused: part}
    started = await room.ask(room.server.control, "POST", "autocomplete", order)
    answered = await room.ask(room.server.answer, started["interaction_id"])
    return [choice["value"] for choice in answered["choices"]]


async def test_metrics_and_the_own_servers_are_suggested(room):
    assert await suggested(room, "", "metric") == list(COMPARED)
    assert await suggested(room, "KILL", "metric") == [
        "kills",
        "kd",
        "headshot_kill_share",
        "useful_kills",
        "multi_kills",
    ]
    assert await suggested(room, "", "server") == ["alpha"]
