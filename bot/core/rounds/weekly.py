"""The table of each week, and the champions of each season: when they are posted, and what they say.

Both come on a Monday morning by the clocks of the community. The week's is no news a day later; the season's
is for the week after the first Monday of the new season.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import escape
from bot.core.rounds.metrics import METRICS, Metric
from bot.core.rounds.periods import Span, days_words, monday_of, week_from
from bot.core.rounds.ranking import Ranking, minimum_words
from bot.core.rounds.seasons import Season, season_at
from bot.core.rounds.top import metric_title, ranking_chart, table
from bot.core.rounds.values import value_words
from bot.texts import join, text, texts

POSTED_AT = time(10)
"""Local time on Mondays."""
WEEK_IS_NEWS_FOR = timedelta(days=1)
SEASON_IS_NEWS_FOR = timedelta(days=7)
SHOWN = 5  # players of each metric in the week's post
MOST_CHAMPIONS = 4  # named of those who share a first place
WEEKS_METRICS: tuple[Metric, ...] = tuple(METRICS[key] for key in ("playtime", "dpm", "kills", "revives"))
SEASONS_METRICS: tuple[Metric, ...] = tuple(
    METRICS[key]
    for key in (
        "playtime",
        "dpm",
        "kd",
        "accuracy",
        "headshot_kill_share",
        "kills",
        "revives",
        "gibs",
        "useful_kills",
        "multi_kills",
    )
)
_CHARTED = "dpm"
_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class DuePost:
    """A post that is due: its `key` names it for ever within a guild. Without a `season` it is the week's."""

    key: str
    span: Span
    expires_at: datetime
    season: Season | None = None


def due_posts(now: datetime, zone: ZoneInfo) -> tuple[DuePost, ...]:
    """Give what is due at an instant, whether it was posted or not."""
    posted_at, monday = _last_posting(now, zone)
    season_began_at, season = _first_posting(now, zone)
    posts = []
    if now < posted_at + WEEK_IS_NEWS_FOR:
        span = week_from(monday - _WEEK, zone)
        posts.append(DuePost(key=f"week:{monday}", span=span, expires_at=posted_at + WEEK_IS_NEWS_FOR))
    if season_began_at <= now < season_began_at + SEASON_IS_NEWS_FOR:
        since, until = season.previous.span(zone)
        posts.append(
            DuePost(
                key=f"season:{season.previous.label}",
                span=Span(since=since, until=until),
                expires_at=season_began_at + SEASON_IS_NEWS_FOR,
                season=season.previous,
            )
        )
    return tuple(posts)


def next_posting(now: datetime, zone: ZoneInfo) -> datetime:
    """Give the next Monday morning after an instant."""
    _, monday = _last_posting(now, zone)
    return _posting(monday + _WEEK, zone)


def _last_posting(now: datetime, zone: ZoneInfo) -> tuple[datetime, date]:
    monday = monday_of(now.astimezone(zone).date())
    if _posting(monday, zone) > now:
        monday -= _WEEK
    return _posting(monday, zone), monday


def _first_posting(now: datetime, zone: ZoneInfo) -> tuple[datetime, Season]:
    """Give the first Monday morning of the season of an instant."""
    season = season_at(now, zone)
    days_left = -season.first_day.weekday() % 7
    return _posting(season.first_day + timedelta(days=days_left), zone), season


def _posting(monday: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(monday, POSTED_AT, tzinfo=zone).astimezone(UTC)


def week_message(rankings: Sequence[Ranking], span: Span, zone: ZoneInfo) -> Message | None:
    """Give the table of a week; None where nobody played."""
    shown = [ranking for ranking in rankings if ranking.players]
    if not shown:
        return None
    charted = next((one for one in shown if one.metric.key == _CHARTED), shown[0])
    return Message(
        title=text("The players of the week"),
        tone=Tone.ROUND,
        body=days_words(span, zone),
        fields=tuple(
            MessageField(
                name=join(" · ", [metric_title(one.metric), minimum_words(one.minimum)]),
                value=table(one.metric, one.players[:SHOWN]),
                inline=False,
            )
            for one in shown
        ),
        footer=text("More with /top players"),
        chart=ranking_chart(charted, join(" · ", [text("The players of the week"), days_words(span, zone)])),
    )


def season_message(rankings: Sequence[Ranking], season: Season, span: Span, zone: ZoneInfo) -> Message | None:
    """Name the champions of a season; None where nobody played."""
    shown = [ranking for ranking in rankings if ranking.players]
    if not shown:
        return None
    return Message(
        title=text("The champions of the season {season}", season=season.label),
        tone=Tone.ROUND,
        body=join("\n", [days_words(span, zone), "", *[_champions(one) for one in shown]]),
        footer=text("More with /top players"),
    )


def _champions(ranking: Ranking) -> str:
    """Name whoever shares the first place."""
    best = [player for player in ranking.players if player.place == 1]
    hidden = len(best) - MOST_CHAMPIONS
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    return text(
        "**{metric}**: {names} with {value} ({minimum})",
        metric=metric_title(ranking.metric),
        names=join(", ", [*(escape(player.name, 35) for player in best[:MOST_CHAMPIONS]), *more]),
        value=value_words(ranking.metric, best[0].value),
        minimum=minimum_words(ranking.minimum),
    )
