"""What is said of an evening: the score by team, every map, the players, what was remarkable, and a chart.

With the most maps, line-ups and players that are shown, and the longest names, the whole stays below Discord's
1,024 characters per field and 6,000 per message (specs/etlegacy.md 3, row 24).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from zoneinfo import ZoneInfo

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import BarChart
from bot.core.markup import clip, stamp
from bot.core.rounds.chart import clock
from bot.core.rounds.columns import code_block, column, short
from bot.core.rounds.evening_players import PlayerEvening, evening_chart, evening_players, players_field
from bot.core.rounds.evenings import Evening
from bot.core.rounds.mvps import team_mvps
from bot.core.rounds.notable import notable_field
from bot.core.rounds.resolve import ResolvedRound
from bot.core.rounds.results import MapResult
from bot.core.rounds.scored import ScoredEvening
from bot.core.rounds.scores import MapPlayed
from bot.core.rounds.team_words import (
    TEAM_LETTERS,
    map_title,
    member_lines,
    mvp_names,
    plain_team_name,
    score_line,
    team_name,
)
from bot.texts import join, text, texts

MOST_LINEUPS = 3
MOST_MAPS = 24
_MAP_WIDTH = 13
# TRANSLATORS: the head of a monospaced table: map, time of round 1, time of round 2, team that won, score. Keep every column's end.
_HEAD = text("Map               R1     R2 W  Score")
_HELD = f"{'held':>6}"  # a word of the game, as kills and damage are: the column must stand in every language


def evening_message(
    scored: ScoredEvening, *, server: str, zone: ZoneInfo, is_running: bool = False
) -> Message:
    """Give the message of an evening; `server` is what people call the game server, `zone` gives the date.

    An evening that is running is told "so far".
    """
    evening = Evening(rounds=scored.rounds)
    players = evening_players(scored.tabled)
    day = text("Evening of {day}", day=evening.day(zone).isoformat())
    return Message(
        title=join(" · ", [day, *_only_score(scored, team_name)]),
        tone=Tone.ROUND,
        body=join("\n", _facts(scored, evening, is_running=is_running)),
        fields=(
            *_score_fields(scored),
            *_map_fields(scored),
            *players_field(players),
            *notable_field(scored),
        ),
        footer=clip(server, 60),
        chart=_chart(scored, players, day) if any(one.dpm is not None for one in players) else None,
    )


def joined_message(server: str) -> Message:
    """Say in a summary that another one tells its evening, too: a late round has shown that both are one."""
    return Message(
        title=text("This evening went on"),
        tone=Tone.ROUND,
        body=text("A round that came late joins it with the one before: the summary above tells both."),
        footer=clip(server, 60),
    )


def _only_score(scored: ScoredEvening, name: Callable[[ScoredEvening, int, int], str]) -> list[str]:
    """Give the score where there is one line-up only, else nothing."""
    scores = scored.final_scores()
    if len(scores) != 1:
        return []
    ((lineup, score),) = scores.items()
    first, second = (name(scored, lineup, team) for team in (0, 1))
    return [join(" ", [first, f"{score[0]} - {score[1]}", second])]


def _chart(scored: ScoredEvening, players: Sequence[PlayerEvening], day: str) -> BarChart:
    subtitle = join("", _only_score(scored, plain_team_name))
    return evening_chart(scored, players, day, subtitle)


def _facts(scored: ScoredEvening, evening: Evening, *, is_running: bool) -> list[str]:
    span = text("{since} to {until}", since=stamp(evening.began_at, "t"), until=stamp(evening.ended_at, "t"))
    counts = [
        texts("{count} map", "{count} maps", len(scored.maps)),
        texts("{count} round", "{count} rounds", len(scored.rounds)),
    ]
    left_out = sum(not one.counted for one in scored.rounds)
    if left_out:
        counts.append(texts("{count} round not counted", "{count} rounds not counted", left_out))
    so_far = [text("Not over yet: this is how it stands so far.")] if is_running else []
    return [join(" · ", [span, *counts]), *so_far]


def _score_fields(scored: ScoredEvening) -> list[MessageField]:
    """Give the score of each line-up, who is in it, and the most valuable of both teams; the last ones if many."""
    scores = list(scored.final_scores().items())
    hidden = len(scores) - MOST_LINEUPS
    fields = []
    for place, (lineup, score) in enumerate(scores, start=1):
        if place <= hidden:
            continue
        lines = [
            score_line(scored, lineup, score),
            *member_lines(scored, lineup),
            *_mvp_lines(scored, lineup),
        ]
        name = text("Score")
        if len(scores) > 1:
            name = text("Score, line-up {number} of {all}", number=place, all=len(scores))
        fields.append(MessageField(name=name, value=join("\n", lines), inline=False))
    return fields


def _mvp_lines(scored: ScoredEvening, lineup: int) -> list[str]:
    best = team_mvps(scored.tabled, scored.teams, lineup)
    return [
        text(
            "MVP of {team}: {names}, {xp} XP",
            team=team_name(scored, lineup, team),
            names=mvp_names(own),
            xp=own[0].xp,
        )
        for team, own in enumerate(best)
        if own
    ]


def _map_fields(scored: ScoredEvening) -> list[MessageField]:
    """Give the maps in the order in which they ended, with what both halves came to and the running score."""
    hidden = len(scored.maps) - MOST_MAPS
    shown = scored.maps[max(0, hidden) :]
    before = [texts("{count} earlier map", "{count} earlier maps", hidden)] if hidden > 0 else []
    return [
        MessageField(
            name=text("Maps"),
            value=join("\n", [*before, code_block([_HEAD, *_map_rows(scored, shown)])]),
            inline=False,
        )
    ]


def _map_rows(scored: ScoredEvening, maps: Iterable[MapPlayed]) -> list[str]:
    rows = []
    lineup: int | None = None
    for one in maps:
        if lineup is not None and one.lineup != lineup:
            rows.append("-" * 12)  # new teams: the score begins anew
        lineup = one.lineup
        rows.append(_map_row(scored, one))
    return rows


def _map_row(scored: ScoredEvening, played: MapPlayed) -> str:
    halves = {}
    for key in played.rounds:
        one = scored.round(key)
        if one is not None:
            halves[one.resolved.round] = _cell(one.resolved) if one.counted else f"{'x':>6}"
    score = "-" if played.score is None else "-".join(short(points, 2) for points in played.score)
    return join(
        " ",
        [
            column(map_title(played.map), _MAP_WIDTH),
            halves.get(1, f"{'-':>6}"),
            halves.get(2, f"{'-':>6}"),
            _winner(played),
            f"{score:>6}",
        ],
    )


def _cell(resolved: ResolvedRound) -> str:
    """Write how an attack ended in six columns: its time, or that it was held."""
    if resolved.attackers_succeeded is None or resolved.played_seconds is None:
        return f"{'?':>6}"
    return f"{clock(min(resolved.played_seconds, 59999)):>6}" if resolved.attackers_succeeded else _HELD


def _winner(played: MapPlayed) -> str:
    if played.winner is not None:
        return TEAM_LETTERS[played.winner]
    return "=" if played.result is MapResult.DRAW else "-"
