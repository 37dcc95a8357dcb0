"""Threads, forums, announcements, roles and limits of the Discord stand-in, seen by an unmodified discord.py."""

from __future__ import annotations

import pytest

from tests.discordserver import running_discord
from tests.samplebot import running_bot
from tests.standins import until

EVERYTHING = [
    "view_channel",
    "send_messages",
    "embed_links",
    "attach_files",
    "read_message_history",
    "send_messages_in_threads",
    "create_public_threads",
    "manage_roles",
]


@pytest.fixture(scope="module")
def pair():
    with running_discord("--no-rate-limits") as server, running_bot(server) as bot:
        bot.wait_for("ready")
        server.control("PATCH", f"roles/{server.facts['roles']['Vedette']}", {"permissions": EVERYTHING})
        yield server, bot


@pytest.fixture
def server(pair):
    return pair[0]


@pytest.fixture
def bot(pair):
    return pair[1]


@pytest.fixture(autouse=True)
def no_violation(server):
    yield
    assert server.reasons() == []


def new_channel(server, bot, name, **more):
    made = int(server.control("POST", "channels", {"name": name, **more})["id"])
    until(lambda: {"event": "channel_create", "name": name} in bot.lines)
    return made


def test_a_thread_is_begun_written_in_and_archived(server, bot):
    lives = int(server.facts["channels"]["lives"])
    assert bot.do("thread", channel=lives, name="Talk") == [True, "lives", True, True]


def test_a_post_in_a_forum_has_its_tag_and_its_picture(server, bot):
    forum = new_channel(server, bot, "reports", kind="forum", tags=["Live", "Round"], needs_tag=True)
    assert bot.do("forum", channel=forum, tags=["Live"]) == ["Post", "first", ["Live"]]
    assert bot.do("forum", channel=forum, tags=["Round"], file=True) == ["Post", "first", ["Round"]]
    assert bot.refused("forum", channel=forum, tags=[]) == [400, 40067]


def test_an_announcement_is_published(server, bot):
    assert bot.do("publish", channel=new_channel(server, bot, "news", kind="announcement")) == [True, True]
    assert bot.refused("publish", channel=int(server.facts["channels"]["lives"])) == [400, 50024]


def test_a_role_is_made_given_and_taken_back(server, bot):
    member = int(server.facts["users"]["member"])
    assert bot.do("role", guild=int(server.facts["guild"]), user=member) == ["Fans"]


def test_too_many_invalid_requests_are_a_ban(server, bot):
    server.control("POST", "rate_limits", {"enabled": False, "invalid": 2})
    server.control("POST", "channels/rounds/deny")
    rounds = int(server.facts["channels"]["rounds"])
    try:
        assert [bot.refused("post", channel=rounds, content="x") for _ in range(2)] == [[403, 50001]] * 2
        assert bot.refused("post", channel=int(server.facts["channels"]["lives"]), content="x") == [429, 0]
    finally:
        server.control("POST", "channels/rounds/allow")
        server.control("POST", "rate_limits", {"enabled": False, "invalid": 10_000})
    assert bot.do("post", channel=rounds, content="x")


def test_any_of_discords_errors_comes_on_order(server, bot):
    server.fault("code", body="130000", method="POST", path="/messages$")
    lives = int(server.facts["channels"]["lives"])
    assert bot.refused("post", channel=lives, content="x") == [503, 130000]
