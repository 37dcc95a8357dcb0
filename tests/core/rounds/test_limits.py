"""The largest messages that hostile names can make: nothing of them is lost to Discord's limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.announcements import Message
from bot.core.rounds.balance import Present, balance_message
from bot.core.rounds.columns import WIDTH
from bot.core.rounds.evening_post import evening_message
from bot.core.rounds.map_post import map_message
from bot.core.rounds.periods import Span
from bot.core.rounds.post import round_message
from bot.core.rounds.ranking import RankedPlayer, Ranking
from bot.core.rounds.rating import Rating
from bot.core.rounds.resolve import Flag
from bot.core.rounds.scored import TeamChoices, score_evening
from bot.core.rounds.seasons import season_at
from bot.core.rounds.weekly import SEASONS_METRICS, WEEKS_METRICS, season_message, week_message
from bot.discord.speech import Speaker
from tests.core.rounds.evening_samples import evening_round
from tests.core.rounds.samples import EVENING
from tests.core.rounds.test_post import size, tables, width

UTC = ZoneInfo("UTC")
MAPS, PEOPLE = 30, 40
MUCH = {"kills": 999, "deaths": 999, "damage_given": 99_999, "gun_hits": 9999, "gun_shots": 9999}
MARKER = 40  # characters that the bot adds to a footer
hostile = pytest.mark.parametrize(
    "name", ["界" * 35, "*_" * 17, "`" * 35, "👩‍🚀" * 11], ids=["wide", "markdown", "code", "joined"]
)
every_language = pytest.mark.parametrize("language", ["en", "id"])


def evening(name: str):
    """Thirty maps of forty players, others every ten maps, who are all called the same."""
    rounds = []
    for number in range(2 * MAPS):
        people = [f"{number // 20}{one:02}" for one in range(PEOPLE)]
        sides = (people[:20], people[20:]) if number % 2 == 0 else (people[20:], people[:20])
        before = f"{number - 1:02}" if number % 2 else None
        one = evening_round(f"{number:02}", 10 * number, *sides, first=before, seconds=5999)
        players = tuple(replace(own, name=name, xp=9999, revives=99, **MUCH) for own in one.resolved.players)
        resolved = replace(one.resolved, players=players, map=f"{name}_map")
        rounds.append(replace(one, resolved=resolved))
    return score_evening(rounds, TeamChoices(names={one.key: {0: name, 1: name} for one in rounds}))


def messages(name: str) -> list[Message]:
    scored, server = evening(name), 3 * name
    last, awards = scored.rounds[-1], [(2 * name, name, 2 * name)] * 30
    flagged = replace(last.resolved, flags=frozenset(Flag))
    there = {
        f"P{number}": Present(name=name, rating=Rating(mean=-99, deviation=9, maps=99))
        for number in range(12)
    }
    span = Span(since=EVENING, until=EVENING + timedelta(days=7))
    many = tuple(
        RankedPlayer(place=1, guid=f"P{one}", name=name, value=99_999, rounds=9999) for one in range(40)
    )

    def ranked(metrics):
        counts = {"below_minimum": 9999, "unknown": 9999}
        return [Ranking(metric=one, minimum=one.minimum, players=many, **counts) for one in metrics]

    return [
        evening_message(scored, server=server, zone=UTC, is_running=True),
        round_message(last.resolved, server=server, key=last.key, evening=scored, awards=awards),
        round_message(flagged, server=server, key=last.key, evening=scored, awards=awards),
        map_message(scored.rounds, last.resolved.map, server=server),
        balance_message(there, server=server),
        week_message(ranked(WEEKS_METRICS), span, UTC),
        season_message(ranked(SEASONS_METRICS), season_at(EVENING, UTC), span, UTC),
    ]


@hostile
@every_language
def test_nothing_is_cut_off_and_every_table_fits_a_phone(name, language):
    for message in map(Speaker(language=language).tell, messages(name)):
        assert len(message.title) <= 256
        assert len(message.body) <= 4096
        assert len(message.fields) <= 25
        assert [
            one.name for one in message.fields if not 0 < len(one.value) <= 1024 or len(one.name) > 256
        ] == []
        assert size(message) <= 6000 - MARKER
        assert [row for rows in tables(message).values() for row in rows if width(row) > WIDTH] == []
        assert "```" not in message.title + message.body
        assert all(one.value.count("```") in {0, 2} for one in message.fields)


def test_the_evening_has_several_line_ups():
    assert len(evening("x").teams.lineups) == 3
