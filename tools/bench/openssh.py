"""The real OpenSSH server on loopback, and a line to it that takes its time."""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")
START_SECONDS = 20
CHUNK = 64 * 1024
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
MaxSessions 4
Subsystem sftp internal-sftp
"""


def free_port() -> int:
    """Find a port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def make_key(path: Path) -> None:
    """Make a key without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


class Sshd:
    """An sshd for the key `client_key` in `place`; each start makes a new host key. Needs root."""

    def __init__(self, place: Path, port: int) -> None:
        self.place = place
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        make_key(place / "client_key")

    def start(self) -> None:
        """Start it and wait until it answers."""
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd of Debian drops its privileges
        for old in self.place.glob("host_key*"):
            old.unlink()
        make_key(self.place / "host_key")
        config = self.place / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, folder=self.place), "utf-8")
        # Few open files, so that a handle which is never closed is soon missed; enough for those at once.
        command: list[str | Path] = [
            "prlimit",
            "--nofile=96",
            SSHD,
            "-D",
            "-f",
            config,
            "-E",
            self.place / "sshd.log",
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        _wait_for(lambda: _answers(self.port))

    def stop(self) -> None:
        """End it; connections that are there stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)


@contextmanager
def running_sshd(place: Path) -> Iterator[Sshd]:
    """Run an sshd whose keys and configuration lie in `place`."""
    server = Sshd(place, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def slow_line(port: int, milliseconds: float) -> Iterator[int]:
    """Give the port of a process that passes everything on to `port`, so much later in each direction."""
    command = [sys.executable, "-m", "tools.bench.openssh", str(port), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield int(process.stdout.readline() if process.stdout else b"")
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), START_SECONDS) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - another process needs real time
    while not condition():
        if time.monotonic() > deadline:  # noqa: TID251
            raise RuntimeError("the SSH server did not start")
        time.sleep(0.02)  # noqa: TID251


# --- The process of the slow line ------------------------------------------------------------------


async def _delay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, each part `seconds` after it came; as much as comes may be on its way."""
    loop = asyncio.get_running_loop()
    on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            at, part = await on_its_way.get()
            await asyncio.sleep(at - loop.time())  # noqa: TID251 - what is measured is real time
            if not part:
                writer.close()
                return
            writer.write(part)

    arriving = asyncio.create_task(arrive())
    part = b"-"
    while part:
        try:
            part = await reader.read(CHUNK)
        except OSError:
            part = b""
        on_its_way.put_nowait((loop.time() + seconds, part))
    await arriving


async def _serve(port: int, seconds: float) -> None:
    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_delay(reader, far_writer, seconds), _delay(far_reader, writer, seconds))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("milliseconds", type=float)
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.milliseconds / 1000))
