"""The Discord stand-in, seen by an unmodified discord.py bot in a process of its own."""

from __future__ import annotations

import base64
import urllib.request

import pytest

from tests.discordserver import running_discord
from tests.samplebot import running_bot
from tests.sandbox.sample_bot import picture
from tests.standins import ControlRefused, until


@pytest.fixture(scope="module")
def pair():
    with running_discord("--no-rate-limits") as server, running_bot(server) as bot:
        bot.wait_for("ready")
        yield server, bot


@pytest.fixture
def server(pair):
    server, _ = pair
    server.control("DELETE", "faults")
    server.control("DELETE", "requests")
    return server


@pytest.fixture
def bot(pair, server):
    return pair[1]


@pytest.fixture
def lives(server):
    return int(server.facts["channels"]["lives"])


@pytest.fixture(autouse=True)
def no_violation(request, server):
    """Every test is also a test of the schemas; where they are missing `test_the_schemas_are_checked` says so."""
    yield
    violations = server.violations()
    server.control("DELETE", "violations")
    if "unimplemented" not in request.node.name:
        assert not [f"{v['method']} {v['path']} {v['direction']}: {v['reason']}" for v in violations]


def content_of(server, channel):
    return [message["content"] for message in server.messages(channel)]


def test_the_schemas_are_checked(server, reference_data):
    if not (reference_data / "discord" / "openapi.json").is_file():
        pytest.skip(f"no Discord schemas in {reference_data}")
    assert server.control("GET", "violations")["validation"] == "on"


def test_the_bot_is_ready_and_its_commands_are_synced(server, bot):
    assert bot.wait_for("ready")["guilds"] == ["Sandbox"]
    commands = {command["name"]: command for command in server.control("GET", "state")["commands"]}
    assert set(commands) == {"live", "chart", "panel", "twice", "everything", "long"}
    assert commands["live"]["default_member_permissions"] == "32"


def test_an_ephemeral_answer_with_resolved_options(server, bot):
    answer = server.run("live add", {"user": "someone", "channel": "lives", "role": "Live pings"})
    assert answer["response"]["content"] == "someone -> lives, Live pings"
    assert answer["ephemeral"] is True
    assert answer["state"] == "answered"
    assert answer["ack_ms"] is not None


def test_an_ephemeral_answer_is_not_in_the_channel(server, bot):
    server.control("POST", "messages", {"user": "member", "channel": "general", "content": "hello"})
    general = int(server.facts["channels"]["general"])
    assert "hello" in bot.do("history", channel=general, limit=100)
    assert not any("lives, Live pings" in text for text in bot.do("history", channel=general, limit=100))


def test_a_deferred_answer_is_filled_by_the_first_followup_with_the_exact_file(server, bot):
    answer = server.run("chart", channel="rounds")
    response = answer["response"]
    assert answer["answer_type"] == 5
    assert response["embeds"][0]["image"]["width"] == 40
    assert response["attachments"][0]["shown_elsewhere"] is True
    with urllib.request.urlopen(response["embeds"][0]["image"]["url"]) as download:
        assert download.read() == picture()
    until(lambda: server.answer(answer["id"])["followups"])
    done = server.answer(answer["id"])["followups"]
    assert done[0]["content"] == f"more to {response['id']}"
    assert done[0]["ephemeral"] is True


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (
            {"name": "live add", "user": "member", "options": {"user": "x", "channel": "lives"}},
            "lacks the permissions",
        ),
        ({"name": "live add", "options": {"user": "x"}}, "required options are missing: ['channel']"),
        ({"name": "live", "options": {}}, "is a group"),
        ({"name": "panel", "options": {"size": 3}}, "has the choices [1, 2]"),
        ({"name": "panel", "options": {"size": 1, "colour": 1}}, "unknown options"),
        ({"name": "gone", "options": {}}, "no command /gone is registered"),
        ({"name": "panel", "user": "member", "channel": "admin", "options": {"size": 1}}, "cannot see"),
        ({"name": "live add", "channel": "dm", "options": {}}, "in direct messages"),
    ],
)
def test_the_client_refuses(server, order, reason):
    with pytest.raises(ControlRefused) as refused:
        server.control("POST", "command", {"user": "admin", "channel": "general", **order})
    assert reason in str(refused.value)


