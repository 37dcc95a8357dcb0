"""A round as it is fought: who hits, kills and revives whom, counted as the engine counts it.

Every hit and every kill has two ends, so that what is given is what is received and kills are deaths: in a
round, and in what is left of a second round when its first one is taken off.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.sandbox.world.players import ARMS, AXIS, Player, Role

SYRINGE = 27
_GUNS = frozenset({2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26})
_AIMED = _GUNS | {20, 21}
_DAMAGE = {0: 10, 1: 10, 20: 18, 21: 18, 22: 34, 23: 34, 24: 50, 25: 50}
_AREA_DAMAGE = (40, 120)
_HEAD_DAMAGE, _GUN_DAMAGE = 50, 18
_HEALTH = 130
_FIGHTS_A_MINUTE = 5.4
_RESPAWN = (6, 24)
_MULTI_SECONDS = 3.0
_MULTI_FIELDS = {2: "double", 3: "triple", 4: "quad", 5: "penta"}


@dataclass
class Fighter:
    """One player on the server; `total` and `guns` are the session's counters, `fresh` those of this round."""

    player: Player
    name: str
    side: int
    rounds: int = 0
    total: Counter[str] = field(default_factory=Counter)
    guns: dict[int, Counter[str]] = field(default_factory=dict)
    fresh: Counter[str] = field(default_factory=Counter)
    beaten: Counter[str] = field(default_factory=Counter)
    """How often whom (by GUID), in this round."""
    since: float = 0.0
    """The second of this round from which on they play."""
    health: float = _HEALTH
    back_at: float = 0.0
    killed_at: list[float] = field(default_factory=list)
    spree: int = 0

    def gun(self, number: int) -> Counter[str]:
        return self.guns.setdefault(number, Counter())

    def begin(self, *, since: float = 0.0, anew: bool = False) -> None:
        """Begin a round; `anew` for whoever has connected again, with counters of zero."""
        self.fresh, self.beaten = Counter(), Counter()
        self.health, self.back_at, self.killed_at, self.spree = _HEALTH, since, [], 0
        self.since = since
        if anew:
            self.total, self.guns, self.rounds = Counter(), {}, 0


def fight(fighters: Sequence[Fighter], seconds: int, luck: random.Random) -> None:
    """Fight one round of so many seconds."""
    now = 0.0
    while len(fighters) > 1:
        now += luck.expovariate(_FIGHTS_A_MINUTE * len(fighters) / 2 / 60)
        if now >= seconds:
            break
        _meet([one for one in fighters if one.back_at <= now and one.since <= now], fighters, now, luck)
    for one in fighters:
        _end(one, seconds, luck)


def _meet(ready: list[Fighter], everybody: Sequence[Fighter], now: float, luck: random.Random) -> None:
    if not ready:
        return
    attacker = luck.choices(ready, [one.player.skill**0.8 for one in ready])[0]
    enemies = [one for one in ready if one.side != attacker.side]
    if not enemies:
        return
    victim = luck.choices(enemies, [one.player.skill**-0.5 for one in enemies])[0]
    weapon = _weapon(attacker, luck)
    if _hit(attacker, victim, weapon, luck):
        _kill(attacker, victim, weapon, now, luck)
        _after(victim, everybody, now, luck)
        _help(attacker, ready, luck)
    elif luck.random() < 0.03:
        _slip(attacker, [one for one in ready if one.side == attacker.side and one is not attacker], luck)


def _weapon(fighter: Fighter, luck: random.Random) -> int:
    axis, allied, shares = zip(*ARMS[fighter.player.role], strict=True)
    return int(luck.choices(axis if fighter.side == AXIS else allied, shares)[0])


def _hit(attacker: Fighter, victim: Fighter, weapon: int, luck: random.Random) -> bool:
    """Let somebody be hit; tell whether that was too much. Wounds heal a little between two fights."""
    victim.health = min(_HEALTH, victim.health + luck.uniform(0, 45))
    gun = attacker.gun(weapon)
    if weapon in _AIMED:
        hits = 1 + min(9, int(luck.expovariate(1 / (3.6 * attacker.player.skill**0.5))))
        heads = (
            sum(luck.random() < 0.11 * attacker.player.skill for _ in range(hits)) if weapon in _GUNS else 0
        )
        body = _DAMAGE.get(weapon, _GUN_DAMAGE)
        damage = (hits - heads) * body + heads * max(_HEAD_DAMAGE, body)
        gun["shots"] += hits + int(hits * luck.uniform(1.2, 3.2) / attacker.player.skill**0.5)
        gun["heads"] += heads
        attacker.fresh["head"] = heads  # of this fight: was the last hit one of them?
    else:
        hits, damage = luck.randrange(1, 4), luck.randrange(*_AREA_DAMAGE)
        gun["shots"] += luck.randrange(1, 3)
        attacker.fresh["head"] = 0
    gun["hits"] += hits
    attacker.total["given"] += damage
    victim.total["received"] += damage
    victim.health -= damage
    return victim.health <= 0


