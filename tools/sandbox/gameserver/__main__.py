"""Start the game server: ``python -m tools.sandbox.gameserver [--port 0] [--ssh-port 0] [--query-port 0] …``.

The line it announces: ``base`` (control), ``ssh_host``, ``ssh_port``, ``username``, ``password``, ``host_key``
("ssh-ed25519 AAAA…"), ``fingerprint`` ("SHA256:…"), ``stats_folder`` (as SFTP clients see it), ``folder`` (the
same on this disk), ``query_host``, ``query_port``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import tempfile
from pathlib import Path

from tools.sandbox.clock import add_clock_option
from tools.sandbox.gameserver.control import Control, control_app, key_facts
from tools.sandbox.gameserver.faults import GameFaults
from tools.sandbox.gameserver.files import StatsFolder
from tools.sandbox.gameserver.query import Game, QueryServer, start_query
from tools.sandbox.gameserver.ssh import STATS_FOLDER, SshServer, SshState, host_key
from tools.sandbox.standin import LOOPBACK, Recorder, announce, start_http, until_stopped


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.sandbox.gameserver", description="A game server stand-in."
    )
    parser.add_argument("--port", type=int, default=0, help="control API (HTTP); 0 takes a free port")
    parser.add_argument("--ssh-port", type=int, default=0)
    parser.add_argument("--query-port", type=int, default=0, help="UDP")
    parser.add_argument(
        "--folder", type=Path, help="the stats files; default: an empty folder, deleted at the end"
    )
    parser.add_argument(
        "--host-key", type=Path, help="OpenSSH ed25519 key file; written if it does not exist"
    )
    parser.add_argument("--username", default="stats")
    parser.add_argument(
        "--password", default=os.environ.get("SANDBOX_SSH_PASSWORD"), help="default: a random one"
    )
    add_clock_option(parser)
    return parser.parse_args()


async def serve(args: argparse.Namespace, folder: Path) -> None:
    """Run all three servers until the parent stops this process."""
    recorder, faults, game = Recorder(args.clock), GameFaults(), Game()
    state = SshState(
        files=StatsFolder(folder, args.clock),
        recorder=recorder,
        faults=faults,
        key=host_key(args.host_key),
        username=args.username,
        password=args.password or secrets.token_urlsafe(12),
    )
    ssh = SshServer(state, args.ssh_port)
    ssh.start()
    query_port = await start_query(QueryServer(game, recorder, faults), args.query_port)
    runner, port = await start_http(control_app(Control(ssh=ssh, game=game)), args.port)
    announce(
        base=f"http://{LOOPBACK}:{port}",
        ssh_host=LOOPBACK,
        ssh_port=ssh.port,
        username=state.username,
        password=state.password,
        **key_facts(state.key),
        stats_folder=STATS_FOLDER,
        folder=str(folder),
        query_host=LOOPBACK,
        query_port=query_port,
    )
    await until_stopped()
    ssh.stop()
    await runner.cleanup()


def main() -> None:
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="gameserver-") as temporary:
        # One level down: the unfinished part of a file is written beside the folder, where no client looks.
        folder = args.folder or Path(temporary) / "gamestats"
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(serve(args, folder))


if __name__ == "__main__":
    main()
