"""Announcements, threads and forums of the Discord stand-in, and the roles a bot gives to members."""

from __future__ import annotations

import json

import pytest

from tests.rawdiscord import identified


@pytest.fixture(autouse=True)
def no_violation(server):
    yield
    assert server.reasons() == []


def bot_may(server, *permissions):
    """Give the bot's role these permissions beside its own."""
    own = ["view_channel", "send_messages", "embed_links", "attach_files", "read_message_history"]
    wanted = [*own, "send_messages_in_threads", *permissions]
    server.control("PATCH", f"roles/{server.facts['roles']['Vedette']}", {"permissions": wanted})


@pytest.fixture
async def thread(server, rest):
    """A thread at a message in #general, as its JSON."""
    bot_may(server, "create_public_threads")
    message = await rest.done("POST", "/channels/{general}/messages", {"content": "a round"})
    path = f"/channels/{{general}}/messages/{message['id']}/threads"
    return await rest.done("POST", path, {"name": "About it", "auto_archive_duration": 1440})


def channel(server, name, **more):
    return server.control("POST", "channels", {"name": name, **more})


async def test_a_thread_begins_with_a_message_and_both_have_one_id(server, rest, thread, socket):
    message = await rest.done("GET", f"/channels/{{general}}/messages/{thread['id']}")
    assert message["thread"]["name"] == "About it"
    assert (thread["type"], thread["parent_id"]) == (11, server.facts["channels"]["general"])
    again = await rest.refused(
        "POST", f"/channels/{{general}}/messages/{thread['id']}/threads", {"name": "x"}
    )
    assert again == (400, 160004)
    _, guild = await identified(server, socket)
    assert thread["id"] in [one["id"] for one in guild["threads"]]
    listed = await rest.done("GET", "/guilds/{guild}/threads/active")
    assert thread["id"] in [one["id"] for one in listed["threads"]]


async def test_beginning_a_thread_needs_its_permission(server, rest):
    bot_may(server)
    message = await rest.done("POST", "/channels/{general}/messages", {"content": "x"})
    path = f"/channels/{{general}}/messages/{message['id']}/threads"
    assert await rest.refused("POST", path, {"name": "x"}) == (403, 50013)


async def test_writing_in_a_thread_needs_the_threads_permission_and_not_the_channels(server, rest, thread):
    path = f"/channels/{thread['id']}/messages"
    server.control("POST", "channels/general/deny", {"permissions": ["send_messages"]})
    try:
        await rest.done("POST", path, {"content": "x"})
        assert await rest.refused("POST", "/channels/{general}/messages", {"content": "x"}) == (403, 50013)
        server.control("POST", "channels/general/deny", {"permissions": ["send_messages_in_threads"]})
        assert await rest.refused("POST", path, {"content": "x"}) == (403, 50013)
    finally:
        server.control("POST", "channels/general/allow")


async def test_an_archived_thread_is_opened_by_a_message_and_by_nothing_else(server, rest, thread):
    path = f"/channels/{thread['id']}/messages"
    message = await rest.done("POST", path, {"content": "x"})
    server.control("PATCH", f"channels/{thread['id']}", {"archived": True})
    assert await rest.refused("PATCH", f"{path}/{message['id']}", {"content": "y"}) == (400, 50083)
    assert await rest.refused("PUT", f"/channels/{thread['id']}/thread-members/@me") == (400, 50083)
    closed = await rest.done("GET", "/channels/{general}/threads/archived/public")
    assert thread["id"] in [one["id"] for one in closed["threads"]]
    await rest.done("POST", path, {"content": "z"})
    opened = await rest.done("GET", f"/channels/{thread['id']}")
    assert opened["thread_metadata"]["archived"] is False
    await rest.done("PATCH", f"{path}/{message['id']}", {"content": "y"})


