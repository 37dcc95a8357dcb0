"""What is said about two players beside each other: `/player compare`.

The table is monospaced, numbers first and their names last, so that a translated name moves no column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import RadarChart, Shape, Spoke
from bot.core.rounds.columns import code_block
from bot.core.rounds.metrics import METRICS, Measured, Metric, Per
from bot.core.rounds.player_card import RATIOS, duel_words, name_words
from bot.core.rounds.players import RATES, Comparison
from bot.core.rounds.radar import RadarAxis
from bot.core.rounds.values import column_words, is_ranked
from bot.texts import join, text

FEWEST_SPOKES = 3  # with fewer there is no area
_WIDTH = 9
# TRANSLATORS: the names of rows of a monospaced table on a phone: at most 18 letters each.
LABELS: Mapping[str, str] = {
    "kd": "K/D",
    "dpm": "DPM",
    "accuracy": text("Accuracy"),
    "head_hit_share": text("Head hits"),
    "headshot_kill_share": text("Headshot kills"),
    "efficiency": text("Efficiency"),
    "revives": text("Revives"),
    "useful_kills": text("Useful kills"),
    "gibs": text("Gibs"),
    "kills": text("Kills"),
    "playtime": text("Played (h:mm)"),
}
RATE_LABELS: Mapping[str, str] = {
    "revives": text("Revives/10 min"),
    "useful_kills": text("Useful/10 min"),
    "denied_seconds": text("Denied s/10 min"),
}


def comparison_message(comparison: Comparison) -> Message:
    """Give two players beside each other, with a radar where both can be ranked."""
    names = [name_words(side.player.name) for side in comparison.sides]
    chart = radar_chart(comparison)
    lines = [join("", ["A: **", names[0], "**"]), join("", ["B: **", names[1], "**"])]
    if comparison.duel is not None:
        lines.append(join("", ["A ", duel_words(comparison.duel)]))
    if chart is None:
        lines.append(text("No radar: for that, both must have played ten rounds."))
    rows = list(_rows(comparison))
    unranked = any("*" in row for row in rows)
    return Message(
        title=text("{one} and {other}", one=names[0], other=names[1]),
        tone=Tone.ROUND,
        body=join("\n", lines),
        fields=(MessageField(name=text("Side by side"), value=code_block(rows), inline=False),),
        footer=text("* too little played for a table by it") if unranked else "",
        chart=chart,
    )


def _rows(comparison: Comparison) -> Iterator[str]:
    one, other = comparison.sides
    yield _row("A", "B", "")
    yield _row(f"{one.rounds}", f"{other.rounds}", text("Rounds"))
    for key in ("playtime", "kills", "gibs"):
        metric = METRICS[key]
        cells = [column_words(metric, side.measured[key].value) for side in comparison.sides]
        yield _row(cells[0], cells[1], LABELS[key])
    yield _row(f"{one.totals['deaths'][0]}", f"{other.totals['deaths'][0]}", text("Deaths"))
    for key in RATIOS:
        cells = [_cell(METRICS[key], side.measured[key]) for side in comparison.sides]
        yield _row(cells[0], cells[1], LABELS[key])
    for metric in RATES:
        cells = [_cell(metric, side.rates[metric.key]) for side in comparison.sides]
        yield _row(cells[0], cells[1], RATE_LABELS[metric.key])


def _cell(metric: Metric, measured: Measured) -> str:
    is_marked = measured.value is not None and not is_ranked(metric, measured)
    return f"{column_words(metric, measured.value)}{'*' if is_marked else ''}"


def _row(one: str, other: str, label: str) -> str:
    """Write a row; a mark stands behind the digits, which stay below each other."""
    cells = [value if value.endswith("*") else f"{value} " for value in (one, other)]
    return join("", [f"{cells[0]:>{_WIDTH}}{cells[1]:>{_WIDTH}} ", label])


def radar_chart(comparison: Comparison) -> RadarChart | None:
    """Draw up both players on the axes on which both can be ranked; None with fewer than three."""
    axes = [axis for axis in comparison.axes if None not in axis.scaled]
    if len(axes) < FEWEST_SPOKES:
        return None
    shapes = tuple(
        Shape(
            name=side.player.name,
            values=tuple(axis.scaled[at] or 0.0 for axis in axes),
            fallback=text("player {guid}", guid=side.player.guid),
        )
        for at, side in enumerate(comparison.sides)
    )
    return RadarChart(
        title=text(
            "{one} and {other}", one=comparison.sides[0].player.name, other=comparison.sides[1].player.name
        ),
        subtitle=text("Centre: last of all who played enough · edge: the best"),
        value_axis=text("the rings: a quarter, half and three quarters of the others beaten"),
        spokes=tuple(_spoke(axis) for axis in axes),
        shapes=shapes,
    )


def _spoke(axis: RadarAxis) -> Spoke:
    labels = RATE_LABELS if axis.metric.per is Per.TEN_MINUTES else LABELS
    one, other = (column_words(axis.metric, value) for value in axis.values)
    return Spoke(label=labels[axis.metric.key], note=f"{one} · {other}")
