"""Pictures from outside, over real sockets and TLS: what is one comes, and no link or answer does harm."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.posts.pictures import PictureType
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources.media.fetcher import MediaFetcher, Neighbour, is_public
from tests.picture_server import HOST, JPEG, PNG, Names, PictureServer, answer, picture_server, redirect

URL = f"https://{HOST}/a.jpeg?x-expires=1&x-signature=a%2Bb%3D"
ASKED = "/a.jpeg?x-expires=1&x-signature=a%2Bb%3D"
MOST = 100_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[PictureServer]:
    async with picture_server(tmp_path) as made:
        yield made


async def refused(server: PictureServer, url: str = URL, **given: float) -> SourceError:
    async with server.fetcher(**given) as fetcher:
        with pytest.raises(SourceError) as caught:
            await fetcher.fetch(url)
    return caught.value


@pytest.mark.parametrize(
    ("body", "kind", "ending"),
    [
        (JPEG, PictureType.JPEG, "jpg"),
        (PNG, PictureType.PNG, "png"),
        (b"GIF89a" + b"\0" * 20, PictureType.GIF, "gif"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + b"\0" * 24, PictureType.WEBP, "webp"),
    ],
)
async def test_a_picture_comes_whatever_it_is_called(
    server: PictureServer, body: bytes, kind: PictureType, ending: str
) -> None:
    server.answers[ASKED] = answer(body, Content_Type="text/html", Set_Cookie="spy=1; Path=/")
    async with server.fetcher() as fetcher:
        picture = await fetcher.fetch(URL)
        await fetcher.fetch(URL)
    assert (picture.content, picture.media_type, picture.ending) == (body, kind, ending)
    assert server.asked == [(HOST, ASKED)] * 2  # the signature to the letter
    assert "spy" not in server.headers[1]
    assert "cookie" not in server.headers[1].lower()


async def test_a_picture_in_parts_comes_whole(server: PictureServer) -> None:
    server.answers[ASKED] = chunked(JPEG[:7], JPEG[7:])
    async with server.fetcher() as fetcher:
        assert (await fetcher.fetch(URL)).content == JPEG


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in parts) + end


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"http://{HOST}/a.jpeg",
        f"https://{HOST}:8443/a.jpeg",
        f"https://user:word@{HOST}/a.jpeg",
        f"https://{HOST}@elsewhere.example/a.jpeg",
        f"https://elsewhere.example\\@{HOST}/a.jpeg",
        f"https://elsewhere.example/{HOST}",
        "https://tiktokcdn.com.elsewhere.example/a.jpeg",
        "https://nottiktokcdn.com/a.jpeg",
        "https://127.0.0.1/a.jpeg",
        "https://[::1]/a.jpeg",
        "https://2130706433/a.jpeg",
        "https://localhost/a.jpeg",
        "file:///etc/passwd",
        f"https://{HOST}/a b",
        f"https://{HOST}/a\r\nX-More: 1",
        "https://p16.tiktokcdn。com/a.jpeg",
    ],
)
async def test_a_link_elsewhere_is_not_followed(server: PictureServer, url: str) -> None:
    for link in (url, URL):
        server.answers[ASKED] = redirect(url)
        assert isinstance(await refused(server, link), SourceError), link
    assert {host for host, _ in server.asked} <= {HOST}
    assert not [path for _, path in server.asked if path not in {ASKED, "/a"}]


async def test_a_redirect_to_another_host_of_tiktok_is_followed(server: PictureServer) -> None:
    server.answers[ASKED] = redirect("https://p77.tiktokcdn-us.com/b.jpeg")
    server.answers["/b.jpeg"] = redirect("c.jpeg")
    server.answers["/c.jpeg"] = answer()
    async with server.fetcher() as fetcher:
        assert (await fetcher.fetch(URL)).content == JPEG
    assert [host for host, _ in server.asked] == [HOST, "p77.tiktokcdn-us.com", "p77.tiktokcdn-us.com"]


async def test_redirects_in_a_circle_end(server: PictureServer) -> None:
    server.answers[ASKED] = redirect(URL)
    assert "without end" in str(await refused(server))
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["10.1.2.3"], ["8.8.8.8", "192.168.1.1"], ["fe80::1%eth0"]]
)
async def test_a_name_that_leads_into_a_private_network_is_refused(
    server: PictureServer, addresses: list[str]
) -> None:
    server.answers[ASKED] = answer()
    server.addresses[HOST] = addresses
    async with server.fetcher(allowed=frozenset()) as fetcher:
        with pytest.raises(SourceChanged, match="private network"):
            await fetcher.fetch(URL)
    assert server.connections == 0


async def test_a_redirect_to_a_name_that_leads_into_a_private_network_is_refused(
    server: PictureServer,
) -> None:
    server.answers[ASKED] = redirect("https://p77.tiktokcdn-us.com/b.jpeg")
    server.addresses["p77.tiktokcdn-us.com"] = ["169.254.169.254"]
    assert "private network" in str(await refused(server))
    assert server.connections == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("64:ff9b::a01:203", False),
        ("::ffff:10.1.2.3", False),
        ("::ffff:8.8.8.8", False),
        ("2002:a01:203::1", False),
        ("2001:0:a01:203::", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("p16.tiktokcdn.com", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


async def test_a_server_that_cannot_prove_its_name_gets_no_request(server: PictureServer) -> None:
    server.answers[ASKED] = answer()
    unknown = Neighbour(
        resolver=Names(server), trust=ssl.create_default_context(), addresses=frozenset(["127.0.0.1"])
    )
    async with MediaFetcher(neighbour=unknown) as fetcher:
        with pytest.raises(SourceUnavailable):
            await fetcher.fetch(URL)
    other_name = URL.replace(HOST, "p9.tiktokcdn.com")
    assert isinstance(await refused(server, other_name), SourceUnavailable)
    assert server.asked == []


async def test_what_announces_to_be_too_large_is_not_read(server: PictureServer) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n" + JPEG)
        await writer.drain()
        await asyncio.Event().wait()

    server.answers[ASKED] = endless
    assert "larger than" in str(await refused(server))


async def test_what_grows_too_large_is_cut_off(server: PictureServer) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n" + JPEG[:4] + b"\r\n")
        while sent < 500_000_000:
            writer.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            await writer.drain()
            sent += 65536

    server.answers[ASKED] = endless
    assert "larger than" in str(await refused(server, most_bytes=MOST))
    assert sent < 50_000_000  # what fits into the buffers between


async def test_a_picture_of_exactly_the_size_comes(server: PictureServer) -> None:
    whole = JPEG + bytes(MOST - len(JPEG))
    server.answers[ASKED] = answer(whole)
    async with server.fetcher(most_bytes=MOST) as fetcher:
        assert (await fetcher.fetch(URL)).content == whole
    server.answers[ASKED] = answer(whole + b"\0")
    assert "larger than" in str(await refused(server, most_bytes=MOST))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_what_is_packed_is_not_unpacked(server: PictureServer, encoding: str) -> None:
    bomb = gzip.compress(JPEG + bytes(20_000_000), mtime=0)
    server.answers[ASKED] = answer(bomb, Content_Encoding=encoding)
    assert "packed" in str(await refused(server))
    assert "accept-encoding: identity" in server.headers[0].lower()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8",
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0\0\0\x18ftypheic" + bytes(20),
        b"RIFF\x20\0\0\0AVI LIST" + bytes(20),
        gzip.compress(JPEG, mtime=0),
        b"MZ" + bytes(100),
    ],
)
async def test_what_is_no_picture_is_refused(server: PictureServer, body: bytes) -> None:
    server.answers[ASKED] = answer(body, Content_Type="image/jpeg")
    error = await refused(server)
    assert isinstance(error, SourceChanged)
    assert "no picture" in str(error)


@pytest.mark.parametrize("given", [b"", JPEG[:50]])
async def test_a_body_that_does_not_come_is_given_up(server: PictureServer, given: bytes) -> None:
    async def stuck(writer: asyncio.StreamWriter) -> None:
        writer.write(answer()[: -len(JPEG)] + given)
        await writer.drain()
        await asyncio.Event().wait()

    server.answers[ASKED] = stuck
    error = await refused(server, timeout_seconds=0.3)
    assert isinstance(error, SourceUnavailable)
    assert "in time" in str(error)


async def test_a_body_that_drips_is_given_up(server: PictureServer) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n")
        for one in JPEG * 400:
            writer.write(bytes([one]))
            await writer.drain()
            await asyncio.sleep(0.02)  # noqa: TID251 - a real server that is slow

    server.answers[ASKED] = drip
    assert "in time" in str(await refused(server, timeout_seconds=0.3))


@pytest.mark.parametrize(
    "broken",
    [
        answer()[:-20],  # then it hangs up
        chunked(JPEG, end=b""),
        b"HTTP/1.1 200 OK\r\n\r\n" + JPEG,
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_half_an_answer_is_no_picture(server: PictureServer, broken: bytes) -> None:
    async def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.write(broken)
        await writer.drain()

    server.answers[ASKED] = hang_up
    await refused(server)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("403 Forbidden", SourceChanged),
        ("404 Not Found", SourceChanged),
        ("410 Gone", SourceChanged),
        ("429 Too Many Requests", SourceUnavailable),
        ("500 Internal Server Error", SourceUnavailable),
        ("206 Partial Content", SourceUnavailable),
        ("304 Not Modified", SourceUnavailable),
    ],
)
async def test_only_a_link_that_may_work_later_is_worth_another_try(
    server: PictureServer, status: str, kind: type[SourceError]
) -> None:
    server.answers[ASKED] = answer(JPEG if status[0] != "3" else b"", status=status)
    assert type(await refused(server)) is kind


async def test_a_server_that_does_not_answer_at_all_is_unavailable(server: PictureServer) -> None:
    server.port = 1
    assert isinstance(await refused(server), SourceUnavailable)


async def test_without_words_for_tests_this_machine_is_out_of_reach() -> None:
    """The fetcher as the bot builds it."""
    async with MediaFetcher() as fetcher:
        with pytest.raises(SourceChanged, match="host of TikTok"):
            await fetcher.fetch("https://localhost/a.jpeg")
