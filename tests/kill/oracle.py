"""Compares what the stand-ins were asked and hold with the bot's database, on whichever engine that is.

`at_death` holds at every instant; `at_the_end` when nothing is left to do. Both raise AssertionError.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.core.announcements import Message, nonce_for
from bot.discord.speech import Speaker
from bot.storage.backup import Manifest, list_backups, read_manifest, verify_backup
from bot.texts import unpacked
from tools.sandbox.stored import file_of, rows_of, tables_of

LEASE = timedelta(seconds=90)
MARKER_LENGTH = 8
NEVER_POSTED = {"dead", "expired", "skipped"}
OF_MESSAGES = (
    "event_key",
    "channel_id",
    "generation",
    "state",
    "message",
    "nonce",
    "revision",
    "delivered_revision",
    "message_id",
    "first_tried_at",
)
Row = Mapping[str, Any]
ENDPOINTS = {
    "sweep": "check_alive",
    "profile": "profile",
    "renamed": "profile",
    "connect": "sign",
    "reconnect": "sign",
}
FREE = {"rate_limits", "socket"}
"""What costs no request of any budget."""
"""What is asked of TikTok, or of the signing service, by the purpose of a request, where that is not whether somebody is live."""


@dataclass(frozen=True, kw_only=True)
class Ledgered:
    """How far the ledger and the stand-in's list of requests have been compared: the last row, the requests."""

    row: int = 0
    requests: int = 0


@contextmanager
def as_left(url: str) -> Iterator[str]:
    """Give the URL of a copy of a file nobody has open, its log included: to open the file itself would recover it.

    A server recovers nothing when it is looked at; its own URL will do.
    """
    file = file_of(url)
    if file is None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("", "-wal", "-shm"):
            part = file.with_name(file.name + ending)
            if part.exists():
                shutil.copy(part, folder)
        yield f"sqlite:///{folder}/{file.name}"


async def at_death(
    url: str, backups: Path, discord: Sequence[Row], tiktok: Sequence[Row], lived: Ledgered
) -> Ledgered:
    """What holds whenever the bot was killed; `lived` is what this gave at the death before."""
    backups_are_whole(backups)
    with as_left(url) as left:
        await is_sound(left)
        if "outbox" not in await tables_of(left):
            assert not discord
            assert not tiktok
            return lived
        await nothing_is_doubled(left, discord)
        await leases_are_bound(left)
        return await requests_are_in_the_ledger(left, tiktok, lived)


async def at_the_end(url: str, discord: Sequence[Row]) -> None:
    """What holds when everything was delivered."""
    with as_left(url) as left:
        if "outbox" not in await tables_of(left):
            return
        for row in await _messages(left):
            final = {"delivered", "removed", *NEVER_POSTED}
            assert row["state"] in final, f"{row['event_key']} is still {row['state']}"
            posts = [post for some in _bearing(row, discord) for post in some]
            standing = [message for message in posts if not message["deleted"]]
            if row["state"] == "removed" or row["delivered_revision"] == 0:
                assert not standing, f"{row['event_key']} was given up and stands there"
                continue
            assert len(standing) == 1, f"{row['event_key']} stands there {len(standing)} times"
            assert str(row["message_id"]) == standing[0]["id"]
            assert row["delivered_revision"] == row["revision"]
            says_the_same(
                Speaker().tell(Message.from_json(unpacked(json.loads(row["message"])))), standing[0]
            )
        await channels_are_in_order(left)
        await lives_are_told_once(left)
        await rounds_are_kept_once(left)


async def is_sound(url: str) -> None:
    """A file is whole, and no row of it refers to nothing; a server sees to both itself."""
    file = file_of(url)
    if file is not None and file.exists():
        assert await rows_of(url, "PRAGMA integrity_check") == [("ok",)]
        assert await rows_of(url, "PRAGMA foreign_key_check") == []


async def nothing_is_doubled(url: str, discord: Sequence[Row]) -> None:
    """Each message of the bot belongs to one row, which knows that a try began; no row has two messages.

    What was posted anew on purpose has one more each time.
    """
    known = set()
    for row in await _messages(url):
        generations = _bearing(row, discord)
        for posted in generations:
            assert len(posted) <= 1, f"{row['event_key']} was posted {len(posted)} times"
            known |= {message["id"] for message in posted}
        if any(generations):
            assert row["first_tried_at"] is not None or row["delivered_revision"] > 0
    strangers = [message for message in discord if message["id"] not in known]
    assert not strangers, f"the outbox knows nothing of {[one['embeds'] for one in strangers]}"


