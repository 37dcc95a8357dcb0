"""What `/predict` answers: the words around the pictures, complete without them."""

from __future__ import annotations

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.boards import (
    budget_line,
    coverage_line,
    fitting,
    name_of,
    policy_name,
    saved_words,
    trouble_fields,
    window_words,
)
from bot.core.live.calibration import LIKELY
from bot.core.live.posts import duration
from bot.core.live.prediction_charts import (
    WEEKDAYS,
    account_chart,
    next_chart,
    percent,
    plan_chart,
    reliability_chart,
)
from bot.core.live.prediction_replies import override_lines
from bot.core.live.predictions import (
    AccountPrediction,
    Accuracy,
    DayPlan,
    Expected,
    Habits,
    NextLives,
    Override,
    Standing,
    TypicalWindow,
    WeekScore,
)
from bot.core.markup import escape, stamp
from bot.texts import join, number, text, texts

BODY_ROOM = 3000
MOST_WEEKDAYS = 3
NARROW_MINUTES = 10  # a narrower window is a time
MINUTES_A_DAY = 24 * 60


def next_message(following: NextLives) -> Message:
    """Say who is likely to go live in the next hours."""
    if not following.accounts:
        return Message(
            title=text("Who is likely to go live"),
            tone=Tone.NOTICE,
            body=text("Nobody is followed yet. `/live add` begins."),
        )
    lines, hidden = fitting([_next_line(one) for one in following.accounts], BODY_ROOM)
    if hidden:
        lines.append(texts("and {count} more account", "and {count} more accounts", hidden))
    return Message(
        title=text("Who is likely to go live"),
        tone=Tone.NOTICE,
        body=join("\n", lines),
        fields=trouble_fields(following.failing, following.no_forecast),
        chart=next_chart(following),
    )


def _next_line(one: Expected) -> str:
    name = name_of(one.nickname, one.handle)
    if one.standing is Standing.LIVE:
        return text(
            "🔴 {name} is live, started {start}",
            name=name,
            start=stamp(one.live_since) if one.live_since else "?",
        )
    if one.standing is Standing.PAUSED:
        return text("⏸️ {name} is paused", name=name)
    if one.live_now is None or one.within_hour is None or one.confidence is None:
        return text("❔ {name} no forecast yet", name=name)
    soon = text("{chance} within the hour", chance=percent(one.within_hour))
    if one.live_now >= max(LIKELY, one.within_hour):
        soon = text("probably live already, {chance}", chance=percent(one.live_now))
    facts = [soon, text("confidence {sure}", sure=percent(one.confidence))]
    # Last comes how much of it is known, whatever stands before.
    if one.window is not None:
        facts.insert(1, text("expected {window}", window=window_words(one.window)))
    mark = {Standing.LIKELY: "🟡", Standing.EXPECTED: "🔵"}.get(one.standing, "⚪")
    return join(" ", [mark, name, join(" · ", facts)])


def account_message(prediction: AccountPrediction) -> Message:
    """Say what is known and expected of one account."""
    one, habits = prediction.expected, prediction.habits
    fields = (
        MessageField(
            name=text("Usually begins ({zone})", zone=prediction.zone),
            value=join("\n", map(_window_of_day, habits.windows))
            if habits.windows
            else text("not known yet"),
        ),
        MessageField(name=text("Lasts about"), value=_lasting(habits)),
        MessageField(name=text("Days"), value=_days(habits)),
        MessageField(name=text("Known lives"), value=_known(habits)),
        MessageField(name=text("At its best"), value=_best(habits)),
        MessageField(name=text("Last change of habits"), value=_changed(habits)),
        MessageField(name=text("Predictions of 28 days"), value=_accuracy(prediction), inline=False),
        *_asked_for(prediction.override),
        *trouble_fields(prediction.failing, prediction.no_forecast),
    )
    return Message(
        title=text("{name} · what is expected", name=escape(one.nickname, 60) or f"@{one.handle}"),
        tone=Tone.LIVE if one.standing is Standing.LIVE else Tone.NOTICE,
        body=join("\n", [_next_line(one), _checks(prediction)]),
        fields=fields,
        chart=account_chart(prediction),
    )


def _checks(prediction: AccountPrediction) -> str:
    """Say when the account is checked, why then, and by which policy."""
    one = prediction.expected
    if one.next_check_at is None:
        following = text("No check is planned: {reason}", reason=one.reason)
    else:
        following = text("Next check {when}: {reason}", when=stamp(one.next_check_at), reason=one.reason)
    policy = text("Planned by: {policy}", policy=policy_name(prediction.policy))
    return join("\n", [following, policy])


def _window_of_day(window: TypicalWindow) -> str:
    start, end = (
        f"{minute // 60 % 24:02d}:{minute % 60:02d}" for minute in (window.start_minute, window.end_minute)
    )
    if (window.end_minute - window.start_minute) % MINUTES_A_DAY < NARROW_MINUTES:
        return text("about {start} · {share} of lives", start=start, share=percent(window.share))
    return text("{start}-{end} · {share} of lives", start=start, end=end, share=percent(window.share))


def _lasting(habits: Habits) -> str:
    return text("not known yet") if habits.typical_duration is None else duration(habits.typical_duration)


