"""What people read about why viewers moved: one sentence, a line for each activity, and a chart of r by lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.charts import ChartSpec, HeatMap, HeatRow
from bot.core.markup import escape, stamp
from bot.core.streams.activities import NAMES, NAMES_INSIDE, Activity
from bot.core.streams.findings import LAGS, Effect, Evidence, Findings, Role, Strength
from bot.texts import Text, join, text, texts

_STRENGTHS: Mapping[Strength, Text] = {
    Strength.WEAK: text("weak"),
    Strength.MODERATE: text("moderate"),
    Strength.STRONG: text("strong"),
}
_LABELLED = 5  # every fifth lag has a label


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFindings:
    """Findings as `/stream correlation` shows them: of the live that began at `started_at`, or of all (None)."""

    handle: str
    nickname: str
    findings: Findings
    live_id: int | None = None
    started_at: datetime | None = None


# --- The sentence --------------------------------------------------------------------------------


def why(findings: Findings) -> str:
    """Say in a sentence why viewers moved, or why that cannot be said."""
    if findings.evidence is not Evidence.ENOUGH:
        return _not_enough(findings)
    leads = findings.leading
    clauses = [_lead(one, _name(one.activity, first=not number)) for number, one in enumerate(leads)]
    if not leads:
        clauses.append(
            text("No activity explains the viewers tonight")
            if findings.lives == 1
            else text("No activity explains the viewers of these lives")
        )
    clauses += _followers(findings)
    return join("", [join("; ", clauses), "."])


def _not_enough(findings: Findings) -> str:
    if findings.evidence is Evidence.THINNED:
        return text(
            "Only sums of several minutes are kept of this live: too coarse to say what moved viewers."
        )
    if findings.evidence is Evidence.STILL:
        return text("The viewers hardly changed: there is nothing to explain.")
    return texts(
        "Too little was recorded to say what moved the viewers ({count} minute).",
        "Too little was recorded to say what moved the viewers ({count} minutes).",
        findings.minutes,
    )


def _lead(effect: Effect, name: Text) -> str:
    strength, chance = _strength(effect), p_words(effect.p)
    if (effect.r or 0.0) < 0:
        return texts(
            "{activity} come about {count} minute before viewers leave ({strength}, {p})",
            "{activity} come about {count} minutes before viewers leave ({strength}, {p})",
            effect.lag or 0,
            activity=name,
            strength=strength,
            p=chance,
        )
    return texts(
        "{activity} lead viewer growth by about {count} minute ({strength}, {p})",
        "{activity} lead viewer growth by about {count} minutes ({strength}, {p})",
        effect.lag or 0,
        activity=name,
        strength=strength,
        p=chance,
    )


def _followers(findings: Findings) -> list[str]:
    after = [NAMES_INSIDE[one.activity] for one in findings.following]
    along = [NAMES_INSIDE[one.activity] for one in findings.effects if one.role is Role.TOGETHER]
    clauses: list[str] = []
    if after:
        clauses.append(text("{activities} follow viewers, they do not lead", activities=join(", ", after)))
    if along:
        clauses.append(
            text(
                "{activities} move together with the viewers, what comes first cannot be told",
                activities=join(", ", along),
            )
        )
    return clauses


def _name(activity: Activity, *, first: bool) -> Text:
    return NAMES[activity] if first else NAMES_INSIDE[activity]


def _strength(effect: Effect) -> str:
    return "-" if effect.strength is None else _STRENGTHS[effect.strength]


def p_words(p: float | None) -> str:
    """Write a p with as many digits as mean something."""
    if p is None:
        return "-"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.01 else f"p = {p:.2f}"


# --- The page ------------------------------------------------------------------------------------


def findings_title(shown: ShownFindings) -> str:
    """Name whose viewers it is about."""
    return text("{name} · why viewers moved", name=escape(shown.nickname, 60) or f"@{shown.handle}")


def findings_pages(shown: ShownFindings) -> list[str]:
    """Give one page: the sentence, a line for each activity, and what must be stated below them."""
    found = shown.findings
    parts = [why(found)]
    if found.effects:
        parts.append(join("\n", [_line(one) for one in found.effects]))
    parts.append(join("\n", _statements(shown)))
    return [join("\n\n", parts)]


def _line(effect: Effect) -> str:
    name = join("", ["**", NAMES[effect.activity], "**"])
    if effect.r is None or effect.role is Role.RARE:
        return join(" · ", [name, text("too rare to tell")])
    facts = [name, _direction(effect), p_words(effect.p)]
    if effect.role is not Role.NOTHING:
        span = {"low": _signed(effect.low), "high": _signed(effect.high)}
        facts[2:2] = [_strength(effect), text("r {r} ({low} to {high})", r=_signed(effect.r), **span)]
    if effect.simple is not None:
        facts.append(text("simple {score}", score=_signed(effect.simple)))
    return join(" · ", facts)


def _direction(effect: Effect) -> str:
    lag = effect.lag or 0
    if effect.role is Role.LEADS:
        return texts("{count} minute before viewers", "{count} minutes before viewers", lag)
    if effect.role is Role.FOLLOWS:
        return texts("{count} minute after viewers", "{count} minutes after viewers", -lag)
    if effect.role is Role.TOGETHER:
        return text("together with viewers")
    return texts("no lead (closest: {count} minute)", "no lead (closest: {count} minutes)", lag)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _statements(shown: ShownFindings) -> Sequence[str]:
    found = shown.findings
    of = [texts("{count} minute was looked at.", "{count} minutes were looked at.", found.minutes)]
    if shown.started_at is not None:
        of.insert(0, text("The live of {when}.", when=stamp(shown.started_at, "f")))
    else:
        of.insert(0, texts("{count} live.", "{count} lives.", found.lives))
    lines = [join(" ", of)]
    if found.effects:
        lines.append(
            text(
                "r: how close an activity is to changes of viewers, their own past and the other activities held "
                "fixed, with its 95% range; p: corrected for all activities and minutes. What comes first need not "
                "be the cause."
            )
        )
    if any(one.simple is not None for one in found.effects):
        lines.append(
            text(
                "simple: the plain score of its spikes, which knows nothing of chance or of what came first."
            )
        )
    return [join("", ["-# ", line]) for line in lines]


# --- The chart -----------------------------------------------------------------------------------


def findings_chart(shown: ShownFindings) -> ChartSpec | None:
    """Draw up how close each activity is to the changes of viewers by lag; None where there is nothing to draw."""
    rows = tuple(
        HeatRow(label=NAMES[one.activity], values=tuple(abs(r or 0.0) for r in one.by_lag))
        for one in shown.findings.effects
        if any(r is not None for r in one.by_lag)
    )
    if not rows:
        return None
    return HeatMap(
        title=text("{name} · why viewers moved", name=shown.nickname or f"@{shown.handle}"),
        subtitle=text("right of 0: the activity comes before the viewers; left of it: after them"),
        value_axis=text("how close (size of the partial correlation)"),
        rows=rows,
        columns=tuple("" if lag % _LABELLED else f"{lag:+d}" if lag else "0" for lag in LAGS),
        row_axis=text("activity"),
        column_axis=text("minutes from the activity to the change of viewers"),
    )
