r"""The UDP side: ``getstatus`` and ``getinfo`` as the engine answers them, rate limit switched off.

Format (specs/etlegacy.md 5.1): four bytes 0xFF and the word; then an info string ``\key\value…`` in which the
challenge comes back. A status answer goes on with one line per client: score, ping, quoted name.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

from tools.sandbox.gameserver.faults import GameFault, GameFaults
from tools.sandbox.standin import LOOPBACK, Recorder

PREFIX = b"\xff\xff\xff\xff"
MAX_CHALLENGE = 128
# One character per slot in the key P; "-" is an empty slot.
TEAMS = {"connecting": "0", "axis": "1", "allies": "2", "spectator": "3"}


@dataclass(frozen=True, kw_only=True)
class Client:
    """Who is on the server; the slot is the place in the list."""

    name: str
    team: str = "spectator"
    score: int = 0
    ping: int = 50

    def __post_init__(self) -> None:
        if self.team not in TEAMS:
            raise ValueError(f"unknown team {self.team!r}; known are {sorted(TEAMS)}")


@dataclass(kw_only=True)
class Game:
    """What the server says about itself. `timelimit` is in minutes, as text, as the engine sends it."""

    mapname: str = "supply"
    timelimit: str = "12"
    hostname: str = "^2Stand-in ^7stopwatch"
    slots: int = 20
    players: list[Client] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)

    def status(self, challenge: str) -> bytes:
        teams = "".join(TEAMS[player.team] for player in self.players).ljust(self.slots, "-")
        keys = {
            "mapname": self.mapname,
            "timelimit": self.timelimit,
            "g_gametype": "3",
            "sv_maxclients": str(self.slots),
            "sv_hostname": self.hostname,
            "mod_version": "v2.83.2",
            "P": teams,
            **self.extra,
        }
        lines = [f'{player.score} {player.ping} "{player.name}"\n' for player in self.players]
        return b"statusResponse\n" + info_string(keys, challenge) + b"\n" + "".join(lines).encode()

    def info(self, challenge: str) -> bytes:
        keys = {
            "mapname": self.mapname,
            "gametype": "3",
            "sv_maxclients": str(self.slots),
            "clients": str(len(self.players)),
            "humans": str(len(self.players)),
            "needpass": "0",
            "hostname": self.hostname,
        }
        return b"infoResponse\n" + info_string(keys, challenge)


def info_string(keys: dict[str, str], challenge: str) -> bytes:
    if challenge:
        keys = {"challenge": challenge, **keys}
    return "".join(f"\\{key}\\{value}" for key, value in keys.items()).encode()


class QueryServer(asyncio.DatagramProtocol):
    """Answers each packet, or not, as the faults say."""

    def __init__(self, game: Game, recorder: Recorder, faults: GameFaults) -> None:
        self.game = game
        self.recorder = recorder
        self.faults = faults
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        words = data.removeprefix(PREFIX).decode("latin-1").split(maxsplit=1)
        command = words[0] if words and data.startswith(PREFIX) else ""
        challenge = words[1].strip() if len(words) > 1 else ""
        answers = {"getstatus": self.game.status, "getinfo": self.game.info}
        self.recorder.add(kind="udp", op=command, challenge=challenge)
        if command in answers and len(challenge) <= MAX_CHALLENGE:
            fault = self.faults.take_for(command, "")
            forged = fault is not None and fault.kind == "forged"
            self._answer(PREFIX + answers[command]("forged" if forged else challenge), addr, fault)

    def _answer(self, packet: bytes, addr: tuple[str, int], fault: GameFault | None) -> None:
        kind = fault.kind if fault else ""
        if fault is not None and kind == "garbled":
            packet = fault.body.encode("latin-1")
        if kind == "stranger":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(packet, addr)
        elif kind != "silence" and self.transport is not None:
            self.transport.sendto(packet, addr)


async def start_query(server: QueryServer, port: int) -> int:
    """Listen on a UDP port of loopback; port 0 takes a free one. Answers the port."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(LOOPBACK, port))
    return int(transport.get_extra_info("sockname")[1])
