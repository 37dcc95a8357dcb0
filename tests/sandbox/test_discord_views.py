"""What the Discord stand-in tells a page: which commands somebody is offered, and what a message needs to be shown."""

from __future__ import annotations

import pytest

from tests.rawdiscord import identified

SAVE = {
    "name": "live",
    "description": "People who go live",
    "description_localizations": {"id": "Orang yang siaran"},
    "default_member_permissions": "32",
    "contexts": [0],
    "options": [
        {
            "type": 1,
            "name": "add",
            "name_localizations": {"id": "tambah"},
            "description": "Watch somebody",
            "options": [
                {
                    "type": 3,
                    "name": "account",
                    "name_localizations": {"id": "akun"},
                    "description": "Whom",
                    "required": True,
                    "autocomplete": True,
                },
                {
                    "type": 4,
                    "name": "days",
                    "description": "How long",
                    "min_value": 1,
                    "choices": [
                        {"name": "a week", "name_localizations": {"id": "seminggu"}, "value": 7},
                        {"name": "a month", "value": 30},
                    ],
                },
            ],
        },
        {"type": 1, "name": "list", "description": "Who is watched"},
    ],
}
CHART = {"name": "chart", "description": "A chart"}


@pytest.fixture
async def commands(rest):
    await rest.done("PUT", "/applications/{app}/commands", [SAVE, CHART])


def offered(server, user, channel="general"):
    found = server.control("GET", f"commands?user={user}&channel={channel}")
    return {command["name"]: command for command in found}


async def test_the_menu_lists_every_sub_command_with_its_options(server, commands):
    menu = offered(server, "admin")
    assert list(menu) == ["chart", "live add", "live list"]
    account, days = menu["live add"]["options"]
    assert account == {
        "name": "account",
        "label": "account",
        "description": "Whom",
        "type": 3,
        "required": True,
        "autocomplete": True,
        "choices": [],
    }
    assert days["choices"] == [{"name": "a week", "value": 7}, {"name": "a month", "value": 30}]
    assert (days["min_value"], days["required"]) == (1, False)


async def test_the_menu_says_who_may_not_use_a_command_here_and_why(server, commands):
    assert [one["allowed"] for one in offered(server, "admin").values()] == [True, True, True]
    member = offered(server, "member")
    assert member["chart"]["allowed"] is True
    assert member["live add"]["allowed"] is False
    assert "lacks the permissions of /live" in member["live add"]["reason"]
    assert "in direct messages" in offered(server, "admin", "dm")["live list"]["reason"]


async def test_the_menu_is_in_the_language_of_the_persons_client(server, commands):
    server.control("PATCH", "users/admin", {"locale": "id"})
    try:
        add = offered(server, "admin")["live add"]
    finally:
        server.control("PATCH", "users/admin", {"locale": "en-US"})
    assert (add["label"], add["description"]) == ("live tambah", "Watch somebody")
    assert add["options"][0]["label"] == "akun"
    assert [one["name"] for one in add["options"][1]["choices"]] == ["seminggu", "a month"]


async def answer(server, rest, socket, asked, body):
    """Answer an interaction as a bot does; its token, for what follows."""
    event = (await socket.receive_json())["d"]
    assert event["id"] == asked
    await rest("POST", f"/interactions/{asked}/{event['token']}/callback", body)
    return f"/webhooks/{event['application_id']}/{event['token']}"


async def test_an_ephemeral_answer_says_whose_it_is_and_what_was_asked(server, rest, socket, commands):
    await identified(server, socket)
    asked = server.command("live add", {"account": "someone"})
    await answer(server, rest, socket, asked, {"type": 4, "data": {"content": "done", "flags": 64}})
    [message] = [one for one in server.messages("general") if one["interaction_id"] == asked]
    assert (message["visible_to"], message["asked"]["command"]) == ("admin", "live add")
    assert message["asked"]["user"]["name"] == "admin"
    assert message["author"]["color"] == "#1abc9c"


async def test_thinking_is_told_before_the_answer_and_is_the_same_message(server, rest, socket, commands):
    await identified(server, socket)
    last = server.control("GET", "events")[-1]["n"]
    asked = server.command("chart", user="member")
    webhook = await answer(server, rest, socket, asked, {"type": 5})
    await rest.done("PATCH", f"{webhook}/messages/@original", {"content": "here"})
    told = [one for one in server.control("GET", f"events?after={last}") if "message" in one]
    assert [(one["kind"], one["message"]["loading"]) for one in told] == [
        ("thinking", True),
        ("message_posted", False),
    ]
    assert len({one["message"]["id"] for one in told}) == 1
    assert told[0]["message"]["asked"]["user"]["name"] == "member"


async def test_the_answer_to_a_button_names_the_message_it_belongs_to(server, rest, socket, commands):
    await identified(server, socket)
    button = {"type": 1, "components": [{"type": 2, "style": 1, "label": "More", "custom_id": "more"}]}
    posted = await rest.done("POST", "/channels/{lives}/messages", {"content": "x", "components": [button]})
    asked = server.press(posted, "more", user="member")
    await answer(server, rest, socket, asked, {"type": 4, "data": {"content": "more"}})
    [message] = [one for one in server.messages("lives") if one["interaction_id"] == asked]
    assert message["asked"]["command"] is None
    assert (message["reply"]["id"], message["reply"]["author"]["name"]) == (posted["id"], "Vedette")
    assert message["reply"]["content"] == "x"


def test_the_state_says_who_sees_and_writes_in_a_channel(server):
    [guild] = server.control("GET", "state")["guilds"]
    channels = {channel["name"]: channel for channel in guild["channels"]}
    assert channels["admin"]["seen_by"] == ["admin", "Vedette"]
    assert channels["general"]["seen_by"] == ["admin", "Vedette", "member"]
    colors = {member["user"]["name"]: member["color"] for member in guild["members"]}
    assert colors == {"admin": None, "Vedette": "#1abc9c", "member": None}
