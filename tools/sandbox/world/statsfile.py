"""The files a game server's scripts write when a round is over (specs/etlegacy.md 1.2 to 1.4, 1.6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.sandbox.world.combat import Fighter

SERVER = "^2Sandbox^7 server"
_CONFIG = "legacy6"
_COUNTERS = ("hits", "shots", "kills", "deaths", "heads")
_SPREE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What the first line says; sides are 1 Axis and 2 Allies, limits are seconds."""

    map: str
    number: int
    winner: int
    limit: int
    next_limit: int
    defender: int = 1


def stats_file(header: Header, fighters: Sequence[Fighter]) -> bytes:
    """Write the file of a round."""
    first = (
        *(SERVER, header.map, _CONFIG, str(header.number), str(header.defender), str(header.winner)),
        *(_clock(header.limit), _clock(header.next_limit)),
    )
    return _text(["\\".join(first), *map(_line, fighters)])


def endstats_file(fighters: Sequence[Fighter]) -> bytes:
    """Write the awards of a round and who beat whom."""
    lines = [line for line in (_award(*award, fighters) for award in _AWARDS) if line]
    plain = {one.player.guid: _plain(one.name) for one in fighters}
    for one in fighters:
        lines.append(f"VS_HEADER\t{plain[one.player.guid]}\t{one.player.long_guid}")
        lines += [
            f"{plain[other.player.guid]}\t{one.beaten[other.player.guid]}\t{other.beaten[one.player.guid]}"
            for other in fighters
            if one.beaten[other.player.guid] or other.beaten[one.player.guid]
        ]
    return _text(lines)


_AWARDS = (
    ("Most damage given", "total", "given", ""),
    ("Most damage received", "total", "received", ""),
    ("Most selfkills", "total", "self_kills", ""),
    ("Most deaths", "total", "deaths", ""),
    ("Most corpse gibs", "total", "gibs", ""),
    ("Most revives", "fresh", "revives", ""),
    ("Most revived", "fresh", "revived", ""),
    ("Most kill assists", "fresh", "assists", ""),
    ("Most headshot kills", "fresh", "headshot_kills", ""),
    ("Longest killing spree", "fresh", "best", ""),
    ("Longest death spree", "fresh", "worst", ""),
    ("Most playtime denied", "fresh", "denied", " seconds"),
    ("Most dynamites planted", "fresh", "planted", ""),
)


def _award(title: str, where: str, what: str, unit: str, fighters: Sequence[Fighter]) -> str | None:
    """Give the line of an award; nobody gets one for nothing."""
    best = max(fighters, key=lambda one: getattr(one, where)[what], default=None)
    count = getattr(best, where)[what] if best else 0
    return f"{title}\t{_plain(best.name)}\t{count}{unit}" if best and count else None


def _line(fighter: Fighter) -> str:
    guns = {
        number: gun for number, gun in sorted(fighter.guns.items()) if any(gun[key] for key in _COUNTERS[:4])
    }
    mask = sum(1 << number for number in guns)
    counters = [str(gun[key]) for gun in guns.values() for key in _COUNTERS]
    head = "\\".join((fighter.player.guid, fighter.name, str(fighter.rounds), str(fighter.side), str(mask)))
    return f"{head} {' '.join(counters)} \t" + "\t".join(_tail(fighter))


def _tail(fighter: Fighter) -> list[str]:
    total, fresh = fighter.total, fighter.fresh
    minutes, dead = total["tenths"] / 600, fresh["dead_tenths"] / 600
    counted = (
        "given",
        "received",
        "team_given",
        "team_received",
        "gibs",
        "self_kills",
        "team_kills",
        "team_gibs",
    )
    sprees = (count if count >= _SPREE else 0 for count in (fresh["best"], fresh["worst"]))
    tank = total["received"] / max(1, total["deaths"]) / _TANK_DAMAGE
    fields: list[object] = [
        *(total[name] for name in counted),
        f"{100 * total['alive_tenths'] / max(1, total['tenths']):.1f}",
        fresh["xp"],
        *sprees,
        *(fresh[name] for name in ("assists", "steals", "headshot_kills")),
        *(0, 0),  # fields that no script of this age ever fills: objectives stolen and returned
        *(fresh[name] for name in ("planted", "defused", "revived")),
        sum(gun["shots"] for gun in fighter.guns.values()),
        "0.0",
        f"{minutes:.1f}",
        f"{tank:.1f}" if tank > _SPREE else "0.0",
        f"{100 * dead / max(0.1, minutes):.1f}",
        f"{dead:.1f}",
        f"{total['kills'] / total['deaths'] if total['deaths'] else total['kills'] + 1:.1f}",
        *(fresh[name] for name in ("useful", "denied", "double", "triple", "quad", "penta", "hexa")),
        *(fresh[name] for name in ("useless", "full_self", "repairs", "revives")),
    ]
    return [str(one) for one in fields]


_TANK_DAMAGE = 130


def _plain(name: str) -> str:
    return re.sub(r"\^[ -\]_-~]", "", name)


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("ascii")