async def test_a_locked_thread_is_opened_by_moderators_only(server, rest, thread):
    server.control("PATCH", f"channels/{thread['id']}", {"archived": True, "locked": True})
    path = f"/channels/{thread['id']}"
    assert await rest.refused("POST", f"{path}/messages", {"content": "x"}) == (400, 160005)
    assert await rest.refused("PATCH", path, {"archived": False}) == (400, 160005)
    bot_may(server, "manage_threads")
    opened = await rest.done("PATCH", path, {"archived": False, "locked": False})
    assert opened["thread_metadata"]["locked"] is False


async def test_who_began_a_thread_archives_it(server, rest, thread, socket):
    bot_may(server)
    await identified(server, socket)
    path = f"/channels/{thread['id']}"
    await rest.done("PATCH", path, {"archived": True, "name": "Done"})
    told = await socket.receive_json()
    assert (told["t"], told["d"]["name"]) == ("THREAD_UPDATE", "Done")
    assert await rest.refused("PATCH", path, {"locked": True}) == (403, 50013)
    assert await rest.refused("DELETE", path) == (403, 50013)


async def test_a_forum_takes_posts_only_and_may_want_a_tag(server, rest):
    forum = channel(server, "reports", kind="forum", tags=["Live", "Round"], needs_tag=True)
    path = f"/channels/{forum['id']}"
    assert await rest.refused("POST", f"{path}/messages", {"content": "x"}) == (400, 50008)
    post = {"name": "Went live", "message": {"content": "now"}}
    assert await rest.refused("POST", f"{path}/threads", post) == (400, 40067)
    assert await rest.refused("POST", f"{path}/threads", {**post, "applied_tags": ["1"]}) == (404, 10087)
    tag = forum["available_tags"][0]["id"]
    made = await rest.done("POST", f"{path}/threads", {**post, "applied_tags": [tag]})
    assert (made["id"], made["applied_tags"]) == (made["message"]["id"], [tag])
    assert [one["content"] for one in server.messages(made["id"])] == ["now"]


async def test_a_forum_post_without_the_permission_is_refused(server, rest):
    channel(server, "closed", kind="forum")
    server.control("POST", "channels/closed/deny", {"permissions": ["send_messages"]})
    forum = next(
        one["id"]
        for one in server.control("GET", "state")["guilds"][0]["channels"]
        if one["name"] == "closed"
    )
    post = {"name": "Went live", "message": {"content": "now"}}
    assert await rest.refused("POST", f"/channels/{forum}/threads", post) == (403, 50013)


async def test_a_forum_post_needs_what_any_message_needs(server, rest):
    forum = channel(server, "plain", kind="forum")["id"]
    server.control("POST", "channels/plain/deny", {"permissions": ["embed_links"]})
    path = f"/channels/{forum}/threads"
    shown = {"name": "Went live", "message": {"embeds": [{"title": "now"}]}}
    assert await rest.refused("POST", path, shown) == (403, 50013)
    for wrong in ({"name": "x" * 101, "message": {"content": "now"}}, {"name": "Went live"}, {}):
        assert await rest.refused("POST", path, wrong) == (400, 50035)
    server.control("DELETE", "violations")  # these three are none of Discord's, and were sent on purpose
    await rest.done("POST", path, {"name": "Went live", "message": {"content": "now"}})


async def test_a_message_is_published_once_and_in_announcement_channels_only(server, rest):
    news = channel(server, "news", kind="announcement")["id"]
    message = await rest.done("POST", f"/channels/{news}/messages", {"content": "x"})
    path = f"/channels/{news}/messages/{message['id']}/crosspost"
    assert (await rest.done("POST", path))["flags"] & 1
    assert await rest.refused("POST", path) == (400, 40033)
    plain = await rest.done("POST", "/channels/{lives}/messages", {"content": "x"})
    path = f"/channels/{{lives}}/messages/{plain['id']}/crosspost"
    assert await rest.refused("POST", path) == (400, 50024)


