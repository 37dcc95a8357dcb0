"""The SSH side: paramiko's server in threads of its own, showing one folder read-only over SFTP."""

from __future__ import annotations

import errno
import io
import os
import posixpath
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery
from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE, SFTP_PERMISSION_DENIED

from tools.sandbox.gameserver.faults import GameFault, GameFaults
from tools.sandbox.gameserver.files import FOLDER, StatsFolder, attributes
from tools.sandbox.standin import LOOPBACK, Recorder

STATS_FOLDER = "/legacy/gamestats"
# The folders above the stats folder, each with what it holds, so that a client may walk down.
ABOVE = {"/": "legacy", "/legacy": "gamestats"}


def host_key(path: Path | None) -> paramiko.Ed25519Key:
    """Load the host key, or make one; a `path` that does not exist yet is written, so restarts keep it."""
    if path is None or not path.exists():
        fresh = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
        )
        if path is None:
            return paramiko.Ed25519Key.from_private_key(io.StringIO(fresh.decode()))
        path.write_bytes(fresh)
        path.chmod(0o600)
    return paramiko.Ed25519Key.from_private_key_file(path)


@dataclass(kw_only=True)
class SshState:
    """Everything the SSH threads share with the control API. Lists and dicts are replaced or appended, whole."""

    files: StatsFolder
    recorder: Recorder
    faults: GameFaults
    key: paramiko.PKey
    username: str
    password: str
    authorized_keys: set[str] = field(default_factory=set)
    max_channels: int | None = None
    transports: list[paramiko.Transport] = field(default_factory=list)


class Session(paramiko.ServerInterface):
    """One connection: who may log in, how many channels it may have, what it did (recorded)."""

    def __init__(self, state: SshState, transport: paramiko.Transport, number: int) -> None:
        self.state = state
        self.transport = transport
        self.number = number
        self.channels = 0
        self.asked = ""

    def record(self, operation: str, **facts: Any) -> None:
        self.state.recorder.add(kind="ssh", op=operation, session=self.number, **facts)

    def meet(self, operation: str, path: str = "") -> GameFault | None:
        """Serve a queued freeze or drop; answers any other fault for the operation to act on."""
        fault = self.state.faults.take_for(operation, path)
        if fault is not None and fault.kind == "drop" and operation != "read":
            self.transport.close()
        return fault

    def _authenticated(self, method: str, username: str, right: bool) -> int:
        fault = self.meet("auth", username)
        partial = fault is not None and fault.kind == "partial"
        good = right and username == self.state.username and (fault is None or partial)
        self.record("auth", method=method, username=username, accepted=good and not partial)
        if not good:
            return AUTH_FAILED
        return AUTH_PARTIALLY_SUCCESSFUL if partial else AUTH_SUCCESSFUL

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "password,publickey,keyboard-interactive"

    def check_auth_password(self, username: str, password: str) -> int:
        return self._authenticated("password", username, password == self.state.password)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        line = f"{key.get_name()} {key.get_base64()}"
        return self._authenticated("publickey", username, line in self.state.authorized_keys)

    def check_auth_interactive(self, username: str, submethods: str) -> InteractiveQuery:  # noqa: ARG002
        self.asked = username
        return InteractiveQuery("", "", "Password: ")

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return self._authenticated("keyboard-interactive", self.asked, responses == [self.state.password])

    def check_channel_request(self, kind: str, chanid: int) -> int:
        fault = self.meet("channel", str(chanid))
        limit = self.state.max_channels
        full = limit is not None and self.channels >= limit
        self.record("channel", opened=not full and fault is None)
        if full:
            return OPEN_FAILED_RESOURCE_SHORTAGE
        if fault is not None or kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self.channels += 1
        return OPEN_SUCCEEDED


