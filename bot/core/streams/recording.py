"""Where a recording stands: one table, state x what happens.

========== ============ ================= ============== ============== ================ ==========
state      claimed      connected         connection     signing is     stopped by hand  live ended
                                          lost           not to be had
========== ============ ================= ============== ============== ================ ==========
WAITING    WAITING      RECORDING         WAITING        DEGRADED       STOPPED          DONE
RECORDING  RECORDING    RECORDING         WAITING        DEGRADED       STOPPED          DONE
DEGRADED   DEGRADED     RECORDING         DEGRADED       DEGRADED       STOPPED          DONE
STOPPED    -            -                 -              -              STOPPED          STOPPED
DONE       -            -                 -              -              DONE             DONE
========== ============ ================= ============== ============== ================ ==========

- A live that goes on after an end that was believed (the same room, or a new one within the restart gap) makes DONE
  WAITING again; STOPPED stays, until `/stream start`.
- DEGRADED: only viewer counts, polled by the live monitor from its own budget.
"""

from __future__ import annotations

from enum import StrEnum


class RecordingState(StrEnum):
    """Where a recording stands."""

    WAITING = "waiting"
    RECORDING = "recording"
    DEGRADED = "degraded"
    STOPPED = "stopped"
    DONE = "done"


class Happening(StrEnum):
    """What moves a recording."""

    CLAIMED = "claimed"
    CONNECTED = "connected"
    LOST = "lost"
    UNSIGNED = "unsigned"
    STOPPED = "stopped"
    ENDED = "ended"
    REOPENED = "reopened"
    STARTED = "started"  # by hand


ACTIVE = frozenset({RecordingState.WAITING, RecordingState.RECORDING, RecordingState.DEGRADED})
"""In these a recorder holds the room, or should."""

_TO: dict[Happening, RecordingState | None] = {
    Happening.CLAIMED: None,
    Happening.CONNECTED: RecordingState.RECORDING,
    Happening.LOST: RecordingState.WAITING,
    Happening.UNSIGNED: RecordingState.DEGRADED,
    Happening.STOPPED: RecordingState.STOPPED,
    Happening.ENDED: RecordingState.DONE,
}


def after(state: RecordingState, happening: Happening) -> RecordingState:
    """Apply the table of this module."""
    if happening is Happening.STARTED:
        return state if state in ACTIVE else RecordingState.WAITING
    if happening is Happening.REOPENED:
        return RecordingState.WAITING if state is RecordingState.DONE else state
    if state not in ACTIVE:
        return state
    if state is RecordingState.DEGRADED and happening is Happening.LOST:
        return state
    return _TO[happening] or state
