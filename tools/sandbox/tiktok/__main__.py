"""Start TikTok: ``python -m tools.sandbox.tiktok [--port 0]``.

The line it announces: ``base`` (also of ``/_control``), ``www``, ``webcast`` and ``sign``: the addresses to give
to a client instead of www.tiktok.com, webcast.tiktok.com/webcast and api.eulerstream.com. The WebSocket's
address is part of the signing service's answer.
"""

from __future__ import annotations

import argparse
import asyncio

from tools.sandbox.standin import LOOPBACK, announce, start_http, until_stopped
from tools.sandbox.tiktok.control import build_app
from tools.sandbox.tiktok.http import Site


async def serve(port: int) -> None:
    runner, port = await start_http(build_app(Site()), port)
    base = f"http://{LOOPBACK}:{port}"
    announce(base=base, www=base, webcast=f"{base}/webcast", sign=base)
    await until_stopped()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox.tiktok", description="A TikTok stand-in.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
