"""The sandbox's past is what the bot would really have: found late, recorded in part, told already, and nothing of the future."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tools.past.__main__
from bot.storage.tables import metadata
from bot.storage.types import Instant
from tools.past import cache
from tools.past.looks import CHECKS_PER_DAY
from tools.past.make import make_with
from tools.sandbox.world import PAST_DAYS, START
from tools.sandbox.world.lives import lives_of
from tools.sandbox.world.streamers import STREAMERS

DAYS = 4
PLANS = {"next_check_at", "next_run_at"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def make_past(file: Path, days: int = DAYS) -> Path:
    with ThreadPoolExecutor(1) as pool:
        await make_with(pool, file, START - timedelta(days=days), START, lambda _: None)
    return file


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_past(tmp_path_factory.mktemp("past") / "vedette.db"))


def rows_of(file: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(file)) as conn:
        return conn.execute(query).fetchall()


def one_of(file: Path, query: str):
    return rows_of(file, query)[0][0]


def test_lives_are_found_late_and_some_not_at_all(past: Path) -> None:
    began = sum(len(lives_of(one, START - timedelta(days=DAYS), START)) for one in STREAMERS)
    late = [seconds / 1e6 for (seconds,) in rows_of(past, "SELECT found_at - started_at FROM lives")]

    assert began / 2 < len(late) < began
    assert min(late) >= 0
    assert sorted(late)[len(late) // 2] > 60


def test_the_recording_misses_what_came_before_it_was_found(past: Path) -> None:
    shares = rows_of(
        past,
        "SELECT connected_seconds * 1.0 / (ended_at - started_at) FROM recordings "
        "JOIN lives ON lives.id = recordings.live_id",
    )

    assert shares
    assert all(0 <= share < 1 for (share,) in shares)


def test_the_parts_of_each_live_sum_up_to_the_whole(past: Path) -> None:
    for name in ("comments", "likes", "gifts", "diamonds", "follows", "shares", "joins"):
        of_minutes = f"SELECT sum({name}) FROM stream_minutes WHERE live_id = recordings.live_id"
        different = one_of(past, f"SELECT count(*) FROM recordings WHERE {name} <> ifnull(({of_minutes}), 0)")
        assert different == 0, name
    for name in ("gifts", "diamonds"):
        of_people = f"SELECT sum({name}) FROM contributions WHERE live_id = recordings.live_id"
        assert not one_of(past, f"SELECT count(*) FROM recordings WHERE {name} <> ifnull(({of_people}), 0)")
    given = one_of(past, "SELECT sum(diamonds) FROM recordings")
    assert given == one_of(past, "SELECT sum(diamonds) FROM supporter_sums WHERE month = 0")
    assert given == one_of(past, "SELECT sum(count * diamonds_each) FROM stream_gifts")


def test_nothing_is_of_the_future(past: Path) -> None:
    until = (START - _EPOCH) // timedelta(microseconds=1)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Instant) and column.name not in PLANS | {"hour", "expires_at"}:
                latest = one_of(past, f"SELECT max({column.name}) FROM {table.name}")
                assert latest is None or latest <= until, f"{table.name}.{column.name}"


def test_the_budget_was_kept_at_every_instant(past: Path) -> None:
    asked = [
        at for (at,) in rows_of(past, "SELECT asked_at FROM requests WHERE ledger = 'discovery' ORDER BY 1")
    ]
    day = timedelta(days=1) // timedelta(microseconds=1)

    assert all(later - first >= day for first, later in zip(asked, asked[CHECKS_PER_DAY:], strict=False))
    assert one_of(past, "SELECT count(*) FROM requests WHERE ledger = 'followup'") < 480 * DAYS


def test_what_was_due_was_told_and_nothing_waits(past: Path) -> None:
    told = dict(rows_of(past, "SELECT event_key, state FROM outbox"))

    assert set(told.values()) == {"delivered"}
    assert any(key.startswith("profile-report:") for key in told)
    assert one_of(past, "SELECT count(*) FROM jobs") == 0
    assert one_of(past, "SELECT count(*) FROM milestones") > 0
    assert not rows_of(past, "PRAGMA foreign_key_check")


def test_rounds_are_paired_and_count(past: Path) -> None:
    assert one_of(past, "SELECT count(*) FROM rounds WHERE partner_round_id IS NOT NULL AND counted") > 4
    assert one_of(past, "SELECT count(*) FROM player_ratings") >= 8


async def test_it_is_always_the_same(tmp_path: Path) -> None:
    contents = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        file = await make_past(tmp_path / name / "vedette.db", days=1)
        with closing(sqlite3.connect(file)) as conn:
            contents.append(hashlib.sha256("\n".join(conn.iterdump()).encode()).hexdigest())

    assert contents[0] == contents[1]


def test_another_state_of_the_code_is_another_past(tmp_path, monkeypatch) -> None:
    (tmp_path / "part").mkdir()
    source = tmp_path / "part" / "module.py"
    source.write_text("ONE = 1\n", "utf-8")
    monkeypatch.setattr(cache, "ROOT", tmp_path)
    monkeypatch.setattr(cache, "MADE_FROM", ("part",))
    before = cache.digest()
    source.write_text("ONE = 2\n", "utf-8")

    assert cache.digest() != before


def test_all_that_decides_the_past_is_of_the_state_of_the_code() -> None:
    decides_nothing = {"bot/clock.py", "tools/environment.py", "tools/workers.py"}
    used = set()
    for file in (cache.ROOT / "tools" / "past").glob("*.py"):
        for module in re.findall(
            r"^ *from ((?:bot|tools)\.\S+) import", file.read_text("utf-8"), re.MULTILINE
        ):
            place = module.replace(".", "/")
            used.add(f"{place}.py" if (cache.ROOT / f"{place}.py").exists() else place)

    missing = {name for name in used if not name.startswith(cache.MADE_FROM)}
    assert missing == decides_nothing


def test_a_copy_takes_its_place_as_a_whole(tmp_path) -> None:
    made, target = tmp_path / "made.db", tmp_path / "folder" / "vedette.db"
    made.write_bytes(b"past")
    target.parent.mkdir()
    target.write_bytes(b"older")

    cache.copy(made, target)

    assert target.read_bytes() == b"past"
    assert [file.name for file in target.parent.iterdir()] == ["vedette.db"]


def test_two_sandboxes_that_start_at_once_make_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    both_look, both_make = threading.Barrier(2), threading.Barrier(2)

    def digest() -> str:
        both_look.wait(30)
        return "state"

    def make(target: Path, days: int) -> None:
        made.append(target)
        with suppress(threading.BrokenBarrierError):
            both_make.wait(0.3)  # the other one comes here as well, or never
        target.write_text(f"{days} days")

    monkeypatch.setattr(cache, "digest", digest)
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    monkeypatch.setattr(tools.past.__main__, "_make", make)
    targets = [tmp_path / "one.db", tmp_path / "other.db"]
    with ThreadPoolExecutor(2) as pool:
        codes = [*pool.map(lambda to: tools.past.__main__.main(["--to", str(to)]), targets)]

    assert codes == [0, 0]
    assert len(made) == 1
    assert {target.read_text() for target in targets} == {f"{PAST_DAYS} days"}
