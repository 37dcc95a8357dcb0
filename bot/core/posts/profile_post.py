"""What `/profile show` and `/profile list` say of a watched profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import LineChart
from bot.core.markup import escape, stamp
from bot.core.posts.figures import (
    ProfileName,
    advice,
    count_fields,
    growth_table,
    interval_words,
)
from bot.core.posts.growth import Measure
from bot.core.posts.models import ProfileSample
from bot.core.posts.trend import trend_chart
from bot.core.streams.figures import count_words
from bot.texts import join, text, texts

CHART_DAYS = 90
"""The chart goes back so far."""
LATE = 2.0
"""A profile that was not read for so many of its intervals is told as stale."""
COUNTED_LATELY = timedelta(days=2)
_MEASURES = (
    Measure.VIEWS,
    Measure.LIKES,
    Measure.COMMENTS,
    Measure.SHARES,
    Measure.SAVES,
    Measure.FOLLOWERS,
)
PER_PAGE = 5
"""Of each profile it may be said at length why it cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedProfile:
    """A profile as a guild watches it; `trouble` is empty, or a `bot.core.posts.models.Trouble`."""

    account_id: int
    handle: str
    nickname: str
    interval_hours: int
    paused: bool
    followers: int | None
    total_likes: int | None
    counted_at: datetime | None
    last_run_at: datetime | None
    next_run_at: datetime
    trouble: str
    trouble_words: str
    failing_since: datetime | None

    @property
    def name(self) -> ProfileName:
        """Give what it is called."""
        return ProfileName(account_id=self.account_id, handle=self.handle, nickname=self.nickname)

    def is_late(self, now: datetime) -> bool:
        """Tell whether it should have been read long ago."""
        if self.paused or self.last_run_at is None:
            return False
        return now - self.last_run_at > LATE * timedelta(hours=self.interval_hours)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownProfile:
    """A profile with its samples of the last `CHART_DAYS`, the oldest first."""

    profile: WatchedProfile
    samples: Sequence[ProfileSample]
    now: datetime
    zone: str = "UTC"


def profile_message(shown: ShownProfile) -> Message:
    """Say what is known of a profile: totals, growth, and when it was read."""
    profile = shown.profile
    last = shown.samples[-1] if shown.samples else None
    return Message(
        title=text("Profile of {name}", name=profile.name.shown),
        tone=Tone.NOTICE,
        url=profile.name.url,
        body=join("\n", state_lines(profile, shown.now)),
        fields=(*_account_fields(profile, last, shown.now), *_sums(last), *_growth_field(shown.samples)),
        footer=_footer(last),
        chart=profile_chart(shown),
    )


def state_lines(profile: WatchedProfile, now: datetime) -> list[str]:
    """Say when a profile was read, when it will be, and what keeps it from that."""
    if profile.last_run_at is None:
        lines: list[str] = [text("Not read yet.")]
    else:
        lines = [text("Read {when}.", when=stamp(profile.last_run_at))]
    if profile.failing_since is not None:
        lines.append(
            text(
                "⚠️ It could not be read since {when}: {reason}.",
                when=stamp(profile.failing_since),
                reason=_why(profile),
            )
        )
        lines += [one for one in (advice(profile.trouble),) if one]
    elif profile.is_late(now):
        lines.append(text("⚠️ It should have been read again long ago: the numbers are old."))
    if profile.paused:
        lines.append(text("⏸️ Paused: it is not read by itself."))
    return lines


def _why(profile: WatchedProfile) -> str:
    return escape(profile.trouble_words, 300) or profile.trouble or text("unknown")


def _account_fields(
    profile: WatchedProfile, last: ProfileSample | None, now: datetime
) -> tuple[MessageField, ...]:
    posts = None if last is None else last.posts
    followers, likes = _counted(profile, profile.followers, now), _counted(profile, profile.total_likes, now)
    return (
        MessageField(name=text("Followers"), value=followers),
        MessageField(name=text("Likes ever (TikTok's count)"), value=likes),
        MessageField(name=text("Known posts"), value=count_words(posts)),
    )


def _counted(profile: WatchedProfile, count: int | None, now: datetime) -> str:
    """Write a count of the account itself, with when it was told where that is long ago: not each reading tells it."""
    if count is None or profile.counted_at is None or now - profile.counted_at <= COUNTED_LATELY:
        return count_words(count)
    told = text("counted {when}", when=stamp(profile.counted_at))
    return join("\n", [count_words(count), join("", ["-# ", told])])


def _sums(last: ProfileSample | None) -> tuple[MessageField, ...]:
    return () if last is None else count_fields(last.counts)


def _growth_field(samples: Sequence[ProfileSample]) -> tuple[MessageField, ...]:
    if not samples:
        return ()
    # What no source tells of this profile has no row.
    return (MessageField(name=text("Growth over"), value=growth_table(samples, told(samples)), inline=False),)


def told(samples: Sequence[ProfileSample]) -> list[Measure]:
    """Give the measures of which at least one sample tells a count."""
    counted = [
        {
            Measure.VIEWS: one.counts.views,
            Measure.LIKES: one.counts.likes,
            Measure.COMMENTS: one.counts.comments,
            Measure.SHARES: one.counts.shares,
            Measure.SAVES: one.counts.saves,
            Measure.FOLLOWERS: one.followers,
        }
        for one in samples
    ]
    return [measure for measure in _MEASURES if any(one[measure] is not None for one in counted)]


def _footer(last: ProfileSample | None) -> str:
    if last is None:
        return ""
    return join(
        " · ",
        [
            texts("Sums over {count} known post", "Sums over {count} known posts", last.posts),
            text("source: {source}", source=last.source),
        ],
    )


def profile_chart(shown: ShownProfile) -> LineChart | None:
    """Draw up the views of all known posts, and what they gained a day; None where no count is known."""
    return trend_chart(
        shown.samples,
        title=text("Views of {name}", name=shown.profile.name.plain),
        value_axis=text("views of all known posts"),
        zone=shown.zone,
    )


def list_pages(profiles: Sequence[WatchedProfile], now: datetime) -> list[str]:
    """Give the watched profiles, a few to a page."""
    if not profiles:
        return [text("No profile is watched here. `/profile watch` begins with one.")]
    lines = [_listed(profile, now) for profile in profiles]
    return [join("\n", lines[start : start + PER_PAGE]) for start in range(0, len(lines), PER_PAGE)]


def _listed(profile: WatchedProfile, now: datetime) -> str:
    facts: list[str] = [interval_words(profile.interval_hours)]
    if not profile.paused:
        due = profile.next_run_at <= now
        facts.append(
            text("next run is due") if due else text("next run {when}", when=stamp(profile.next_run_at))
        )
    facts.append(text("followers: {count}", count=count_words(profile.followers)))
    head = join("", ["**", profile.name.shown, "** · `@", profile.handle, "`"])
    state = join(" ", state_lines(profile, now))
    return join("\n", [head, state, join("", ["-# ", join(" · ", facts)])])
