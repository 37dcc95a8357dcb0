"""Texts in the language of their readers: numbers, dates, durations; nothing of ours stays English by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest

from bot.core import notices
from bot.core.announcements import Message
from bot.core.delivery import OutboxState
from bot.core.guilds import GuildSettings
from bot.core.live import replies
from bot.core.live.budget import Ledger
from bot.core.live.models import Answer, Person, ProfileState
from bot.core.live.posts import blocked_notice, duration, live_message, recovered_notice
from bot.core.live.transitions import Live, Phase
from bot.core.machine import Shortage, cures, pressure
from bot.core.rounds.notices import server_back, server_closed
from bot.core.rounds.pairing import Pairing
from bot.core.rounds.post import round_message
from bot.core.rounds.resolve import Flag, resolve
from bot.core.sizes import Growth
from bot.discord import results
from bot.discord.embeds import draw
from bot.discord.reports import about, status_report
from bot.discord.speech import Speaker, guild_of, language_of
from bot.services.health import Budget, Status
from bot.storage.destinations import Destination
from bot.storage.outbox import DeadLetter
from bot.storage.sources import SourceHealth
from bot.storage.status import Checks, ServerRounds
from bot.texts import Text, each_text, filled, join, number, text
from tests.core.rounds.samples import header, played, player, roster
from tests.machines import WELL

NOW = datetime(2026, 11, 21, 17, 5, tzinfo=UTC)
INDONESIAN = Speaker(language="id", time_zone="Asia/Jakarta")
ENGLISH = Speaker(language="en", time_zone="America/New_York")


@pytest.mark.parametrize(
    ("words", "english", "indonesian"),
    [
        (number(999), "999", "999"),
        (number(1234567), "1,234,567", "1.234.567"),
        (number(-1234), "-1,234", "-1.234"),
        (duration(timedelta(minutes=4)), "4 min", "4 mnt"),
        (duration(timedelta(hours=2, minutes=5)), "2 h 05 min", "2 jam 05 mnt"),
        (duration(timedelta(hours=1234)), "1,234 h 00 min", "1.234 jam 00 mnt"),
        (text("{map} · round {number}", map="supply", number=2), "supply · round 2", "supply · ronde 2"),
        (join("", [NOW.date().isoformat(), " <t:1:R>"]), "2026-11-21 <t:1:R>", "2026-11-21 <t:1:R>"),
        ("from outside", "from outside", "from outside"),
        (join(", ", []), "", ""),
    ],
)
def test_numbers_and_durations_as_each_language_writes_them(words, english, indonesian):
    assert (ENGLISH.say(words), INDONESIAN.say(words)) == (english, indonesian)


def test_dates_are_written_in_the_language_and_the_time_zone_of_the_guild():
    body = notices.test_post("x", NOW).body
    assert ENGLISH.say(body).endswith("where it is 21 Nov 2026, 12:05 now.")
    assert INDONESIAN.say(body).endswith("di sana sekarang 22 Nov 2026, 00.05.")
    may = notices.test_post("x", NOW.replace(month=5, day=3)).body
    assert "4 Mei 2026" in INDONESIAN.say(may)


def test_a_guild_is_spoken_to_as_its_admins_chose():
    chosen = GuildSettings(guild_id=1, language="id", time_zone="Asia/Jakarta")
    assert guild_of(chosen) == INDONESIAN
    assert guild_of(GuildSettings(guild_id=1)) == Speaker(language="en", time_zone="UTC")


def test_every_language_of_discord_is_answered_in_one_of_ours():
    spoken = {locale: language_of(locale) for locale in discord.Locale}
    assert spoken.pop(discord.Locale.indonesian) == "id"
    assert set(spoken.values()) == {"en"}


# Every letter of ours is masked, so that a letter that is left was said past the catalogues. What comes
# from outside has no letters here.


def masked(words: Text) -> str:
    def write(value: object) -> str:
        return masked(value) if isinstance(value, Text) else str(value)

    pattern = re.sub(r"\{\w+\}|[A-Za-z]", lambda found: found[0] if found[0][0] == "{" else "#", words.source)
    return filled(pattern, words.values, write)


def letters_left(thing: Any) -> Iterator[str]:
    if type(thing) is str:
        yield from re.findall(r"[A-Za-z]{2,}", re.sub(r"https?://\S+", "", thing))
    elif isinstance(thing, tuple):
        for one in thing:
            yield from letters_left(one)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from letters_left(getattr(thing, field.name))


ANA = Person(platform_id=1, handle="1", nickname="2")
ON = Live(phase=Phase.ON, room_ids=(1,), started_at=NOW, found_at=NOW, last_seen_at=NOW, viewers=5)
OVER = replace(ON, phase=Phase.ENDED, ended_at=NOW + timedelta(hours=3), peak_viewers=4321)


def rounds() -> Iterator[Message]:
    crowd = [player(f"{number:08}", name="^1", side=1 + number % 3) for number in range(60)]
    one = replace(resolve(played("1", 0, header(map_name="1"), *crowd), Pairing(round=1)), map="1")
    for flags in (frozenset[Flag](), frozenset({Flag.ENDED_EARLY}), frozenset(Flag)):
        for side in (None, 0, 1, 2):
            for outcome in (None, False, True):
                yield round_message(
                    replace(one, flags=flags, defender_side=side, attackers_succeeded=outcome), server="1"
                )
    yield round_message(replace(one, players=()), server="1")
    yield round_message(replace(one, map=""), server="1")


def status(well: bool) -> Message:
    reason = text("the thread is locked")
    down = None if well else NOW
    sources = (
        SourceHealth(name="1", down_since=down, last_error_at=NOW, last_error=reason),
        SourceHealth(name="2", down_since=down, closed_until=down, last_ok_at=NOW),
    )
    blocked = Destination(
        channel_id=1, guild_id=1, reason=reason, blocked_since=NOW, tries=1, next_try_at=NOW
    )
    server = ServerRounds(
        server="1",
        listed_at=NOW,
        rounds=2,
        last_round_ended_at=None,
        trouble=join(": ", ["1", text("the file is empty")]),
    )
    return status_report(
        Status(
            version="1",
            started_at=NOW,
            now=NOW,
            checks=Checks(followed=1, last_at=NOW, next_at=None),
            budgets=tuple(Budget(name=ledger, used=1, limit=2) for ledger in Ledger),
            sources=sources,
            servers=() if well else (server,),
            blocked=() if well else (blocked,),
            dead=()
            if well
            else (DeadLetter(channel_id=1, title=live_message(ANA, ON).title, reason=reason),),
            messages=dict.fromkeys(OutboxState, 1),
            database=Growth(size=1, per_day=None if well else 1.0, days_left=None if well else 9),
            machine=WELL,
            pressure=pressure([] if well else list(Shortage)),
            cures=cures([] if well else list(Shortage)),
        )
    )


def messages() -> list[Message]:
    reason = text(
        "{host} shows another host key than the trusted one: {fingerprint}", host="1", fingerprint="2"
    )
    return [
        live_message(ANA, ON),
        live_message(ANA, OVER),
        blocked_notice(reason, NOW),
        recovered_notice(NOW, NOW + timedelta(days=2)),
        server_closed("1", reason),
        server_back("1", NOW, NOW),
        notices.channel_blocked(1, reason),
        notices.channel_gone(1, reason),
        notices.message_refused(1, live_message(ANA, ON).title, reason),
        notices.test_post("1", NOW),
        about("1"),
        status(well=True),
        status(well=False),
        *rounds(),
    ]


def answers() -> list[str]:
    return [
        *(replies.added("1", 2, role, is_new=new) for role in (None, 3) for new in (True, False)),
        replies.doubt(text("the file is empty")),
        *(replies.state(state) for state in ProfileState),
        *(
            replies.checked(answer, text("the file is empty"), live)
            for answer in Answer
            for live in (None, ON, OVER, replace(ON, phase=Phase.DOUBTED))
        ),
        *(
            replies.list_line("1", 2, role, mark="", last=last, following=following)
            for role in (None, 3)
            for last in (None, NOW)
            for following in (None, NOW)
        ),
        *results._BLOCKED.values(),
        *results._REFUSED.values(),
    ]


def test_no_word_of_a_message_is_said_past_the_catalogues():
    spoken = messages()
    assert len(spoken) > 40
    for message in spoken:
        # The version stands behind the bot's name; units are the same everywhere.
        left = set(letters_left(each_text(message, masked))) - {"Vedette", "kB", "MB", "GB"}
        assert left == set(), message


def test_no_word_of_an_answer_is_said_past_the_catalogues():
    left = {word for answer in answers() for word in letters_left(each_text((answer,), masked))}
    assert left == set()


def test_what_says_nothing_in_english_says_nothing_in_indonesian():
    for message in messages():
        said = INDONESIAN.tell(message)
        assert (said.body == "", said.footer == "") == (message.body == "", message.footer == "")


def test_a_word_that_is_said_past_the_catalogues_is_seen():
    broken = replace(live_message(ANA, ON), title=f"{live_message(ANA, ON).title}!")
    assert set(letters_left(each_text(broken, masked))) >= {"is"}


@pytest.mark.parametrize("speaker", [ENGLISH, INDONESIAN], ids=["en", "id"])
def test_the_longest_messages_fit_into_discord_in_every_language(speaker):
    name = "W" * 400
    ana = Person(platform_id=1, handle="w" * 24, nickname="*" * 400)
    one = resolve(played("1", 0, header(), *roster()), Pairing(round=1))
    crowd = tuple(replace(one.players[0], name=name, side=1 + number % 3) for number in range(192))
    longest = [
        live_message(ana, replace(OVER, title="*" * 900)),
        live_message(ana, replace(ON, title="*" * 900)),
        round_message(replace(one, map=name, players=crowd, flags=frozenset(Flag)), server=name),
        server_closed(name, text("{server}: no answer within {seconds} s", server=name, seconds="9" * 400)),
        notices.channel_blocked(2**63, text("{file} is no longer there", file=name)),
        notices.message_refused(
            2**63, live_message(ana, ON).title, text("{file} is no longer there", file=name)
        ),
        about("1"),
    ]
    for message in longest:
        said = speaker.tell(message)
        assert len(said.title) <= 256
        assert len(said.body) <= 4096
        assert all(len(field.name) <= 256 and len(field.value) <= 1024 for field in said.fields)
        drawn = draw(said, marker="ref 12345678").embed
        assert len(drawn) <= 6000
        assert drawn.title == said.title
        assert len(drawn.fields) == len(said.fields)
        assert not any((field.value or "").endswith("…") for field in drawn.fields)
