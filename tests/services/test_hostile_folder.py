"""Folders that somebody hostile or broken has filled: one clear line for each thing, and the good files beside it.

What is tried, and where; "sshd" is the real OpenSSH server, "stand-in" tools/sandbox/gameserver, both processes
of their own, "channel" a scripted one in the process.

==================================== ======== ==========================================================
case                                 against  test
==================================== ======== ==========================================================
names: ``../x``, ``..``, a slash     stand-in test_sftp.py: hostile_names_are_left_out_and_counted
names: newline, control characters,  sshd     here: hostile_names_are_told_once_...
not UTF-8, 255 bytes
a name of 4 kB                       stand-in test_sftp.py: a_name_longer_than_any_file_system_has_...
a hostile name that is asked for     stand-in test_sftp.py: a_hostile_name_is_never_opened
2 GB (sparse)                        sshd     here: a_file_of_2_gb_a_device_and_...
a FIFO, a device, a loop, a folder   sshd     here: a_file_of_2_gb_a_device_and_...
a file that becomes a FIFO           sshd     here: a_file_that_becomes_a_fifo_...
a file that never stops growing      sshd     here: a_file_that_never_stops_growing_...
a file that grows while it is read   both     test_sftp.py, test_sftp_openssh.py: ..._differs_from_the_listing_...
files that may not be read           stand-in here: files_that_may_not_be_read_hold_up_no_other
100,000 names                        sshd     here: a_folder_of_100_000_names_...
more names than a folder may have    channel  test_client.py: a_listing_without_end_is_given_up
a server far away                    sshd     here: a_server_far_away_...
a byte at a time; silent at any step stand-in test_sftp.py: a_server_that_sends_a_byte_..., a_frozen_server_...
silent in the middle of many files   stand-in test_sftp.py: the_file_at_which_a_server_falls_silent_...
answers in another order, cut short, channel  test_client.py
too long, of a wrong kind, unasked
==================================== ======== ==========================================================
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from bot.core.requester import Requester
from bot.core.rounds.files import parse_name
from bot.services.announcements import Announcements
from bot.services.round_sync import RoundSync, SyncRules
from bot.settings import GameServer
from bot.sources.etlegacy.sftp import SftpRoundSource, SshAddress, learn_host_key, trust_host_key
from bot.sources.etlegacy.threads import LooseThreads
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.gameserver import running_gameserver
from tests.openssh import address_of, needs_sshd
from tests.services.round_world import EVENING, FIRST, LATER, SECOND, DrawnCharts
from tools.bench.openssh import running_sshd, slow_line

# Nothing here depends on the engine.
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

BY = Requester(guild_id=1, user_id=42)
GOOD = (FIRST, LATER, SECOND)
A_ROUND = "2025-10-26-{}-etl_ice-round-1.txt"


class Sync:
    """A round sync over real SFTP; `step` looks so long after the one before that what rests is due."""

    def __init__(self, database: Database, address: SshAddress, known_hosts: Path) -> None:
        trust_host_key(known_hosts, learn_host_key(address))
        self.clock = ManualClock(EVENING)
        self.clock.auto = True
        self.source = SftpRoundSource(address, known_hosts, LooseThreads())
        self.sync = RoundSync(
            database=database,
            sources={"alpha": self.source},
            servers={"alpha": GameServer(host="a.example", username="u", guild_ids=(1,))},
            announcements=Announcements(database, self.clock),
            charts=DrawnCharts(),
            clock=self.clock,
            rules=SyncRules(poll_every=timedelta(seconds=60)),
        )

    async def look(self):
        poll = await self.sync.poll_once("alpha")
        self.clock.advance(4)
        return poll

    async def report(self) -> tuple[int, dict[str, str]]:
        """What `/rounds sync` tells: how many were imported, and what was not, and why."""
        (poll,) = await self.sync.sync(BY, "alpha")
        assert poll.error == ""
        return poll.imported, {trouble.name: trouble.reason for trouble in poll.troubles}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "gamestats"
    folder.mkdir()
    return folder


@pytest.fixture
def good(folder, reference_data):
    """Three real rounds in the folder."""
    for name in GOOD:
        put(folder / name, (reference_data / "etlegacy" / name).read_bytes())


@pytest.fixture
def sshd(tmp_path):
    with running_sshd(tmp_path) as server:
        yield server


@pytest.fixture
async def open_sync(database, tmp_path):
    opened = []

    def open_sync(address: SshAddress) -> Sync:
        opened.append(Sync(database, address, tmp_path / "known_hosts"))
        return opened[-1]

    yield open_sync
    for sync in opened:
        await sync.source.close()


def put(path: Path, content: bytes) -> None:
    """Write a file as the game does, when its round ends."""
    path.write_bytes(content)
    name = parse_name(path.name)
    if name is not None:
        seconds = name.wall_clock.replace(tzinfo=UTC).timestamp()
        os.utime(path, (seconds, seconds))


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@contextmanager
def growing(path: Path) -> Iterator[None]:
    """Let a file grow without end."""
    ended = threading.Event()

    def grow() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.wait(0.001):
                file.write(b"2B5938F5\\bronze\\0\\1\\0 \t0\n")

    path.touch()
    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@needs_sshd
async def test_hostile_names_are_told_once_and_never_raw(sshd, folder, good, open_sync, caplog):
    for raw in (b"a\nb-round-1.txt", b"\x1b[2J.txt", b"2025-10-26-213907-caf\xe9-round-1.txt", b"\x07" * 255):
        (folder / os.fsdecode(raw)).write_bytes(b"x")
    sync = open_sync(address_of(sshd, folder))
    imported, told = await sync.report()
    assert imported == 3
    await sync.look()
    (line,) = warnings(caplog)
    assert "not a regular file with a plain name" in line
    assert line.isprintable()
    ((names, reason),) = told.items()
    assert reason == "not a regular file with a plain name"
    assert names.isprintable()
    assert "(+1)" in names  # three of the four are named


@needs_sshd
async def test_a_file_of_2_gb_a_device_and_what_is_no_file_are_told_and_not_opened(
    sshd, folder, good, open_sync, caplog
):
    huge = folder / A_ROUND.format("200000")
    with huge.open("wb") as file:
        file.truncate(2 * 1024**3)
    os.mkfifo(folder / A_ROUND.format("200001").replace(".txt", "-endstats.txt"))
    (folder / A_ROUND.format("200002")).symlink_to("/dev/zero")
    (folder / A_ROUND.format("200003")).symlink_to(A_ROUND.format("200003"))
    (folder / A_ROUND.format("200004")).mkdir()
    sync = open_sync(address_of(sshd, folder))
    imported, told = await sync.report()
    assert imported == 3
    assert "2,147,483,648 bytes; a stats file has at most 65,536" in told.pop(huge.name)
    ((names, _),) = told.items()
    assert "(+1)" in names
    await sync.look()
    assert len(warnings(caplog)) == 2


@needs_sshd
async def test_a_file_that_becomes_a_fifo_holds_up_no_other(sshd, folder, good, open_sync, caplog):
    sync = open_sync(address_of(sshd, folder, timeout_seconds=1))
    trap = folder / A_ROUND.format("200000")
    put(trap, b"x")
    list_files = sync.source.list_files

    async def listed_in_time():
        files = await list_files()
        if not trap.is_fifo() and sync.clock.now() > EVENING:
            trap.unlink()
            os.mkfifo(trap)
        return files

    sync.source.list_files = listed_in_time
    await sync.look()
    poll = await sync.look()
    assert (poll.imported, poll.failed, poll.error) == (3, 1, "")
    (line,) = warnings(caplog)
    assert f"{trap.name} could not be fetched: real: no answer within 1 s" in line


@needs_sshd
async def test_a_file_that_never_stops_growing_is_waited_for_and_holds_up_no_other(
    sshd, folder, good, open_sync
):
    sync = open_sync(address_of(sshd, folder))
    with growing(folder / A_ROUND.format("200000")):
        await sync.look()
        poll = await sync.look()
    assert (poll.imported, poll.waiting, poll.error) == (3, 1, "")


async def test_files_that_may_not_be_read_hold_up_no_other(database, tmp_path, reference_data, caplog):
    with running_gameserver() as server:
        facts = server.facts
        for name in GOOD:
            put(Path(facts["folder"]) / name, (reference_data / "etlegacy" / name).read_bytes())
        for second in range(5):
            put(Path(facts["folder"]) / A_ROUND.format(f"20000{second}"), b"x")
        server.fault("refuse", "open", path="20000", times=100)
        address = SshAddress(
            name="alpha",
            host=facts["ssh_host"],
            port=facts["ssh_port"],
            username=facts["username"],
            password=facts["password"],
            folder=facts["stats_folder"],
        )
        sync = Sync(database, address, tmp_path / "known_hosts")
        await sync.look()
        poll = await sync.look()
        await sync.source.close()
    assert (poll.error, poll.imported, poll.failed) == ("", 3, 5)
    lines = warnings(caplog)
    assert len(lines) == 5
    assert all("Permission denied" in line for line in lines)


@needs_sshd
@pytest.mark.timeout(300)
async def test_a_folder_of_100_000_names_does_not_hold_up_the_bot(sshd, folder, good, open_sync):
    for number in range(100_000):
        os.mknod(f"{folder}/{number:06}-some-other-file-of-the-server.log")
    sync = open_sync(address_of(sshd, folder))
    looking = asyncio.create_task(sync.look())
    longest = 0.0
    while not looking.done():
        # Of this thread alone, so that a busy machine counts for nothing.
        before = time.thread_time()
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop is what is measured
        longest = max(longest, time.thread_time() - before)
        await asyncio.sleep(0.02)  # noqa: TID251
    assert (await looking).listed == 3
    assert longest < 0.25
    shutil.rmtree(folder)  # pytest would keep it for days


@needs_sshd
async def test_a_server_far_away_is_read_like_any_other(sshd, folder, good, open_sync):
    with slow_line(sshd.port, 50) as port:
        sync = open_sync(address_of(sshd, folder, port=port))
        await sync.look()
        poll = await sync.look()
        await sync.source.close()
    assert (poll.imported, poll.error) == (3, "")