def test_autocomplete(server, bot):
    order = {
        "user": "admin",
        "channel": "general",
        "name": "live add",
        "options": {"user": "some"},
        "focused": "user",
    }
    answer = server.answer(server.control("POST", "autocomplete", order)["interaction_id"])
    assert answer["choices"] == [{"name": "Some", "value": "some"}]


@pytest.fixture
def panel(server, bot):
    return server.run("panel", {"size": 2})["response"]


def shown(server, panel):
    return next(one for one in server.messages("general") if one["id"] == panel["id"])


def test_a_button_updates_its_message(server, panel):
    assert panel["content"] == "size 2"
    server.answer(server.press(panel, "count", user="member"))
    assert shown(server, panel)["content"] == "counted"
    assert shown(server, panel)["versions"][0]["content"] == "size 2"


def test_a_menu_whose_answer_is_an_edit(server, panel):
    answer = server.answer(server.press(panel, "colour", "blue"))
    assert answer["answer_type"] == 6
    until(lambda: shown(server, panel)["content"] == "colour blue")


def test_a_role_menu(server, panel):
    answer = server.answer(server.press(panel, "role", "Quiet"))
    assert answer["response"]["content"] == "role Quiet"


def test_a_modal_is_opened_checked_and_submitted(server, panel):
    opened = server.answer(server.press(panel, "name"))
    assert opened["modal"]["title"] == "Name it"
    field = opened["modal"]["components"][0]["components"][0]["custom_id"]
    order = {"user": "admin", "interaction_id": opened["id"], "fields": {field: "much too long"}}
    with pytest.raises(ControlRefused, match="2 to 8 characters"):
        server.control("POST", "modal", order)
    order["fields"] = {field: "Ann"}
    answer = server.answer(server.control("POST", "modal", order)["interaction_id"])
    assert answer["response"]["content"] == "named Ann"


def test_a_disabled_button_and_an_unknown_choice_are_refused(server, panel):
    with pytest.raises(ControlRefused, match="disabled"):
        server.press(panel, "dead")
    with pytest.raises(ControlRefused, match="is not offered"):
        server.press(panel, "colour", "green")


def test_options_of_every_type_arrive(server, bot):
    file = {"filename": "note.txt", "content": base64.b64encode(b"read me").decode()}
    options = {"who": "member", "whom": "Quiet", "share": 0.5, "sure": True, "note": file}
    answer = server.run("everything", options, user="member")
    assert answer["response"]["content"] == "member Quiet 0.5 True note.txt read me"


def test_a_command_in_a_direct_channel(server, bot):
    assert server.run("panel", {"size": 1}, channel="dm")["response"]["content"] == "size 1"


def test_a_second_answer_is_refused(server, bot):
    answer = server.run("twice")
    until(lambda: server.answer(answer["id"])["response"]["content"] == "refused with 40060")


def test_after_15_minutes_the_token_is_dead(server, bot):
    asked = server.command("long")
    bot.wait_for("deferred")
    server.control("POST", f"interactions/{asked}/expire", {})
    assert bot.refused("finish", text="late") == [401, 50027]


@pytest.mark.parametrize(
    ("denied", "order", "expected"),
    [
        ("view_channel", {"content": "x"}, [403, 50001]),
        ("send_messages", {"content": "x"}, [403, 50013]),
        ("embed_links", {"title": "x"}, [403, 50013]),
        ("attach_files", {"file": True}, [403, 50013]),
    ],
)
def test_a_denied_permission_stops_a_post_until_it_is_given_back(server, bot, lives, denied, order, expected):
    server.control("POST", "channels/lives/deny", {"permissions": [denied]})
    assert bot.refused("post", channel=lives, **order) == expected
    server.control("POST", "channels/lives/allow")
    assert bot.do("post", channel=lives, **order)


def test_a_reply_points_to_its_message(server, bot, lives):
    asked = bot.do("post", channel=lives, content="question")
    answer = bot.do("reply", channel=lives, message=asked, content="answer")
    found = next(one for one in server.messages("lives") if one["id"] == str(answer))
    assert found["message_reference"]["message_id"] == str(asked)
    assert bot.refused("reply", channel=lives, message=1, content="x") == [400, 50035]


def test_what_is_not_there_is_unknown(server, bot, lives):
    assert bot.refused("post", channel=1, content="x") == [404, 10003]
    assert bot.refused("edit", channel=lives, message=1, content="x") == [404, 10008]
    assert bot.refused("look", guild=1, channel=lives, user=1) == [404, 10004]


