"""The stand-in as the real library sees it: an unmodified TikTokLive client, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.standins import running, until

VIEWER = Path(__file__).with_name("tiktok_viewer.py")
HOST_ID = 7_000_000_000_000_000_001


@pytest.fixture(scope="module")
def story():
    """A live from the first look to its end: (what the client heard, the stand-in's sockets and records)."""
    with running("tiktok") as tiktok:
        tiktok.control("POST", "accounts", {"handle": "anna.live", "id": HOST_ID, "followers": 10})
        live = tiktok.control("POST", "accounts/anna.live/live", {"title": "Morning", "viewers": 12})
        early = [{"kind": "comment", "user": f"early{n}", "text": f"before {n}"} for n in range(8)]
        told = tiktok.control("POST", "rooms/anna.live/events", early)["messages"]
        facts = tiktok.facts
        command = [sys.executable, str(VIEWER), facts["www"], facts["webcast"], facts["sign"], "anna.live"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
            until(lambda: any(socket["entered"] for socket in tiktok.control("GET", "sockets")))
            tiktok.control(
                "POST",
                "rooms/anna.live/events",
                [
                    {
                        "kind": "comment",
                        "user": {"handle": "ben", "id": 5, "nickname": "Ben B."},
                        "text": "hé!",
                    },
                    {"kind": "like", "user": "ben", "count": 15},
                    {"kind": "viewers", "count": 77, "entered": 140},
                    {"kind": "join", "user": "cleo"},
                    {"kind": "gift", "user": "ben", "gift": "Rose", "count": 3, "group_id": 99},
                    {"kind": "gift", "user": "ben", "gift": "Galaxy"},
                    {"kind": "follow", "user": "cleo"},
                    {"kind": "share", "user": "cleo"},
                    {"kind": "unknown"},
                ],
            )
            plain = {"events": [{"kind": "comment", "user": "ben", "text": "plain"}], "compress": False}
            tiktok.control("POST", "rooms/anna.live/events", plain)
            tiktok.wait_for(kind="socket", op="ack", count=13)
            tiktok.control("POST", "accounts/anna.live/end")
            output, _ = viewer.communicate(timeout=30)
        assert viewer.returncode == 0
        heard = [json.loads(line) for line in output.splitlines()]
        until(lambda: not tiktok.control("GET", "sockets")[0]["open"])
        yield {
            "heard": heard,
            "live": live,
            "early": told,
            "sockets": tiktok.control("GET", "sockets"),
            "requests": tiktok.control("GET", "requests"),
        }


def heard(story, event):
    lines = [dict(line) for line in story["heard"] if line["event"] == event]
    return [{key: value for key, value in line.items() if key != "event"} for line in lines]


def test_the_client_finds_the_person_the_live_and_its_room(story):
    assert heard(story, "is_live") == [{"live": True}]
    assert heard(story, "who") == [{"unique_id": "anna.live"}]
    assert heard(story, "ConnectEvent") == [
        {"unique_id": "anna.live", "room_id": int(story["live"]["room_id"])}
    ]
    info = heard(story, "room_info")[0]
    assert info["title"] == "Morning"
    assert info["gifts"] >= 5


def test_the_last_six_comments_are_replayed_and_new_ones_follow(story):
    comments = heard(story, "CommentEvent")
    assert [comment["text"] for comment in comments] == [
        *(f"before {n}" for n in range(2, 8)),
        "hé!",
        "plain",
    ]
    assert [comment["msg_id"] for comment in comments[:6]] == [told["msg_id"] for told in story["early"][2:]]
    assert comments[6]["user"] == {"id": 5, "handle": "ben", "nickname": "Ben B."}


def test_counts_arrive(story):
    assert heard(story, "LikeEvent") == [{"count": 15, "total": 15, "handle": "ben"}]
    assert heard(story, "RoomUserSeqEvent") == [{"total": 77, "total_user": 140}]
    assert heard(story, "JoinEvent") == [{"handle": "cleo", "viewers": 77}]
    assert heard(story, "FollowEvent") == [{"handle": "cleo", "followers": 11}]
    assert heard(story, "ShareEvent") == [{"handle": "cleo"}]


def test_a_streak_counts_up_and_ends_and_a_dear_gift_comes_once(story):
    *streak, end, galaxy = heard(story, "GiftEvent")
    assert [(gift["repeat_count"], gift["streaking"], gift["value"]) for gift in streak] == [
        (1, True, None),
        (2, True, None),
        (3, True, None),
    ]
    assert (end["repeat_count"], end["repeat_end"], end["value"]) == (3, 1, 0.015)
    assert {gift["group_id"] for gift in [*streak, end]} == {99}
    assert (galaxy["name"], galaxy["repeat_end"], galaxy["value"]) == ("Galaxy", 0, 5.0)


def test_what_the_library_does_not_know_is_told_as_unknown(story):
    assert heard(story, "UnknownEvent") == [{"methods": ["WebcastMadeUpForTestsMessage"]}]


def test_the_end_of_the_live_ends_the_client(story):
    assert [line["event"] for line in story["heard"][-3:]] == ["LiveEndEvent", "DisconnectEvent", "done"]
    assert heard(story, "LiveEndEvent") == [{"action": 3}]


def test_every_frame_is_acknowledged_by_its_number(story):
    (socket,) = story["sockets"]
    assert socket["compress"]
    assert len(socket["sent"]) == 14
    assert socket["acked"] == socket["sent"]
    acks = [entry for entry in story["requests"] if entry.get("op") == "ack"]
    assert [ack["payload"] for ack in acks] == [f"ext-{log_id}" for log_id in socket["sent"]]


def test_the_client_enters_the_room_and_sends_heartbeats(story):
    room_id = story["live"]["room_id"]
    (enter,) = [entry for entry in story["requests"] if entry.get("op") == "im_enter_room"]
    assert (enter["for_room"], enter["identity"]) == (room_id, "audience")
    beats = [entry for entry in story["requests"] if entry.get("op") == "hb"]
    assert (beats[0]["seq"], beats[0]["for_room"]) == (1, room_id)


def test_every_address_of_the_library_is_served_and_the_key_is_never_kept(story):
    asked = [entry for entry in story["requests"] if entry["kind"] == "http"]
    assert [entry["endpoint"] for entry in asked] == [
        "api_live",
        "profile",
        "live_page",
        "check_alive",
        "room_info",
        "gift_list",
        "sign",
        "socket",
    ]
    assert [entry["api_key"] for entry in asked if entry["endpoint"] == "sign"] == [True]
    assert {entry["status"] for entry in asked} == {200, 101}
    sign, socket = asked[-2:]
    assert sign["query"]["user_agent"] == socket["user_agent"]
    assert "secret-key" not in json.dumps(story["requests"])
