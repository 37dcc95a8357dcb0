"""Invented rounds in the format of real stats files (38 tail fields), round 2 cumulative as on a real server.

Every hit and kill has two ends, so that inside a round damage given equals damage received and kills
equal deaths, also in what is left of a round 2 when its round 1 is taken off.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

AXIS, ALLIES = 1, 2
NAMES = ("^1Ember", "^2Moss", "^3Brass", "^4Tide", "^5Frost", "^6Plum", "^7Chalk", "^8Rust")
MAPS = ("sandbox_bridge", "sandbox_depot", "sandbox_harbour")
LIMIT_SECONDS = 720
SHOTS_PER_HIT = 4
_GUN_OF = {AXIS: 4, ALLIES: 5}  # MP 40, Thompson
_SYRINGE = 27


@dataclass
class Player:
    """One player over both rounds of a map; `total` is cumulative, `fresh` is this round's."""

    guid: str
    name: str
    side: int
    total: Counter[str] = field(default_factory=Counter)
    guns: dict[int, Counter[str]] = field(default_factory=dict)
    fresh: Counter[str] = field(default_factory=Counter)

    def gun(self) -> Counter[str]:
        return self.guns.setdefault(_GUN_OF[self.side], Counter())


@dataclass(frozen=True, kw_only=True)
class StatsFile:
    """A file as a game server would have written it."""

    name: str
    content: bytes


def play_map(
    map_name: str, ends: tuple[datetime, datetime], luck: random.Random
) -> tuple[StatsFile, StatsFile]:
    """Play both rounds of a map; `ends` are the instants at which the rounds end, as the server's clock shows them."""
    players = [
        Player(guid=f"{0xA0000000 + number:08X}", name=name, side=AXIS if number % 2 else ALLIES)
        for number, name in enumerate(NAMES)
    ]
    set_in = luck.randrange(180, LIMIT_SECONDS + 120)
    first_held, first_seconds = set_in >= LIMIT_SECONDS, min(set_in, LIMIT_SECONDS)
    _play(players, first_seconds, luck)
    first = _file(map_name, 1, ends[0], players, held=first_held, limit=LIMIT_SECONDS, used=first_seconds)
    for player in players:
        player.side = AXIS + ALLIES - player.side
        player.fresh = Counter()
    needed = luck.randrange(120, first_seconds + 120)
    second_seconds = min(needed, first_seconds)
    _play(players, second_seconds, luck)
    held = needed >= first_seconds
    second = _file(map_name, 2, ends[1], players, held=held, limit=first_seconds, used=second_seconds)
    return first, second


def _play(players: list[Player], seconds: int, luck: random.Random) -> None:
    for _ in range(seconds // 2):
        attacker = luck.choice(players)
        victim = luck.choice([player for player in players if player.side != attacker.side])
        _hit(attacker, victim, luck)
    for player in players:
        player.total["team_tenths"] += seconds // 6
        player.total["alive_seconds"] += int(seconds * luck.uniform(0.7, 0.9))
        revives = luck.randrange(4)
        player.fresh["revives"] += revives
        player.guns.setdefault(_SYRINGE, Counter()).update(hits=revives, shots=revives + luck.randrange(3))


def _hit(attacker: Player, victim: Player, luck: random.Random) -> None:
    head = luck.random() < 0.15
    damage = 50 if head else 18
    attacker.total["given"] += damage
    victim.total["received"] += damage
    attacker.gun().update(hits=1, shots=luck.randrange(1, 2 * SHOTS_PER_HIT), heads=int(head))
    if luck.random() < 0.2:
        attacker.gun()["kills"] += 1
        victim.gun()["deaths"] += 1
        attacker.total["kills"] += 1
        victim.total["deaths"] += 1
        attacker.fresh.update(kills=1, headshot_kills=int(head))
        attacker.total["gibs"] += luck.randrange(2)


def _file(
    map_name: str, number: int, end: datetime, players: list[Player], *, held: bool, limit: int, used: int
) -> StatsFile:
    winner = AXIS if held else ALLIES
    header = [
        "^2Sandbox server",
        map_name,
        "legacy6",
        str(number),
        str(AXIS),
        str(winner),
        _clock(limit),
        _clock(used),
    ]
    lines = ["\\".join(header), *(_line(player, number) for player in players)]
    name = f"{end:%Y-%m-%d-%H%M%S}-{map_name}-round-{number}.txt"
    return StatsFile(name=name, content=("\n".join(lines) + "\n").encode("ascii"))


def _line(player: Player, number: int) -> str:
    mask = sum(1 << weapon for weapon in player.guns)
    weapons = [
        str(player.guns[weapon][key])
        for weapon in sorted(player.guns)
        for key in ("hits", "shots", "kills", "deaths", "heads")
    ]
    head = "\\".join((player.guid, player.name, str(number - 1), str(player.side), str(mask)))
    return f"{head} {' '.join(weapons)} \t" + "\t".join(_tail(player))


def _tail(player: Player) -> list[str]:
    total, fresh = player.total, player.fresh
    minutes = total["team_tenths"] / 10
    fields = ["0"] * 38
    fields[0], fields[1], fields[4] = str(total["given"]), str(total["received"]), str(total["gibs"])
    fields[8] = f"{100 * total['alive_seconds'] / max(1, total['team_tenths'] * 6):.1f}"
    fields[9] = str(fresh["kills"] * 3 + fresh["revives"] * 4)
    fields[14] = str(fresh["headshot_kills"])
    fields[20] = str(sum(gun["shots"] for gun in player.guns.values()))
    fields[21], fields[22] = "0.0", f"{minutes:.1f}"
    fields[23:27] = ["0.0", "0.0", "0.0", f"{total['kills'] / max(1, total['deaths']):.1f}"]
    fields[27] = str(fresh["kills"] // 2)
    fields[37] = str(fresh["revives"])
    return fields


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"
