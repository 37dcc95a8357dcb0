r"""Is a game on? One UDP question to the game port (specs/etlegacy.md 5.1).

The question is four bytes 0xFF, ``getstatus`` and a challenge. The answer is four bytes 0xFF, ``statusResponse``,
a line ``\key\value…`` in which the challenge comes back, and a line ``score ping "name"`` for every client.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from bot.core.rounds.looking import Answer
from bot.errors import SourceUnavailable
from bot.texts import text

PREFIX = b"\xff\xff\xff\xff"
ANSWER = PREFIX + b"statusResponse\n"
CHALLENGE = re.compile(r"[A-Za-z0-9]{1,128}")
CLIENT_LINE = re.compile(r'(-?\d{1,9}) (-?\d{1,9}) "(.*)"')
NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?")
EMPTY_SLOT = "-"


class Team(StrEnum):
    """Where a client is; the value is for people, `TEAM_BY_MARK` has the server's marks."""

    CONNECTING = "connecting"
    AXIS = "axis"
    ALLIES = "allies"
    SPECTATOR = "spectator"


TEAM_BY_MARK = {"0": Team.CONNECTING, "1": Team.AXIS, "2": Team.ALLIES, "3": Team.SPECTATOR}
PLAYING = frozenset({"1", "2"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerPlayer:
    """A client as the server lists it. `name` has colour codes and may be hostile; `team` None is unknown."""

    name: str
    score: int
    ping_ms: int
    team: Team | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """What the server says. `playing` counts clients in Axis and Allies; None is always "it did not say"."""

    map_name: str | None
    time_limit_minutes: float | None
    players: tuple[ServerPlayer, ...]
    playing: int | None


def parse_status(packet: bytes, challenge: str) -> ServerStatus | None:
    """Read a status answer; None if it is not an answer to the question with this challenge."""
    if not packet.startswith(ANSWER):
        return None
    keys_line, *client_lines = _text(packet[len(ANSWER) :]).split("\n")
    keys = _keys(keys_line)
    if keys.get("challenge") != challenge:
        return None
    limit = keys.get("timelimit", "")
    marks = keys.get("P")
    return ServerStatus(
        map_name=keys.get("mapname"),
        time_limit_minutes=float(limit) if NUMBER.fullmatch(limit) else None,
        players=_players(client_lines, marks or ""),
        playing=None if marks is None else sum(mark in PLAYING for mark in marks),
    )


def _text(raw: bytes) -> str:
    """Decode as the stats files are decoded: UTF-8, else latin-1, which takes every byte."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _keys(line: str) -> dict[str, str]:
    parts = line.removeprefix("\\").split("\\")
    return dict(zip(parts[::2], parts[1::2], strict=False))


def _players(lines: list[str], marks: str) -> tuple[ServerPlayer, ...]:
    """Pair the client lines with the marks of the taken slots: both are in the order of slots."""
    clients = [found for line in lines if (found := CLIENT_LINE.fullmatch(line))]
    taken = marks.replace(EMPTY_SLOT, "")
    # A client that came or went between the two lists would shift everybody's team: then say unknown.
    teams = (
        [TEAM_BY_MARK.get(mark) for mark in taken] if len(taken) == len(clients) else [None] * len(clients)
    )
    return tuple(
        ServerPlayer(name=found[3], score=int(found[1]), ping_ms=int(found[2]), team=team)
        for found, team in zip(clients, teams, strict=True)
    )


class _Question(asyncio.DatagramProtocol):
    """Waits for the first packet that answers the challenge."""

    def __init__(self, challenge: str) -> None:
        self._challenge = challenge
        self.answer: asyncio.Future[ServerStatus] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        # The socket is connected, so the system itself drops packets from other addresses.
        status = parse_status(data, self._challenge)
        if status is not None and not self.answer.done():
            self.answer.set_result(status)

    def error_received(self, exc: Exception) -> None:
        """Pass by "connection refused": the server may just be restarting, the next try will tell."""


async def query_status(
    host: str, port: int, *, challenge: str, timeout_seconds: float = 2.0, tries: int = 2
) -> ServerStatus:
    """Ask a game server for its status; every try waits `timeout_seconds`, because packets get lost.

    `challenge` is 1 to 128 letters and digits nobody can guess, fresh for each call (else ValueError). Raises
    `SourceUnavailable` if no answer came; the server may still be up: hidden servers and blocked ports are silent.
    """
    if not CHALLENGE.fullmatch(challenge):
        raise ValueError("a challenge is 1 to 128 letters and digits")
    loop = asyncio.get_running_loop()
    try:
        transport, question = await loop.create_datagram_endpoint(
            lambda: _Question(challenge), remote_addr=(host, port)
        )
    except OSError as error:
        raise SourceUnavailable(
            text(
                "{address} cannot be asked: {problem}", address=f"{host}:{port}", problem=str(error.strerror)
            )
        ) from error
    try:
        for _ in range(tries):
            transport.sendto(PREFIX + b"getstatus " + challenge.encode())
            # Waits for the same answer in every try: a late one to the first packet is as good.
            done, _ = await asyncio.wait({question.answer}, timeout=timeout_seconds)
            if done:
                return question.answer.result()
    finally:
        transport.close()
    raise SourceUnavailable(
        text(
            "{address} did not answer {tries} status questions of {seconds} s",
            address=f"{host}:{port}",
            tries=tries,
            seconds=f"{timeout_seconds:g}",
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class UdpGameQuery:
    """Implements `bot.ports.GameQuery`: the status question over UDP."""

    host: str
    port: int

    async def ask(self) -> Answer | None:
        """Ask once what is played; None where no answer came. Nothing is raised."""
        try:
            status = await query_status(self.host, self.port, challenge=secrets.token_hex(8))
        except (SourceUnavailable, UnicodeError):  # a host name that is none, too, must not end the looks
            return None
        return Answer(
            playing=status.playing,
            map_name=status.map_name,
            time_limit=status.time_limit_minutes,
            names=tuple(player.name for player in status.players),
        )
