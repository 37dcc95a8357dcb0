"""One player in one round alone: the difference of two lines, or one line as it is.

Cumulative fields and weapons are subtracted, fields of the round are taken as they are, every ratio is made
anew (specs/etlegacy.md 2.1). Which lines are subtracted is decided in `resolve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.rounds import formulas
from bot.core.rounds.fields import GUNS, KINDS, KNIFE, SYRINGE, Kind
from bot.core.rounds.grammar import PlayerLine, WeaponLine
from bot.core.rounds.names import clean_name

_NOTHING = WeaponLine(hits=0, shots=0, kills=0, deaths=0, head_hits=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedPlayer:
    """One player in one round alone. Damage in hit points, times in whole seconds.

    `guid` is unique in the round (bots get a number of their own); `name` has no colours.
    `head_hits` are hits on heads, `headshot_kills` kills by one; deaths leave own and team kills out.
    What may be None is so where the script does not count it. `weapons` are by their number in the file.
    `counter_reset` says that the player's counters began anew since round 1, so that nothing was subtracted.
    """

    guid: str
    name: str
    side: int
    kills: int
    deaths: int
    damage_given: int
    damage_received: int
    team_damage_given: int
    team_damage_received: int
    gibs: int
    self_kills: int
    team_kills: int
    team_gibs: int
    gun_shots: int
    gun_hits: int
    head_hits: int
    headshot_kills: int | None
    revives: int
    xp: int
    team_seconds: int
    alive_seconds: int
    counter_reset: bool
    useful_kills: int | None = None
    denied_seconds: int | None = None
    dynamite_planted: int | None = None
    dynamite_defused: int | None = None
    double_kills: int | None = None
    triple_kills: int | None = None
    quad_kills: int | None = None
    penta_kills: int | None = None
    hexa_kills: int | None = None
    weapons: Mapping[int, WeaponLine] = field(default_factory=dict)

    @property
    def dpm(self) -> float | None:
        """Damage per minute; see `formulas.dpm`."""
        return formulas.dpm(self.damage_given, self.team_seconds)

    @property
    def accuracy(self) -> float | None:
        """Hits per shot of the guns, 0 to 1; see `formulas.accuracy`."""
        return formulas.accuracy(self.gun_hits, self.gun_shots)

    @property
    def kd(self) -> float:
        """Kills per death; see `formulas.kd`."""
        return formulas.kd(self.kills, self.deaths)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """How long this round and its round 1 were played, in seconds.

    Read only for lines without a team time, as game-stats writes them: everybody is taken to have played
    the whole round.
    """

    this: int
    first: int = 0


def play_alone(
    guid: str, line: PlayerLine, before: PlayerLine | None, clock: Clock, *, reset: bool = False
) -> ResolvedPlayer:
    """Give a player's round; `before` is the line of round 1 that the counters still contain."""
    counts = _counts_alone(line, before)
    weapons = _weapons_alone(line, before)
    guns = [counters for weapon, counters in weapons.items() if weapon in GUNS]
    team_seconds, alive_seconds = _seconds_alone(line, before, clock)
    return ResolvedPlayer(
        guid=guid,
        name=clean_name(line.name) or guid,
        side=line.side,
        kills=sum(counters.kills for counters in weapons.values()),
        deaths=sum(counters.deaths for counters in weapons.values()),
        damage_given=counts["damage_given"],
        damage_received=counts["damage_received"],
        team_damage_given=counts["team_damage_given"],
        team_damage_received=counts["team_damage_received"],
        gibs=counts["gibs"],
        self_kills=counts["self_kills"],
        team_kills=counts["team_kills"],
        team_gibs=counts["team_gibs"],
        gun_shots=sum(counters.shots for counters in guns),
        gun_hits=sum(counters.hits for counters in guns),
        head_hits=sum(counters.head_hits for counters in guns),
        headshot_kills=counts.get("headshot_kills"),
        # Scripts without the field: the hits of the syringe are the same (1.3).
        revives=counts.get("revives", weapons.get(SYRINGE, _NOTHING).hits),
        xp=counts["xp"],
        team_seconds=team_seconds,
        alive_seconds=alive_seconds,
        counter_reset=reset,
        weapons=weapons,
        # Fields of this round only in both files (1.4).
        useful_kills=counts.get("useful_kills"),
        denied_seconds=counts.get("denied_seconds"),
        dynamite_planted=counts.get("dynamite_planted"),
        dynamite_defused=counts.get("dynamite_defused"),
        double_kills=counts.get("double_kills"),
        triple_kills=counts.get("triple_kills"),
        quad_kills=counts.get("quad_kills"),
        penta_kills=counts.get("penta_kills"),
        hexa_kills=counts.get("hexa_kills"),
    )


