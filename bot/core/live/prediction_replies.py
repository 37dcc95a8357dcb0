"""What admins are answered about what they asked of the plan."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.boards import policy_name
from bot.core.live.posts import duration
from bot.core.live.prediction_charts import percent
from bot.core.live.predictions import Override, PolicyFigures, ShadowReport, SpecialEvent
from bot.core.markup import escape, stamp
from bot.texts import join, text, texts


def asked_for(handle: str, override: Override) -> str:
    """Say what is asked for an account now."""
    lines = override_lines(override)
    if not lines:
        return text("`@{handle}` is planned like all others.", handle=handle)
    return join("\n", [text("`@{handle}` now:", handle=handle), *(join("", ["- ", line]) for line in lines)])


def override_lines(override: Override) -> list[str]:
    """Say what admins asked for an account, a line each; empty where nothing."""
    lines: list[str] = []
    if override.frozen:
        lines.append(text("frozen: no planned checks"))
    if override.policy:
        lines.append(text("policy: {policy}", policy=policy_name(override.policy)))
    if override.priority != 1:
        lines.append(text("priority: {priority}", priority=f"{override.priority:g}"))
    if override.pinned is not None:
        lines.append(text("pinned: a check every {span}", span=duration(override.pinned)))
    if override.boosted_until is not None and override.boosted_every is not None:
        lines.append(
            text(
                "boosted: a check at least every {span}, until {end}",
                span=duration(override.boosted_every),
                end=stamp(override.boosted_until),
            )
        )
    return lines


def shadow_message(report: ShadowReport | None) -> Message:
    """Compare the policy in force with its shadow, both replayed on the lives that were seen."""
    title = text("Shadow mode")
    if report is None:
        body = text("Shadow mode is off. `/predict shadow` with a policy compares it every night.")
        return Message(title=title, tone=Tone.NOTICE, body=body)
    if report.active is None or report.shadow is None or report.made_at is None:
        body = text(
            "{shadow} runs beside {policy}. The first comparison comes with the next night, once enough was seen.",
            shadow=policy_name(report.shadow_policy),
            policy=policy_name(report.policy),
        )
        return Message(title=title, tone=Tone.NOTICE, body=body)
    since = "-" if report.since is None else stamp(report.since, "d")
    parts = [
        texts(
            "Both replayed on {count} live seen since {since}. Compared {when}.",
            "Both replayed on {count} lives seen since {since}. Compared {when}.",
            report.lives,
            since=since,
            when=stamp(report.made_at),
        )
    ]
    if report.accounts < report.followed:
        drawn = text(
            "Replayed for {count} of {all} accounts drawn at random, with their part of the checks.",
            count=report.accounts,
            all=report.followed,
        )
        parts.append(drawn)
    return Message(
        title=title,
        tone=Tone.NOTICE,
        body=join(" ", parts),
        fields=tuple(
            MessageField(name=policy_name(figures.policy), value=_figures(figures))
            for figures in (report.active, report.shadow)
        ),
    )


def _figures(figures: PolicyFigures) -> str:
    lines = [
        text("lives found: {share}", share=_share(figures.coverage)),
        text("within 30 min: {share}", share=_share(figures.within_30)),
    ]
    if figures.median_delay_minutes is not None:
        lines.append(text("median delay {minutes} min", minutes=round(figures.median_delay_minutes)))
    lines.append(text("checks a day: {number}", number=round(figures.requests_a_day)))
    return join("\n", lines)


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share)


def event_lines(events: Sequence[SpecialEvent]) -> list[str]:
    """List special days, a line each; an admin removes one by its number."""
    return [event_line(event) for event in events] or [
        text("No special days. `/predict event add` adds one; `/predict holidays` takes those of a country.")
    ]


def event_line(event: SpecialEvent) -> str:
    """Write a special day: when, what, for whom, and by which number it can be removed."""
    what = [f"**{event.day:%Y-%m-%d}** {escape(event.name, 80)}"]
    if event.handle:
        what.append(f"`@{event.handle}`")
    what.append(text("public holiday") if event.id is None else text("number {id}", id=str(event.id)))
    return join(" · ", what)
