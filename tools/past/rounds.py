"""The rounds that were played: the files as they were read, and rounds made of them by the bot's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.core.rounds.files import FileState
from bot.core.rounds.reading import fingerprint
from bot.services.ratings import Ratings
from bot.services.round_import import RoundImport
from bot.services.round_rebuild import RoundRebuild
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.storage.engine import Database
from bot.storage.round_tables import round_files
from tools.past.clock import SetClock
from tools.past.rows import Rows
from tools.sandbox.world.evenings import SERVER_ZONE, RoundFile, evenings, files_of

SERVER = "sandbox"
"""What the game server is called in the bot's settings: GAME_SERVERS__SANDBOX__..."""
NOTICED_AFTER = timedelta(seconds=35)
_NEWS_FOR = timedelta(hours=2)


def files_between(since: datetime, until: datetime) -> list[RoundFile]:
    """Give the files that were written in a span, by name."""
    found = [file for evening in evenings(since, until) for one in evening.maps for file in files_of(one)]
    return sorted((file for file in found if file.ended_at < until), key=lambda file: file.name)


def game_servers(guild_id: int) -> Mapping[str, GameServer]:
    """Give the settings of the game server, as far as they decide what its rounds are."""
    server = GameServer(host="127.0.0.1", username="vedette", guild_ids=(guild_id,), time_zone=SERVER_ZONE)
    return {SERVER: server}


async def import_rounds(
    database: Database, guild_id: int, files: Sequence[RoundFile], clock: SetClock
) -> int:
    """Keep files and make their rounds, as a start of a new version does; rate who played. Gives how many rounds.

    Nothing is told of it; what players reached is claimed all the same.
    """
    rows = Rows()
    rows.add(round_files, *[_as_row(file) for file in files])
    async with database.write("past.files") as conn:
        await rows.write(conn)
    rebuild = RoundRebuild(database=database, zones={SERVER: SERVER_ZONE})
    made = await rebuild.rebuild(SERVER, clock.now())
    if made.unreadable:
        raise ValueError(f"the bot cannot read its own past: {made.unreadable}")
    servers = game_servers(guild_id)
    importer = RoundImport(
        database=database,
        servers=servers,
        telling=RoundTelling(servers=servers, post_max_age=_NEWS_FOR),
        post_max_age=_NEWS_FOR,
    )
    await importer.all_taken(SERVER, made.rounds, clock.now())
    await Ratings(database=database, clock=clock).step()
    return made.rounds


def _as_row(file: RoundFile) -> dict[str, object]:
    noticed_at = file.ended_at + NOTICED_AFTER
    return {
        "server": SERVER,
        "name": file.name,
        "state": FileState.IMPORTED,
        "size": len(file.content),
        "modified_at": file.ended_at,
        "first_seen_at": noticed_at,
        "listed_at": noticed_at,
        "silent": False,
        "sha256": fingerprint(file.content),
        "content": file.content,
    }
