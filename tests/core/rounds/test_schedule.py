from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.rounds.files import FileState
from bot.core.rounds.looking import Answer, Look, LookPlan, News, Result, Why, heard
from bot.core.rounds.schedule import WHY, Looks, ServerSchedule, schedule_message
from bot.discord.speech import Speaker

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
LOOKS = Looks(
    policy="auto (learned)",
    last=Look(at=NOW - timedelta(minutes=2), result=Result.EMPTY),
    plan=LookPlan(look_at=NOW + timedelta(minutes=1), why=Why.PLAYING),
    news=heard(News(), Answer(playing=6, map_name="supply"), NOW, 4),
    asks=True,
    players_for_game=4,
)
ALPHA = ServerSchedule(
    server="alpha",
    looks=LOOKS,
    last_ok_at=NOW,
    files={FileState.IMPORTED: 57, FileState.SEEN: 1, FileState.STABLE: 1, FileState.FAILED: 1},
    troubles=[("bad-round-1.txt", "not *three* fields")],
)


def said(*schedules: ServerSchedule) -> str:
    message = Speaker().tell(schedule_message(schedules))
    return "\n".join([message.body, *(f"{field.name}\n{field.value}" for field in message.fields)])


def test_a_server_is_told_with_its_plan_its_game_and_its_files():
    words = said(ALPHA)
    assert words.splitlines()[1:] == [
        "alpha",
        "Policy: auto (learned)",
        f"Next look: <t:{int(NOW.timestamp()) + 60}:R> (people are in teams)",
        f"Last look: <t:{int(NOW.timestamp()) - 120}:R>, nothing new",
        f"Last read: <t:{int(NOW.timestamp())}:R>",
        f"The game said: <t:{int(NOW.timestamp())}:R>, 4 or more are in teams, map supply",
        "Files: 57 imported, 2 waiting to rest, 1 failed",
        "-# bad\\-round\\-1.txt: not \\*three\\* fields",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"is_off": True}, "Next look: none, its monitoring is switched off"),
        ({"other": "smart@host"}, "Next look: left to smart\\@host, which runs beside me"),
        ({"is_closed": True}, "Next look: none until a person has mended it; `/status` tells admins more"),
        ({"looks": replace(LOOKS, plan=None)}, "Next look: at once"),
        ({"looks": replace(LOOKS, asks=False)}, "The game itself is not asked what is played"),
        ({"looks": replace(LOOKS, news=News())}, "The game was asked: never yet"),
        (
            {"looks": replace(LOOKS, news=heard(News(), None, NOW, 4))},
            "The game was asked: without an answer",
        ),
        (
            {"looks": replace(LOOKS, news=heard(LOOKS.news, None, NOW + timedelta(minutes=1), 4))},
            f"The game said: <t:{int(NOW.timestamp())}:R>, 4 or more are in teams, map supply, no answer since",
        ),
        (
            {"looks": replace(LOOKS, news=heard(News(), Answer(playing=2), NOW, 4))},
            f"The game said: <t:{int(NOW.timestamp())}:R>, fewer than 4 are in teams",
        ),
        (
            {"looks": replace(LOOKS, news=heard(News(), Answer(playing=0), NOW, 4))},
            f"The game said: <t:{int(NOW.timestamp())}:R>, nobody is in a team",
        ),
    ],
)
def test_what_is_special_about_a_server_is_told(change, line):
    assert line in said(replace(ALPHA, **change)).splitlines()


def test_every_reason_has_words():
    assert WHY.keys() == set(Why)


def test_many_servers_with_long_troubles_fit_into_a_message():
    troubles = [("*" * 300, "*" * 2000)] * 9
    looks = replace(LOOKS, news=heard(News(), Answer(playing=6, map_name="_" * 300), NOW, 4))
    many = [replace(ALPHA, server="*" * 100, looks=looks, troubles=troubles) for _ in range(30)]
    message = Speaker().tell(schedule_message(many))
    assert message.body == "and 25 more"
    assert all(len(field.value) <= 1024 and len(field.name) <= 256 for field in message.fields)
    words = [message.title, message.body, *(field.name + field.value for field in message.fields)]
    assert sum(map(len, words)) <= 6000
