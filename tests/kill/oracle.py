"""Compares what the stand-ins were asked and hold with the bot's database, read from a copy of its files.

`at_death` holds at every instant; `at_the_end` when nothing is left to do. Both raise AssertionError.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.core.announcements import Message
from bot.discord.speech import Speaker
from bot.storage.backup import Manifest, list_backups, verify_backup
from bot.texts import unpacked

LEASE = timedelta(seconds=90)
MARKER_LENGTH = 8
NEVER_POSTED = {"dead", "expired"}
Row = Mapping[str, Any]


@contextmanager
def opened_copy(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of a database nobody has open, with its log: to open the file itself would recover it."""
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("", "-wal"):
            file = database.with_name(database.name + ending)
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder) / database.name)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection


def at_death(database: Path, backups: Path, discord: Sequence[Row], tiktok: Sequence[Row]) -> None:
    """What holds whenever the bot was killed; gives nothing, raises AssertionError."""
    backups_are_whole(backups)
    if not database.exists():
        assert not discord
        return
    with opened_copy(database) as connection:
        is_sound(connection)
        if not _has(connection, "outbox"):
            assert not discord
            return
        nothing_is_doubled(connection, discord)
        requests_are_in_the_ledger(connection, tiktok)
        leases_are_bound(connection)


def at_the_end(database: Path, discord: Sequence[Row]) -> None:
    """What holds when everything was delivered."""
    if not database.exists():
        return
    with opened_copy(database) as connection:
        for row in _rows(connection, "SELECT * FROM outbox"):
            assert row["state"] in {"delivered", *NEVER_POSTED}, f"{row['event_key']} is still {row['state']}"
            standing = [message for message in _bearing(row, discord) if not message["deleted"]]
            if row["delivered_revision"] == 0:
                assert not standing, f"{row['event_key']} was given up and stands there"
                continue
            assert len(standing) == 1, f"{row['event_key']} stands there {len(standing)} times"
            assert str(row["message_id"]) == standing[0]["id"]
            assert row["delivered_revision"] == row["revision"]
            says_the_same(
                Speaker().tell(Message.from_json(unpacked(json.loads(row["message"])))), standing[0]
            )
        channels_are_in_order(connection)
        lives_are_told_once(connection)
        rounds_are_kept_once(connection)


def is_sound(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA integrity_check").fetchall()[0][0] == "ok"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def nothing_is_doubled(connection: sqlite3.Connection, discord: Sequence[Row]) -> None:
    """Each message of the bot belongs to one row, which knows that a try began; no row has two messages."""
    rows = _rows(connection, "SELECT * FROM outbox")
    known = set()
    for row in rows:
        posted = _bearing(row, discord)
        assert len(posted) <= 1, f"{row['event_key']} was posted {len(posted)} times"
        known |= {message["id"] for message in posted}
        if posted:
            assert row["first_tried_at"] is not None or row["delivered_revision"] > 0
    strangers = [message for message in discord if message["id"] not in known]
    assert not strangers, f"the outbox knows nothing of {[one['embeds'] for one in strangers]}"


def requests_are_in_the_ledger(connection: sqlite3.Connection, tiktok: Sequence[Row]) -> None:
    (written,) = connection.execute("SELECT count(*) FROM requests").fetchone()
    assert written >= len(tiktok), f"TikTok was asked {len(tiktok)} times, the ledger says {written}"


def leases_are_bound(connection: sqlite3.Connection) -> None:
    latest = (datetime.now(UTC) + LEASE).timestamp() * 1e6  # noqa: TID251 - another process's clock
    (open_longer,) = connection.execute(
        "SELECT count(*) FROM accounts WHERE leased_until > ?", (latest,)
    ).fetchone()
    assert open_longer == 0


def channels_are_in_order(connection: sqlite3.Connection) -> None:
    """First posts of a channel came in the order in which they were put."""
    query = "SELECT channel_id, message_id FROM outbox WHERE message_id IS NOT NULL ORDER BY channel_id, id"
    posted = [(row["channel_id"], row["message_id"]) for row in _rows(connection, query)]
    assert posted == sorted(posted)


def lives_are_told_once(connection: sqlite3.Connection) -> None:
    rooms = connection.execute("SELECT count(*), count(DISTINCT room_id) FROM live_rooms").fetchone()
    assert rooms[0] == rooms[1], "a room belongs to two lives"


def rounds_are_kept_once(connection: sqlite3.Connection) -> None:
    """Each imported file has one round with its players, and no round lacks its file."""
    query = "SELECT count(*) FROM round_files f LEFT JOIN rounds r ON r.file_id = f.id WHERE "
    assert connection.execute(query + "(f.state = 'imported') <> (r.id IS NOT NULL)").fetchone()[0] == 0
    same = "SELECT count(*) FROM rounds GROUP BY server, map, round, ended_at HAVING count(*) > 1"
    assert connection.execute(same).fetchall() == []


def says_the_same(message: Message, shown: Row) -> None:
    """What people see is the last text, with its picture."""
    (embed,) = shown["embeds"]
    assert embed.get("title", "") == message.title
    assert embed.get("description", "") == message.body
    fields = [(field["name"], field["value"]) for field in embed.get("fields", [])]
    assert fields == [(field.name, field.value) for field in message.fields]
    assert bool(embed.get("image")) == bool(message.image_url or message.chart)
    assert not shown["pinged_everyone"]


def backups_are_whole(folder: Path) -> list[Manifest]:
    """Whatever bears the name of a backup can be restored; gives their manifests."""
    any_revision = frozenset(f"{number:04}" for number in range(1, 100))
    return [verify_backup(backup, any_revision) for backup in list_backups(folder)]


def _bearing(row: Row, discord: Sequence[Row]) -> list[Row]:
    """Give the messages with this row's marker, also deleted ones, in whatever channel."""
    marker = f"ref {row['nonce'][:MARKER_LENGTH]}"
    return [
        message
        for message in discord
        if any(embed.get("footer", {}).get("text", "").endswith(marker) for embed in message["embeds"])
    ]


def _has(connection: sqlite3.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_schema WHERE name = ?"
    return connection.execute(query, (table,)).fetchone() is not None


def _rows(connection: sqlite3.Connection, query: str) -> list[sqlite3.Row]:
    return connection.execute(query).fetchall()
