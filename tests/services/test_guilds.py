"""What admins choose for their guild."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from bot import settings
from bot.core.requester import Requester
from bot.errors import InputRefused
from bot.services import guilds as guilds_service
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.storage import audit
from bot.storage.engine import Database
from bot.storage.tables import outbox
from tests.clocks import ManualClock

ADMIN = Requester(guild_id=1, user_id=42)
ANOTHER = Requester(guild_id=1, user_id=43)


@pytest.fixture
def guilds(database: Database, clock: ManualClock) -> Guilds:
    return Guilds(
        database=database,
        announcements=Announcements(database, clock),
        clock=clock,
        default_time_zone="Asia/Jakarta",
    )


@pytest.mark.parametrize("is_known", [False, True])
async def test_two_who_choose_at_once_both_get_what_they_chose(guilds: Guilds, is_known: bool) -> None:
    if is_known:
        await guilds.joined(1)
    await asyncio.gather(
        guilds.save(ADMIN, lives_channel_id=5), guilds.save(ANOTHER, rounds_channel_id=6, language="id")
    )
    settings = await guilds.get(1)
    assert (settings.lives_channel_id, settings.rounds_channel_id) == (5, 6)
    assert (settings.language, settings.time_zone) == ("id", "Asia/Jakarta")


async def test_a_channel_is_cleared_and_the_rest_stays(guilds: Guilds) -> None:
    await guilds.save(ADMIN, lives_channel_id=5, rounds_channel_id=6, admin_channel_id=7)
    saved = await guilds.save(ADMIN, clear="rounds")
    assert saved == await guilds.get(1)
    assert (saved.lives_channel_id, saved.rounds_channel_id, saved.admin_channel_id) == (5, None, 7)


async def test_where_changes_are_told_is_itself_told_and_only_when_it_changes(
    guilds: Guilds, database: Database
) -> None:
    await guilds.save(ADMIN, admin_channel_id=7, audit_channel_id=8)
    await guilds.save(ANOTHER, audit_channel_id=8, language="id")
    assert (await guilds.save(ANOTHER, clear="audit")).audit_channel_id is None
    await guilds.save(ANOTHER, clear="audit")
    async with database.read() as conn:
        rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        entries = await audit.entries(conn, 1, 9)
    assert [(row["channel_id"], row["message"]["body"]) for row in rows] == [
        (8, "<@42>: What admins change is told in <#8>."),
        (7, "<@43>: What admins change is told where their notices go."),
    ]
    assert [entry.user_id for entry in entries] == [43, 42]


async def test_time_zones_are_looked_up_once_before_anybody_waits(
    guilds: Guilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> set[str]:
        raise AssertionError("reading the zones of this machine takes long")

    for module in (guilds_service, settings):
        monkeypatch.setattr(module, "available_timezones", slow, raising=False)
    assert (await guilds.save(ADMIN, time_zone="Europe/Paris")).time_zone == "Europe/Paris"
    with pytest.raises(InputRefused):
        await guilds.save(ADMIN, time_zone="Mars/Olympus")
