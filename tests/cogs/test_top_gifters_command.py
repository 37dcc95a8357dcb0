"""`/top gifters`, as members use it; the digest, as admins switch it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.core.streams.gifters import PER_PAGE
from bot.storage.tables import guilds, subscriptions
from tests.kept_streams import keep_live

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.leaderboards", "cogs.admin") as room:
        async with room.database.write("test.put") as conn:
            live = await keep_live(conn, started_at=room.clock.now() - timedelta(days=2), people=15)
            await conn.execute(
                insert(subscriptions).values(
                    account_id=live.account_id,
                    guild_id=room.guild_id,
                    channel_id=1,
                    created_by=1,
                    created_at=room.clock.now(),
                )
            )
        room.live = live
        yield room


async def said(room, /, **options):
    order = await room.ask(room.server.run, "top gifters", options, user="member", channel="general")
    return order["response"]


async def test_a_member_shows_everybody_a_table_with_its_chart_in_the_language_of_the_server(room):
    async with room.database.write("test.language") as conn:
        await conn.execute(update(guilds).values(language="id"))
    answer = await said(room, period="7_days", user="ana")
    assert not answer["ephemeral"]
    (embed,) = answer["embeds"]
    assert "7 hari terakhir" in embed["title"]
    best = max(room.live.diamonds_of.values())
    assert f"{best:,}".replace(",", ".") in embed["description"].splitlines()[0]
    assert "@ana" in embed["footer"]["text"]
    assert embed["image"]["url"].split("?")[0].endswith("chart.png")
    (chart,) = room.painter.drawn
    assert [bar.value for bar in chart.groups[0].bars] == sorted(
        room.live.diamonds_of.values(), reverse=True
    )[:PER_PAGE]


async def test_more_than_ten_people_have_pages_that_are_turned(room):
    assert len(room.live.diamonds_of) > PER_PAGE
    answer = await said(room, period="session")
    (embed,) = answer["embeds"]
    assert embed["title"] == "Top gifters of the last live of Ana"
    assert embed["description"].count("**:") == PER_PAGE
    (row,) = answer["components"]
    (following,) = [button for button in row["components"] if button.get("label") == "Next"]
    pressed = await room.ask(room.server.press, answer, following["custom_id"], user="member")
    turned = await room.ask(room.server.answer, pressed)
    (embed,) = turned["response"]["embeds"]
    assert embed["description"].count("**:") == len(room.live.diamonds_of) - PER_PAGE


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"user": "nobody"}, "nobody"),
        ({"from": "today"}, "2026-12-31"),
        ({"to": "2026-01-01", "period": "7_days"}, "both"),
    ],
)
async def test_what_cannot_be_is_a_hint_for_one(room, options, hint):
    answer = await said(room, **options)
    assert answer["ephemeral"]
    assert hint in answer["content"]


async def test_an_admin_switches_the_digest_and_reads_where_it_goes(room):
    for on, told in ((False, "not told"), (True, "told on Mondays")):
        answer = (await room.command("setup", digest=on))["response"]
        fields = {field["name"]: field["value"] for field in answer["embeds"][0]["fields"]}
        assert fields["The lives of the week"].startswith(told)
        async with room.database.read() as conn:
            assert (await conn.execute(select(guilds.c.weekly_streams))).scalars().all() == [on]
