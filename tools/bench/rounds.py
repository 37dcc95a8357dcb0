"""The limits of rounds: a folder read over SSH beside the program `sftp`, files parsed, files imported.

The server is a real OpenSSH sshd on loopback, so this benchmark needs root and /usr/sbin/sshd; the files are the
real ones of the reference data (VEDETTE_REFERENCE_DATA). Both contenders log in, list the whole folder with sizes
and times and fetch the newest files; over the slow line both do so through the same relay.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core.rounds.files import FileRecord, FileState, parse_name
from bot.core.rounds.grammar import parse_stats
from bot.core.rounds.times import folder_times
from bot.ports import RemoteFile
from bot.services.round_fetch import FETCHED_AT_ONCE
from bot.services.round_import import Fetched, RoundImport
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.sources.etlegacy.sftp import SftpRoundSource, SshAddress, learn_host_key, trust_host_key
from bot.sources.etlegacy.threads import LooseThreads
from bot.storage import rounds as store
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import upgrade
from tools.bench.leaderboard import measure_leaderboard
from tools.bench.openssh import SSHD, running_sshd, slow_line
from tools.bench.postgresql import running_postgresql
from tools.bench.report import Figure, percentile
from tools.sandbox.processes import ROOT

LISTED, FETCHED = 5_000, 500
RUNS = 3
"""So many times on loopback; over the slow line once, because `sftp` takes minutes there."""
DELAY_MS = 20.0
"""In each direction."""
LOOPBACK_LIMIT, SLOW_LIMIT = 3, 1
"""How many times as long as `sftp` it may take."""
PARSED_PER_SECOND = 830
"""What a widely used parser does."""
PARSE_SECONDS = 3.0
IMPORTED = 500
STEP = timedelta(days=8, hours=5, seconds=1)
"""So much later is a real round played again; no two of them meet."""
SERVER = "bench"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Round:
    """A real file under another date."""

    name: str
    content: bytes
    ended_at: datetime


async def measure() -> list[Figure]:
    """Measure everything; takes about three minutes, most of them for `sftp` over the slow line."""
    if not SSHD.exists() or os.geteuid() != 0:
        raise SystemExit(f"needs {SSHD} (openssh-server) and root")
    real = _real_files()
    figures = []
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as place:
        figures += await _reading(Path(place), _again(real, LISTED))
        figures.append(_parsing([content for _, content in real]))
        figures += await _importing(Path(place), _again(real, IMPORTED))
        figures += await _leaderboards(Path(place))
    return figures


async def _leaderboards(place: Path) -> list[Figure]:
    figures = await measure_leaderboard(str(sqlite_url(place / "leaderboard.db")), "SQLite")
    with running_postgresql() as url:
        if url is not None:
            figures += await measure_leaderboard(url, "PostgreSQL")
    return figures


# --- The files -------------------------------------------------------------------------------------


def _real_files() -> list[tuple[str, bytes]]:
    folder = Path(os.environ.get("VEDETTE_REFERENCE_DATA") or ROOT.parent / "shared" / "data") / "etlegacy"
    files = [(path.name, path.read_bytes()) for path in sorted(folder.glob("*-round-[12].txt"))]
    if not files:
        raise SystemExit(f"no real round files in {folder}; VEDETTE_REFERENCE_DATA names another folder")
    return files


def _again(real: list[tuple[str, bytes]], count: int) -> list[Round]:
    """Give the real rounds again and again, each time some days later and on a server of another name."""
    rounds = []
    for number in range(count):
        again, which = divmod(number, len(real))
        name, content = real[which]
        parsed = parse_name(name)
        if parsed is None:
            raise RuntimeError(f"{name} is not the name of a round's file")
        ended_at = parsed.wall_clock + again * STEP
        fresh = f"{ended_at:%Y-%m-%d-%H%M%S}-{parsed.map}-round-{parsed.round}.txt"
        _, _, rest = content.partition(b"\\")
        renamed = b"server %d\\" % again + rest
        rounds.append(Round(name=fresh, content=renamed, ended_at=ended_at.replace(tzinfo=UTC)))
    return sorted(rounds, key=lambda one: one.name)


# --- Reading over SSH --------------------------------------------------------------------------------


async def _reading(place: Path, rounds: list[Round]) -> list[Figure]:
    folder = place / "gamestats"
    folder.mkdir()
    for one in rounds:
        (folder / one.name).write_bytes(one.content)
        seconds = one.ended_at.timestamp()
        os.utime(folder / one.name, (seconds, seconds))
    with running_sshd(place) as server:
        near = [await _once(place, folder, server.port) for _ in range(RUNS)]
        with slow_line(server.port, DELAY_MS) as far_port:
            far = [await _once(place, folder, far_port)]
    return [
        *_told("loopback", near, LOOPBACK_LIMIT),
        *_told(f"{2 * DELAY_MS:g} ms round trip", far, SLOW_LIMIT),
    ]


async def _once(place: Path, folder: Path, port: int) -> tuple[float, float]:
    """Let both read the folder; gives the seconds of the bot and of `sftp`."""
    address = SshAddress(
        name=SERVER,
        host="127.0.0.1",
        port=port,
        username=getpass.getuser(),
        key_file=place / "client_key",
        folder=str(folder),
    )
    trust_host_key(place / "known_hosts", learn_host_key(address))
    started = time.perf_counter()
    await _read_by_the_bot(address, place)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    _read_by_sftp(address, place)
    return ours, time.perf_counter() - started


async def _read_by_the_bot(address: SshAddress, place: Path) -> None:
    source = SftpRoundSource(address, place / "known_hosts", LooseThreads())
    try:
        listed = await source.list_files()
        newest = listed[-FETCHED:]
        sizes: dict[str, int] = {}
        for start in range(0, len(newest), FETCHED_AT_ONCE):
            contents = await source.fetch(newest[start : start + FETCHED_AT_ONCE])
            sizes |= {name: len(content) for name, content in contents.items() if isinstance(content, bytes)}
    finally:
        await source.close()
    if len(listed) != LISTED or sizes != {file.name: file.size for file in newest}:
        raise RuntimeError("the bot did not read what is there")


def _read_by_sftp(address: SshAddress, place: Path) -> None:
    target = Path(tempfile.mkdtemp(dir=place))
    names = sorted(path.name for path in Path(address.folder).iterdir())[-FETCHED:]
    batch = place / "batch"
    orders = [f"ls -l {address.folder}", *(f"get {address.folder}/{name} {target}/" for name in names)]
    batch.write_text("\n".join([*orders, ""]), "utf-8")
    options = (
        f"UserKnownHostsFile={place / 'known_hosts'}",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
    )
    subprocess.run(
        [
            *("sftp", "-q", "-F", "none", "-b", batch, "-P", str(address.port), "-i", place / "client_key"),
            *(part for option in options for part in ("-o", option)),
            f"{address.username}@{address.host}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    if len(list(target.iterdir())) != FETCHED:
        raise RuntimeError("sftp did not fetch what is there")


def _told(where: str, runs: list[tuple[float, float]], limit: float) -> list[Figure]:
    ours, theirs = (percentile(list(seconds), 0.5) for seconds in zip(*runs, strict=True))
    how = f"{LISTED:,} listed, {FETCHED:,} fetched" + (f", median of {len(runs)}" if len(runs) > 1 else "")
    return [
        Figure(name=f"reading, {where}: the bot", value=ours, unit="s", how=how),
        Figure(name=f"reading, {where}: sftp -b", value=theirs, unit="s", how=how),
        Figure(
            name=f"reading, {where}: bot / sftp",
            value=ours / theirs,
            limit=limit,
            unit="times",
            how="medians" if len(runs) > 1 else "one run each",
        ),
    ]


# --- Parsing -----------------------------------------------------------------------------------------


def _parsing(contents: list[bytes]) -> Figure:
    """Parse the real files again and again, in seconds of one core."""
    parsed, took = 0, 0.0
    while took < PARSE_SECONDS:
        took += _cpu_seconds(lambda: [parse_stats(content) for content in contents])
        parsed += len(contents)
    return Figure(
        name="parsing one file",
        value=1000 * took / parsed,
        limit=round(1000 / PARSED_PER_SECOND, 2),
        unit="ms",
        how=f"{parsed / took:,.0f} files per CPU second, {len(contents)} real files",
    )


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


# --- Importing ---------------------------------------------------------------------------------------


async def _importing(place: Path, rounds: list[Round]) -> list[Figure]:
    figures = [await _import_figure("SQLite", str(sqlite_url(place / "bench.db")), place, rounds)]
    with running_postgresql() as url:
        if url is not None:
            figures.append(await _import_figure("PostgreSQL", url, place, rounds))
    return figures


async def _import_figure(engine: str, url: str, place: Path, rounds: list[Round]) -> Figure:
    """Import rounds into an empty database, as a sync does; what is listed is written before."""
    await upgrade(url, place / "backups", NOW, keep=1)
    database = Database.open(url)
    try:
        server = GameServer(host="127.0.0.1", username="bench", guild_ids=(1,))
        servers, fresh = {SERVER: server}, timedelta(hours=2)
        telling = RoundTelling(servers=servers, post_max_age=fresh)
        importer = RoundImport(database=database, servers=servers, telling=telling, post_max_age=fresh)
        records = {one.name: _record(one) for one in rounds}
        async with database.write("bench.list") as conn:
            await store.save_files(conn, SERVER, records, now=NOW, silent=True)
        times = folder_times({one.name: one.ended_at for one in rounds}, ZoneInfo("UTC"))
        started, used = time.perf_counter(), time.process_time()
        times = folder_times({one.name: one.ended_at for one in rounds}, ZoneInfo("UTC"))
        for one in rounds:
            fetched = Fetched(
                server=SERVER, name=one.name, record=records[one.name], content=one.content, times=times
            )
            result = await importer.take(fetched, NOW)
            if result.record.state is not FileState.IMPORTED:
                raise RuntimeError(f"{one.name} was not imported: {result.record.reason}")
        took, used = time.perf_counter() - started, time.process_time() - used
    finally:
        await database.close()
    return Figure(
        name=f"importing, {engine}",
        value=1000 * took / len(rounds),
        unit="ms",
        how=f"each of {len(rounds)} files; {len(rounds) / took:,.0f} files/s, {used / took:.0%} of it our CPU",
    )


def _record(one: Round) -> FileRecord:
    file = RemoteFile(name=one.name, size=len(one.content), modified_at=one.ended_at)
    return FileRecord(state=FileState.STABLE, size=file.size, modified_at=file.modified_at, listed_at=NOW)
