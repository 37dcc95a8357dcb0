"""What was found out about a live: what its viewers followed, if anything, and what spiked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.core.streams.activities import Activity
from bot.core.streams.spikes import Spike

LAGS = tuple(range(-10, 11))
"""Minutes from an activity to a change of viewers; above 0 the activity came first."""
SURE = 0.02
"""The largest p that is claimed. Under the usual 0.05, because people ask about every live."""


class Evidence(StrEnum):
    """Whether there is enough to say anything."""

    ENOUGH = "enough"
    SHORT = "short"  # too few minutes in which both viewers and activities are known
    THINNED = "thinned"  # only rows of 5 or 10 minutes are left
    STILL = "still"  # the viewers hardly ever changed


class Role(StrEnum):
    """How an activity stands to the viewers."""

    LEADS = "leads"
    FOLLOWS = "follows"
    TOGETHER = "together"  # in the same minute: nobody can tell what came first
    NOTHING = "nothing"
    RARE = "rare"  # hardly ever seen: nothing can be said


class Strength(StrEnum):
    """How close a relation is, by |r|: under 0.3 weak, under 0.5 moderate (Cohen)."""

    WEAK = "weak"
    MODERATE = "moderate"
    STRONG = "strong"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One activity against the change of viewers.

    `lag` is that of the closest relation of its role, `r` its partial correlation (the viewers' own past and the other
    activities held fixed), `low`..`high` the 95 % interval of it, `p` corrected for all activities and lags that were
    looked at. None where nothing can be said; with `NOTHING` they are of the closest chance relation, without interval. `by_lag` has r for each of `LAGS`, `scores` the same as standard normal
    values, for putting lives together. `simple` is the simple correlation score of its spikes alone.
    """

    activity: Activity
    role: Role
    lag: int | None = None
    r: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    simple: float | None = None
    by_lag: tuple[float | None, ...] = ()
    scores: tuple[float | None, ...] = ()

    @property
    def strength(self) -> Strength | None:
        """Say in a word how close the relation is; None where there is none to speak of."""
        if self.r is None:
            return None
        if abs(self.r) < 0.3:
            return Strength.WEAK
        return Strength.MODERATE if abs(self.r) < 0.5 else Strength.STRONG


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What was found out about one live, or `lives` of one account together.

    `minutes` are those with known viewers and activities; `spikes` are those of a single live.
    """

    evidence: Evidence
    minutes: int
    lives: int = 1
    effects: tuple[Effect, ...] = ()
    spikes: tuple[Spike, ...] = ()

    @property
    def leading(self) -> tuple[Effect, ...]:
        """Give the activities that lead the viewers, the closest relation first."""
        return self._of(Role.LEADS)

    @property
    def following(self) -> tuple[Effect, ...]:
        """Give the activities that follow the viewers, the closest relation first."""
        return self._of(Role.FOLLOWS)

    def _of(self, role: Role) -> tuple[Effect, ...]:
        found = [one for one in self.effects if one.role is role]
        return tuple(sorted(found, key=lambda one: -abs(one.r or 0.0)))

    def to_json(self) -> dict[str, Any]:
        """Give JSON-ready data; `from_json` reads it back unchanged."""
        spikes = [{**asdict(one), "at": one.at.astimezone(UTC).isoformat()} for one in self.spikes]
        return {**asdict(self), "spikes": spikes}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Findings:
        """Read what `to_json` gave."""
        return Findings(
            evidence=Evidence(data["evidence"]),
            minutes=data["minutes"],
            lives=data["lives"],
            effects=tuple(_effect(one) for one in data["effects"]),
            spikes=tuple(_spike(one) for one in data["spikes"]),
        )


def _effect(data: Mapping[str, Any]) -> Effect:
    enums = {"activity": Activity(data["activity"]), "role": Role(data["role"])}
    return Effect(**{**data, **enums, "by_lag": tuple(data["by_lag"]), "scores": tuple(data["scores"])})


def _spike(data: Mapping[str, Any]) -> Spike:
    return Spike(**{**data, "at": datetime.fromisoformat(data["at"]), "activity": Activity(data["activity"])})
