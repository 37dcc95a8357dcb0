"""Start ScrapeCreators: ``python -m tools.sandbox.scrapecreators [--port 0]``.

The line it announces: ``base``, which is also the address to give to a client, and ``key``, which it accepts.
"""

from __future__ import annotations

import argparse
import asyncio

from tools.sandbox.scrapecreators.http import KEY, build_app
from tools.sandbox.standin import LOOPBACK, announce, start_http, until_stopped


async def serve(port: int) -> None:
    runner, port = await start_http(build_app(), port)
    announce(base=f"http://{LOOPBACK}:{port}", key=KEY)
    await until_stopped()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox.scrapecreators", description="A ScrapeCreators stand-in."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
