"""The signing service in all its moods, against the stand-in: what it refuses, and what is said of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import SourceChanged, SourceError, SourceUnavailable
from tests.clocks import START, ManualClock
from tests.sources.tiktok.conftest import HOST_ID, KEY
from tools.sandbox.tiktok.wire import encode, string_map

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(tiktok, streams, **fault):
    """Watch under a fault; give the error, with nothing told to whoever watches."""
    shown = await tiktok.control("POST", "accounts/ana.live/live", {})
    await tiktok.control("POST", "faults", fault)
    told = []
    with pytest.raises(SourceError) as caught:
        await streams.watch(int(shown["room_id"]), "ana.live", told.append, host_id=HOST_ID)
    assert told == []
    assert KEY not in str(caught.value)
    assert "://" not in str(caught.value)
    # A traceback would print the cause, and with it the request.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("fault", "kind", "blocked", "words"),
    [
        ({"kind": "status", "path": "^/webcast/fetch", "status": 500}, SourceUnavailable, False, "500"),
        ({"kind": "empty"}, SourceUnavailable, False, "EMPTY_PAYLOAD"),
        ({"kind": "no_cookie"}, SourceUnavailable, False, "EMPTY_COOKIES"),
        ({"kind": "no_cursor"}, SourceUnavailable, True, "no way into the live"),
        ({"kind": "no_push_server"}, SourceUnavailable, True, "no way into the live"),
        ({"kind": "no_route_params"}, SourceUnavailable, True, "no way into the live"),
        ({"kind": "stub"}, SourceUnavailable, True, "HTTP status 400"),
        ({"kind": "drop", "path": "^/webcast/fetch"}, SourceUnavailable, False, "cannot be reached"),
        ({"kind": "not_json", "path": "^/webcast/fetch"}, SourceUnavailable, False, "EMPTY_COOKIES"),
        ({"kind": "status", "path": "^/webcast/im", "status": 200}, SourceUnavailable, True, "200"),
        ({"kind": "status", "path": "^/webcast/im", "status": 403}, SourceUnavailable, True, "403"),
        ({"kind": "status", "path": "^/webcast/im", "status": 503}, SourceUnavailable, False, "503"),
        ({"kind": "drop", "path": "^/webcast/im"}, SourceUnavailable, False, "cannot be reached"),
    ],
)
async def test_no_connection_is_told_with_its_reason(tiktok, streams, fault, kind, blocked, words):
    error = await refused(tiktok, streams, **fault)
    assert type(error) is kind
    assert (error.blocked, error.retry_after_seconds) == (blocked, None)
    assert words in str(error)


async def test_our_cookies_follow_no_redirect(tiktok, streams):
    away = {"Location": f"{tiktok.facts['base'].replace('http', 'ws')}/elsewhere"}
    error = await refused(tiktok, streams, kind="status", path="^/webcast/im", status=302, headers=away)
    assert error.blocked
    assert not [e for e in await tiktok.control("GET", "requests") if e.get("path") == "/elsewhere"]


async def test_a_used_up_limit_tells_how_long_to_wait(tiktok, streams, clock):
    await tiktok.control("POST", "quota", {"with_key": True, "hour": {"remaining": 0}})
    shown = await tiktok.control("POST", "accounts/ana.live/live", {})
    with pytest.raises(SourceUnavailable, match="used up") as caught:
        await streams.watch(int(shown["room_id"]), "ana.live", lambda _: None)
    quota = (await tiktok.control("GET", "quota"))["with_key"]["hour"]
    left = datetime.fromisoformat(quota["reset_at"]) - clock.now()
    # The stand-in's clock is ahead of ours; no hour is longer than one.
    assert caught.value.retry_after_seconds == pytest.approx(min(left.total_seconds(), 3600), abs=2)


async def test_a_refusal_without_headers_is_told_too(tiktok, streams):
    error = await refused(tiktok, streams, kind="rate_limit_bare")
    assert error.retry_after_seconds == 60  # the window that the answer's text names
    assert "used up" in str(error)


async def test_what_is_left_is_asked_and_costs_nothing(tiktok, streams):
    await tiktok.control("POST", "quota", {"with_key": True, "day": {"max": 2500, "remaining": 17}})
    before = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the stand-in lives in real time
    minute, hour, day = await streams.sign_limits()
    assert [limit.window for limit in (minute, hour, day)] == ["minute", "hour", "day"]
    assert (day.most, day.remaining) == (2500, 17)
    assert day.resets_at is not None
    assert timedelta(hours=23) < day.resets_at - before < timedelta(hours=25)
    assert await streams.sign_limits() == (minute, hour, day)


async def test_limits_that_cannot_be_read_are_an_error(tiktok, streams):
    for body in ("[]", "{}", "<html>", '{"minute": {"max": "many"}}'):
        fault = {"kind": "status", "path": "^/webcast/rate_limits", "status": 200, "body": body}
        await tiktok.control("POST", "faults", fault)
        with pytest.raises(SourceChanged):
            await streams.sign_limits()


async def test_a_service_that_hangs_is_given_up(tiktok):
    from bot.sources.tiktok.stream import TikTokStreamSource

    address = {"sign_api_url": tiktok.facts["sign"], "sign_api_key": KEY}
    async with TikTokStreamSource(**address, timeout_seconds=0.3, clock=ManualClock()) as hurried:
        for path in ("^/webcast/fetch", "^/webcast/im"):
            began = time.monotonic()  # noqa: TID251 - a real time limit
            error = await refused(tiktok, hurried, kind="hang", path=path)
            assert "did not answer in time" in str(error)
            assert time.monotonic() - began < 4  # noqa: TID251
            await tiktok.control("DELETE", "faults")


@pytest.mark.parametrize(
    ("cookie", "body", "error"),
    [
        ("a=b", b"\x0a\x02\xff\xff" + b"\x12\x02\xff\xff", "cannot be read"),
        ("a=b", b"\x00" * 9_000_000, "far too large"),
        ("a/b=c", b"\x12\x01x", "cannot be read"),
        ("a=b", encode({2: "cursor", 7: string_map({"a": "b"}), 10: 7}), "cannot be read"),
        ("a=b", encode({2: "cursor", 7: string_map({"a": "b"}), 10: "http://x"}), "address that is none"),
        ("a=b", encode({2: "cursor", 7: string_map({"a": "b"}), 10: "wss://[x"}), "address that is none"),
    ],
)
async def test_garbage_from_the_service_is_no_bug_of_ours(cookie, body, error):
    from bot.sources.tiktok.stream import TikTokStreamSource

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nX-Set-TT-Cookie: {cookie}\r\n\r\n".encode() + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with (
        server,
        TikTokStreamSource(
            sign_api_url=url, sign_api_key=None, timeout_seconds=10, clock=ManualClock()
        ) as source,
    ):
        with pytest.raises(SourceError, match=error):
            await source.watch(1, "ana.live", lambda _: None)


NOW = START
RESET = str(int((NOW + timedelta(seconds=90)).timestamp()))


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"RateLimit-Reset": RESET, "RateLimit-Remaining": "0"}, b"", 90),
        ({"RateLimit-Reset": "45"}, b"", 45),
        ({"Retry-After": "120"}, b"", 120),
        ({"Retry-After": "120", "RateLimit-Reset": RESET}, b"", 120),
        ({"RateLimit-Reset": "1"}, b"", 1),
        ({"RateLimit-Reset": "1000000"}, b'{"limit_label": "rate_limit_ip_hour"}', 3600),  # long past
        ({"RateLimit-Reset": "soon"}, b"\xff\xfe", 60),
        ({}, json.dumps({"limit_label": "rate_limit_account_day"}).encode(), 3600),
        ({"Retry-After": "9" * 30}, b"", 60),
        ({"RateLimit-Reset": "80000"}, b'{"limit_label": "rate_limit_account_minute"}', 60),  # of the day
    ],
)
async def test_how_long_a_refusal_holds(headers, body, seconds):
    from bot.sources.tiktok.signing import retry_after

    assert retry_after(headers, body, NOW) == seconds


async def test_a_window_of_nothing_is_no_window():
    from bot.sources.tiktok.signing import read_limits

    windows = {"minute": {"max": -1, "remaining": -1}, "day": {"max": 100, "remaining": 0}}
    assert [(one.window, one.most) for one in read_limits(json.dumps(windows).encode())] == [("day", 100)]


async def test_instants_are_read_in_each_of_their_forms():
    from bot.sources.tiktok.signing import read_limits

    def reset(value):
        window = {"max": 5, "remaining": 4, "reset_at": value}
        return read_limits(json.dumps({"minute": window}).encode())[0].resets_at

    at = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    forms = ["2026-11-21T20:00:00Z", "2026-11-21T21:00:00+01:00", "2026-11-21T20:00:00"]
    assert {reset(form) for form in [*forms, at.timestamp(), at.timestamp() * 1000]} == {at}
    assert {reset(odd) for odd in (None, "soon", -1, 2**70, True, [])} == {None}
