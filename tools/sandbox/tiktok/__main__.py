"""Start TikTok: ``python -m tools.sandbox.tiktok [--port 0] [--proxy]``.

The line it announces: ``base`` (also of ``/_control``), ``www``, ``webcast`` and ``sign``: the addresses to give
to a client instead of www.tiktok.com, webcast.tiktok.com/webcast and api.eulerstream.com. The WebSocket's
address is part of the signing service's answer. With ``--proxy`` also ``proxy`` and ``ca_file``, for who can be
given no other address (yt-dlp): see `tools.sandbox.tiktok.proxy`.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack

from tools.sandbox.clock import WorldClock, add_clock_option
from tools.sandbox.standin import LOOPBACK, announce, start_http, until_stopped
from tools.sandbox.tiktok.control import build_app
from tools.sandbox.tiktok.http import Site


async def serve(port: int, *, has_proxy: bool, clock: WorldClock) -> None:
    site = Site(clock=clock)
    runner, port = await start_http(build_app(site), port)
    base, more = f"http://{LOOPBACK}:{port}", {}
    async with AsyncExitStack() as stack:
        if has_proxy:
            from tools.sandbox.tiktok.proxy import Proxy  # noqa: PLC0415 - certificates are slow to load

            proxy = await stack.enter_async_context(Proxy(runner, site.recorder))
            more = {"proxy": proxy.url, "ca_file": proxy.ca_file}
        announce(base=base, www=base, webcast=f"{base}/webcast", sign=base, **more)
        await until_stopped()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox.tiktok", description="A TikTok stand-in.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--proxy", action="store_true", help="also be https://www.tiktok.com")
    add_clock_option(parser)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, has_proxy=arguments.proxy, clock=arguments.clock))


if __name__ == "__main__":
    main()