async def requests_are_in_the_ledger(url: str, tiktok: Sequence[Row], lived: Ledgered) -> Ledgered:
    """Each request of the life that just ended has a row of that life, and each row with an answer a request.

    Life by life, because a row that a death kept from its request must not excuse a later request without one.
    """
    rows = await rows_of(url, f"SELECT id, purpose, answer FROM requests WHERE id > {lived.row} ORDER BY id")
    written = Counter(ENDPOINTS.get(purpose, "api_live") for _, purpose, _ in rows)
    answered = Counter(
        ENDPOINTS.get(purpose, "api_live") for _, purpose, answer in rows if answer is not None
    )
    asked = Counter(request["endpoint"] for request in tiktok[lived.requests :] if "endpoint" in request)
    asked = Counter({endpoint: count for endpoint, count in asked.items() if endpoint not in FREE})
    assert asked <= written, f"TikTok was asked {asked}, the ledger says {written}"
    assert answered <= asked, f"TikTok was asked {asked}, the ledger has answers to {answered}"
    return Ledgered(row=rows[-1][0] if rows else lived.row, requests=len(tiktok))


async def leases_are_bound(url: str) -> None:
    latest = (datetime.now(UTC) + LEASE).timestamp() * 1e6  # noqa: TID251 - another process's clock
    assert await rows_of(url, f"SELECT id FROM accounts WHERE leased_until > {latest:.0f}") == []


async def channels_are_in_order(url: str) -> None:
    """First posts of a channel came in the order in which they were put."""
    posted = await rows_of(
        url,
        "SELECT channel_id, message_id FROM outbox WHERE message_id IS NOT NULL AND generation = 0 "
        "ORDER BY channel_id, id",
    )
    assert posted == sorted(posted)


async def lives_are_told_once(url: str) -> None:
    ((rooms, of_lives),) = await rows_of(url, "SELECT count(*), count(DISTINCT room_id) FROM live_rooms")
    assert rooms == of_lives, "a room belongs to two lives"


async def rounds_are_kept_once(url: str) -> None:
    """Each imported file but those of awards has one round with its players, and no round lacks its file."""
    files = (
        "SELECT f.name FROM round_files f LEFT JOIN rounds r ON r.file_id = f.id "
        "WHERE f.name NOT LIKE '%-endstats.txt' AND "
    )
    assert await rows_of(url, files + "(f.state = 'imported') <> (r.id IS NOT NULL)") == []
    same = "SELECT count(*) FROM rounds GROUP BY server, map, round, ended_at HAVING count(*) > 1"
    assert await rows_of(url, same) == []


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
    """Whatever bears the name of a backup can be restored; gives their manifests.

    Of a server's, which takes a server to restore, the files are those that were written.
    """
    any_revision = frozenset(f"{number:04}" for number in range(1, 100))
    return [
        verify_backup(backup, any_revision) if backup.suffix == ".db" else read_manifest(backup)
        for backup in list_backups(folder)
    ]


def _bearing(row: Row, discord: Sequence[Row]) -> list[list[Row]]:
    """Give for each time it was posted anew the messages with its marker, also deleted ones, in whatever channel."""
    nonces = [
        nonce_for(row["event_key"], row["channel_id"], generation) for generation in range(row["generation"])
    ]
    markers = [f"ref {nonce[:MARKER_LENGTH]}" for nonce in (*nonces, row["nonce"])]
    return [[message for message in discord if _bears(message, marker)] for marker in markers]


def _bears(message: Row, marker: str) -> bool:
    return any(embed.get("footer", {}).get("text", "").endswith(marker) for embed in message["embeds"])


async def _messages(url: str) -> list[Row]:
    rows = await rows_of(url, f"SELECT {', '.join(OF_MESSAGES)} FROM outbox ORDER BY id")
    return [dict(zip(OF_MESSAGES, row, strict=True)) for row in rows]
