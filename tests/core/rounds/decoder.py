"""A second decoder of stats files, written apart from the first: it shares no line with `bot`.

It works on the bytes by position and by hand, for the layouts with tabs, and knows only the plain rules:
it says what every real round must come out as.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

GUNS = (2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26)
TOTALS = {
    "damage_given": 0,
    "damage_received": 1,
    "team_damage_given": 2,
    "team_damage_received": 3,
    "gibs": 4,
    "self_kills": 5,
    "team_kills": 6,
    "team_gibs": 7,
}


def naive(content: bytes) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Give the header's fields and, by GUID, the numbers of each line."""
    lines = content.decode("latin-1").replace("\r", "").rstrip("\n").split("\n")
    return lines[0].split("\\"), {line[:8]: _numbers(line) for line in lines[1:]}


def _numbers(line: str) -> dict[str, Any]:
    tail = line[line.index("\t") + 1 :].split("\t")
    _, rounds, side, numbers = line[: line.index("\t")].rsplit("\\", 3)
    mask, *counters = map(int, numbers.split())
    slots = [slot for slot in range(28) if mask // 2**slot % 2]
    fives = {slot: counters[5 * at : 5 * at + 5] for at, slot in enumerate(slots)}
    guns = [five for slot, five in fives.items() if slot in GUNS]
    minutes = float(tail[22])
    return {
        "rounds": int(rounds),
        "side": int(side),
        "kills": sum(five[2] for five in fives.values()),
        "deaths": sum(five[3] for five in fives.values()),
        "gun_hits": sum(five[0] for five in guns),
        "gun_shots": sum(five[1] for five in guns),
        "head_hits": sum(five[4] for five in guns),
        "revived_by_syringe": fives.get(27, [0])[0],
        "team_seconds": minutes * 60,
        "alive_seconds": minutes * 60 * float(tail[8]) / 100,
        "xp": int(tail[9]),
        "headshot_kills": int(tail[14]),
        **{name: int(tail[at]) for name, at in TOTALS.items()},
    }


def alone(now: Mapping[str, Any], then: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give a player's round alone."""
    is_later = then is not None and now["rounds"] > then["rounds"]
    kept = {"side", "xp", "headshot_kills"}
    numbers = {
        name: value if name in kept or not is_later else value - then[name] for name, value in now.items()
    }
    del numbers["rounds"]
    numbers["revives"] = numbers.pop("revived_by_syringe")
    numbers["counter_reset"] = then is not None and not is_later
    return numbers


def halves(files: Mapping[str, bytes]) -> dict[str, str]:
    """Give the name of round 1 for each round 2 that has one: the limit it set, on the map, just before."""
    pairs = {}
    for later in files:
        head, _ = naive(files[later])
        if head[3] == "2":
            fitting = [
                name
                for name in files
                if timedelta() < written(later) - written(name) <= timedelta(minutes=45)
                and naive(files[name])[0][1] == head[1]
                and naive(files[name])[0][3] == "1"
                and naive(files[name])[0][7] == head[6]
            ]
            if fitting:
                pairs[later] = max(fitting)
    return pairs


def written(name: str) -> datetime:
    """Give the wall clock of a name as if it were UTC."""
    return datetime.strptime(name[:17], "%Y-%m-%d-%H%M%S").replace(tzinfo=UTC)


def rounds(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Give for each file its players alone, by GUID, and what its header and times say."""
    pairs = halves(files)
    found = {}
    for name, content in files.items():
        head, lines = naive(content)
        _, before = naive(files[pairs[name]]) if name in pairs else ([], {})
        players = {guid: alone(line, before.get(guid)) for guid, line in lines.items()}
        watched = [guid for guid, line in lines.items() if line["side"] == 3 and line["xp"] == 0]
        for guid in watched:
            del players[guid]
        limit, following = (int(part[:-3]) * 60 + int(part[-2:]) for part in head[6:8])
        held = head[4] == head[5]
        longest = max((round(one["team_seconds"]) for one in players.values()), default=math.nan)
        found[name] = {
            "players": players,
            "first": pairs.get(name),
            "attackers_succeeded": not held,
            "played_seconds": longest if held else following,
            "is_early": held and limit - longest > 10,
        }
    return found


def scores(files: Mapping[str, bytes], names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Give the score after each map, by its second half, of the counted rounds of ONE evening in their order.

    From the headers' winners, and the side of somebody who played the whole evening. First comes the team that
    was Axis in the first round.
    """
    told = rounds(files)
    anchor = min(set.intersection(*(set(told[name]["players"]) for name in names)))
    began_as = told[names[0]]["players"][anchor]["side"]
    own = other = 0
    found = {}
    for later in names:
        first = told[later]["first"]
        if not first:
            continue
        held = [told[half]["attackers_succeeded"] is False for half in (first, later)]
        decisive = first if held[1] else later
        won = int(naive(files[decisive])[0][5]) == told[decisive]["players"][anchor]["side"]
        own += 1 if all(held) else 2 * won
        other += 1 if all(held) else 2 * (not won)
        found[later] = (own, other) if began_as == 1 else (other, own)
    return found
