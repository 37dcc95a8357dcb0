"""What `/top players` shows: a table in pages, narrow enough for a phone, and a chart of the first ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.rounds.columns import code_block, column
from bot.core.rounds.metrics import Metric, Per, Unit
from bot.core.rounds.periods import TITLES, Period, Span, days_words
from bot.core.rounds.ranking import RankedPlayer, Ranking, minimum_words
from bot.core.rounds.values import column_words
from bot.texts import join, text, texts

PER_PAGE = 10
_NAME, _VALUE, _ROUNDS = 15, 9, 6  # columns; with the place and the spaces 36


@dataclass(frozen=True, kw_only=True, slots=True)
class TopPlayers:
    """A table by one metric; `servers` are those it is made of, `zone` is the guild's."""

    ranking: Ranking
    period: Period
    span: Span
    servers: tuple[str, ...]
    zone: ZoneInfo


def top_title(top: TopPlayers) -> str:
    """Say what the table tells, for instance `Gibs per 10 minutes · This week`."""
    return join(" · ", [metric_title(top.ranking.metric), TITLES[top.period]])


def metric_title(metric: Metric) -> str:
    """Say what is compared."""
    if metric.per is Per.TEN_MINUTES:
        return text("{metric} per 10 minutes", metric=metric.title)
    return metric.title


def top_pages(top: TopPlayers) -> list[str]:
    """Give the table, ten players a page, with what must be stated below each page."""
    players = top.ranking.players
    below = statements(top.ranking)
    if not players:
        return [join("\n", [text("Nobody reaches the minimum here."), *below])]
    return [
        table(top.ranking.metric, players[start : start + PER_PAGE], below)
        for start in range(0, len(players), PER_PAGE)
    ]


def table(metric: Metric, players: Sequence[RankedPlayer], below: Sequence[str] = ()) -> str:
    """Give some players as a monospaced table, with lines below it."""
    return code_block([_head(metric), *[_row(metric, player) for player in players]], below)


def statements(ranking: Ranking) -> list[str]:
    """Say what was asked of the players in a table, and of how many that leaves out."""
    lines = [text("Counted: {minimum}.", minimum=minimum_words(ranking.minimum))]
    if ranking.below_minimum:
        lines.append(texts("{count} player has less.", "{count} players have less.", ranking.below_minimum))
    if ranking.unknown:
        lines.append(
            texts("Of {count} player it is unknown.", "Of {count} players it is unknown.", ranking.unknown)
        )
    if ranking.minimum.of_maps:
        lines.append(text("Ratings are made of all maps that were ever counted."))
    return [join("", ["-# ", join(" ", lines)])]


def top_footer(top: TopPlayers) -> str:
    """Name the days and the game servers."""
    return join(" · ", [part for part in (days_words(top.span, top.zone), ", ".join(top.servers)) if part])


def top_chart(top: TopPlayers) -> BarChart | None:
    """Draw up the first ten players; None where nobody is ranked."""
    return ranking_chart(
        top.ranking, join(" · ", [part for part in (TITLES[top.period], top_footer(top)) if part])
    )


def ranking_chart(ranking: Ranking, subtitle: str) -> BarChart | None:
    """Draw up the first ten players of a table; None where it is empty."""
    players = ranking.players[:PER_PAGE]
    if not players:
        return None
    metric = ranking.metric
    finite = [player.value for player in players if math.isfinite(player.value)]
    longest = max(finite, default=1.0)
    return BarChart(
        title=metric_title(metric),
        subtitle=subtitle,
        value_axis=join(" · ", [metric_title(metric), minimum_words(ranking.minimum)]),
        groups=(
            BarGroup(
                name="",
                bars=tuple(
                    Bar(
                        label=join(" ", [f"{player.place}.", player.name]),
                        value=player.value if math.isfinite(player.value) else longest,
                        written=column_words(metric, player.value),
                        note=_played(ranking, player),
                        fallback=join(" ", [f"{player.place}.", text("player {guid}", guid=player.guid)]),
                    )
                    for player in players
                ),
            ),
        ),
    )


def _played(ranking: Ranking, player: RankedPlayer) -> str:
    if ranking.minimum.of_maps:
        return texts("{count} map", "{count} maps", player.rounds)
    return texts("{count} round", "{count} rounds", player.rounds)


def _head(metric: Metric) -> str:
    if metric.minimum.of_maps:
        # TRANSLATORS: the head of a monospaced table: name, value, maps. Keep every column's end.
        return text("#   Player              Value   Maps")
    if metric.unit is not Unit.SECONDS:
        # TRANSLATORS: the head of a monospaced table: name, value, rounds. Keep every column's end.
        return text("#   Player              Value Rounds")
    if metric.per is Per.TEN_MINUTES:
        # TRANSLATORS: the head of a monospaced table: name, seconds, rounds. Keep every column's end.
        return text("#   Player            Seconds Rounds")
    # TRANSLATORS: the head of a monospaced table: name, hours and minutes, rounds. Keep every column's end.
    return text("#   Player               h:mm Rounds")


def _row(metric: Metric, player: RankedPlayer) -> str:
    value = column_words(metric, player.value)
    return (
        f"{min(player.place, 999):>3} {column(player.name, _NAME)} {value:>{_VALUE}} "
        f"{min(player.rounds, 10**_ROUNDS - 1):>{_ROUNDS}}"
    )
