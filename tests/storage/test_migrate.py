from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy import text as statement_of

from bot.errors import SchemaTooNew, StorageError
from bot.storage import migrate
from bot.storage.backup import list_backups
from bot.storage.backup_server import back_up, verify
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import HEAD_REVISION, SCRIPTS, current_revision, known_revisions, upgrade
from bot.storage.tables import metadata
from tests.databases import PROGRAMS
from tools.sandbox.stored import change as change_row
from tools.sandbox.stored import rows_of

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)

NEXT_REVISION = f"{int(HEAD_REVISION) + 1:04}"
NEXT = """
from alembic import op

revision = "{next}"
down_revision = "{head}"


def upgrade():
    op.execute("CREATE TABLE next_things (id INTEGER PRIMARY KEY)")
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

url, backups, scripts, head = sys.argv[1:5]
migrate.SCRIPTS, migrate.HEAD_REVISION = Path(scripts), head
now = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)
done = asyncio.run(migrate.upgrade(url, Path(backups), now, keep=9))
print(done.before, done.after, done.backup is not None, "alembic" in sys.modules)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vedette.db"


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where backups go; the tools that make those of a server are on the PATH."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "backups"


def scripts_with_next(folder: Path, *, halt: str = "", text: str = NEXT) -> Path:
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = text.replace("{halt}", halt).replace("{next}", NEXT_REVISION).replace("{head}", HEAD_REVISION)
    (folder / "versions" / f"{NEXT_REVISION}_next.py").write_text(text)
    return folder


def start_upgrade(
    url: str, backups: Path, scripts: Path = SCRIPTS, head: str = HEAD_REVISION
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", UPGRADE, url, str(backups), str(scripts), head],
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
            # A column that was added later stands on the line of the last constraint, and the name of a
            # table that was rebuilt in quotation marks.
            words = sql.rpartition(")")[0].replace(f'"{name}"', name, 1) if kind == "table" else sql
            parts = sorted(part.strip() for part in re.split(r"[,\n]", words) if part.strip())
            found[name] = (kind, strict.get(name), parts)
    return found


async def described(url: str) -> dict[str, dict[str, list[str]]]:
    """Every table as SQLAlchemy finds it in the database, apart from the order of constraints."""
    kinds = ("columns", "foreign_keys", "unique_constraints", "indexes", "pk_constraint")

    def shown(part: object) -> str:
        return re.sub(r" object at 0x\w+", "", repr(part))

    def look(sync: Connection) -> dict[str, dict[str, list[str]]]:
        inspector = inspect(sync)
        found = {}
        for name in inspector.get_table_names():
            parts = {kind: getattr(inspector, f"get_{kind}")(name) for kind in kinds}
            found[name] = {
                kind: sorted(map(shown, part)) if isinstance(part, list) else [shown(part)]
                for kind, part in parts.items()
            }
        return found

    database = Database.open(url)
    async with database.read() as conn:
        found = await conn.run_sync(look)
    await database.close()
    return found


async def revision_of(url: str) -> str | None:
    database = Database.open(url)
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


async def test_on_each_engine_the_migrations_make_the_tables_the_statements_use(
    database_url, backups, postgresql, tmp_path
):
    await upgrade(database_url, backups, NOW, keep=3)
    migrated = await described(database_url)
    del migrated["alembic_version"]
    assert migrated.keys() == metadata.tables.keys()
    if database_url.startswith("sqlite"):
        expected = sqlite_url(tmp_path / "fresh.db").render_as_string()
        fresh = Database.open(expected)
        async with fresh.write("test.create") as conn:
            await conn.run_sync(metadata.create_all)
        await fresh.close()
    else:
        expected = await postgresql.tables()
    assert migrated == await described(expected)


def to_schema(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_database_of_the_first_schema_keeps_its_rows(database_url, backups):
    old = Database.open(database_url, migrating=True)
    async with old.write("test.first") as conn:
        await conn.run_sync(to_schema, "0001")
        account = "(id, platform, handle, profile_state, added_at, next_check_at)"
        live = "(id, account_id, phase, started_at, found_at, last_seen_at, title, cover_url)"
        for statement in (
            "INSERT INTO guilds (guild_id, time_zone) VALUES (5, 'Asia/Jakarta')",
            f"INSERT INTO accounts {account} VALUES (1, 'tiktok', 'ana', 'active', 0, 0)",
            f"INSERT INTO lives {live} VALUES (7, 1, 'on', 1, 2, 3, 'Hello', '')",
        ):
            await conn.execute(statement_of(statement))
    await old.close()
    done = await upgrade(database_url, backups, NOW, keep=3)
    assert (done.before, done.after) == ("0001", HEAD_REVISION)
    assert done.backup is not None
    guilds = "SELECT guild_id, time_zone, country FROM guilds"
    assert await rows_of(database_url, guilds) == [(5, "Asia/Jakarta", "")]
    assert await rows_of(database_url, "SELECT title, diamonds FROM lives") == [("Hello", None)]
    assert await rows_of(database_url, "SELECT handle FROM accounts") == [("ana",)]


async def test_what_was_chosen_before_rules_said_what_they_add_is_told_on(database_url, backups):
    old = Database.open(database_url, migrating=True)
    columns = "(channel_id, kind, subject, guild_id, options, created_by, created_at)"
    async with old.write("test.before") as conn:
        await conn.run_sync(to_schema, "0007")
        for kind, subject in (("live", ""), ("live", "account:1"), ("recap", "account:1")):
            values = f"(1, '{kind}', '{subject}', 5, '{{}}', 1, 0)"
            statement = f"INSERT INTO notification_rules {columns} VALUES {values}"
            await conn.exec_driver_sql(statement)
    await old.close()
    await upgrade(database_url, backups, NOW, keep=3)
    rules = "SELECT kind, subject FROM notification_rules WHERE adds = {adds} ORDER BY kind"
    is_file = database_url.startswith("sqlite")
    assert await rows_of(database_url, rules.format(adds=0 if is_file else "false")) == [
        ("live", "account:1")
    ]
    assert await rows_of(database_url, rules.format(adds=1 if is_file else "true")) == [
        ("live", ""),
        ("recap", "account:1"),
    ]


async def test_nothing_to_do_makes_no_backup_and_changes_nothing(file, backups):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    before = file.read_bytes()
    done = await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert (done.before, done.after, done.backup) == (HEAD_REVISION, HEAD_REVISION, None)
    assert not list_backups(backups)
    assert file.read_bytes() == before


async def test_a_start_with_nothing_to_do_does_not_wait_for_a_writer(database_url, backups):
    await upgrade(database_url, backups, NOW, keep=3)
    writer = Database.open(database_url)
    async with writer.write("test.long"):
        assert (await upgrade(database_url, backups, NOW, keep=3)).after == HEAD_REVISION
    await writer.close()


async def test_a_start_with_nothing_to_do_does_not_load_alembic(database_url, backups):
    answers = [
        (await asyncio.to_thread(start_upgrade(database_url, backups).communicate))[0].split()
        for _ in range(2)
    ]
    assert answers == [
        ["None", HEAD_REVISION, "False", "True"],
        [HEAD_REVISION, HEAD_REVISION, "False", "False"],
    ]


async def test_a_backup_of_the_old_schema_is_made_before_it_changes(
    database_url, backups, tmp_path, monkeypatch
):
    await upgrade(database_url, backups, NOW, keep=3)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts"))
    monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
    done = await upgrade(database_url, backups, NOW, keep=3)
    assert (done.before, done.after) == (HEAD_REVISION, NEXT_REVISION)
    assert list_backups(backups) == (done.backup,)
    assert (
        await verify(database_url, done.backup, frozenset({HEAD_REVISION}))
    ).manifest.revision == HEAD_REVISION
    assert await rows_of(database_url, "SELECT id FROM next_things") == [(1,)]


async def test_a_schema_nobody_here_knows_is_refused_and_left_alone(database_url, backups):
    await upgrade(database_url, backups, NOW, keep=3)
    await change_row(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"9999.*newer Vedette.*Update Vedette, or put back a backup"):
        await upgrade(database_url, backups, NOW, keep=3)
    assert await rows_of(database_url, "SELECT version_num FROM alembic_version") == [("9999",)]
    assert not list_backups(backups)


async def test_a_migration_killed_half_way_leaves_the_old_schema_and_the_next_start_heals_it(
    database_url, backups, tmp_path
):
    assert start_upgrade(database_url, backups).communicate()[0]
    slow = start_upgrade(
        database_url, backups, scripts_with_next(tmp_path / "slow", halt=HALT), NEXT_REVISION
    )
    assert await asyncio.to_thread(slow.stdout.readline) == "half way\n"
    slow.send_signal(signal.SIGKILL)
    slow.communicate()
    assert await rows_of(database_url, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
    assert "next_things" not in await described(database_url)
    assert await rows_of(database_url, "SELECT * FROM notes") == []

    again = start_upgrade(database_url, backups, scripts_with_next(tmp_path / "quick"), NEXT_REVISION)
    out, err = again.communicate()
    assert out.split()[:3] == [HEAD_REVISION, NEXT_REVISION, "True"], err
    assert await rows_of(database_url, "SELECT id FROM next_things") == [(1,)]
    await verify(
        database_url, await back_up(database_url, backups, now=NOW, keep=9), frozenset({NEXT_REVISION})
    )


async def test_a_first_start_killed_half_way_is_a_first_start_again(database_url, backups, tmp_path):
    slow = start_upgrade(
        database_url, backups, scripts_with_next(tmp_path / "slow", halt=HALT), NEXT_REVISION
    )
    assert await asyncio.to_thread(slow.stdout.readline) == "half way\n"
    slow.send_signal(signal.SIGKILL)
    slow.communicate()
    assert await revision_of(database_url) is None
    assert (await upgrade(database_url, backups, NOW, keep=3)).after == HEAD_REVISION


async def test_several_processes_starting_at_once_migrate_once(database_url, backups, tmp_path):
    start_upgrade(database_url, backups).communicate()
    scripts = scripts_with_next(tmp_path / "scripts")
    starting = [start_upgrade(database_url, backups, scripts, NEXT_REVISION) for _ in range(3)]
    outputs = [one.communicate() for one in starting]
    assert [one.returncode for one in starting] == [0, 0, 0], outputs
    assert await rows_of(database_url, "SELECT id FROM next_things") == [(1,)]
    assert len(list_backups(backups)) == 1


async def test_a_migration_that_breaks_a_reference_is_undone(file, backups, tmp_path, monkeypatch):
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    broken = NEXT.replace("INSERT INTO next_things VALUES (1)", "INSERT INTO live_rooms VALUES (1, 99, 0)")
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts", text=broken))
    monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
    with pytest.raises(StorageError, match="broke 1 reference"):
        await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert await revision_of(sqlite_url(file)) == HEAD_REVISION


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
    monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
    await upgrade(sqlite_url(file), backups, NOW, keep=3)
    assert ask(file, "SELECT account_id FROM subscriptions") == [(1,)]
    assert ask(file, "SELECT handle FROM accounts") == [("x",)]


async def test_a_server_is_migrated_without_pg_dump_and_it_says_so(
    postgresql, backups, tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("PATH", str(tmp_path))
    async with postgresql.empty_database() as url:
        await upgrade(url, backups, NOW, keep=3)
        monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts"))
        monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
        done = await upgrade(url, backups, NOW, keep=3)
    assert (done.after, done.backup) == (NEXT_REVISION, None)
    assert "without a backup before: no backup: pg_dump is not on this machine" in caplog.text


async def test_a_failed_backup_stops_the_migration(file, tmp_path, monkeypatch):
    await upgrade(sqlite_url(file), tmp_path / "backups", NOW, keep=3)
    monkeypatch.setattr(migrate, "SCRIPTS", scripts_with_next(tmp_path / "scripts"))
    monkeypatch.setattr(migrate, "HEAD_REVISION", NEXT_REVISION)
    (tmp_path / "no-folder").touch()
    with pytest.raises(StorageError, match="no backup was made"):
        await upgrade(sqlite_url(file), tmp_path / "no-folder", NOW, keep=3)
    assert await revision_of(sqlite_url(file)) == HEAD_REVISION
