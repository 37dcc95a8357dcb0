"""What can go wrong at the game server, queued by ``POST /_control/faults``.

The fields of `tools.sandbox.standin.Fault` count as always: `method` is the operation, `path` is searched in
the file name (or the channel or packet), `times` says how often. `when`, `status` and `headers` mean nothing here.

========= ===================================== ======================================================
kind      method (operation)                    what happens
========= ===================================== ======================================================
freeze    connect auth channel list open read   no answer until ``DELETE /_control/faults``
refuse    auth channel list open                credentials, channel or permission are denied
partial   auth                                  right, but another proof is asked for as well
drop      connect auth channel list open read   the connection is cut; "read": after `nbytes` of the file
truncate  read                                  the file seems to end after `nbytes`
slow      read                                  `nbytes` per answer, `delay_ms` before each
silence   getstatus getinfo                     the packet is lost
stranger  getstatus getinfo                     the answer comes from another port
forged    getstatus getinfo                     the answer has another challenge
garbled   getstatus getinfo                     the answer is `body`
========= ===================================== ======================================================

A "read" fault is taken when a file is opened and holds for that opened file.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.sandbox.standin import Fault, Faults

SSH_KINDS = frozenset({"freeze", "refuse", "partial", "drop", "truncate", "slow"})
QUERY_KINDS = frozenset({"silence", "stranger", "forged", "garbled"})
QUERIES = frozenset({"getstatus", "getinfo"})


@dataclass(kw_only=True)
class GameFault(Fault):
    """A `Fault` with the numbers that files need."""

    nbytes: int = 0
    delay_ms: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Keep the kinds of one side away from the other, so that ``method: ".*"`` means every operation of it."""
        return (self.kind in QUERY_KINDS) == (method in QUERIES) and super().matches(method, path)


class GameFaults(Faults):
    """The queue, taken from by the SSH threads; frozen operations wait on `thawed`."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.thawed = threading.Event()

    def add(self, raw: Mapping[str, Any]) -> None:
        fault = GameFault(**raw)
        if fault.kind not in SSH_KINDS | QUERY_KINDS:
            raise ValueError(f"unknown kind {fault.kind!r}; known are {sorted(SSH_KINDS | QUERY_KINDS)}")
        self.queue.append(fault)

    def take_for(self, operation: str, path: str) -> GameFault | None:
        """Take the first fault that matches; a freeze is served here, and is over when this returns None."""
        with self.lock:
            fault = self.take(operation, path, "before")
            thawed = self.thawed
        # Waits outside the lock: others go on, and the faults can be cleared meanwhile.
        if fault is not None and fault.kind == "freeze":
            thawed.wait()
            return None
        return fault if isinstance(fault, GameFault) else None

    def clear(self) -> None:
        super().clear()
        with self.lock:
            self.thawed.set()
            self.thawed = threading.Event()
