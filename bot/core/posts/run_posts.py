"""What is said of the runs of a profile: while one goes on, what it brought, the log of them, and the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.jobs import MEDIA_QUEUE, PROFILE_QUEUE, QueueCounts
from bot.core.markup import escape, stamp
from bot.core.posts.figures import NAMES, ProfileName, advice, gained_words
from bot.core.posts.growth import Growth, Measure, points
from bot.core.posts.models import ProfileSample, Run, RunReason, RunState
from bot.core.streams.figures import count_words
from bot.texts import Text, join, text, texts

RUNS_PER_PAGE = 6
_TOLD = (Measure.VIEWS, Measure.LIKES, Measure.COMMENTS, Measure.SHARES, Measure.SAVES, Measure.FOLLOWERS)

STATES: Mapping[RunState, Text] = {
    RunState.PENDING: text("🕒 waits"),
    RunState.RUNNING: text("⏳ is being read"),
    RunState.COMPLETED: text("✅ completed"),
    RunState.FAILED: text("❌ failed"),
}
REASONS: Mapping[RunReason, Text] = {
    RunReason.FIRST: text("first"),
    RunReason.DUE: text("due"),
    RunReason.ASKED: text("asked for"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedRun:
    """A run as it stands now; `trouble` is that of its profile, empty where there is none.

    `sample` is what it counted, `before` what the run before it did; None where there is none (yet). `gone` counts the
    posts it marked as gone.
    """

    name: ProfileName
    run: Run
    trouble: str = ""
    sample: ProfileSample | None = None
    before: ProfileSample | None = None
    gone: int = 0

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will happen to it."""
        return self.run.finished_at is not None


def progress_message(followed: FollowedRun) -> Message:
    """Say how far a run has come, or how it ended."""
    run = followed.run
    if run.state is RunState.COMPLETED:
        return _completed(followed)
    if followed.is_over:
        return _failed(followed)
    lines: list[str] = []
    if run.state is RunState.RUNNING:
        lines.append(read_words(run))
    else:
        lines.append(text("It waits for its turn in the queue."))
    if run.error:
        lines.append(text("The last try failed: {reason}. It is tried again.", reason=_sentence(run.error)))
    if run.is_full:
        lines.append(text("All pages are read, so it can take some minutes."))
    lines.append(join("", ["-# ", text("This answer changes as it goes on.")]))
    title = text("Reading {name}", name=followed.name.shown)
    return Message(title=title, tone=Tone.NOTICE, body=join("\n", lines), url=followed.name.url)


def end_message(followed: FollowedRun, asked_by: int) -> Message:
    """Say in a channel how a run ended, and who asked for it."""
    message = progress_message(followed)
    asked = text("Asked for by {user}.", user=f"<@{asked_by}>")
    return replace(message, body=join("\n", [message.body, join("", ["-# ", asked])]))


def goes_on_message(followed: FollowedRun) -> Message:
    """Say that the answer can be changed no more, and where the end will be told."""
    message = progress_message(followed)
    later = text("This answer cannot be changed any more: the end will be told in this channel.")
    return replace(message, body=join("\n", [read_words(followed.run), later]))


def read_words(run: Run) -> str:
    """Say how much a run has read."""
    pages = texts("{count} page", "{count} pages", run.pages)
    posts = texts("{count} post", "{count} posts", run.posts)
    return text("Read so far: {posts} on {pages}.", posts=posts, pages=pages)


def _completed(followed: FollowedRun) -> Message:
    run = followed.run
    lines: list[str] = [join(" · ", _done(followed))]
    if not run.is_complete:
        lines.append(text("⚠️ It did not come to the end of what it was to read."))
    if followed.before is None:
        lines.append(text("It is the first reading: what changes is told from the next one on."))
    return Message(
        title=text("{name} was read", name=followed.name.shown),
        tone=Tone.NOTICE,
        body=join("\n", lines),
        url=followed.name.url,
        fields=tuple(
            MessageField(name=NAMES[measure.value], value=_change(followed, measure))
            for measure in _TOLD
            if measure is not Measure.FOLLOWERS or _counts_followers(followed)
        ),
        footer=_cost(run),
    )


def _counts_followers(followed: FollowedRun) -> bool:
    """Tell whether followers were counted lately: not every source does, and others tell them elsewhere."""
    return followed.sample is not None and followed.sample.followers is not None


