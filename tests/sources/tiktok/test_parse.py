"""No bytes may crash the readers: what is not understood is an error that says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.models import Answer
from bot.errors import SourceError
from bot.sources.tiktok import parse

NOW = datetime(2026, 11, 21, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def answer(**changes: object) -> dict:
    data = {
        "user": {
            "id": "123",
            "uniqueId": "Ana",
            "nickname": "Ana",
            "roomId": "7574000000000000000",
            "status": 2,
        },
        "stats": {"followerCount": 5},
        "liveRoom": {
            "title": "T",
            "status": 2,
            "startTime": 1763730000,
            "coverUrl": "https://x.example/c.jpg",
            "liveRoomStats": {"userCount": 3},
        },
    }
    for path, value in changes.items():
        place = data
        *way, last = path.split("__")
        for step in way:
            place = place[step]
        place[last] = value
    return {"statusCode": 0, "message": "", "data": data}


def read(data: object):
    return parse.read_live(json.dumps(data).encode(), NOW)


@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    for reader in (
        lambda: parse.read_live(body, NOW),
        lambda: parse.read_profile(body),
        lambda: parse.read_rooms_alive(body),
    ):
        with pytest.raises(SourceError):
            reader()


leaves = [
    "user__id",
    "user__roomId",
    "user__status",
    "liveRoom__status",
    "liveRoom__startTime",
    "liveRoom__coverUrl",
    "liveRoom__title",
    "liveRoom__liveRoomStats",
    "user__nickname",
    "user__uniqueId",
    "stats",
    "liveRoom",
    "user",
]


@given(st.sampled_from(leaves), json_values)
def test_any_value_in_any_place_is_read_or_refused(leaf: str, value: object) -> None:
    try:
        observation = read(answer(**{leaf: value}))
    except SourceError:
        return
    assert observation.answer in {Answer.LIVE, Answer.OFFLINE}
    if observation.sighting is not None:
        assert 0 < observation.sighting.room_id < 2**63
        assert observation.sighting.viewers is None or observation.sighting.viewers >= 0


@given(json_values)
def test_any_json_as_the_whole_answer(value: object) -> None:
    try:
        read(value)
    except SourceError:
        return
    assert isinstance(value, dict)


def test_a_missing_count_is_unknown_and_not_zero() -> None:
    assert read(answer(liveRoom__liveRoomStats={})).sighting.viewers is None
    nobody = read(answer(stats=None)).person
    assert (nobody.followers, nobody.total_likes) == (None, None)


def test_the_likes_of_all_posts_are_read_where_they_are_told() -> None:
    assert read(answer(stats={"heartCount": 0})).person.total_likes == 0
    assert read(answer(stats={"heart": "5000000000"})).person.total_likes == 5_000_000_000


def test_the_start_comes_from_the_room_id_where_no_start_is_told() -> None:
    sighting = read(answer(liveRoom__startTime=None)).sighting
    assert sighting.started_at == datetime.fromtimestamp(7574000000000000000 >> 32, UTC)


def test_only_web_addresses_are_taken_as_a_cover() -> None:
    assert read(answer(liveRoom__coverUrl="javascript:alert(1)")).sighting.cover_url == ""
    assert read(answer(liveRoom__coverUrl="https://x.example/a\nb")).sighting.cover_url == ""


def test_a_name_without_what_no_database_takes() -> None:
    assert read(answer(user__nickname="A\x00\ud800")).person.nickname == "A?"