async def test_the_eleventh_message_published_in_an_hour_has_to_wait(server, rest):
    news = channel(server, "much-news", kind="announcement")["id"]
    answers = []
    for number in range(11):
        message = await rest.done("POST", f"/channels/{news}/messages", {"content": str(number)})
        answers.append(await rest("POST", f"/channels/{news}/messages/{message['id']}/crosspost"))
    assert [status for status, _, _ in answers] == [200] * 10 + [429]
    _, body, headers = answers[-1]
    assert (body["code"], headers["X-RateLimit-Scope"]) == (20028, "shared")
    assert 3000 < body["retry_after"] <= 3600


MEMBER_ROLES = "/guilds/{guild}/members/{member}/roles"


async def test_a_bot_without_the_permission_gives_no_role(server, rest):
    bot_may(server)
    quiet = server.facts["roles"]["Quiet"]
    assert await rest.refused("PUT", f"{MEMBER_ROLES}/{quiet}") == (403, 50013)
    assert await rest.refused("POST", "/guilds/{guild}/roles", {"name": "x"}) == (403, 50013)


async def test_a_role_is_made_given_taken_back_and_removed(server, rest, socket):
    bot_may(server, "manage_roles")
    await identified(server, socket)
    role = await rest.done("POST", "/guilds/{guild}/roles", {"name": "Fans of ann", "mentionable": True})
    assert (await socket.receive_json())["t"] == "GUILD_ROLE_CREATE"
    await rest.done("PUT", f"{MEMBER_ROLES}/{role['id']}")
    member = await rest.done("GET", "/guilds/{guild}/members/{member}")
    assert member["roles"] == [role["id"]]
    await rest.done("DELETE", f"{MEMBER_ROLES}/{role['id']}")
    assert (await rest.done("GET", "/guilds/{guild}/members/{member}"))["roles"] == []
    await rest.done("DELETE", f"/guilds/{{guild}}/roles/{role['id']}")
    # Without the members intent nobody is told that another member's roles changed.
    assert (await socket.receive_json())["t"] == "GUILD_ROLE_DELETE"


async def test_a_role_above_the_bots_own_and_powers_it_lacks_are_out_of_reach(server, rest):
    bot_may(server, "manage_roles")
    high = server.control("POST", "roles", {"name": "High"})["id"]
    assert await rest.refused("PUT", f"{MEMBER_ROLES}/{high}") == (403, 50013)
    assert await rest.refused("PATCH", f"/guilds/{{guild}}/roles/{high}", {"name": "x"}) == (403, 50013)
    own = server.facts["roles"]["Vedette"]
    assert await rest.refused("DELETE", f"/guilds/{{guild}}/roles/{own}") == (403, 50013)
    wanted = {"name": "x", "permissions": str(1 << 3)}
    assert await rest.refused("POST", "/guilds/{guild}/roles", wanted) == (403, 50013)
    server.control("DELETE", "roles/High")


async def test_a_guild_has_room_for_250_roles(server, rest):
    bot_may(server, "manage_roles")
    there = len(await rest.done("GET", "/guilds/{guild}/roles"))
    made = [
        (await rest.done("POST", "/guilds/{guild}/roles", {"name": f"r{number}"}))["id"]
        for number in range(250 - there)
    ]
    assert await rest.refused("POST", "/guilds/{guild}/roles", {"name": "one more"}) == (400, 30005)
    for role_id in made:
        await rest.done("DELETE", f"/guilds/{{guild}}/roles/{role_id}")


async def test_what_automod_blocks_is_not_posted(server, rest):
    server.control("POST", "automod", {"words": ["giveaway"]})
    try:
        body = {"embeds": [{"title": "A GIVEAWAY tonight"}]}
        assert await rest.refused("POST", "/channels/{lives}/messages", body) == (400, 200000)
        assert "GIVEAWAY" not in json.dumps(server.messages("lives"))
    finally:
        server.control("POST", "automod", {"words": []})
    await rest.done("POST", "/channels/{lives}/messages", {"content": "giveaway"})