def test_a_message_of_somebody_else_is_not_the_bots_to_edit(server, bot, lives):
    order = {"user": "member", "channel": "lives", "content": "mine"}
    foreign = int(server.control("POST", "messages", order)["id"])
    assert bot.refused("edit", channel=lives, message=foreign, content="x") == [403, 50005]
    assert bot.refused("delete", channel=lives, message=foreign) == [403, 50013]


def test_limits_of_a_message(server, bot, lives):
    assert bot.refused("post", channel=lives, content="") == [400, 50006]
    assert bot.refused("post", channel=lives, content="x" * 2001) == [400, 50035]
    assert bot.refused("embeds", channel=lives, sizes=[3000, 3001]) == [400, 50035]
    assert bot.do("embeds", channel=lives, sizes=[3000, 3000])


def test_post_edit_delete_and_history(server, bot):
    channel = int(server.control("POST", "channels", {"name": "log"})["id"])
    ids = [bot.do("post", channel=channel, content=f"m{number}") for number in range(4)]
    assert bot.do("edit", channel=channel, message=ids[3], content="edited") == "edited"
    bot.do("delete", channel=channel, message=ids[0])
    assert bot.do("history", channel=channel, limit=2) == ["edited", "m2"]
    assert bot.do("history", channel=channel, limit=9, before=ids[2]) == ["m1"]
    assert bot.do("history", channel=channel, limit=9, after=ids[1]) == ["m2", "edited"]
    assert bot.do("history", channel=channel, limit=1, around=ids[1]) == ["m1"]
    kinds = [entry["kind"] for entry in server.control("GET", "events") if entry.get("channel") == "log"]
    assert kinds == ["message_posted"] * 4 + ["message_edited", "message_deleted"]


def test_a_retry_with_the_same_nonce_is_one_message(server, bot, lives):
    server.fault("status", status=503, when="after", method="POST", path="/messages$")
    assert bot.refused("post", channel=lives, content="once", nonce="n1") == [503, 0]
    posted = bot.do("post", channel=lives, content="once", nonce="n1")
    assert content_of(server, "lives").count("once") == 1
    bot.do("delete", channel=lives, message=posted)
    assert bot.refused("post", channel=lives, content="once", nonce="n1") == [404, 10008]


def test_a_retry_without_nonce_is_two_messages(server, bot, lives):
    server.fault("status", status=503, when="after", method="POST", path="/messages$")
    bot.refused("post", channel=lives, content="doubled")
    bot.do("post", channel=lives, content="doubled")
    assert content_of(server, "lives").count("doubled") == 2


def test_a_fault_before_the_commit_posts_nothing(server, bot, lives):
    server.fault("drop", method="POST", path="/messages$")
    assert bot.refused("post", channel=lives, content="lost")[0] == "ServerDisconnectedError"
    assert "lost" not in content_of(server, "lives")


def test_a_request_hangs_until_the_fault_is_deleted(server, bot, lives):
    server.fault("hang", method="POST", path="/messages$")
    number = bot.order("post", channel=lives, content="held")
    until(lambda: any(one.get("fault") == "hang" for one in server.requests("POST", "/messages")))
    assert not any(line.get("number") == number for line in bot.lines)
    server.control("DELETE", "faults")
    until(lambda: any(line.get("number") == number for line in bot.lines))


def test_429_is_waited_out_and_a_cloudflare_ban_is_not(server, bot, lives):
    server.fault("rate_limit", method="POST", path="/messages$", headers={"Retry-After": "0.05"})
    assert bot.do("post", channel=lives, content="patient")
    assert [one["status"] for one in server.requests("POST", "/messages")] == [429, 200]
    server.fault("cloudflare", method="POST", path="/messages$")
    assert bot.refused("post", channel=lives, content="banned") == [429, 0]


def test_an_empty_bucket_slows_the_bot_down_by_its_headers(server, bot, lives):
    server.control("POST", "rate_limits", {"enabled": True, "limit": 2, "seconds": 0.3})
    for number in range(5):
        assert bot.do("post", channel=lives, content=f"burst {number}")
    server.control("POST", "rate_limits", {"enabled": False})
    # discord.py reads the headers and waits beforehand: nothing is refused.
    assert {one["status"] for one in server.requests("POST", "/messages")} == {200}


