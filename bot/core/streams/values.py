"""What a gift is worth, in diamonds: as the event says, as it was learned, as its name lets us guess, or unknown.

Values differ by region and change, so no table here is the truth: `SEEDS` are guesses, and marked as such wherever they
are counted. What nobody knows is None, never 0; it is filled in once the value is learned (`bot.storage.streams`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MOST_DIAMONDS = 10_000_000
"""No gift is worth more; a higher number in a message is no value."""


class ValueSource(StrEnum):
    """Where the value of a gift is from; the order is that of trust."""

    EVENT = "event"  # its own message told
    LEARNED = "learned"  # a message of the same gift told, another time
    ESTIMATE = "estimate"
    UNKNOWN = "unknown"


class Worth(NamedTuple):
    """What one piece of a gift is worth in diamonds, None where nobody knows."""

    each: int | None
    source: ValueSource


UNKNOWN = Worth(None, ValueSource.UNKNOWN)

SEEDS: Mapping[str, int] = {
    "rose": 1,
    "tiktok": 1,
    "gg": 1,
    "heartme": 1,
    "icecreamcone": 1,
    "fingerheart": 5,
    "rosa": 10,
    "perfume": 20,
    "doughnut": 30,
    "cap": 99,
    "papercrane": 99,
    "handhearts": 100,
    "confetti": 100,
    "sunglasses": 199,
    "corgi": 299,
    "moneygun": 500,
    "swan": 699,
    "galaxy": 1_000,
    "interstellar": 10_000,
    "lion": 29_999,
    "tiktokuniverse": 44_999,
}
"""Diamonds by name, letters and digits only (specs/tiktok-live.md 6): for gifts whose messages do not tell them."""


def worth(told: int | None, learned: int | None, name: str) -> Worth:
    """Say what one piece of a gift is worth: what its message told first, then what was learned, then a guess."""
    if is_value(told):
        return Worth(told, ValueSource.EVENT)
    if learned is not None:
        return Worth(learned, ValueSource.LEARNED)
    guess = estimate(name)
    return UNKNOWN if guess is None else Worth(guess, ValueSource.ESTIMATE)


def is_value(told: int | None) -> bool:
    """Tell whether a message's number is a value: gifts cost at least one diamond."""
    return told is not None and 0 < told <= MOST_DIAMONDS


def estimate(name: str) -> int | None:
    """Guess the diamonds of a gift by its whole name; None for a name that is not in the list."""
    return SEEDS.get("".join(letter for letter in name.casefold() if letter.isalnum()))


class GiftTier(StrEnum):
    """How much of a gift it is, by the value of one piece."""

    STANDARD = "standard"
    SPECIAL = "special"
    PREMIUM = "premium"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiers:
    """From how many diamonds on a gift is special, and premium (settings)."""

    special: int = 100
    premium: int = 1000

    def of(self, each: int | None) -> GiftTier | None:
        """Give the tier of a gift; None where its value is unknown."""
        if each is None:
            return None
        if each >= self.premium:
            return GiftTier.PREMIUM
        return GiftTier.SPECIAL if each >= self.special else GiftTier.STANDARD


STANDARD_TIERS = Tiers()


def dollars(diamonds: int, usd_per_diamond: float) -> float:
    """Estimate what diamonds are worth to the creator in US dollars; always to be shown as an estimate."""
    return diamonds * usd_per_diamond
