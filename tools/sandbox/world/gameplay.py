"""Evenings at the stand-in of the game server: who is on it, and the files its script writes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn
from tools.sandbox.world.evenings import Evening, PlayedMap, RoundFile, evenings, files_of, make_map

KEPT_DAYS = 14
"""So old are the oldest files in the server's folder; it throws away older ones."""
_LOOK_AHEAD = timedelta(days=14)
_LONGEST = timedelta(hours=8)
_LEAVING = timedelta(seconds=90)
_CHUNK_BYTES = 900
_GROWS_MS, _GROWS_LEAST_MS = 500, 20


class GameServer:
    """Plays evenings as they are planned, and maps that somebody asks for in between."""

    def __init__(self, gameserver: StandIn, clock: WorldClock) -> None:
        self.map: str | None = None
        self.players = 0
        self._server = gameserver
        self._clock = clock
        self._written: set[str] = set()

    @property
    def playing(self) -> bool:
        return self.map is not None

    async def fill(self) -> None:
        """Put the files that are there already into the server's folder, with the times they were written at."""
        now = self._clock.now()
        folder = Path(self._server.facts["folder"])
        for evening in evenings(now - timedelta(days=KEPT_DAYS), now):
            for file in _files(evening.maps):
                if file.ended_at <= now:
                    (folder / file.name).write_bytes(file.content)
                    os.utime(folder / file.name, (file.ended_at.timestamp(),) * 2)
                    self._written.add(file.name)

    async def play_evenings(self) -> None:
        """Play what is planned, for ever; of an evening that has begun, what is left of it."""
        since, until = self._clock.now() - _LONGEST, self._clock.now() + _LOOK_AHEAD
        while True:
            for evening in evenings(since, until):
                await self._play_evening(evening)
            since, until = until, until + _LOOK_AHEAD

    async def _play_evening(self, evening: Evening) -> None:
        await self._clock.sleep_until(evening.started_at.timestamp())
        await self._gather(evening)
        for played in evening.maps:
            await self._clock.sleep_until(played.started_at.timestamp())
            # A map that was asked for is played to its end; one that should begin meanwhile is not.
            if not self.playing and files_of(played)[-1].ended_at > self._clock.now():
                await self.play(played)

    async def _gather(self, evening: Evening) -> None:
        """Let those who play first look on, until the first round begins."""
        first = evening.maps[0]
        if self.playing or first.started_at <= self._clock.now():
            return
        players = [{"name": name, "team": "spectator"} for _, name in first.players]
        await self._server.control("POST", "players", {"mapname": first.name, "players": players})
        self.players = len(players)

    async def play(self, played: PlayedMap) -> None:
        """Play both rounds of a map; the players stay a little."""
        self.map = played.name
        try:
            for file in files_of(played):
                if file.name in self._written:
                    continue
                await self._clock.sleep_until(file.started_at.timestamp())
                if file.roster:
                    await self._show(played.name, file)
                await self._clock.sleep_until(file.ended_at.timestamp())
                await self._write(file)
        finally:
            self.map = None
        await self._clock.sleep(_LEAVING.total_seconds())
        if not self.playing:
            await self._server.control("POST", "players", {"players": []})
            self.players = 0

    def map_now(self, name: str, now: datetime) -> PlayedMap:
        """Plan a map that somebody asks for. Raises ValueError while one is played."""
        if self.playing:
            raise ValueError(f"{self.map} is being played")
        return make_map(name, now + timedelta(seconds=5))

    async def _show(self, name: str, file: RoundFile) -> None:
        players: list[dict[str, Any]] = [
            {"name": seat.name, "team": seat.team, "ping": 20 + 7 * place}
            for place, seat in enumerate(file.roster)
        ]
        minutes = f"{file.limit_seconds / 60:g}"
        body = {"mapname": name, "timelimit": minutes, "players": players}
        await self._server.control("POST", "players", body)
        self.players = len(players)

    async def _write(self, file: RoundFile) -> None:
        """Write a file as the server's script does: it grows for a moment."""
        self._written.add(file.name)
        pause = max(_GROWS_LEAST_MS, round(_GROWS_MS / self._clock.speed))
        body = {
            "name": file.name,
            "content": file.content.decode("ascii"),
            "mtime": int(file.ended_at.timestamp()),
            "slow": {"chunk_bytes": _CHUNK_BYTES, "interval_ms": pause},
        }
        await self._server.control("POST", "files", body)


def _files(maps: Sequence[PlayedMap]) -> list[RoundFile]:
    return [file for played in maps for file in files_of(played)]