def _kill(attacker: Fighter, victim: Fighter, weapon: int, now: float, luck: random.Random) -> None:
    attacker.gun(weapon)["kills"] += 1
    victim.gun(weapon)["deaths"] += 1
    attacker.total["kills"] += 1
    victim.total["deaths"] += 1
    attacker.total["gibs"] += luck.random() < 0.3
    attacker.beaten[victim.player.guid] += 1
    attacker.fresh.update(kills=1, headshot_kills=int(attacker.fresh["head"] > 0 and luck.random() < 0.5))
    if luck.random() < 0.45:
        attacker.fresh.update(useful=1, denied=luck.randrange(4, 22))
    else:
        attacker.fresh["useless"] += luck.random() < 0.2
    attacker.killed_at.append(now)
    attacker.spree = max(1, attacker.spree + 1)
    victim.spree = min(-1, victim.spree - 1)
    attacker.fresh["best"] = max(attacker.fresh["best"], attacker.spree)
    victim.fresh["worst"] = max(victim.fresh["worst"], -victim.spree)


def _after(victim: Fighter, everybody: Sequence[Fighter], now: float, luck: random.Random) -> None:
    """Lie there until a medic comes or the next wave starts."""
    medics = [
        one
        for one in everybody
        if one.side == victim.side
        and one.player.role is Role.MEDIC
        and one is not victim
        and one.back_at <= now
    ]
    if medics and luck.random() < 0.3:
        medic, away = luck.choice(medics), luck.uniform(2, 6)
        medic.gun(SYRINGE).update(hits=1, shots=luck.randrange(1, 3))
        medic.fresh["revives"] += 1
        victim.fresh["revived"] += 1
        victim.health = _HEALTH * 0.6
    else:
        away = luck.uniform(*_RESPAWN)
        victim.health = _HEALTH
    victim.back_at = now + away
    victim.fresh["dead_tenths"] += round(10 * away)


def _help(attacker: Fighter, ready: Sequence[Fighter], luck: random.Random) -> None:
    friends = [one for one in ready if one.side == attacker.side and one is not attacker]
    if friends and luck.random() < 0.25:
        luck.choice(friends).fresh.update({luck.choice(("assists", "assists", "steals")): 1})


def _slip(attacker: Fighter, friends: Sequence[Fighter], luck: random.Random) -> None:
    """Hit a friend."""
    if not friends:
        return
    friend, damage = luck.choice(friends), luck.choice((18, 18, 36, 54))
    attacker.total["team_given"] += damage
    friend.total["team_received"] += damage
    attacker.total["team_kills"] += luck.random() < 0.1


def _end(fighter: Fighter, seconds: int, luck: random.Random) -> None:
    played = seconds - fighter.since
    self_kills = min(6, int(luck.expovariate(1 / 1.6) * played / 600))
    fresh = fighter.fresh
    fresh["full_self"] = sum(luck.random() < 0.4 for _ in range(self_kills))
    if fighter.player.role in (Role.ENGINEER, Role.RIFLE):
        fresh.update(
            planted=int(luck.random() * 2.2), defused=int(luck.random() * 1.4), repairs=luck.randrange(4)
        )
    # Who never fought has fired a shot all the same: without one there would be no line of theirs.
    if not any(gun[key] for gun in fighter.guns.values() for key in ("hits", "shots", "deaths")):
        fighter.gun(2 if fighter.side == AXIS else 3)["shots"] += luck.randrange(2, 9)
    dead = min(fresh["dead_tenths"] / 10 + 8 * self_kills, 0.6 * played)
    fresh["dead_tenths"] = round(10 * dead)
    fighter.total.update(
        self_kills=self_kills, tenths=round(10 * played), alive_tenths=round(10 * (played - dead))
    )
    fresh["xp"] = int(
        3.4 * fresh["kills"] + 4 * fresh["revives"] + 7 * fresh["planted"] + luck.uniform(0, 12)
    )
    _count_multi(fighter)


def _count_multi(fighter: Fighter) -> None:
    """Count kills that follow each other within three seconds."""
    row, last = 0, float("-inf")
    for at in [*fighter.killed_at, float("inf")]:
        if at - last > _MULTI_SECONDS:
            if row > 1:
                fighter.fresh[_MULTI_FIELDS[min(row, max(_MULTI_FIELDS))]] += 1
            row = 0
        row, last = row + 1, at
