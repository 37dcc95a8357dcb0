"""The players of an evening: sums over its counted rounds, divided once at the end; the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.announcements import MessageField
from bot.core.charts import Bar, BarChart, BarGroup
from bot.core.rounds import formulas
from bot.core.rounds.chart import MOST_BARS
from bot.core.rounds.columns import code_block, column, percent, short
from bot.core.rounds.counters import PlayerRound, counters_of, known_sums
from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.ranking import rounds_by_player
from bot.core.rounds.scored import ScoredEvening
from bot.core.rounds.team_words import plain_team_name
from bot.texts import text, texts

MOST_ROWS = 20
_NAME_WIDTH = 14
# TRANSLATORS: the head of a monospaced table: name, kills, deaths, damage per minute, accuracy. Keep every column's end.
_HEAD = text("Player            K    D  DPM  ACC")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerEvening:
    """What one player did over some rounds. `dpm` (hit points a minute) and `accuracy` are None where unknown."""

    guid: str
    name: str
    rounds: int
    kills: int
    deaths: int
    revives: int
    dpm: float | None
    accuracy: float | None


def evening_players(rounds: Sequence[EveningRound]) -> tuple[PlayerEvening, ...]:
    """Give who played the counted rounds, most damage per minute first; bots are left out."""
    rows = [
        PlayerRound(
            guid=player.guid,
            name=player.name,
            ended_at=one.resolved.ended_at,
            counted=one.counted,
            counters=counters_of(player),
        )
        for one in rounds
        for player in one.resolved.players
    ]
    players = [_summed(guid, own) for guid, own in rounds_by_player(rows).items()]
    return tuple(sorted(players, key=lambda one: (-(one.dpm or 0), -one.kills, one.guid)))


def _summed(guid: str, rows: Sequence[PlayerRound]) -> PlayerEvening:
    def sums(*names: str) -> tuple[int, ...]:
        return tuple(known_sums(rows, names)[0].values())

    kills, deaths, revives = sums("kills", "deaths", "revives")
    damage, seconds = sums("damage_given", "team_seconds")
    hits, shots = sums("gun_hits", "gun_shots")
    return PlayerEvening(
        guid=guid,
        name=rows[-1].name,
        rounds=len(rows),
        kills=kills,
        deaths=deaths,
        revives=revives,
        dpm=formulas.dpm(damage, seconds),
        accuracy=formulas.accuracy(hits, shots),
    )


def players_field(players: Sequence[PlayerEvening]) -> list[MessageField]:
    """Give the table of the players of an evening."""
    if not players:
        return []
    hidden = len(players) - MOST_ROWS
    more = [texts("and {count} more", "and {count} more", hidden)] if hidden > 0 else []
    table = code_block([_HEAD, *map(_row, players[:MOST_ROWS])], more)
    return [MessageField(name=text("Players"), value=table, inline=False)]


def _row(player: PlayerEvening) -> str:
    dpm = "-" if player.dpm is None else short(round(player.dpm), 4)
    return (
        f"{column(player.name, _NAME_WIDTH)} {short(player.kills, 4):>4} {short(player.deaths, 4):>4} "
        f"{dpm:>4} {percent(player.accuracy):>4}"
    )


def evening_chart(
    scored: ScoredEvening, players: Sequence[PlayerEvening], title: str, subtitle: str
) -> BarChart:
    """Draw up the damage per minute of each player, by team; of all together where the teams changed."""
    known = [one for one in players if one.dpm is not None]
    if len(scored.teams.lineups) == 1:
        members = [scored.teams.lineups[0].members(team) for team in (0, 1)]
        groups = [
            _group(plain_team_name(scored, 0, team), [one for one in known if one.guid in members[team]])
            for team in (0, 1)
        ]
    else:
        groups = [_group(text("All players"), known)]
    return BarChart(
        title=title,
        subtitle=subtitle,
        value_axis=text("damage per minute (hp) · kills / deaths beside the name"),
        groups=tuple(groups),
    )


def _group(name: str, players: Sequence[PlayerEvening]) -> BarGroup:
    hidden = len(players) - MOST_BARS
    return BarGroup(
        name=name,
        bars=tuple(_bar(player) for player in players[:MOST_BARS]),
        footnote=texts("and {count} more", "and {count} more", hidden) if hidden > 0 else "",
    )


def _bar(player: PlayerEvening) -> Bar:
    return Bar(
        label=player.name,
        value=round(player.dpm or 0),
        note=f"{player.kills} / {player.deaths}",
        fallback=text("player {guid}", guid=player.guid),
    )