def began_anew(before: PlayerLine, line: PlayerLine) -> bool:
    """Tell whether a player's counters started again between the files: `rounds` first, a drop second."""
    return line.rounds <= before.rounds or has_dropped(before, line)


def has_dropped(before: PlayerLine, line: PlayerLine) -> bool:
    """Tell whether damage, deaths or time are less than in round 1, which counting on cannot bring about."""
    return (
        line.counts["damage_given"] < before.counts["damage_given"]
        or line.counts["damage_received"] < before.counts["damage_received"]
        or team_minutes(line) < team_minutes(before)
        or _deaths(line) < _deaths(before)
    )


def looks_anew(before: PlayerLine, line: PlayerLine) -> bool:
    """Tell whether a line can hardly count on: a weapon lost hits, or much was done in no time.

    Weaker than `has_dropped`, so it is asked only where sums do not balance. Knives lose shots anyway (1.3).
    """
    for weapon, then in before.weapons.items():
        now = line.weapons.get(weapon, _NOTHING)
        if weapon != KNIFE and (now.hits < then.hits or now.kills < then.kills or now.deaths < then.deaths):
            return True
    return 0 < team_minutes(line) <= team_minutes(before) and not is_unchanged(before, line)


def is_unchanged(before: PlayerLine, line: PlayerLine) -> bool:
    """Tell whether nothing was counted since round 1."""
    totals = [name for name in line.counts if KINDS[name] is Kind.CUM]
    return team_minutes(line) == team_minutes(before) and all(
        line.counts[name] == before.counts[name] for name in totals
    )


def team_minutes(line: PlayerLine) -> float:
    """Give the minutes on a team, to a tenth; 0 where the script does not tell them."""
    return line.ratios.get("team_minutes", 0.0)


def _deaths(line: PlayerLine) -> int:
    return sum(counters.deaths for counters in line.weapons.values())


def _counts_alone(line: PlayerLine, before: PlayerLine | None) -> dict[str, int]:
    if before is None:
        return dict(line.counts)
    return {
        name: max(0, value - before.counts[name]) if KINDS[name] is Kind.CUM else value
        for name, value in line.counts.items()
    }


def _weapons_alone(line: PlayerLine, before: PlayerLine | None) -> dict[int, WeaponLine]:
    """Subtract slot by slot. The engine takes knife shots back, so a difference is never below 0 (1.3)."""
    if before is None:
        return dict(line.weapons)
    return {
        weapon: WeaponLine(
            hits=max(0, now.hits - then.hits),
            shots=max(0, now.shots - then.shots),
            kills=max(0, now.kills - then.kills),
            deaths=max(0, now.deaths - then.deaths),
            head_hits=max(0, now.head_hits - then.head_hits),
        )
        for weapon, now in line.weapons.items()
        for then in [before.weapons.get(weapon, _NOTHING)]
    }


def _seconds_alone(line: PlayerLine, before: PlayerLine | None, clock: Clock) -> tuple[int, int]:
    """Give the seconds on a team and alive; alive = p2 x t2 - p1 x t1, a share is never subtracted (2.1)."""
    team, alive = _seconds(line, clock.this + (clock.first if before else 0))
    team_before, alive_before = _seconds(before, clock.first) if before else (0.0, 0.0)
    team_seconds = max(0, round(team - team_before))
    return team_seconds, min(team_seconds, max(0, round(alive - alive_before)))


def _seconds(line: PlayerLine, untold: int) -> tuple[float, float]:
    told = line.ratios.get("team_minutes")
    team = untold if told is None else told * 60
    return team, team * line.ratios["alive_percent"] / 100
