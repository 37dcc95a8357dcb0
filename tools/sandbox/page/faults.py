"""What the panel lets go wrong in the world, and takes back again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tools.sandbox.page.status import Stage
from tools.sandbox.processes import StandIn

FOR_EVER = 10**9
RETRY_AFTER_SECONDS = 2
MESSAGES = {
    "kind": "rate_limit",
    "path": r"/channels/\d+/messages",
    "headers": {"Retry-After": str(RETRY_AFTER_SECONDS)},
    "times": FOR_EVER,
}
NO_DISCORD = {"kind": "status", "status": 503, "times": FOR_EVER}
NO_SSH = {"kind": "drop", "method": "connect", "times": FOR_EVER}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`once`: it happens and is over; else it lasts until it is switched off.

    `end` is what is to be done then besides forgetting the faults of the stand-ins.
    """

    label: str
    begin: Callable[[Stage], Awaitable[None]]
    end: Callable[[Stage], Awaitable[None]] | None = None
    once: bool = False


async def _drop_lives(stage: Stage) -> None:
    open_ones = [one for one in await stage.tiktok.control("GET", "sockets") if one["open"]]
    if not open_ones:
        raise ValueError("nobody's live is recorded right now: let somebody go live first")
    for handle in {one["handle"] for one in open_ones}:
        await stage.tiktok.control("POST", f"rooms/{handle}/sockets", {"do": "reset"})


async def _slow_discord(stage: Stage) -> None:
    await stage.discord.control("POST", "faults", MESSAGES)


async def _break_ssh(stage: Stage) -> None:
    await stage.gameserver.control("POST", "faults", NO_SSH)
    await stage.gameserver.control("POST", "disconnect")


async def _end_discord(stage: Stage) -> None:
    await stage.discord.control("POST", "faults", NO_DISCORD)
    await stage.discord.control("POST", "gateway", {"action": "down"})
    await stage.discord.control("POST", "gateway", {"action": "drop"})


async def _begin_discord(stage: Stage) -> None:
    await stage.discord.control("POST", "gateway", {"action": "up"})


async def _shut_lives(stage: Stage) -> None:
    await stage.discord.control("POST", "channels/lives/deny", {"permissions": ["send_messages"]})


async def _open_lives(stage: Stage) -> None:
    await stage.discord.control("POST", "channels/lives/allow")


TROUBLES = {
    "drop": Trouble(label="Drop the connections to lives", begin=_drop_lives, once=True),
    "rate_limit": Trouble(label="Discord: too many requests (429)", begin=_slow_discord),
    "ssh": Trouble(label="Game server: SSH is broken", begin=_break_ssh),
    "discord": Trouble(label="Discord is down", begin=_end_discord, end=_begin_discord),
    "shut": Trouble(label="Discord: Vedette may not write in #lives", begin=_shut_lives, end=_open_lives),
}


class Faults:
    """What is wrong at present."""

    def __init__(self) -> None:
        self._on: list[str] = []

    def shown(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "label": one.label, "on": name in self._on, "once": one.once}
            for name, one in TROUBLES.items()
        ]

    async def switch(self, stage: Stage, name: str, *, on: bool) -> None:
        """Let something go wrong, or no longer. Raises ValueError where that cannot be."""
        if name not in TROUBLES:
            raise ValueError(f"there is no trouble {name!r}; there are {', '.join(TROUBLES)}")
        if on and name not in self._on:
            await TROUBLES[name].begin(stage)
            if not TROUBLES[name].once:
                self._on.append(name)
        elif not on and name in self._on:
            self._on.remove(name)
            await self._only_what_is_on(stage, name)

    async def _only_what_is_on(self, stage: Stage, over: str) -> None:
        """A stand-in forgets its faults all at once, so those that stay are made anew."""
        await self._forget(stage.discord)
        await self._forget(stage.gameserver)
        if (end := TROUBLES[over].end) is not None:
            await end(stage)
        for name in self._on:
            await TROUBLES[name].begin(stage)

    async def _forget(self, place: StandIn) -> None:
        await place.control("DELETE", "faults")
