"""The gifts this stand-in sells. Ids and diamonds: spec 6 (public sources agree on these)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STREAKABLE, SINGLE = 1, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Gift:
    id: int
    name: str
    diamonds: int
    type: int = STREAKABLE

    @property
    def streakable(self) -> bool:
        return self.type == STREAKABLE


# Galaxy's id is ours: the sources that agree on its diamonds do not give one.
GIFTS = (
    Gift(id=5655, name="Rose", diamonds=1),
    Gift(id=5269, name="TikTok", diamonds=1),
    Gift(id=6064, name="GG", diamonds=1),
    Gift(id=5487, name="Finger Heart", diamonds=5),
    Gift(id=5658, name="Perfume", diamonds=20),
    Gift(id=5879, name="Doughnut", diamonds=30),
    Gift(id=6104, name="Cap", diamonds=99),
    Gift(id=11046, name="Galaxy", diamonds=1000, type=SINGLE),
    Gift(id=6149, name="Interstellar", diamonds=10000, type=SINGLE),
    Gift(id=6369, name="Lion", diamonds=29999, type=SINGLE),
)


def gift_of(wanted: str | int | Mapping[str, Any]) -> Gift:
    """A gift by name, by id, or described as {id, name, diamonds, type?}. Raises KeyError if unknown."""
    if isinstance(wanted, Mapping):
        return Gift(**wanted)
    for gift in GIFTS:
        if wanted in (gift.id, gift.name):
            return gift
    raise KeyError(f"no gift {wanted!r}; there are {[gift.name for gift in GIFTS]}")
