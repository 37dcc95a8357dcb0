"""What an admin can choose for a subscription, and how the choices of several layers become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from bot.core.notifications.kinds import Kind

MINUTES_OF_DAY = 24 * 60


class Mention(StrEnum):
    """Who is pinged: nobody, one chosen role, or the role the bot keeps for those who asked for an account."""

    NOBODY = "nobody"
    ROLE = "role"
    PERSONAL = "personal"


class QuietMode(StrEnum):
    """What happens in the quiet hours: nothing special, a post that pings nobody, or nothing before they end."""

    OFF = "off"
    SILENT = "silent"
    HOLD = "hold"


class AfterLive(StrEnum):
    """What becomes of an alert once its live is over."""

    SUMMARY = "summary"
    DELETE = "delete"
    LEAVE = "leave"


class Digest(StrEnum):
    """Whether each message is posted, or one a day or a week that sums them up."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """Hours of the guild's day, in minutes after midnight; they may run over midnight."""

    mode: QuietMode = QuietMode.OFF
    begins: int = 22 * 60
    ends: int = 7 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Only:
    """When there are messages at all: on these days (0 is Monday), between these minutes of the guild's day.

    With `begins` and `ends` equal it is the whole day; hours over midnight belong to the day they begin on.
    """

    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    begins: int = 0
    ends: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What was chosen; None where it was not, so that a wider choice counts.

    `template` stands above a message, `over_template` above an alert whose live is over; empty is none.
    `role_id` goes with `Mention.ROLE`. `digest_at` is in minutes of the guild's day, weekly ones come on Mondays.
    `publish` is for announcement channels, `thread` opens one for each live, `tag_id` is a forum's tag.
    """

    mention: Mention | None = None
    role_id: int | None = None
    template: str | None = None
    over_template: str | None = None
    quiet: Quiet | None = None
    only: Only | None = None
    cooldown_minutes: int | None = None
    min_viewers: int | None = None
    delay_minutes: int | None = None
    grace_minutes: int | None = None
    after_live: AfterLive | None = None
    delete_after_hours: int | None = None
    digest: Digest | None = None
    digest_at: int | None = None
    publish: bool | None = None
    thread: bool | None = None
    tag_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give what was chosen as JSON-ready data; `from_json` reads it back unchanged."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        """Read what `to_json` gave; what this version does not know counts as not chosen.

        One server's choice that a newer version wrote must not keep a live from all the others.
        """
        read: dict[str, Any] = {}
        for name in cls.__dataclass_fields__.keys() & data.keys():
            with suppress(ValueError, TypeError, LookupError):
                read[name] = _READERS.get(name, lambda kept: kept)(data[name])
        return cls(**read)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "mention": Mention,
    "quiet": lambda kept: Quiet(**{**kept, "mode": QuietMode(kept["mode"])}),
    "only": lambda kept: Only(**{**kept, "days": tuple(kept["days"])}),
    "after_live": AfterLive,
    "digest": Digest,
}


BUILT_IN = Options(
    mention=Mention.NOBODY,
    template="",
    over_template="",
    quiet=Quiet(),
    only=Only(),
    cooldown_minutes=0,
    min_viewers=0,
    delay_minutes=0,
    grace_minutes=0,
    after_live=AfterLive.SUMMARY,
    delete_after_hours=0,
    digest=Digest.NONE,
    digest_at=9 * 60,
    publish=True,
    thread=False,
)
"""What counts where nobody chose; a forum's tag and a role have no default."""

FOR_LIVES_ALONE = frozenset(
    {"over_template", "min_viewers", "delay_minutes", "grace_minutes", "after_live", "thread"}
)
"""Options that say nothing of other kinds."""


def inherited(*layers: Options) -> Options:
    """Give the first choice that was made for each option, the narrowest layer first.

    A role belongs to the layer that chose the mention.
    """
    chosen: dict[str, Any] = {}
    for field in fields(Options):
        values = (getattr(layer, field.name) for layer in layers)
        chosen[field.name] = next((value for value in values if value is not None), None)
    who = next((layer for layer in layers if layer.mention is not None), None)
    chosen["role_id"] = None if who is None else who.role_id
    return Options(**chosen)


def applies(option: str, kind: Kind) -> bool:
    """Tell whether an option says anything of messages of a kind."""
    return kind.goes_on or option not in FOR_LIVES_ALONE
