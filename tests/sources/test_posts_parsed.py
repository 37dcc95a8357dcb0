"""Whatever stands in an answer about posts, it is read or refused, by both sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.models import ProfileRef, Trouble
from bot.errors import PostsUnread
from bot.sources.scrapecreators import parse
from bot.sources.tiktok import listing_child, listing_lines
from bot.sources.tiktok.listing_state import Reading
from tests.clocks import START

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
ENTRY = {
    "id": "7710770994996150278",
    "timestamp": 1795303846,
    "description": "a",
    "duration": 5,
    "view_count": 1,
}
AWEME = {
    "aweme_id": "7710770994996150278",
    "create_time": 1795303846,
    "desc": "a",
    "statistics": {},
    "video": {},
}
USER = {"id": "7", "uniqueId": "ana", "secUid": "MS4w", "nickname": "A", "privateAccount": False}


def read_or_refused(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except PostsUnread as error:
        refused = error
    assert refused.trouble in set(Trouble)
    assert str(refused)
    return None


@given(st.sampled_from([*ENTRY, "thumbnails", "like_count", "save_count"]), anything)
def test_an_entry_of_yt_dlp(name: str, value: object) -> None:
    posts = read_or_refused(lambda: listing_lines.read_posts([{**ENTRY, name: value}], "ana"))
    for post in posts or ():
        assert 0 < post.post_id < 2**63
        assert post.counts.views is None or post.counts.views >= 0


@given(st.sampled_from(["code", "user", "stats", "count", *USER]), anything)
def test_what_the_pages_of_tiktok_say_of_a_profile(name: str, value: object) -> None:
    said = {"code": 0, "count": 1, "user": dict(USER), "stats": {}}
    (said["user"] if name in USER else said)[name] = value
    for kind in ("profile", "listed"):
        read_or_refused(lambda kind=kind: Reading(ProfileRef(account_id=1, handle="a")).take({kind: said}))


@given(st.dictionaries(st.sampled_from(["status", "retry_after", "path", "content", "json_place"]), anything))
def test_why_the_process_failed(failed: dict) -> None:
    failed = {**failed, **({"status": 500} if "status" in failed else {})}
    read_or_refused(lambda: Reading(ProfileRef(account_id=1, handle="a")).last_page(failed, START))


@given(anything)
def test_the_pages_themselves(value: object) -> None:
    body = json.dumps(value).encode()
    page = b'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__">%s</script>' % body
    scope = json.dumps({"__DEFAULT_SCOPE__": {"webapp.user-detail": value}}).encode()
    for one in (page, page.replace(body, scope), body):
        json.dumps(listing_child.of_page(one, "/@a"))
    json.dumps(listing_child.of_listing(body))
    json.dumps(listing_child.of_listing(json.dumps({"itemList": value}).encode()))


@given(st.sampled_from([*AWEME, "cover"]), anything)
def test_a_post_of_scrapecreators(name: str, value: object) -> None:
    data = {"aweme_list": [{**AWEME, name: value, "video": {"cover": {"url_list": value}}}], "has_more": 0}
    read_or_refused(lambda: parse.read_posts(data, "ana"))


@given(st.sampled_from(["user", "stats", "statsV2", *USER]), anything)
def test_a_profile_of_scrapecreators(name: str, value: object) -> None:
    data: dict[str, Any] = {"user": dict(USER), "stats": {}}
    (data["user"] if name in USER else data)[name] = value
    read_or_refused(lambda: parse.read_profile(data))
    read_or_refused(lambda: parse.read_answer(json.dumps(value).encode()))
    read_or_refused(lambda: parse.read_posts(data | {"aweme_list": value, "has_more": value}, "a"))
