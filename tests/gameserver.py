"""The game server stand-in as tests use it: started as its own process, spoken to over its control API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.standins import StandIn, running


class GameServer(StandIn):
    """A running stand-in, with its files."""

    def write(self, name: str | bytes, content: bytes, **more: Any) -> None:
        raw = name if isinstance(name, bytes) else name.encode()
        body = {
            "name_base64": base64.b64encode(raw).decode(),
            "base64": base64.b64encode(content).decode(),
            **more,
        }
        self.control("POST", "files", body)

    def fault(self, kind: str, method: str, **more: Any) -> None:
        self.control("POST", "faults", {"kind": kind, "method": method, **more})

    def reset(self) -> None:
        """Back to an empty folder, no faults, nothing recorded, no connection."""
        self.control("DELETE", "faults")
        self.control("POST", "disconnect", {})
        self.control("POST", "limits", {"max_channels": None})
        self.control("POST", "login", {"password": self.facts["password"]})
        self.control("DELETE", "ghosts")
        for path in Path(self.facts["folder"]).iterdir():
            path.unlink()
        self.control("DELETE", "requests")


@contextmanager
def running_gameserver(*arguments: str) -> Iterator[GameServer]:
    """Start the stand-in, wait until it is ready, stop it afterwards."""
    with running("gameserver", *arguments) as stand_in:
        yield GameServer(stand_in.facts)
