"""The report of a watched profile: when it is due, and what there is to tell of a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.posts.growth import Growth, Measure, points
from bot.core.posts.milestones import Passed
from bot.core.posts.models import Counts, ProfileSample, ReportEvery
from bot.core.posts.movement import Movement, PostHistory, unusual
from bot.core.posts.period import (
    Gained,
    Reading,
    SampledPost,
    a_day,
    gained_by,
    longest_step,
    reading_of,
    together,
)

HISTORY = timedelta(days=30)
"""So far back samples are wanted: unusual is what the weeks before do not promise."""
# Long: what a report tells of unusual posts and milestones is told by no later one.
_NEWS_FOR = {ReportEvery.DAY: timedelta(hours=20), ReportEvery.WEEK: timedelta(days=1)}
_DAYS = {ReportEvery.DAY: 1, ReportEvery.WEEK: 7}
_LATE = 1.25  # intervals
_LEAST_BEFORE = 100  # views a day, below which a change in per cent says nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class DueReport:
    """A report: of the time from `since` to `until`, when it is told; `day` is the local date of that."""

    every: ReportEvery
    day: date
    since: datetime
    until: datetime
    expires_at: datetime

    @property
    def before(self) -> datetime:
        """Give when the period began that ended with the beginning of this one."""
        return self.since - (self.until - self.since)

    @property
    def ends(self) -> tuple[datetime, datetime, datetime]:
        """Give the ends of both periods."""
        return self.before, self.since, self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class ReachedMilestone:
    """A round number that was passed in the period; `caption` and `post_id` are of its post, 0 for the profile."""

    measure: Passed
    value: int
    post_id: int
    caption: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadProfileHistory:
    """What was read of a profile up to the end of a period, the oldest first.

    `posts` are those that were read in the last weeks, of `known_posts`.
    """

    handle: str
    nickname: str
    interval_hours: int
    samples: Sequence[ProfileSample]
    posts: Sequence[SampledPost]
    known_posts: int
    milestones: Sequence[ReachedMilestone]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is told. `reading` is None where the profile was not read in the period; then nothing is claimed.

    `gained` is the sum over `grown` posts of the `known`; `change` is how much more it is a day than in the period
    before (0.1 is a tenth more), None where that is not known.
    """

    handle: str
    nickname: str
    due: DueReport
    reading: Reading | None
    last_read_at: datetime | None
    gained: Counts
    change: float | None
    grown: int
    known: int
    followers: Growth | None
    new_posts: tuple[SampledPost, ...]
    best: Gained | None
    movements: tuple[tuple[SampledPost, Movement], ...]
    milestones: tuple[ReachedMilestone, ...]


def news_for(every: ReportEvery) -> timedelta:
    """Give how long after its time a report is still told."""
    return _NEWS_FOR[every]


def due_report(told_at: datetime, every: ReportEvery, zone: ZoneInfo) -> DueReport:
    """Give the report that is told at an instant: of the local day, or week, that ends with it."""
    local = told_at.astimezone(zone)
    # The same time on the clock: a day on which clocks are changed has 23 or 25 hours.
    began = (local - timedelta(days=_DAYS[every])).astimezone(UTC)
    return DueReport(
        every=every,
        day=local.date(),
        since=began,
        until=told_at.astimezone(UTC),
        expires_at=told_at.astimezone(UTC) + _NEWS_FOR[every],
    )


def report_of(history: ReadProfileHistory, due: DueReport) -> Report | None:
    """Put a report together; None where there is nothing to say.

    That a profile was not read is said once, by the first report that finds its last reading too old: one that was
    read a little before the last report will be read a little after this.
    """
    runs = [sample.at for sample in history.samples if sample.at <= due.until]
    longest = longest_step(history.interval_hours)
    reading = reading_of(runs, due.since, due.until, longest)
    if not runs or (reading is None and not _became_late(runs[-1], due, history.interval_hours)):
        return None
    grown = _grown(history, reading)
    return Report(
        handle=history.handle,
        nickname=history.nickname,
        due=due,
        reading=reading,
        last_read_at=runs[-1],
        gained=together(grown),
        change=_change(history, reading, grown, reading_of(runs, due.before, due.since, longest)),
        grown=len(grown),
        known=history.known_posts,
        followers=_followers(history.samples, reading),
        new_posts=_new_posts(history.posts, reading),
        best=_best(grown),
        movements=() if reading is None else _movements(history.posts, reading, longest),
        milestones=() if reading is None else tuple(history.milestones),
    )


def _became_late(last_read_at: datetime, due: DueReport, interval_hours: int) -> bool:
    late_at = last_read_at + _LATE * timedelta(hours=interval_hours)
    return due.since <= late_at < due.until


def _grown(history: ReadProfileHistory, reading: Reading | None) -> list[Gained]:
    if reading is None:
        return []
    return [one for post in history.posts if (one := gained_by(post, reading)) is not None]


def _new_posts(posts: Sequence[SampledPost], reading: Reading | None) -> tuple[SampledPost, ...]:
    """Give the posts that came between the readings, or in the gap before them.

    Not those of the period: what was posted after its last reading is not known yet, and is the next report's.
    """
    if reading is None:
        return ()
    since = reading.runs[0] if reading.gap is None else reading.gap[0]
    return tuple(post for post in posts if since < post.posted_at <= reading.runs[-1])


def _best(grown: Sequence[Gained]) -> Gained | None:
    """Give the post with the most new views; of as many the newest."""
    risen = [(one.views.gained, one.post.posted_at, one) for one in grown if one.views is not None]
    if not risen:
        return None
    gained, _, best = max(risen, key=lambda one: one[:2])
    return best if gained > 0 else None


def _change(
    history: ReadProfileHistory, reading: Reading | None, grown: Sequence[Gained], earlier: Reading | None
) -> float | None:
    """Compare views a day with the period before, where both were read without a gap.

    Only posts count that were read in both, or are new in one: a run may have read more posts than another.
    """
    if reading is None or earlier is None or reading.gap or earlier.gap or len(earlier.runs) < 2:
        return None
    grown_before = _grown(history, earlier)
    views, before = _shared(grown, grown_before).views, _shared(grown_before, grown).views
    if views is None or before is None:
        return None
    rate = a_day(before, earlier.span)
    return a_day(views, reading.span) / rate - 1 if rate >= _LEAST_BEFORE else None


def _shared(grown: Sequence[Gained], others: Sequence[Gained]) -> Counts:
    known = {one.post.post_id for one in others}
    return together(one for one in grown if one.whole or one.post.post_id in known)


def _followers(samples: Sequence[ProfileSample], reading: Reading | None) -> Growth | None:
    if reading is None:
        return None
    known = points(
        [one for one in samples if reading.runs[0] <= one.at <= reading.runs[-1]], Measure.FOLLOWERS
    )
    return Growth(first=known[0], last=known[-1]) if len(known) > 1 else None


def _movements(
    posts: Sequence[SampledPost], reading: Reading, longest: timedelta
) -> tuple[tuple[SampledPost, Movement], ...]:
    by_id = {post.post_id: post for post in posts}
    histories = [
        PostHistory(post_id=post.post_id, posted_at=post.posted_at, views=points(post.samples, Measure.VIEWS))
        for post in posts
    ]
    found = unusual(histories, reading.runs[0], reading.runs[-1], longest=longest)
    return tuple((by_id[one.post_id], one) for one in found)