def _days(habits: Habits) -> str:
    """Name the weekdays with the most lives."""
    days = sorted(enumerate(habits.weekdays), key=lambda day: (-day[1], day[0]))
    parts = [join(" ", [WEEKDAYS[day], percent(share)]) for day, share in days[:MOST_WEEKDAYS] if share > 0]
    return join(", ", parts) if parts else text("not known yet")


def _known(habits: Habits) -> str:
    return texts(
        "{count} live · {consistency} regular, confidence {confidence}",
        "{count} lives · {consistency} regular, confidence {confidence}",
        habits.lives,
        consistency=percent(habits.consistency),
        confidence=percent(habits.confidence),
    )


def _best(habits: Habits) -> str:
    facts: list[str] = []
    if habits.peak_viewers is not None:
        facts.append(texts("{count} viewer at a time", "{count} viewers at a time", habits.peak_viewers))
    if habits.diamonds_per_hour is not None:
        rate = round(habits.diamonds_per_hour)
        facts.append(texts("{count} diamond an hour", "{count} diamonds an hour", rate))
    return join("\n", facts) if facts else text("not known yet")


def _changed(habits: Habits) -> str:
    return text("none noticed") if habits.changed_at is None else stamp(habits.changed_at)


def _accuracy(prediction: AccountPrediction) -> str:
    accuracy = prediction.accuracy
    return right_line(accuracy.hours, accuracy.right, accuracy.always_unlikely, accuracy.brier)


def right_line(hours: int, right: float | None, always_unlikely: float | None, brier: float | None) -> str:
    """Say how often predictions came true, beside what always saying "unlikely" would have given."""
    if right is None:
        return text("none to compare yet")
    facts = [
        texts(
            "right in {share} of {count} hour", "right in {share} of {count} hours", hours, share=_fine(right)
        )
    ]
    if always_unlikely is not None:
        facts.append(text("always saying “unlikely”: {share}", share=_fine(always_unlikely)))
    if brier is not None:
        facts.append(text("Brier score {score}", score=f"{brier:.3f}"))
    return join(" · ", facts)


def _fine(share: float) -> str:
    """Write a share with one decimal: what is right is compared with what is right without a forecast."""
    return f"{100 * share:.1f}%"


def _asked_for(override: Override) -> tuple[MessageField, ...]:
    """Name what admins asked for, where they asked for anything."""
    lines = override_lines(override)
    return (
        (MessageField(name=text("Asked for by admins"), value=join("\n", lines), inline=False),)
        if lines
        else ()
    )


def plan_message(plan: DayPlan) -> Message:
    """Say what of the budget is used, reserved and left today."""
    fields = [
        MessageField(name=text("Checks in 24 hours"), value=budget_line(plan.discovery)),
        MessageField(name=text("Follow-ups in 24 hours"), value=budget_line(plan.followup)),
        MessageField(name=text("Reserved by admins' wishes"), value=number(plan.reserved)),
        MessageField(name=text("Left now"), value=number(plan.left)),
        MessageField(
            name=text("Share of this server"),
            value=text("at most {number} a day", number=max(1, round(plan.share * plan.discovery.limit))),
        ),
        MessageField(name=text("Policy"), value=policy_name(plan.policy)),
    ]
    if plan.shadow:
        fields.append(MessageField(name=text("Compared with"), value=policy_name(plan.shadow)))
    if plan.unplanned:
        fields.append(MessageField(name=text("Rest of the day"), value=plan.unplanned))
    fields += trouble_fields(plan.failing)
    return Message(
        title=text("Today's checks"),
        tone=Tone.WARNING if plan.failing else Tone.NOTICE,
        fields=tuple(fields),
        chart=plan_chart(plan),
    )


def accuracy_message(accuracy: Accuracy) -> Message:
    """Say how predictions came out, and week by week what was found, how soon and at which cost."""
    lines, hidden = fitting([_week(week) for week in reversed(accuracy.weeks)], BODY_ROOM)
    if hidden:
        lines.append(texts("and {count} more week", "and {count} more weeks", hidden))
    right = right_line(accuracy.predictions, accuracy.right, accuracy.always_unlikely, accuracy.brier)
    return Message(
        title=text("How predictions come out"),
        tone=Tone.NOTICE,
        body=join("\n", lines)
        if lines
        else text("No week is scored yet; every night scores the day before."),
        fields=(MessageField(name=text("Predictions of 28 days"), value=right, inline=False),),
        chart=reliability_chart(accuracy),
    )


def _week(week: WeekScore) -> str:
    """Sum up a week in two lines; of one that is not whole say how much of it is known."""
    facts: list[str] = []
    if week.days < 7:
        facts.append(texts("{count} day scored", "{count} days scored", week.days))
    facts.append(text("found {lives}", lives=coverage_line(week.found, week.estimated)))
    if week.median_delay_minutes is not None:
        facts.append(text("median delay {minutes} min", minutes=round(week.median_delay_minutes)))
    if week.within_30 is not None:
        facts.append(text("{share} within 30 min", share=percent(week.within_30)))
    costs: list[str] = [texts("{count} check", "{count} checks", week.requests)]
    if week.fixed_requests is not None and week.request_reduction is not None:
        needed = text("evenly spread would need {number}", number=round(week.fixed_requests))
        costs.append(join("", [needed, " (", saved_words(week.request_reduction), ")"]))
    head = text("**Week of {day}**", day=f"{week.starts_on:%Y-%m-%d}")
    return join("\n", [join(" · ", [head, *facts]), join("", ["-# ", join(" · ", costs)])])