class OpenedFile(paramiko.SFTPHandle):
    """A file being read, with the read fault that was taken when it was opened."""

    def __init__(self, session: Session, name: str, file: BinaryIO) -> None:
        super().__init__()
        self.session = session
        self.name = name
        self.file = file
        self.fault = session.meet("read", name)

    def read(self, offset: int, length: int) -> bytes | int:
        self.session.record("read", path=self.name, offset=offset, length=length)
        fault, kind = self.fault, self.fault.kind if self.fault else ""
        if fault is not None and kind == "slow":
            self.session.state.faults.thawed.wait(fault.delay_ms / 1000)
            length = max(1, min(length, fault.nbytes))
        if fault is not None and kind in {"drop", "truncate"}:
            length = min(length, max(0, fault.nbytes - offset))
            if kind == "drop" and length == 0:
                self.session.transport.close()
                return SFTP_FAILURE
        self.file.seek(offset)
        return self.file.read(length)

    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.file.fileno()))

    def close(self) -> None:
        self.session.record("close", path=self.name)
        self.file.close()


class Folder(paramiko.SFTPServerInterface):
    """The server's file system: the stats folder and the folders above it, read-only."""

    def __init__(self, server: paramiko.ServerInterface, session: Session) -> None:
        super().__init__(server)
        self.session = session
        self.files = session.state.files

    def session_ended(self) -> None:
        self.session.channels -= 1
        self.session.record("end")

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        place = self.canonicalize(path)
        # Recorded before it is frozen or cut, so that a test can wait until the server is there.
        self.session.record("list", path=place)
        fault = self.session.meet("list", place)
        if fault is not None:
            return SFTP_PERMISSION_DENIED
        if place in ABOVE:
            return [attributes(ABOVE[place].encode(), size=0, mtime=0, mode=FOLDER)]
        return list(self.files.entries()) if place == STATS_FOLDER else SFTP_NO_SUCH_FILE

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:  # noqa: ARG002
        folder, name = posixpath.split(self.canonicalize(path))
        self.session.record("open", path=name)
        fault = self.session.meet("open", name)
        if fault is not None or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return SFTP_PERMISSION_DENIED
        if folder != STATS_FOLDER:
            return SFTP_NO_SUCH_FILE
        try:
            return OpenedFile(self.session, name, self.files.path_of(name).open("rb"))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or errno.EIO)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        place = self.canonicalize(path)
        self.session.record("stat", path=place)
        if place in ABOVE or place == STATS_FOLDER:
            return attributes(b"", size=0, mtime=0, mode=FOLDER)
        try:
            return paramiko.SFTPAttributes.from_stat(self.files.path_of(posixpath.basename(place)).stat())
        except (OSError, ValueError):
            return SFTP_NO_SUCH_FILE

    lstat = stat

    def canonicalize(self, path: str) -> str:
        return posixpath.normpath(posixpath.join("/", path))


class SshServer:
    """Listens on loopback; every connection has its own transport thread."""

    def __init__(self, state: SshState, port: int) -> None:
        self.state = state
        self.listener = socket.create_server((LOOPBACK, port))
        self.port = int(self.listener.getsockname()[1])
        self._count = 0

    def start(self) -> None:
        threading.Thread(target=self._accept, name="gameserver-accept", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:  # stop() closed the listener
                return
            self._count += 1
            threading.Thread(target=self._serve, args=(connection, self._count), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self.state.recorder.add(kind="ssh", op="connect", session=number)
        fault = self.state.faults.take_for("connect", "")
        if fault is not None:
            connection.close()
            return
        transport = paramiko.Transport(connection)
        transport.add_server_key(self.state.key)
        session = Session(self.state, transport, number)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Folder, session)
        self.state.transports.append(transport)
        transport.start_server(event=threading.Event(), server=session)

    def disconnect(self) -> int:
        """Cut every connection, as a restart of the server would; answers how many there were."""
        transports, self.state.transports = self.state.transports, []
        living = [transport for transport in transports if transport.is_active()]
        for transport in living:
            transport.close()
        return len(living)

    def stop(self) -> None:
        self.listener.close()
        self.disconnect()
