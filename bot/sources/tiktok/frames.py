"""The WebSocket of a live: frames in, whatever they hold, and the library's heartbeats and acks out.

The library's own loop ends at the first frame that cannot be read, throws away what has arrived when the other side
closes, unpacks without a limit and follows redirects with our cookies; so the loop is here, the rest is the library's.
"""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping

from betterproto2 import Message
from TikTokLive.client.logger import TikTokLiveLogHandler
from TikTokLive.client.web.web_settings import WebDefaults
from TikTokLive.client.ws.ws_client import WebcastWSClient
from TikTokLive.client.ws.ws_utils import build_webcast_uri, extract_websocket_options
from TikTokLive.proto import ProtoMessageFetchResult, WebcastPushFrame
from websockets.exceptions import ConnectionClosed
from websockets.legacy.client import Connect, WebSocketClientProtocol
from websockets.typing import Subprotocol

from bot.sources.tiktok.decoding import Unreadable, decoded
from bot.sources.tiktok.signing import Signed

FRAME_BYTES = 8 * 1024 * 1024
UNPACKED_BYTES = 32 * 1024 * 1024
CLOSE_SECONDS = 0.5
"""How long a close waits for the other side, in each of its steps (there are three)."""
BEAT_SECONDS = 10.0
SHORTEST_BEAT_SECONDS = 1.0


class FrameSocket(WebcastWSClient):  # type: ignore[misc]
    """One connection to one room; `heard` is called for every frame, before anything is made of it."""

    def __init__(self, heard: Callable[[], None]) -> None:
        super().__init__()
        self._heard = heard
        self._protocol: WebSocketClientProtocol | None = None

    @property
    def ws(self) -> WebSocketClientProtocol | None:
        """The open socket; the library sends by it."""
        return self._protocol

    async def send(self, message: bytes | Message) -> None:
        """Send where it still can be: what has arrived is read to its end all the same."""
        with contextlib.suppress(ConnectionClosed):
            await super().send(message)

    async def responses(
        self, signed: Signed, room_id: int, open_seconds: float
    ) -> AsyncGenerator[ProtoMessageFetchResult | None, None]:
        """Connect, enter the room and give each response in order, the signed one first; None for a damaged one.

        It ends with a clean close and raises `ConnectionClosed` for any other. Close it: that closes the socket.
        """
        async with self._connect(signed, room_id, open_seconds) as protocol:
            self._protocol = protocol
            self.DEFAULT_PING_INTERVAL = beat_seconds(protocol.response_headers)
            self._heard()
            try:
                await self.switch_rooms(room_id)
                yield signed.first
                async for raw in protocol:
                    self._heard()
                    try:
                        frame = decoded(read_frame, raw)
                        if frame.payload_type != "msg":
                            continue
                        response = decoded(unpack, frame)
                    except Unreadable:
                        yield None
                        continue
                    if response.need_ack:
                        await self.send_ack(response, frame)
                    yield response
            finally:
                if self._ping_loop is not None:
                    self._ping_loop.cancel()

    def abort(self) -> None:
        """Let a connection go at once, without a word to the other side."""
        if self._protocol is not None:
            self._protocol.transport.abort()

    def _connect(self, signed: Signed, room_id: int, open_seconds: float) -> Connect:
        address = build_webcast_uri(
            initial_webcast_response=signed.first,
            base_uri_params={**WebDefaults.ws_client_params, "room_id": room_id, "compress": "gzip"},
            base_uri_append_str=WebDefaults.ws_client_params_append_str,
        )
        return _ConnectOnce(
            address,
            subprotocols=[Subprotocol("echo-protocol")],
            extra_headers={
                "Cookie": self.get_ws_cookie_string(signed.cookies),
                "User-Agent": signed.user_agent,
            },
            logger=library_logger(),
            open_timeout=open_seconds,
            close_timeout=CLOSE_SECONDS,
            max_size=FRAME_BYTES,
            ping_interval=None,  # TikTok answers no pings
            ping_timeout=None,
        )


class _ConnectOnce(Connect):
    MAX_REDIRECTS_ALLOWED = 1  # the first try; a redirect would be sent our cookies


def library_logger() -> logging.Logger:
    """Give the library's logger, bound into ours; below a warning it would tell cookies and signed addresses."""
    logger: logging.Logger = TikTokLiveLogHandler.get_logger()
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    return logger


def read_frame(raw: bytes | str) -> WebcastPushFrame:
    """Decode the outer frame."""
    return WebcastPushFrame.parse(raw if isinstance(raw, bytes) else raw.encode())


def unpack(frame: WebcastPushFrame) -> ProtoMessageFetchResult:
    """Decode what a frame holds. Raises ValueError where it is cut off or grows beyond `UNPACKED_BYTES`."""
    payload = frame.payload
    if any(header.key == "compress_type" and header.value == "gzip" for header in frame.headers):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        payload = unpacker.decompress(payload, UNPACKED_BYTES)
        if not unpacker.eof:
            raise ValueError("the payload is cut off or far too large")
    return ProtoMessageFetchResult.parse(payload)


def beat_seconds(headers: Mapping[str, str]) -> float:
    """Read how often a heartbeat is wanted; a wish for less than a second would be a flood."""
    try:
        told = decoded(extract_websocket_options, headers).get("ping-interval", "")
    except Unreadable:
        told = ""
    seconds = float(told) if told.isdecimal() and len(told) < 4 else BEAT_SECONDS
    return max(SHORTEST_BEAT_SECONDS, seconds)
