"""The TikTok stand-in over a real socket: every address, every fault, the control API."""

from __future__ import annotations

import asyncio
import io
import json
import re

import aiohttp
import pytest
from PIL import Image

from tests.standins import ControlRefused, running, until
from tools.sandbox.tiktok.wire import decode

API_LIVE = "/api-live/user/room/"
LIBRARY_SCRIPT = r'<script id="{}" type="application/json">(.*?)</script>'


@pytest.fixture(scope="module")
def shared():
    with running("tiktok") as tiktok:
        yield tiktok


@pytest.fixture
def tiktok(shared):
    shared.control("DELETE", "faults")
    shared.control("DELETE", "accounts")
    shared.control("DELETE", "requests")
    shared.control("POST", "accounts", {"handle": "anna", "nickname": "Anna A.", "followers": 42})
    return shared


@pytest.fixture
async def http(tiktok):
    async with aiohttp.ClientSession(tiktok.base, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def check(http, handle="anna"):
    async with http.get(API_LIVE, params={"uniqueId": handle, "sourceType": 54, "aid": 1988}) as answer:
        assert answer.status == 200
        return await answer.json()


async def script(http, path, name):
    async with http.get(path) as answer:
        assert answer.status == 200
        return json.loads(re.search(LIBRARY_SCRIPT.format(name), await answer.text()).group(1))


async def profile(http, name):
    data = await script(http, f"/@{name}", "__UNIVERSAL_DATA_FOR_REHYDRATION__")
    return data["__DEFAULT_SCOPE__"]["webapp.user-detail"]


async def sign(http, room_id, **headers):
    async with http.get("/webcast/fetch", params={"room_id": room_id}, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


def live(tiktok, handle="anna", **facts):
    return tiktok.control("POST", f"accounts/{handle}/live", facts)


# --- the check -------------------------------------------------------------------------------------------


async def test_a_check_tells_a_live_with_all_its_facts(tiktok, http):
    shown = live(tiktok, title="Hello / there", viewers=33, started_at=1_790_000_000)
    answer = await check(http)
    assert (answer["statusCode"], answer["message"]) == (0, "")
    user, room = answer["data"]["user"], answer["data"]["liveRoom"]
    assert (user["uniqueId"], user["nickname"], user["status"]) == ("anna", "Anna A.", 2)
    assert (user["id"], user["secUid"], user["roomId"]) == (shown["id"], shown["sec_uid"], shown["room_id"])
    assert answer["data"]["stats"]["followerCount"] == 42
    assert (room["title"], room["status"], room["startTime"]) == ("Hello / there", 2, 1_790_000_000)
    assert room["liveRoomStats"] == {"userCount": 33, "enterCount": 33}
    assert int(user["roomId"]) >> 32 == 1_790_000_000


async def test_the_cover_can_be_fetched_as_a_picture(tiktok, http):
    live(tiktok)
    url = (await check(http))["data"]["liveRoom"]["coverUrl"]
    async with http.get(url) as answer:
        assert answer.content_type == "image/png"
        picture = Image.open(io.BytesIO(await answer.read()))
        picture.load()
    assert picture.size == (180, 320)


async def test_who_is_offline_keeps_the_last_room_with_status_4(http):
    data = (await check(http))["data"]
    assert (data["user"]["status"], data["liveRoom"]["status"]) == (4, 4)
    assert int(data["user"]["roomId"]) > 0


async def test_pause_resume_and_end_show_as_3_2_and_4(tiktok, http):
    room_id = live(tiktok)["room_id"]
    seen = []
    for command in ("pause", "resume", "end"):
        tiktok.control("POST", f"accounts/anna/{command}")
        user = (await check(http))["data"]["user"]
        seen.append((user["status"], user["roomId"]))
    assert seen == [(3, room_id), (2, room_id), (4, room_id)]


async def test_a_new_live_is_a_new_and_later_room(tiktok):
    first, second = (int(live(tiktok)["room_id"]) for _ in range(2))
    assert second > first


@pytest.mark.parametrize("handle", ["nobody", "ANNA", "", "shy"])
async def test_who_does_not_exist_or_never_was_live_is_not_found(tiktok, http, handle):
    tiktok.control("POST", "accounts", {"handle": "shy", "never_live": True})
    answer = await check(http, handle)
    assert (answer["message"], answer["data"]) == ("user_not_found", None)


async def test_a_renamed_person_is_found_by_the_new_name_and_by_id(tiktok, http):
    shown = tiktok.control("PATCH", "accounts/anna", {"handle": "anna_2"})
    assert (await check(http))["message"] == "user_not_found"
    assert (await check(http, "anna_2"))["data"]["user"]["id"] == shown["id"]
    assert (await profile(http, shown["id"]))["userInfo"]["user"]["uniqueId"] == "anna_2"


# --- pages -----------------------------------------------------------------------------------------------


async def test_the_live_page_tells_room_and_status(tiktok, http):
    shown = live(tiktok, title="</script> & co")
    info = (await script(http, "/@anna/live", "SIGI_STATE"))["LiveRoom"]["liveRoomUserInfo"]
    assert (info["user"]["roomId"], info["user"]["status"]) == (shown["room_id"], 2)
    assert info["liveRoom"]["title"] == "</script> & co"


async def test_the_live_page_of_who_never_was_live_has_no_room(tiktok, http):
    tiktok.control("POST", "accounts", {"handle": "shy", "never_live": True})
    assert (await script(http, "/@shy/live", "SIGI_STATE"))["LiveRoom"] is None


async def test_the_profile_tells_who_and_how_many(tiktok, http):
    tiktok.control("PATCH", "accounts/anna", {"videos": 9, "hearts": 3_000_000_000})
    detail = await profile(http, "anna")
    assert detail["statusCode"] == 0
    assert detail["userInfo"]["user"]["nickname"] == "Anna A."
    assert detail["userInfo"]["stats"]["followerCount"] == 42
    assert detail["userInfo"]["statsV2"]["heartCount"] == "3000000000"
    assert detail["userInfo"]["statsV2"]["videoCount"] == "9"


async def test_a_private_profile_says_10222(tiktok, http):
    tiktok.control("PATCH", "accounts/anna", {"private": True})
    detail = await profile(http, "anna")
    assert detail["statusCode"] == 10222
    assert detail["userInfo"]["user"]["privateAccount"] is True


async def test_a_missing_profile_says_10221_without_a_user(tiktok, http):
    shown = tiktok.control("PATCH", "accounts/anna", {"gone": True})
    for name in ("anna", "nobody", shown["id"]):
        detail = await profile(http, name)
        assert detail["statusCode"] == 10221
        assert "userInfo" not in detail


# --- webcast ---------------------------------------------------------------------------------------------


async def test_check_alive_knows_many_rooms_at_once(tiktok, http):
    ended = tiktok.control("GET", "accounts")[0]["room_id"]
    alive = live(tiktok)["room_id"]
    tiktok.control("POST", "accounts/anna/pause")
    async with http.get(f"/webcast/room/check_alive/?room_ids={ended},{alive},1,x") as answer:
        data = await answer.json()
    assert {entry["room_id_str"]: entry["alive"] for entry in data["data"]} == {ended: False, alive: True}
    assert data["status_code"] == 0


async def test_room_info_by_room_and_by_user(tiktok, http):
    room_id = live(tiktok, title="T", viewers=5)["room_id"]
    for query in (f"info/?room_id={room_id}", "info_by_user/?unique_id=anna"):
        async with http.get(f"/webcast/room/{query}") as answer:
            data = (await answer.json())["data"]
        assert (data["id_str"], data["title"], data["user_count"]) == (room_id, "T", 5)
        assert data["owner"]["display_id"] == "anna"


async def test_an_age_restricted_room_gives_prompts_only(tiktok, http):
    tiktok.control("PATCH", "accounts/anna", {"age_restricted": True})
    room_id = live(tiktok)["room_id"]
    async with http.get(f"/webcast/room/info/?room_id={room_id}") as answer:
        data = await answer.json()
    assert data["status_code"] == 4003110
    assert data["data"].keys() == {"message", "prompts"}


async def test_the_gift_list_has_prices_and_types(http):
    async with http.get("/webcast/gift/list/") as answer:
        gifts = {gift["name"]: gift for gift in (await answer.json())["data"]["gifts"]}
    assert (gifts["Rose"]["id"], gifts["Rose"]["diamond_count"], gifts["Rose"]["type"]) == (5655, 1, 1)
    assert (gifts["Lion"]["diamond_count"], gifts["Lion"]["type"]) == (29999, 2)


# --- signing ---------------------------------------------------------------------------------------------


async def limits(http, **headers):
    async with http.get("/webcast/rate_limits", headers=headers) as answer:
        return await answer.json()


async def test_a_signed_room_names_its_socket_and_counts_against_the_quota(tiktok, http):
    room_id = live(tiktok)["room_id"]
    status, headers, body = await sign(http, room_id)
    fields = decode(body)
    assert status == 200
    assert "ttwid=" in headers["X-Set-TT-Cookie"]
    assert fields[10][0].startswith(f"ws{tiktok.base.removeprefix('http')}/webcast/im/".encode())
    assert fields[11] == [1]
    assert headers["RateLimit-Remaining"] == "4"
    left = await limits(http)
    assert [left[name]["remaining"] for name in ("minute", "hour", "day")] == [4, 29, 99]
    assert left["minute"]["reset_at"] < left["day"]["reset_at"]


async def test_a_key_has_a_quota_of_its_own_and_is_never_kept(tiktok, http):
    tiktok.control("POST", "quota", {"with_key": True, "day": {"max": 2500, "remaining": 7}})
    assert (await limits(http, **{"X-Api-Key": "hush"}))["day"] | {"reset_at": 0} == {
        "max": 2500,
        "remaining": 7,
        "reset_at": 0,
    }
    async with http.get("/webcast/rate_limits?apiKey=hush") as answer:
        assert (await answer.json())["day"]["remaining"] == 7
    assert (await limits(http))["day"]["remaining"] == 100
    assert [entry["api_key"] for entry in tiktok.seen(endpoint="rate_limits")] == [True, True, False]
    assert "hush" not in json.dumps(tiktok.control("GET", "requests"))


async def test_a_used_up_quota_answers_429_with_the_reset(tiktok, http):
    room_id = live(tiktok)["room_id"]
    tiktok.control("POST", "quota", {"hour": {"remaining": 0}})
    status, headers, body = await sign(http, room_id)
    assert status == 429
    assert json.loads(body)["limit_label"] == "rate_limit_ip_hour"
    assert headers["RateLimit-Remaining"] == "0"
    assert int(headers["RateLimit-Reset"]) > 1_700_000_000


async def test_an_unknown_room_is_not_signed(http):
    assert (await sign(http, 12345))[0] == 400


@pytest.mark.parametrize("kind", ["rate_limit", "rate_limit_bare"])
async def test_sign_limit_faults_with_and_without_headers(tiktok, http, kind):
    room_id = live(tiktok)["room_id"]
    tiktok.fault(kind, "^/webcast/fetch")
    status, headers, body = await sign(http, room_id)
    assert (status, json.loads(body)["code"]) == (429, 429)
    assert ("RateLimit-Reset" in headers) is (kind == "rate_limit")
    assert (await sign(http, room_id))[0] == 200


@pytest.mark.parametrize(
    ("kind", "field"), [("no_cursor", 2), ("no_push_server", 10), ("no_route_params", 7), ("stub", 1)]
)
async def test_sign_faults_leave_out_what_they_say(tiktok, http, kind, field):
    room_id = live(tiktok)["room_id"]
    tiktok.control("POST", "rooms/anna/events", [{"kind": "comment", "user": "b", "text": "t"}])
    tiktok.control("POST", "faults", {"kind": kind})
    fields = decode((await sign(http, room_id))[2])
    assert {2, 7, 10, 1} - fields.keys() == {field}


async def test_the_stub_leads_to_a_socket_that_refuses(tiktok, http):
    room_id = live(tiktok)["room_id"]
    tiktok.control("POST", "faults", {"kind": "stub"})
    url = decode((await sign(http, room_id))[2])[10][0].decode()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        await http.ws_connect(url)


async def test_an_empty_answer_and_one_without_cookie(tiktok, http):
    room_id = live(tiktok)["room_id"]
    tiktok.control("POST", "faults", {"kind": "empty"})
    tiktok.control("POST", "faults", {"kind": "no_cookie"})
    assert (await sign(http, room_id))[2] == b""
    _, headers, body = await sign(http, room_id)
    assert body
    assert "X-Set-TT-Cookie" not in headers


# --- faults of any request -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {"Retry-After": "120"}), (429, {}), (403, {}), (500, {})]
)
async def test_a_status_fault_hits_the_asked_number_of_times(tiktok, http, status, headers):
    tiktok.fault("status", "^/api-live.*uniqueId=anna", status=status, headers=headers, times=2)
    assert (await check(http, "nobody"))["message"] == "user_not_found"
    for _ in range(2):
        async with http.get(API_LIVE, params={"uniqueId": "anna"}) as answer:
            assert (answer.status, answer.headers.get("Retry-After")) == (status, headers.get("Retry-After"))
    assert (await check(http))["statusCode"] == 0
    assert [entry["status"] for entry in tiktok.seen(endpoint="api_live")] == [200, status, status, 200]


@pytest.mark.parametrize(("kind", "text"), [("waf", "Please wait..."), ("not_json", "Something went wrong")])
async def test_a_page_instead_of_json_comes_with_status_200(tiktok, http, kind, text):
    tiktok.fault(kind)
    async with http.get(API_LIVE, params={"uniqueId": "anna"}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert text in await answer.text()
    assert tiktok.seen(endpoint="api_live", fault=kind)


async def test_a_dropped_request_gets_no_answer(tiktok, http):
    tiktok.fault("drop", "^/@anna")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await http.post("/@anna")  # not GET: aiohttp would try that again by itself


async def test_a_delayed_request_is_answered_as_usual(tiktok, http):
    tiktok.fault("delay", body="5")
    assert (await check(http))["statusCode"] == 0
    assert tiktok.seen(fault="delay", status=200)


async def test_a_request_hangs_until_the_faults_are_deleted(tiktok, http):
    tiktok.fault("hang", "^/api-live")
    waiting = asyncio.create_task(check(http))
    await asyncio.to_thread(tiktok.wait_for, fault="hang", status=None)
    assert not waiting.done()
    tiktok.control("DELETE", "faults")
    assert (await waiting)["statusCode"] == 0


async def test_a_fault_afterwards_has_used_up_quota(tiktok, http):
    room_id = live(tiktok)["room_id"]
    tiktok.fault("status", "^/webcast/fetch", when="after")
    assert (await sign(http, room_id))[0] == 500
    assert (await limits(http))["minute"]["remaining"] == 4


# --- commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "accounts", {"handle": "UPPER"}, "is no handle"),
        ("POST", "accounts", {"handle": "12345"}, "is no handle"),
        ("POST", "accounts", {"handle": "anna"}, "is taken"),
        ("POST", "accounts", {"handle": "bob", "viewrs": 1}, "unknown fields"),
        ("PATCH", "accounts/nobody", {}, "no account"),
        ("POST", "accounts/anna/pause", None, "is not live"),
        ("POST", "rooms/anna/events", [{"kind": "dance"}], "no kind"),
        ("POST", "rooms/anna/events", [{"kind": "gift", "user": "b", "gift": "Boat"}], "no gift"),
        ("POST", "rooms/anna/sockets", {"do": "close", "socket": 7}, "no open socket"),
        ("POST", "faults", {"kind": "flood"}, "no fault"),
    ],
)
async def test_a_wrong_command_is_refused_with_its_reason(tiktok, method, path, body, reason):
    with pytest.raises(ControlRefused, match=reason):
        tiktok.control(method, path, body)


async def test_viewers_can_be_set_while_live(tiktok, http):
    live(tiktok, viewers=3)
    shown = tiktok.control("PATCH", "accounts/anna", {"viewers": 90, "entered": 200, "title": "New"})
    assert (shown["viewers"], shown["status"], shown["title"]) == (90, "live", "New")
    room = (await check(http))["data"]["liveRoom"]
    assert (room["title"], room["liveRoomStats"]) == ("New", {"userCount": 90, "enterCount": 200})


def test_it_ends_when_its_parent_is_gone():
    with running("tiktok") as tiktok:
        assert tiktok.control("GET", "accounts") == []
    with pytest.raises(OSError, match="refused"):
        tiktok.control("GET", "accounts")


def test_a_session_cookie_is_noted_and_not_kept(tiktok):
    async def ask():
        async with (
            aiohttp.ClientSession(tiktok.base) as session,
            session.get("/@anna?sessionid=hush", cookies={"sessionid": "hush"}),
        ):
            pass

    asyncio.run(ask())
    until(lambda: bool(tiktok.seen(endpoint="profile", session=True)))
    assert "hush" not in json.dumps(tiktok.control("GET", "requests"))
