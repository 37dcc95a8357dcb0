"""What the report of a watched profile says."""

from __future__ import annotations

from datetime import timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.posts import PLATFORM_URL
from bot.core.markup import escape, stamp
from bot.core.posts.milestones import Passed
from bot.core.posts.models import ReportEvery
from bot.core.posts.movement import Movement
from bot.core.posts.period import Reading, SampledPost
from bot.core.posts.report import ReachedMilestone, Report
from bot.texts import join, number, text, texts

MOST_MOVEMENTS = 3
MOST_MILESTONES = 4
_NAME = 60
_CAPTION = 40  # letters: escaped and linked, all lines of a field fit into it


def report_message(report: Report) -> Message:
    """Say what a profile did in a period. It pings nobody."""
    name = escape(report.nickname, _NAME) or escape(f"@{report.handle}", _NAME)
    is_daily = report.due.every is ReportEvery.DAY
    title = text("The day of {name}", name=name) if is_daily else text("The week of {name}", name=name)
    return Message(
        title=title,
        tone=Tone.NOTICE,
        url=f"{PLATFORM_URL}/@{report.handle}",
        body=join("\n", _read_words(report)),
        fields=() if report.reading is None else _fields(report, report.reading),
        footer=text("More with /profile show"),
    )


def _read_words(report: Report) -> list[str]:
    """Say from when to when it was read: of other times nothing is claimed."""
    reading, last = report.reading, report.last_read_at
    if reading is None:
        when = text("unknown") if last is None else stamp(last, "f")
        return [
            text(
                "It was not read in this time; the last reading was {when}. What it gained is unknown.",
                when=when,
            )
        ]
    lines: list[str] = []
    if len(reading.runs) > 1:
        lines.append(
            text(
                "From {first} to {last}: {hours} h",
                first=stamp(reading.runs[0], "f"),
                last=stamp(reading.runs[-1], "f"),
                hours=_hours(reading.span),
            )
        )
    if reading.gap is not None:
        lines.append(
            text(
                "⚠️ It was not read from {first} to {last}: what it gained then is not told.",
                first=stamp(reading.gap[0], "f"),
                last=stamp(reading.gap[1], "f"),
            )
        )
    elif len(reading.runs) == 1:
        lines.append(
            text(
                "Read {when}: growth is told from the next reading on.",
                when=stamp(reading.runs[0], "f"),
            )
        )
    return lines


def _fields(report: Report, reading: Reading) -> tuple[MessageField, ...]:
    fields = []
    if len(reading.runs) > 1:
        fields += [
            MessageField(name=text("Growth"), value=join("\n", _growth_lines(report)), inline=False),
            MessageField(name=text("Followers"), value=_followers(report, reading)),
            MessageField(name=text("New posts"), value=number(len(report.new_posts))),
        ]
    if (best := report.best) is not None and best.views is not None:
        views = {"gained": _signed(best.views.gained), "total": number(best.views.last.value)}
        line = join(": ", [_link(report, best.post), text("{gained} views, {total} in all", **views)])
        fields.append(MessageField(name=text("Best post"), value=line, inline=False))
    if report.movements:
        moved: list[str] = [_moved(report, *one) for one in report.movements[:MOST_MOVEMENTS]]
        if (hidden := len(report.movements) - MOST_MOVEMENTS) > 0:
            moved.append(texts("and {count} more post", "and {count} more posts", hidden))
        fields.append(MessageField(name=text("Unusual"), value=join("\n", moved), inline=False))
    if report.milestones:
        passed: list[str] = [_passed(report, one) for one in report.milestones[:MOST_MILESTONES]]
        if (hidden := len(report.milestones) - MOST_MILESTONES) > 0:
            passed.append(texts("and {count} more", "and {count} more", hidden))
        fields.append(MessageField(name=text("Milestones"), value=join("\n", passed), inline=False))
    return tuple(fields)


def _growth_lines(report: Report) -> list[str]:
    gained = report.gained
    if not report.grown:
        return [text("unknown")]
    views = text("unknown") if gained.views is None else _signed(gained.views)
    lines: list[str] = [text("{gained} views", gained=views)]
    others = [
        text("{gained} likes", gained=_signed(gained.likes)) if gained.likes is not None else "",
        text("{gained} comments", gained=_signed(gained.comments)) if gained.comments is not None else "",
        text("{gained} shares", gained=_signed(gained.shares)) if gained.shares is not None else "",
        text("{gained} saves", gained=_signed(gained.saves)) if gained.saves is not None else "",
    ]
    if any(others):
        lines.append(join(", ", [one for one in others if one]))
    if report.change is not None:
        lines.append(_changed(report.change))
    if report.grown < report.known:
        lines.append(text("Sum over {count} of {known} known posts", count=report.grown, known=report.known))
    return lines


def _changed(change: float) -> str:
    percent = round(100 * change)
    if percent >= 0:
        return text("Views a day: {percent}% more than in the time before", percent=number(percent))
    return text("Views a day: {percent}% less than in the time before", percent=number(-percent))


def _followers(report: Report, reading: Reading) -> str:
    grown = report.followers
    if grown is None:
        return text("unknown")
    words = {"count": number(grown.last.value), "gained": _signed(grown.gained)}
    if grown.span == reading.span:
        return text("{count} ({gained})", **words)
    return text("{count} ({gained} in {hours} h)", hours=_hours(grown.span), **words)


def _moved(report: Report, post: SampledPost, movement: Movement) -> str:
    growth = movement.growth
    hours = _hours(growth.span)
    if movement.expected is None:
        said = text("{lost} views taken away in {hours} h", lost=number(-growth.gained), hours=hours)
    else:
        said = text(
            "{gained} views in {hours} h, about {expected} were to be expected",
            gained=_signed(growth.gained),
            hours=hours,
            expected=number(movement.expected),
        )
    return join(": ", [_link(report, post), said])


def _passed(report: Report, one: ReachedMilestone) -> str:
    amount = number(one.value)
    words = {
        Passed.FOLLOWERS: text("{amount} followers", amount=amount),
        Passed.TOTAL_VIEWS: text("{amount} views of all posts together", amount=amount),
        Passed.POST_VIEWS: text("{amount} views", amount=amount),
    }
    said = join(" ", ["🎯", words[one.measure]])
    if one.measure is not Passed.POST_VIEWS:
        return said
    return join(": ", [said, _linked(report.handle, one.post_id, one.caption)])


def _link(report: Report, post: SampledPost) -> str:
    return _linked(report.handle, post.post_id, post.caption)


def _linked(handle: str, post_id: int, caption: str) -> str:
    """Link a post by its number: links from outside are not repeated."""
    shown = escape(caption, _CAPTION) or text("post without words")
    return join("", ["[", shown, f"]({PLATFORM_URL}/@{handle}/video/{post_id})"])


def _signed(value: int) -> str:
    return join("", ["+", number(value)]) if value > 0 else number(value)


def _hours(span: timedelta) -> int:
    return round(span / timedelta(hours=1))
