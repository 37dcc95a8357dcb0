"""Start ScrapeCreators: ``python -m tools.sandbox.scrapecreators [--port 0] [--key KEY]``.

The line it announces: ``base``, which is also the address to give to a client, and ``key``, which it accepts.
"""

from __future__ import annotations

import argparse
import asyncio

from tools.sandbox.clock import WorldClock, add_clock_option
from tools.sandbox.scrapecreators.http import KEY, build_app
from tools.sandbox.standin import LOOPBACK, announce, start_http, until_stopped


async def serve(port: int, key: str, clock: WorldClock) -> None:
    runner, port = await start_http(build_app(key, clock), port)
    announce(base=f"http://{LOOPBACK}:{port}", key=key)
    await until_stopped()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox.scrapecreators", description="A ScrapeCreators stand-in."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--key", default=KEY, help="the key that is accepted")
    add_clock_option(parser)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.key, arguments.clock))


if __name__ == "__main__":
    main()
