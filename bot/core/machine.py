"""Whether the machine is short of something, what is saved then, and what whoever runs the bot can do about it.

A shortage begins at one mark and is over at another, so that nothing goes to and fro at the border.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.announcements import Message, Tone
from bot.core.markup import escape, stamp
from bot.core.streams.intervals import INTERVALS
from bot.texts import join, text

READINGS = 5
"""So many readings in a row, a minute apart, make the load of the processor; less says nothing."""
GIB = 1024**3
_BUSY, _CALM = 0.85, 0.6  # of all processors
_MEMORY_SHORT, _MEMORY_ENOUGH = 0.08, 0.15  # free, of all
_DISK_SHORT, _DISK_ENOUGH = 1 * GIB, 2 * GIB  # free: a backup and an archive must have room


class Shortage(StrEnum):
    """What there is too little of."""

    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What was measured at one instant; None where it was not. `cpu` is the busy share (0..1) of all processors.

    Sizes are in bytes; the disk is the one the data folder is on.
    """

    cpu: float | None = None
    memory_free: int | None = None
    memory_total: int | None = None
    disk_free: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pressure:
    """How many minutes the intervals of a live have now, and why; `reason` is empty where nothing is short."""

    interval_minutes: int
    reason: str = ""


_NAMES = {
    Shortage.CPU: text("processor time"),
    Shortage.MEMORY: text("memory"),
    Shortage.DISK: text("disk space"),
}
_CURES = {
    Shortage.CPU: text("Record fewer lives at once (`/stream`), or give the bot a faster machine."),
    Shortage.MEMORY: text("End other programs on that machine, or give it more memory."),
    Shortage.DISK: text(
        "Make room: move old files out of `archive` and `exports`, lower `BACKUPS_KEPT` or `STREAM_DETAILS_DAYS`."
    ),
}


def shortages(before: Collection[Shortage], readings: Sequence[Reading]) -> frozenset[Shortage]:
    """Judge by the last readings, the newest last; `before` are those that held until now.

    What is not measured any more (because nothing is recorded) is not short.
    """
    if not readings:
        return frozenset()
    now, found = readings[-1], set()
    loads = [one.cpu for one in readings[-READINGS:] if one.cpu is not None]
    if now.cpu is not None and len(loads) == READINGS:
        load = sum(loads) / READINGS
        if load > (_CALM if Shortage.CPU in before else _BUSY):
            found.add(Shortage.CPU)
    if now.memory_free is not None and now.memory_total:
        least = _MEMORY_ENOUGH if Shortage.MEMORY in before else _MEMORY_SHORT
        if now.memory_free < least * now.memory_total:
            found.add(Shortage.MEMORY)
    if now.disk_free is not None and now.disk_free < (
        _DISK_ENOUGH if Shortage.DISK in before else _DISK_SHORT
    ):
        found.add(Shortage.DISK)
    return frozenset(found)


def pressure(short: Collection[Shortage]) -> Pressure:
    """Decide how long intervals are: as a rule the short ones, the long ones where anything is short."""
    usual, saving = INTERVALS
    if not short:
        return Pressure(interval_minutes=usual)
    return Pressure(
        interval_minutes=saving,
        reason=text(
            "the machine is short of {what}", what=join(", ", [_NAMES[one] for one in sorted(short)])
        ),
    )


def cures(short: Collection[Shortage]) -> str:
    """Say what can be done about each shortage; empty without one."""
    return join("\n", [_CURES[one] for one in sorted(short)])


def machine_short(short: Collection[Shortage], since: datetime, reason: str) -> Message:
    """Tell admins that the machine has been short of something for long."""
    return Message(
        title=text("My machine is too small for this"),
        tone=Tone.WARNING,
        body=text(
            "Since {since}: {reason}. Until that is over, lives are shown and summed in longer steps.\n{cures}",
            since=stamp(since, "f"),
            reason=escape(reason, 600),
            cures=cures(short),
        ),
    )


def machine_well(since: datetime, now: datetime) -> Message:
    """Replace `machine_short` once nothing is short any more."""
    return Message(
        title=text("My machine has enough of everything again"),
        tone=Tone.NOTICE,
        body=text("It was short from {start} to {end}.", start=stamp(since, "f"), end=stamp(now, "f")),
    )
