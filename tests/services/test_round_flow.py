"""The flow of rounds over real SFTP: the game server stand-in in its own process, files written slowly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.services.announcements import Announcements
from bot.services.round_sync import RoundSync, SyncRules
from bot.settings import GameServer
from bot.sources.etlegacy.sftp import SftpRoundSource, SshAddress, learn_host_key, trust_host_key
from bot.storage.round_tables import round_files
from bot.storage.tables import guilds, outbox
from tests.clocks import ManualClock
from tests.gameserver import running_gameserver
from tests.services.round_world import FIRST, DrawnCharts


@pytest.fixture
def server():
    with running_gameserver() as server:
        yield server


@pytest.fixture
async def source(server, tmp_path):
    facts = server.facts
    address = SshAddress(
        name="alpha",
        host=facts["ssh_host"],
        port=facts["ssh_port"],
        username=facts["username"],
        password=facts["password"],
        folder=facts["stats_folder"],
    )
    trust_host_key(tmp_path / "known_hosts", learn_host_key(address))
    with ThreadPoolExecutor(2, "ssh") as executor:
        source = SftpRoundSource(address, tmp_path / "known_hosts", executor)
        yield source
        await source.close()


async def test_a_real_file_on_a_real_server_becomes_a_post(server, source, database, reference_data):
    now = datetime.now(UTC)  # noqa: TID251 - the stand-in's files bear the time of this machine
    clock = ManualClock(now)
    async with database.write("test.join") as conn:
        await conn.execute(guilds.insert().values(guild_id=1, rounds_channel_id=100))
    sync = RoundSync(
        database=database,
        sources={"alpha": source},
        servers={"alpha": GameServer(host="a.example", username="u", guild_ids=(1,))},
        announcements=Announcements(database, clock),
        charts=DrawnCharts(),
        clock=clock,
        rules=SyncRules(poll_every=timedelta(seconds=60)),
    )
    await sync.step("alpha")
    content = (reference_data / "etlegacy" / FIRST).read_bytes()
    name = f"{now:%Y-%m-%d-%H%M%S}-etl_adlernest-round-1.txt"
    server.write(name, content[:500])
    await sync.step("alpha")
    server.write(name, content)
    for _ in range(3):
        clock.advance(4)
        await sync.step("alpha")
    async with database.read() as conn:
        stored = (await conn.execute(select(round_files.c.name, round_files.c.content))).all()
        titles = [message["title"] for message in (await conn.execute(select(outbox.c.message))).scalars()]
    assert stored == [(name, content)]
    assert len(titles) == 1
    assert titles[0].startswith("Adlernest · round 1")
    assert clock.now() - now < timedelta(minutes=1)
