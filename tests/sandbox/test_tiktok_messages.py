"""The bytes the TikTok stand-in writes, read with the real library's classes.

Bodies are read with the event classes, never with the raw ones: a raw class that is parsed first changes what
`event.user` is for the rest of the process (spec 1.4.9).
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.clock import WorldClock
from tools.sandbox.tiktok.gifts import Gift
from tools.sandbox.tiktok.messages import Composer, fetch_result, push_frame
from tools.sandbox.tiktok.sign import first_response
from tools.sandbox.tiktok.wire import decode, encode, varint
from tools.sandbox.tiktok.world import Account, Room

ROOM_ID = 1_790_000_000 << 32 | 7
numbers = st.integers(min_value=1, max_value=2**64 - 1)
fields = st.dictionaries(
    st.integers(min_value=1, max_value=2000),
    st.lists(numbers, min_size=1, max_size=3) | st.lists(st.binary(min_size=1), min_size=1, max_size=3),
)


@pytest.fixture
def composer():
    host = Account(id=1, handle="anna", nickname="Anna", followers=10)
    return Composer(
        room=Room(id=ROOM_ID, owner=host, title="T", viewers=9),
        serial=itertools.count(1),
        clock=WorldClock(None),
    )


@pytest.fixture(scope="module")
def library():
    from TikTokLive.events.proto_events import EVENT_MAPPINGS

    return EVENT_MAPPINGS


@pytest.fixture
def read(composer, library):
    def read(**script):
        messages = composer.compose(script)
        return [library[message.method]().parse(message.payload) for message in messages]

    return read


def test_a_comment_as_the_library_reads_it(read):
    user = {"handle": "ben", "id": 5, "nickname": "Ben", "moderator": True, "avatar": "http://a/b.png"}
    (event,) = read(kind="comment", user=user, text="hi", language="de", at=1_790_000_001.5, msg_id=77)
    assert (event.content, event.content_language) == ("hi", "de")
    assert (event.common.msg_id, event.common.room_id) == (77, ROOM_ID)
    assert (event.common.create_time, event.common.method) == (1_790_000_001_500, "WebcastChatMessage")
    assert (event.user.id, event.user.display_id, event.user.nickname) == (5, "ben", "Ben")
    assert event.user.avatar_thumb.url_list == ["http://a/b.png"]
    assert event.user_identity.is_moderator_of_anchor
    assert not event.user_identity.is_subscriber_of_anchor


def test_the_same_name_is_always_the_same_person(read):
    (first,), (second,), (other,) = (read(kind="share", user=name) for name in ("ben", "ben", "cleo"))
    assert first.user.id == second.user.id != other.user.id


def test_likes_add_up(read):
    (first,), (second,) = read(kind="like", user="b", count=5), read(kind="like", user="b", count=3)
    assert [(event.count, event.total) for event in (first, second)] == [(5, 5), (3, 8)]


def test_a_gift_tells_what_it_is_and_for_whom(read):
    (event,) = read(kind="gift", user="ben", gift="Lion", to_user="guest", group_count=2)
    assert (event.gift_id, event.gift.id, event.gift.name, event.gift.type) == (6369, 6369, "Lion", 2)
    assert (event.gift.diamond_count, event.gift.combo, event.group_count) == (29999, False, 2)
    assert (event.user.display_id, event.to_user.display_id) == ("ben", "guest")
    assert event.order_id
    assert not event.streaking


def test_a_streak_may_skip_steps_lose_its_end_and_go_undescribed(read):
    events = read(kind="gift", user="b", gift=5655, steps=[2, 5], end=False, described=False, group_id=8)
    assert [(event.repeat_count, event.repeat_end, event.group_id) for event in events] == [
        (2, 0, 8),
        (5, 0, 8),
    ]
    assert [event.gift for event in events] == [None, None]


def test_each_gift_is_a_group_of_its_own_unless_told(read):
    groups = {event.group_id for _ in range(2) for event in read(kind="gift", user="b", gift="Rose")}
    assert len(groups) == 2


def test_a_gift_nobody_sells_can_be_described(read):
    (event,) = read(kind="gift", user="b", gift={"id": 9, "name": "Boat", "diamonds": 3, "type": 2}, count=4)
    assert (event.gift.name, event.repeat_count, event.fan_ticket_count) == ("Boat", 4, 12)
    assert not Gift(id=9, name="Boat", diamonds=3, type=2).streakable


def test_follow_and_share_have_the_keys_the_library_looks_for(read):
    (follow,), (share,) = read(kind="follow", user="b"), read(kind="share", user="b")
    assert "follow" in follow.common.display_text.key
    assert follow.follow_count == 11
    assert "share" in share.common.display_text.key
    assert "follow" not in share.common.display_text.key


def test_viewers_with_the_top_of_the_room(read, composer):
    top = [{"user": "ben", "score": 500}, {"user": "cleo", "score": 20}]
    (event,) = read(kind="viewers", count=40, top=top, anonymous=3)
    assert (event.total, event.total_user, event.anonymous) == (40, 40, 3)
    assert [(rank.rank, rank.score, rank.user.display_id) for rank in event.ranks] == [
        (1, 500, "ben"),
        (2, 20, "cleo"),
    ]
    assert composer.room.viewers == 40


def test_the_rarer_kinds(read):
    (join,) = read(kind="join", user="b", action=3)
    assert (join.user.display_id, int(join.action), join.member_count) == ("b", 3, 9)
    (subscriber,) = read(kind="subscribe", user="b", months=4)
    assert (subscriber.user.display_id, subscriber.sub_month) == ("b", 4)
    (chest,) = read(kind="chest", user="b", diamonds=100, people=10)
    assert (chest.envelope_info.send_user_name, chest.envelope_info.diamond_count) == ("b", 100)
    (barrage,) = read(kind="barrage")
    assert barrage.content.key == "ttlive_superfan"
    assert [int(read(kind=kind)[0].action) for kind in ("pause", "resume", "end", "suspend")] == [1, 2, 3, 4]


def test_what_the_library_cannot_know_stays_unknown(composer, library):
    (message,) = composer.compose({"kind": "unknown"})
    assert message.method not in library
    (raw,) = composer.compose({"kind": "raw", "method": "WebcastChatMessage", "payload_base64": "Cg=="})
    assert (raw.method, raw.payload) == ("WebcastChatMessage", b"\x0a")


def test_the_first_response_as_the_library_reads_it(composer):
    from TikTokLive.proto import ProtoMessageFetchResult

    composer.compose({"kind": "comment", "user": "b", "text": "t"})
    response = ProtoMessageFetchResult().parse(
        first_response(composer.room, "localhost:1", at=0.0, without=None)
    )
    assert response.is_first
    assert response.cursor
    assert response.route_params["imprp"] == f"sandbox-{ROOM_ID}"
    assert response.push_server == "ws://localhost:1/webcast/im/ws_proxy/ws_reuse_supplement/"
    assert [(message.method, message.is_history) for message in response.messages] == [
        ("WebcastChatMessage", True)
    ]


@pytest.mark.parametrize("compress", [True, False])
def test_a_frame_as_the_library_reads_it(composer, compress):
    from TikTokLive.client.ws.ws_utils import extract_webcast_push_frame, extract_webcast_response_message

    messages = composer.compose({"kind": "end"})
    frame = push_frame(
        fetch_result(messages, internal_ext="e", at=0.0, need_ack=True), log_id=42, compress=compress
    )
    read = extract_webcast_push_frame(frame)
    response = extract_webcast_response_message(read)
    assert (read.log_id, read.payload_type, read.payload_encoding) == (42, "msg", "pb")
    assert (response.internal_ext, response.need_ack, response.is_first) == ("e", True, False)
    assert [message.msg_id for message in response.messages] == [messages[0].msg_id]


def test_known_bytes():
    # Examples of https://protobuf.dev/programming-guides/encoding/ so that a common mistake of both halves shows.
    assert varint(150) == b"\x96\x01"
    assert varint(-2) == b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    assert (
        encode({1: 150, 2: "testing", 3: {1: 150}, 4: 0})
        == b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01"
    )


@given(fields)
def test_what_is_encoded_is_decoded(wanted):
    assert decode(encode(wanted)) == wanted


@given(st.binary())
def test_any_bytes_are_read_or_refused(data):
    try:
        decode(data)
    except ValueError:
        return
    assert isinstance(decode(data), dict)
