"""A game server's folder: files that grow, stay broken, or appear while nobody can look."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.charts import ChartSpec
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.ports import RemoteFile
from tools.sandbox.rounds import play_map
from tools.simulation.faults import DAY, HOUR, MINUTE, luck_of
from tools.simulation.life import Life
from tools.simulation.nature import Nature

ZONE = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A round's file: `growth` gives (true second, bytes there by then); a broken one never gets whole."""

    name: str
    content: bytes
    growth: tuple[tuple[float, int], ...]
    is_whole: bool

    def at(self, now: float) -> tuple[float, bytes] | None:
        """Give when it was last written and what is there, None before it appears."""
        written = [(at, self.content[:size]) for at, size in self.growth if at <= now]
        return written[-1] if written else None


@dataclass(kw_only=True, slots=True)
class GameServer:
    """The server and all the files it will ever write."""

    nature: Nature
    files: list[Written]


class Folder:
    """Implements `bot.ports.RoundSource` for one life of the bot."""

    def __init__(self, server: GameServer, life: Life) -> None:
        self.left_out: tuple[str, ...] = ()
        self._server = server
        self._life = life

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """List what is there."""
        await self._reach("list")
        now, clock = self._server.nature.time, self._server.nature.clock
        return tuple(
            RemoteFile(name=file.name, size=len(found[1]), modified_at=clock.at(found[0] // 1))
            for file in self._server.files
            if (found := file.at(now))
        )

    async def fetch(self, files: Sequence[RemoteFile]) -> dict[str, bytes | SourceError]:
        """Read files as far as they were listed, until the server fails."""
        came: dict[str, bytes | SourceError] = {}
        for file in files:
            try:
                await self._reach(f"fetch {file.name}")
            except SourceUnavailable as error:
                came[file.name] = error
                break
            written = next(one for one in self._server.files if one.name == file.name)
            found = written.at(self._server.nature.time)
            is_same = found is not None and len(found[1]) == file.size
            came[file.name] = (
                found[1] if found and is_same else SourceChanged("the file changed while it was read")
            )
        return came

    async def close(self) -> None:
        """Let go."""

    async def _reach(self, what: str) -> None:
        nature = self._server.nature
        await self._life.point(what, nature.delay(0.1, 2.0))
        faults = nature.faults("game server")
        if "down" in faults or ("drops" in faults and nature.happens(0.3)):
            nature.note(f"game server: {what} fails")
            raise SourceUnavailable("no route to host")


class NoCharts:
    """Implements `bot.ports.ChartRenderer` without drawing."""

    async def render(self, spec: ChartSpec) -> bytes:
        """Give bytes that stand for a picture."""
        del spec
        return b"a picture"


def make_files(seed: int, start: datetime, days: float) -> list[Written]:
    """Make all the files of a seed: a few matches on most evenings, each of two rounds."""
    luck = luck_of(seed, "files")
    files = []
    for day in range(-1, int(days)):  # those of the day before are there at the start
        at = day * DAY + luck.uniform(0, 24) * HOUR
        for match in range(luck.choice((0, 1, 1, 2))):
            ends = (at, at + luck.uniform(8, 20) * MINUTE)
            at = ends[1] + luck.uniform(5, 30) * MINUTE
            local = [(start + timedelta(seconds=end)).astimezone(ZONE) for end in ends]
            names = play_map(f"day{day + 1}match{match}", (local[0], local[1]), luck)
            files += [
                _written(file.name, file.content, end, luck) for file, end in zip(names, ends, strict=True)
            ]
    return files


def _written(name: str, content: bytes, end: float, luck: random.Random) -> Written:
    is_whole = luck.random() > 0.1
    if not is_whole:
        content = luck.choice((b"", b"\x00" * 300, content[:-20], b"no stats\n"))
    sizes = sorted(luck.randrange(len(content) + 1) for _ in range(luck.choice((0, 0, 1, 3))))
    at, growth = end, []
    for size in sizes:
        growth.append((at, size))
        at += luck.choice((0.5, 2.0, 5.0, 40.0))
    return Written(name=name, content=content, growth=(*growth, (at, len(content))), is_whole=is_whole)