def _done(followed: FollowedRun) -> list[str]:
    run = followed.run
    facts: list[str] = [texts("{count} post read", "{count} posts read", run.posts)]
    if run.new_posts:
        facts.append(texts("{count} new", "{count} new", run.new_posts))
    if followed.gone:
        facts.append(texts("{count} gone", "{count} gone", followed.gone))
    return facts


def _change(followed: FollowedRun, measure: Measure) -> str:
    """Give a sum, and what it gained since the run before; "unknown" where nobody told it."""
    now = points([followed.sample], measure) if followed.sample else ()
    earlier = points([followed.before], measure) if followed.before else ()
    value = count_words(now[0].value if now else None)
    if not now or not earlier or earlier[0].at >= now[0].at:
        return value
    return join("\n", [value, gained_words(Growth(first=earlier[0], last=now[0]))])


def _cost(run: Run) -> str:
    parts: list[str] = [
        texts("{count} page", "{count} pages", run.pages),
        texts("{count} request", "{count} requests", run.requests),
    ]
    if run.source:
        parts.append(text("source: {source}", source=run.source))
    if run.credits_left is not None:
        parts.append(texts("{count} credit left", "{count} credits left", run.credits_left))
    return join(" · ", parts)


def _failed(followed: FollowedRun) -> Message:
    lines = [_sentence(followed.run.error) or text("Nobody knows why.")]
    lines += [one for one in (advice(followed.trouble),) if one]
    lines.append(text("What was known before is kept. `/profile logs` shows earlier runs."))
    return Message(
        title=text("{name} could not be read", name=followed.name.shown),
        tone=Tone.WARNING,
        body=join("\n", lines),
        url=followed.name.url,
        footer=_cost(followed.run),
    )


def _sentence(reason: str) -> str:
    """Give a reason from outside, made inert."""
    return escape(reason, 300)


def log_pages(runs: Sequence[Run]) -> list[str]:
    """Give the log of runs, a few to a page."""
    if not runs:
        return [text("No run is in the log yet.")]
    lines = [_logged(run) for run in runs]
    return [join("\n", lines[start : start + RUNS_PER_PAGE]) for start in range(0, len(lines), RUNS_PER_PAGE)]


def _logged(run: Run) -> str:
    head: list[str] = [stamp(run.started_at or run.queued_at, "f"), STATES[run.state], REASONS[run.reason]]
    if run.is_full:
        head.append(text("all pages"))
    facts: list[str] = [texts("{count} post", "{count} posts", run.posts)]
    if run.new_posts:
        facts.append(texts("{count} new", "{count} new", run.new_posts))
    facts.append(_cost(run))
    if run.started_at is not None and run.finished_at is not None:
        facts.append(_took(run.finished_at - run.started_at))
    if run.attempts > 1:
        facts.append(texts("{count} try", "{count} tries", run.attempts))
    if run.state is RunState.COMPLETED and not run.is_complete:
        facts.append(text("not to the end"))
    error = [join("", ["> ", _sentence(run.error)])] if run.error else []
    return join("\n", [join(" · ", head), join("", ["-# ", join(" · ", facts)]), *error])


def _took(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return text("took {seconds} s", seconds=seconds)
    return text("took {minutes} min", minutes=round(seconds / 60))


_QUEUES: Mapping[str, Text] = {
    PROFILE_QUEUE: text("Reading profiles"),
    MEDIA_QUEUE: text("Fetching covers and avatars"),
}


def queue_message(queues: Sequence[QueueCounts]) -> Message:
    """Say how many jobs of each queue are where."""
    return Message(
        title=text("The queue"),
        tone=Tone.NOTICE,
        fields=tuple(
            MessageField(name=_QUEUES.get(one.queue, one.queue), value=_counts(one), inline=False)
            for one in queues
        ),
        footer=text("Over all servers of this bot. Completed and failed jobs are counted for 30 days."),
    )


def _counts(one: QueueCounts) -> str:
    parts = (
        text("waiting {count}", count=one.waiting),
        text("active {count}", count=one.active),
        text("delayed {count}", count=one.delayed),
        text("completed {count}", count=one.completed),
        text("failed {count}", count=one.failed),
    )
    return join(" · ", parts)
