"""Bears Python programs that have been loaded already, so that starting one costs a fork and not the imports.

``python -m tests.nursery SOCKET`` loads the bot and the stand-ins and listens. A connection is one program: a line of
JSON (module, arguments, environment, folder) with its standard streams as descriptors; the answer is its process id
and, once it has ended, its exit code. A program whose connection closes before is killed. Linux only; where it does
not run, programs are started as usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STREAMS = 3
ENDED = "ended"
START_SECONDS = 60
LARGEST_ORDER = 1 << 16
LOADED = (
    "bot.app",
    "alembic.command",
    "alembic.config",
    "asyncpg",
    "aiosqlite",
    "babel.dates",
    "babel.numbers",
)
STAND_INS = ("discord", "tiktok", "gameserver")
OURS = frozenset(["bot", "cogs", "tests", "tools"])


# --- The process that bears them ------------------------------------------------------------------


def main(place: str) -> None:
    """Serve until the standard input closes."""
    load()
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as waiting:
        door.bind(f"{place}.new")
        door.listen()
        Path(f"{place}.new").rename(place)  # whoever sees it may knock
        waiting.register(door, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        order = serve(door, waiting)
    if order is not None:
        take(order["streams"])
        live(order)


def load() -> None:
    """Load what programs need, but not their first modules: those run anew in each."""
    for name in (*LOADED, *(f"tools.sandbox.{one}.__main__" for one in STAND_INS)):
        importlib.import_module(name)
    for extension in sys.modules["bot.discord.client"].EXTENSIONS:
        importlib.import_module(extension)
    for one in STAND_INS:
        del sys.modules[f"tools.sandbox.{one}.__main__"]
    gc.collect()
    gc.freeze()


class Births:
    """Those who were born and live: `waiting` tells of each end, and of each one nobody waits for any more."""

    def __init__(self, waiting: selectors.BaseSelector) -> None:
        self._waiting = waiting
        self._alive: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor of the process

    def new(self, child: int, connection: socket.socket) -> None:
        handle = os.pidfd_open(child)
        self._alive[handle] = (child, connection)
        self._waiting.register(handle, selectors.EVENT_READ, ENDED)
        self._waiting.register(connection, selectors.EVENT_READ, handle)
        connection.sendall(f"{child}\n".encode())

    def ended(self, handle: int) -> None:
        child, connection = self._alive.pop(handle)
        _, status = os.waitpid(child, 0)
        self._waiting.unregister(handle)
        os.close(handle)
        with contextlib.suppress(OSError):
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        with contextlib.suppress(KeyError):
            self._waiting.unregister(connection)
        connection.close()

    def left_alone(self, connection: Any, handle: int) -> None:
        self._waiting.unregister(connection)
        if handle in self._alive:
            os.kill(self._alive[handle][0], signal.SIGKILL)

    def end_all(self) -> None:
        for child, _ in self._alive.values():
            os.kill(child, signal.SIGKILL)


def serve(door: socket.socket, waiting: selectors.BaseSelector) -> dict[str, Any] | None:
    """Bear what is asked for. Gives None at the end, and in a program that was just born its order."""
    births = Births(waiting)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is door:
                order = bear(door, births)
                if order is not None:
                    return order
            elif key.data == ENDED:
                births.ended(key.fd)
            elif key.fileobj is sys.stdin:
                births.end_all()
                return None
            else:
                births.left_alone(key.fileobj, key.data)


def bear(door: socket.socket, births: Births) -> dict[str, Any] | None:
    """Fork for who knocks; gives the order in the child, and None in the parent."""
    connection, _ = door.accept()
    line, streams, _, _ = socket.recv_fds(connection, LARGEST_ORDER, STREAMS)
    if not line:
        connection.close()
        return None
    child = os.fork()
    if not child:
        return {**json.loads(line), "streams": streams}
    for stream in streams:
        os.close(stream)
    births.new(child, connection)
    return None


def take(streams: list[int]) -> None:
    """Make descriptors the standard streams, and let all others go."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(STREAMS, 1024)


