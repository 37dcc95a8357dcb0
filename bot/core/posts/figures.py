"""The figures of profiles and posts in words; what nobody told is "unknown" or a dash, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.announcements import MessageField
from bot.core.live.posts import PLATFORM_URL
from bot.core.markup import escape
from bot.core.posts.growth import Growth, Measure, growth_over, points
from bot.core.posts.models import COUNTED, Counts, PostSample, ProfileSample, Trouble
from bot.core.posts.notices import hint
from bot.core.rounds.columns import code_block
from bot.core.streams.figures import count_words
from bot.texts import Text, join, number, text

DASH = "–"  # noqa: RUF001 - what is not known in a table
WINDOWS = (1, 7, 30)
"""Growth is told over about so many days."""
TITLE_LIMIT = 90
CAPTION_LIMIT = 80
LEAST_HOURS = 2
"""A shorter time is told in minutes."""
_WIDTH = 7  # columns of a number in a table

NAMES: Mapping[str, Text] = {
    # TRANSLATORS: the names of rows of a monospaced table on a phone: at most 13 letters each.
    "views": text("Views"),
    "likes": text("Likes"),
    "comments": text("Comments"),
    "shares": text("Shares"),
    "saves": text("Saves"),
    "followers": text("Followers"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileName:
    """What an account is called."""

    account_id: int
    handle: str
    nickname: str = ""

    @property
    def shown(self) -> str:
        """Give the name for a message, escaped."""
        return escape(self.nickname, TITLE_LIMIT) or escape(f"@{self.handle}", TITLE_LIMIT)

    @property
    def plain(self) -> str:
        """Give the name for a picture; the handle can be drawn where no font has the name."""
        return f"{self.nickname[:TITLE_LIMIT]} (@{self.handle})" if self.nickname else f"@{self.handle}"

    @property
    def url(self) -> str:
        """Give the address of its page."""
        return f"{PLATFORM_URL}/@{self.handle}"


def short(value: float | None, *, signed: bool = False) -> str:
    """Write a number in at most 7 columns: from 10,000 on in thousands, then in millions; a dash for none."""
    if value is None:
        return DASH
    size = abs(value)
    for limit, unit, letter in ((9_999.5, 1, ""), (999_500, 1e3, "k"), (999.5e6, 1e6, "M")):
        if size < limit:
            written = _digits(size / unit) + letter if letter else f"{size:.0f}"
            break
    else:
        written = _digits(size / 1e9) + "B"
    sign = "-" if value < 0 and written != "0" else ("+" if signed and written != "0" else "")
    return sign + written


def _digits(value: float) -> str:
    """Write three digits, without an exponent."""
    return f"{value:.2f}" if value < 9.995 else (f"{value:.1f}" if value < 99.95 else f"{value:.0f}")


def count_fields(counts: Counts) -> tuple[MessageField, ...]:
    """Give what is counted, a field each."""
    return tuple(MessageField(name=NAMES[name], value=count_words(getattr(counts, name))) for name in COUNTED)


def gained_words(growth: Growth | None) -> str:
    """Say what was gained between two samples and how long they lie apart; "unknown" without two."""
    if growth is None:
        return text("unknown")
    if growth.hours < LEAST_HOURS:
        return text(
            "{gained} in {minutes} min", gained=signed(growth.gained), minutes=round(60 * growth.hours)
        )
    return text("{gained} in {hours} h", gained=signed(growth.gained), hours=round(growth.hours))


def signed(value: int) -> str:
    """Write a gain or a loss with its sign, in full."""
    return join("", ["+" if value > 0 else "", number(value)])


def growth_table(samples: Sequence[ProfileSample | PostSample], measures: Iterable[Measure]) -> str:
    """Give growth over 1, 7 and 30 days as a monospaced table, with the hours that really lie between.

    Numbers come first and their names last, so that a translated name moves no column. The hours stand below the rows
    they are of: a count that was not told at each reading has hours of its own.
    """
    lines = [_row([str(days) for days in WINDOWS], text("days"))]
    hours: list[str] = []
    for measure in measures:
        known = points(samples, measure)
        grown = [growth_over(known, days) for days in WINDOWS]
        own = [DASH if one is None else str(round(one.hours)) for one in grown]
        if hours and own != hours:
            lines.append(_row(hours, text("hours apart")))
        hours = own
        gained = [short(None if one is None else one.gained, signed=True) for one in grown]
        lines.append(_row(gained, NAMES[measure.value]))
    lines.append(_row(hours, text("hours apart")))
    return code_block(lines)


def _row(cells: Iterable[str], name: str) -> str:
    return join("", [*(f"{cell:>{_WIDTH}}" for cell in cells), "  ", name])


def engagement(counts: Counts) -> float | None:
    """Give likes, comments and shares per view; None where one of them is not known, or nobody viewed."""
    parts = (counts.likes, counts.comments, counts.shares)
    if not counts.views or any(part is None for part in parts):
        return None
    return sum(part for part in parts if part is not None) / counts.views


def engagement_words(counts: Counts) -> str:
    """Write the engagement in per cent."""
    share = engagement(counts)
    return text("unknown") if share is None else f"{100 * share:.1f}%"


def length_words(seconds: int | None) -> str:
    """Write how long a post is, such as `1:05`."""
    if seconds is None:
        return text("unknown")
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}:{rest:02d}"


def caption_words(caption: str, posted_at_words: str = "", limit: int = CAPTION_LIMIT) -> str:
    """Give a caption, escaped; what stands for a post without one."""
    return escape(caption, limit) or posted_at_words or text("(no caption)")


def advice(trouble: str) -> str:
    """Say what can be done about a trouble; empty for one that is not known here."""
    try:
        return hint(Trouble(trouble))
    except ValueError:
        return ""


def interval_words(hours: int) -> str:
    """Say how often a profile is read."""
    return text("every {hours} h", hours=hours)
