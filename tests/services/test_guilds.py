"""What admins choose for their guild."""

from __future__ import annotations

import asyncio

import pytest

from bot import settings
from bot.core.requester import Requester
from bot.errors import InputRefused
from bot.services import guilds as guilds_service
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.storage.engine import Database
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
