from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from bot.errors import SchemaTooNew, StorageError
from bot.storage import migrate
from bot.storage.backup import list_backups, verify_backup
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import HEAD_REVISION, SCRIPTS, current_revision, known_revisions, upgrade
from bot.storage.tables import metadata

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)

NEXT = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.execute("CREATE TABLE next_things (id INTEGER PRIMARY KEY) STRICT")
    op.execute("INSERT INTO notes (name, value) VALUES ('half', 'way')")
    {halt}
    op.execute("INSERT INTO next_things VALUES (1)")
"""
HALT = "import sys; print('half way', flush=True); sys.stdin.read()"
UPGRADE = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from bot.storage import migrate
from bot.storage.engine import sqlite_url

file, scripts, head = sys.argv[1:4]
migrate.SCRIPTS, migrate.HEAD_REVISION = Path(scripts), head
now = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)
done = asyncio.run(migrate.upgrade(sqlite_url(Path(file)), Path(file).parent / "backups", now, keep=9))
print(done.before, done.after, done.backup is not None, "alembic" in sys.modules)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vedette.db"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def scripts_with_next(folder: Path, *, halt: str = "", text: str = NEXT) -> Path:
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0002_next.py").write_text(text.replace("{halt}", halt))
    return folder


def start_upgrade(file: Path, scripts: Path = SCRIPTS, head: str = HEAD_REVISION) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", UPGRADE, str(file), str(scripts), head],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(file: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(file)) as plain:
        return plain.execute(sql).fetchall()


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as plain, plain:
        for statement in statements:
            plain.execute(statement)


def schema_of(file: Path) -> dict[str, tuple]:
    """Every table and index as SQLite itself describes it; the order of constraints means nothing."""
    strict = {name: flag for _, name, _, _, _, flag in ask(file, "PRAGMA table_list")}
    found = {}
    for kind, name, sql in ask(file, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"):
        if name != "alembic_version":
            found[name] = (kind, strict.get(name), sorted(part.strip(" ,") for part in sql.splitlines()))
    return found


async def revision_of(file: Path) -> str | None:
    database = Database.open(sqlite_url(file))
    async with database.read() as conn:
        revision = await current_revision(conn)
    await database.close()
    return revision


def test_the_constant_names_the_newest_revision_and_every_file_its_own():
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    directory = ScriptDirectory.from_config(config)
    assert directory.get_heads() == [HEAD_REVISION]
    assert known_revisions() == {script.revision for script in directory.walk_revisions()}


async def test_all_migrations_together_make_the_schema_the_code_expects(file, backups, tmp_path):
    done = await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert (done.before, done.after, done.backup) == (None, HEAD_REVISION, None)
    fresh = tmp_path / "fresh.db"
    engine = create_engine(f"sqlite:///{fresh}")
    metadata.create_all(engine)
    engine.dispose()
    expected = schema_of(fresh)
    assert schema_of(file) == expected
    tables = {name: entry for name, entry in expected.items() if entry[0] == "table"}
    assert tables.keys() == metadata.tables.keys()
    assert all(strict == 1 for _, strict, _ in tables.values())


async def test_nothing_to_do_makes_no_backup_and_changes_nothing(file, backups):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    before = file.read_bytes()
    done = await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert (done.before, done.after, done.backup) == (HEAD_REVISION, HEAD_REVISION, None)
    assert not list_backups(backups)
    assert file.read_bytes() == before


async def test_a_start_with_nothing_to_do_does_not_wait_for_a_writer(file, backups):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    writer = Database.open(sqlite_url(file))
    async with writer.write("test.long"):
        assert (await upgrade(sqlite_url(file), backups, NOW, keep=3)).after == HEAD_REVISION
    await writer.close()


def test_a_start_with_nothing_to_do_does_not_load_alembic(file):
    answers = [start_upgrade(file).communicate()[0].split() for _ in range(2)]
    assert answers == [
        ["None", HEAD_REVISION, "False", "True"],
        [HEAD_REVISION, HEAD_REVISION, "False", "False"],
    ]


async def test_a_backup_of_the_old_schema_is_made_before_it_changes(file, backups, tmp_path, monkeypatch):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts"))
    monkeypatch.setattr(migrate, "HEAD_REVISION", "0002")
    done = await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert (done.before, done.after) == ("0001", "0002")
    assert list_backups(backups) == (done.backup,)
    assert verify_backup(done.backup, frozenset({"0001"})).revision == "0001"
    assert ask(file, "SELECT id FROM next_things") == [(1,)]


async def test_a_schema_nobody_here_knows_is_refused_and_left_alone(file, backups):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    change(file, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"9999.*newer Vedette.*Update Vedette, or put back a backup"):
        await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert ask(file, "SELECT version_num FROM alembic_version") == [("9999",)]
    assert not list_backups(backups)


async def test_a_migration_killed_half_way_leaves_the_old_schema_and_the_next_start_heals_it(file, tmp_path):
    assert start_upgrade(file).communicate()[0]
    slow = start_upgrade(file, scripts_with_next(tmp_path / "slow", halt=HALT), "0002")
    assert await asyncio.to_thread(slow.stdout.readline) == "half way\n"
    slow.send_signal(signal.SIGKILL)
    slow.communicate()
    assert ask(file, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert ask(file, "SELECT name FROM sqlite_schema WHERE name = 'next_things'") == []
    assert ask(file, "SELECT * FROM notes") == []

    again = start_upgrade(file, scripts_with_next(tmp_path / "quick"), "0002")
    out, err = again.communicate()
    assert out.split()[:3] == ["0001", "0002", "True"], err
    assert ask(file, "SELECT id FROM next_things") == [(1,)]
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]


async def test_a_first_start_killed_half_way_is_a_first_start_again(file, tmp_path, backups):
    slow = start_upgrade(file, scripts_with_next(tmp_path / "slow", halt=HALT), "0002")
    assert await asyncio.to_thread(slow.stdout.readline) == "half way\n"
    slow.send_signal(signal.SIGKILL)
    slow.communicate()
    assert await revision_of(file) is None
    assert (await upgrade(sqlite_url(file), backups, NOW, keep=3)).after == HEAD_REVISION


def test_several_processes_starting_at_once_migrate_once(file, tmp_path):
    start_upgrade(file).communicate()
    scripts = scripts_with_next(tmp_path / "scripts")
    starting = [start_upgrade(file, scripts, "0002") for _ in range(3)]
    outputs = [one.communicate() for one in starting]
    assert [one.returncode for one in starting] == [0, 0, 0], outputs
    assert ask(file, "SELECT id FROM next_things") == [(1,)]
    assert len(list_backups(tmp_path / "backups")) == 1


async def test_a_migration_that_breaks_a_reference_is_undone(file, backups, tmp_path, monkeypatch):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    broken = NEXT.replace("INSERT INTO next_things VALUES (1)", "INSERT INTO live_rooms VALUES (1, 99, 0)")
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts", text=broken))
    monkeypatch.setattr(migrate, "HEAD_REVISION", "0002")
    with pytest.raises(StorageError, match="broke 1 reference"):
        await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert await revision_of(file) == "0001"


async def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(file, backups, tmp_path, monkeypatch):
    """With foreign keys on, dropping the old `accounts` would cascade through every other table."""
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    change(
        file,
        "INSERT INTO accounts (id, platform, handle, profile_state, added_at, next_check_at)"
        " VALUES (1, 'tiktok', 'x', 'known', 0, 0)",
        "INSERT INTO subscriptions (id, account_id, guild_id, channel_id, created_by, created_at)"
        " VALUES (1, 1, 1, 1, 1, 0)",
    )
    rebuild = NEXT.replace(
        'op.execute("INSERT INTO next_things VALUES (1)")',
        "with op.batch_alter_table('accounts', recreate='always', table_kwargs={'sqlite_strict': True}) as batch:"
        "\n        batch.alter_column('nickname', nullable=True)",
    )
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts", text=rebuild))
    monkeypatch.setattr(migrate, "HEAD_REVISION", "0002")
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert ask(file, "SELECT account_id FROM subscriptions") == [(1,)]
    assert ask(file, "SELECT handle FROM accounts") == [("x",)]


async def test_a_failed_backup_stops_the_migration(file, tmp_path, monkeypatch):
    await upgrade(sqlite_url(file), tmp_path / "backups", NOW, keep=3)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts"))
    monkeypatch.setattr(migrate, "HEAD_REVISION", "0002")
    (tmp_path / "no-folder").touch()
    with pytest.raises(StorageError, match="no backup was made"):
        await upgrade(sqlite_url(file), tmp_path / "no-folder", NOW, keep=3)
    assert await revision_of(file) == "0001"
