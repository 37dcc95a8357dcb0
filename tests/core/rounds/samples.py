"""Invented round files, written the way the server script writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.rounds.grammar import parse_stats
from bot.core.rounds.pairing import PlayedRound

EVENING = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
GUIDS = ("AAAAAAA1", "AAAAAAA2", "BBBBBBB1", "BBBBBBB2")


def header(number=1, limit="10:00", next_limit="7:30", *, defender=1, winner=2, extra="", map_name="supply"):
    return (
        f"^1the ^7server\\{map_name}\\legacy3\\{number}\\{defender}\\{winner}\\{limit}\\{next_limit}{extra}"
    )


def player(guid, *, name="^3someone", rounds=0, side=1, guns=(30, 100, 5, 4, 6), **values):
    """One line with one gun, weapon 4: hits, shots, kills, deaths, head hits; `values` by position, `f0=...`."""
    tail = ["0"] * 38
    defaults = {"f0": 900, "f1": 900, "f8": "80.0", "f21": "0.0", "f22": "7.5", "f26": "1.2"}
    for field, value in (defaults | values).items():
        tail[int(field[1:])] = str(value)
    numbers = " ".join(str(number) for number in (1 << 4, *guns))
    return f"{guid}\\{name}\\{rounds}\\{side}\\{numbers} \t" + "\t".join(tail)


def spaced(guid, *, rounds=0, side=1, guns=(30, 100, 5, 5, 6), damage=900, alive="80.0"):
    """One line of game-stats 0.2, with spaces and ten fields."""
    numbers = " ".join(str(number) for number in (1 << 4, *guns))
    return f"{guid}\\someone\\{rounds}\\{side}\\{numbers} {damage} {damage} 10 20 3 1 2 4 {alive} -7"


def content(head, *players) -> bytes:
    return "".join(f"{line}\n" for line in (head, *players)).encode()


def roster(*, rounds=0, guids=GUIDS, **values):
    """Players whose kills, deaths and damage balance, two on each side."""
    balanced = {"guns": (30, 100, 5, 5, 6)} | values
    return [player(guid, rounds=rounds, side=1 + at % 2, **balanced) for at, guid in enumerate(guids)]


def played(key, minutes, head, *players) -> PlayedRound:
    """A round that ended so many minutes into the evening."""
    stats = parse_stats(content(head, *players))
    return PlayedRound(key=key, ended_at=EVENING + timedelta(minutes=minutes), stats=stats)