def live(order: Mapping[str, Any]) -> None:
    """Be the program."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    if order["path"] != str(ROOT):
        import_from(order["path"])
    sys.argv = [order["module"], *order["arguments"]]
    runpy.run_module(order["module"], run_name="__main__", alter_sys=True)


def import_from(path: str) -> None:
    """Stand as if started with this PYTHONPATH: what is ours comes from there, what is others' stays loaded."""
    folders = path.split(os.pathsep)
    if str(ROOT) not in folders:
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
    sys.path[:1] = folders
    if any(Path(folder, "sitecustomize.py").exists() for folder in folders):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")


# --- Those who ask for programs -------------------------------------------------------------------


class Child:
    """A program: what the tests use of `asyncio.subprocess.Process`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: Any = None
        self.stdout: Any = None
        self.end: asyncio.Task[None] | None = None

    async def wait(self) -> int:
        assert self.end is not None
        await asyncio.shield(self.end)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Pipe:
    """The end of a pipe that a program reads from."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def write(self, line: bytes) -> None:
        """Write what a pipe holds without waiting."""
        assert self._descriptor is not None
        os.write(self._descriptor, line)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class Nursery:
    """Starts programs through the process at `place`; `spawn` stands for `asyncio.create_subprocess_exec`."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def _open(self) -> None:
        """Start the process with the first program that is asked for."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(self._place)],
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a fork takes no threads along
            stdin=subprocess.PIPE,
        )
        deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - another process needs real time
        while not self._place.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:  # noqa: TID251
                raise RuntimeError("the nursery did not open")
            time.sleep(0.02)  # noqa: TID251

    def close(self) -> None:
        """End the process, and whatever it bore that still lives."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(START_SECONDS)

    async def spawn(self, *command: str, **how: Any) -> Any:
        python, flag, module, *arguments = command
        environment = dict(how.get("env") or os.environ)
        if python != sys.executable or flag != "-m":
            return await asyncio.create_subprocess_exec(*command, **how)
        order = {
            "module": module,
            "arguments": arguments,
            "environment": environment,
            "folder": str(how.get("cwd") or Path.cwd()),
            "path": environment.get("PYTHONPATH") or str(ROOT),
        }
        theirs, stdin, stdout = _streams(how)
        loop = asyncio.get_running_loop()
        door = socket.socket(socket.AF_UNIX)
        try:
            self._open()
            door.connect(str(self._place))
            socket.send_fds(door, [json.dumps(order).encode()], theirs)
        finally:
            for descriptor in theirs[:2]:
                os.close(descriptor)
        door.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=door)
        child = Child(int(await reader.readline()))
        child.end = asyncio.create_task(_until_the_end(child, reader, writer))
        child.stdin = None if stdin is None else _Pipe(stdin)
        if stdout is not None:
            child.stdout = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(child.stdout)
            await loop.connect_read_pipe(lambda: protocol, os.fdopen(stdout, "rb", buffering=0))
        return child


def _streams(how: Mapping[str, Any]) -> tuple[list[int], int | None, int | None]:
    """Give the three descriptors of a program, and our ends of its standard input and output if they are pipes."""
    stdin = stdout = None
    if how.get("stdin") == asyncio.subprocess.PIPE:
        into, stdin = os.pipe()
    else:
        into = os.open(os.devnull, os.O_RDONLY)
    if how.get("stdout") == asyncio.subprocess.PIPE:
        stdout, out = os.pipe()
    else:
        out = os.dup(how["stdout"].fileno() if how.get("stdout") else 1)
    errors = how["stderr"].fileno() if how.get("stderr") else 2
    return [into, out, errors], stdin, stdout


async def _until_the_end(child: Child, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    code = await reader.readline()
    child.returncode = int(code or -signal.SIGKILL)
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
