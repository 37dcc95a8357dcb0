"""``python -m tools.sandbox.discord``: run the stand-in until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from aiohttp import web

from tools.sandbox.clock import add_clock_option
from tools.sandbox.discord import commands, directory, interactions, messages, roles, threads
from tools.sandbox.discord.control import Control
from tools.sandbox.discord.feed import Feed
from tools.sandbox.discord.gateway import Gateway
from tools.sandbox.discord.limits import Limits
from tools.sandbox.discord.rest import CLIENT_MAX_SIZE, PREFIX, Api
from tools.sandbox.discord.schema import Oracle
from tools.sandbox.discord.service import Service
from tools.sandbox.discord.world import first_world
from tools.sandbox.standin import LOOPBACK, add_control, announce, control_errors, start_http, until_stopped


def arguments() -> argparse.ArgumentParser:
    data = Path(os.environ.get("VEDETTE_REFERENCE_DATA") or "../shared/data")
    parser = argparse.ArgumentParser(prog="python -m tools.sandbox.discord", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--token", default=os.environ.get("SANDBOX_DISCORD_TOKEN"), help="the bot's token")
    parser.add_argument(
        "--schemas", type=Path, default=data / "discord", help="folder with openapi.json and gateway/"
    )
    parser.add_argument("--no-rate-limits", action="store_true", help="never slow a bot down")
    parser.add_argument(
        "--ack-seconds", type=float, default=3.0, help="how long an interaction waits for its answer"
    )
    parser.add_argument("--heartbeat-ms", type=int, default=41_250, help="what HELLO asks for")
    parser.add_argument("--kept-frames", type=int, default=5000, help="how much a session may miss")
    parser.add_argument(
        "--nonce-seconds", type=float, default=300.0, help="how long a repeated nonce gives the first message"
    )
    parser.add_argument(
        "--approved-intents", type=int, default=0, help="privileged intent bits that are granted"
    )
    add_clock_option(parser)
    return parser


def build(options: argparse.Namespace) -> Service:
    world, feed = first_world(options.clock), Feed()
    world.token = options.token or world.token
    oracle = Oracle(options.schemas, feed)
    return Service(
        world=world,
        feed=feed,
        oracle=oracle,
        gateway=Gateway(
            world,
            oracle,
            heartbeat_ms=options.heartbeat_ms,
            approved=options.approved_intents,
            kept_frames=options.kept_frames,
        ),
        limits=Limits(enabled=not options.no_rate_limits),
        ack_seconds=options.ack_seconds,
        nonce_seconds=options.nonce_seconds,
    )


def application(service: Service) -> web.Application:
    """Gateway, CDN, control and REST on one port; REST comes last because it answers every other path below it."""
    app = web.Application(middlewares=[control_errors], client_max_size=CLIENT_MAX_SIZE)
    app.router.add_get("/gateway", service.gateway.serve)
    app.router.add_get("/gateway/", service.gateway.serve)
    app.router.add_get("/attachments/{channel}/{attachment:[0-9]+}/{filename}", _cdn(service))
    api = Api(service)
    add_control(app, service.recorder, service.faults)
    Control(service, api).add_to(app)
    topics = (directory, commands, messages, interactions, threads, roles)
    api.add_to(app, [route for topic in topics for route in topic.routes()])
    return app


def _cdn(service: Service) -> Any:
    async def serve(request: web.Request) -> web.StreamResponse:
        """The exact bytes that were uploaded."""
        file = service.world.files.get(int(request.match_info["attachment"]))
        if file is None:
            return web.Response(status=404)
        return web.Response(body=file.data, content_type=file.content_type)

    return serve


def facts(service: Service) -> dict[str, Any]:
    """What the parent needs to connect a bot and to name things."""
    world = service.world
    guild = world.find_guild(None)
    return {
        "api": f"{service.base}{PREFIX}",
        "gateway": service.gateway.url,
        "base": service.base,
        "token": world.token,
        "application_id": str(world.bot.id),
        "guild": str(guild.id),
        "users": {user.name: str(user.id) for user in world.users.values()},
        "channels": {channel.name: str(channel.id) for channel in world.channels_of(guild)},
        "roles": {role.name: str(role.id) for role in guild.roles.values()},
        "validation": service.oracle.state,
    }


async def main() -> None:
    options = arguments().parse_args()
    service = build(options)
    runner, port = await start_http(application(service), options.port)
    service.base = f"http://{LOOPBACK}:{port}"
    service.world.cdn = f"{service.base}/attachments"
    service.gateway.url = f"ws://{LOOPBACK}:{port}/gateway"
    announce(**facts(service))
    await until_stopped()
    service.feed.close()
    for connection in service.gateway.connections:
        connection.drop()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
