"""Invented cards of players; whatever is not named is nothing special."""

from __future__ import annotations

from datetime import timedelta

from bot.core.rounds.form import player_form
from bot.core.rounds.metrics import METRICS, from_sums
from bot.core.rounds.players import (
    RATES,
    TOTALS,
    Alias,
    Comparison,
    DuelSums,
    KnownPlayer,
    PlayerCard,
    Side,
    WeaponSums,
)
from bot.core.rounds.radar import RADAR_METRICS, RadarAxis
from bot.core.rounds.rating import Rating
from tests.core.rounds.row_samples import row
from tests.core.rounds.samples import EVENING

EACH = {"damage_given": 900, "team_seconds": 600, "gun_shots": 200, "gun_hits": 60, "head_hits": 6}


def side(name="someone", guid="AAAAAAA1", *, rounds=20, unknown=(), **each) -> Side:
    """A player who has each counter so often in every round, 4 times if nothing is said; some are unknown."""

    def sums(counters):
        known = 0 if set(counters) & set(unknown) else rounds
        return {one: known * each.get(one, EACH.get(one, 4)) for one in counters}, known

    return Side(
        player=KnownPlayer(guid=guid, name=name),
        rounds=rounds,
        totals={one: (sums((one,))[0][one], sums((one,))[1]) for one in TOTALS},
        measured={key: from_sums(metric, *sums(metric.counters)) for key, metric in METRICS.items()},
        rates={metric.key: from_sums(metric, *sums(metric.counters)) for metric in RATES},
    )


def evening(day, *, rounds=2, **counters):
    values = {"kills": 6, "deaths": 4, "gun_hits": 30, "gun_shots": 100, "revives": 1}
    values |= {"damage_given": 3000, "team_seconds": 600} | counters
    return [row(minutes=1440 * day + number, **values) for number in range(rounds)]


def form(*evenings):
    return player_form(evenings or [evening(day) for day in range(12)])


def weapon(number, *, kills=10, hits=40, shots=100, head_hits=10):
    return WeaponSums(weapon=number, hits=hits, shots=shots, kills=kills, deaths=3, head_hits=head_hits)


def duel(name, kills, deaths, guid="BBBBBBB1"):
    return DuelSums(opponent=KnownPlayer(guid=guid, name=name), kills=kills, deaths=deaths, rounds=3)


def alias(name, *, rounds=3):
    later = EVENING + timedelta(days=9)
    return Alias(guid="AAAAAAA1", name=name, first_at=EVENING, last_at=later, rounds=rounds)


def card(**more) -> PlayerCard:
    plain = {
        "side": side(),
        "linked_to": None,
        "aliases": (alias("someone"),),
        "weapons": (weapon(4),),
        "form": form(),
        "duels": (),
        "rating": Rating(),
    }
    return PlayerCard(**{**plain, **more})


def comparison(one="one", other="other", *, scaled=(0.2, 0.9), duel=None, **each) -> Comparison:
    axes = tuple(
        RadarAxis(metric=metric, values=(1.5, 2.5), scaled=scaled, ranked=9) for metric in RADAR_METRICS
    )
    sides = (side(one, **each), side(other, "BBBBBBB1", **each))
    return Comparison(sides=sides, axes=axes, duel=duel)