def test_whom_a_message_pings(server, bot, lives):
    roles = server.facts["roles"]
    loud, quiet = int(roles["Live pings"]), int(roles["Quiet"])
    text = f"@everyone <@&{loud}> <@&{quiet}> <@{server.facts['users']['member']}>"

    def pinged(message):
        found = next(one for one in server.messages("lives") if one["id"] == str(message))
        return found["pinged_everyone"], found["pinged_roles"], found["pinged_users"]

    assert pinged(bot.do("post", channel=lives, content=text)) == (False, [], [])
    assert pinged(bot.do("post", channel=lives, content=text, roles=[loud])) == (False, [str(loud)], [])
    assert pinged(bot.do("post", channel=lives, content=text, roles=[quiet])) == (False, [], [])
    # All is allowed by the request, but the bot may not mention everyone, nor a role that is not mentionable.
    everybody = pinged(bot.do("ping_all", channel=lives, content=text))
    assert everybody == (False, [str(loud)], [server.facts["users"]["member"]])
    server.control("PATCH", "roles/Quiet", {"mentionable": True})
    assert pinged(bot.do("post", channel=lives, content=text, roles=[quiet])) == (False, [str(quiet)], [])
    server.control("PATCH", "roles/Quiet", {"mentionable": False})


def test_guild_channel_and_member_are_readable(server, bot, lives):
    facts = server.facts
    seen = bot.do("look", guild=int(facts["guild"]), channel=lives, user=int(facts["users"]["member"]))
    assert seen == ["Sandbox", "lives", "member", 4]


def test_direct_messages_and_who_refuses_them(server, bot):
    member = int(server.facts["users"]["member"])
    assert bot.do("whisper", user=member, content="psst")
    server.control("PATCH", "users/member", {"accepts_dms": False})
    assert bot.refused("whisper", user=member, content="psst") == [403, 50007]
    server.control("PATCH", "users/member", {"accepts_dms": True})


def test_typing_and_reactions(server, bot, lives):
    assert bot.do("busy", channel=lives) == "👍"


def test_components_v2_with_an_uploaded_picture(server, bot, lives):
    with urllib.request.urlopen(bot.do("gallery", channel=lives)) as download:
        assert download.read() == picture()


def test_changes_of_the_world_reach_the_bot(server, bot):
    server.control("POST", "channels", {"name": "brief"})
    server.control("DELETE", "channels/brief")
    server.control("PATCH", "roles/Live%20pings", {"mentionable": False})
    # discord.py changes a role in place and tells of it later: a second change must wait for that.
    until(lambda: {"event": "role_update", "name": "Live pings", "mentionable": False} in bot.lines)
    server.control("PATCH", "roles/Live%20pings", {"mentionable": True})
    server.control("POST", "guilds", {"name": "Second"})
    server.control("POST", "kick", {"guild": "Second"})
    until(lambda: {"event": "channel_delete", "name": "brief"} in bot.lines)
    until(lambda: {"event": "guild_join", "name": "Second"} in bot.lines)
    until(lambda: {"event": "guild_remove", "name": "Second"} in bot.lines)


def test_a_dropped_connection_is_resumed_and_what_was_missed_replayed(server, bot):
    before = server.gateway()
    resumed = len(bot.events("resumed"))
    server.gateway("drop")
    server.control("POST", "channels", {"name": "missed"})
    until(lambda: {"event": "channel_create", "name": "missed"} in bot.lines)
    bot.wait_for("resumed", resumed + 1)
    after = server.gateway()
    assert after["identify"] == before["identify"]
    assert after["resume"] == before["resume"] + 1
    assert after["replayed"] > before["replayed"]


def test_op_7_is_a_resume(server, bot):
    resumed, before = len(bot.events("resumed")), server.gateway()["identify"]
    server.gateway("reconnect")
    bot.wait_for("resumed", resumed + 1)
    assert server.gateway()["identify"] == before


def test_an_invalid_session_is_a_new_identify(server, bot):
    ready, before = len(bot.events("ready")), server.gateway()["identify"]
    server.gateway("invalid_session", resumable=False)
    bot.wait_for("ready", ready + 1)
    assert server.gateway()["identify"] == before + 1


def test_an_unimplemented_route_is_recorded(server, bot):
    assert bot.refused("unimplemented", guild=int(server.facts["guild"])) != []
    assert server.violations()[0]["kind"] == "unimplemented"


def test_a_wrong_token_is_refused(server):
    with running_bot(server, SAMPLE_TOKEN="wrong") as stranger:
        assert stranger.wait_for("failed")["reason"] == "LoginFailure"
