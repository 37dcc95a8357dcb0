"""The stats folder of one game server, read over SFTP (design/dependencies.md 5 gives the reasons and the numbers).

One connection is kept and used for one operation at a time; after any trouble with it the next call makes a new
one. paramiko blocks, so it only ever runs in the executor that the caller gives.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import IncompatiblePeer

from bot.core.rounds.files import FileKind, file_kind
from bot.errors import (
    HostKeyChanged,
    HostKeyUnknown,
    SourceAuthFailed,
    SourceChanged,
    SourceError,
    SourceUnavailable,
)
from bot.ports import RemoteFile
from bot.settings import GameServer
from bot.sources.etlegacy.client import Readings, SftpClient, is_plain_name
from bot.texts import join, text

T = TypeVar("T")

# The largest real stats file of specs/etlegacy.md 1.1 has 2,822 bytes.
MAX_STATS_BYTES = 64 * 1024
# A round of a gather has 20 kB, with every event of it some hundred.
MAX_GATHER_BYTES = 1024 * 1024
KEEPALIVE_SECONDS = 30
# The handshake may take longer than its first line, so that a server that says nothing is told apart.
HANDSHAKE_SILENCES = 2
# A whole operation may take this many times the longest silence: it ends servers that send a byte at a time.
SILENCES_PER_OPERATION = 6
# What paramiko raises when the network, the server or its answers are bad.
TROUBLE = (
    paramiko.SSHException,
    paramiko.SFTPError,
    InvalidHostKey,
    OSError,
    EOFError,
    UnicodeError,
    struct.error,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SshAddress:
    """Where a stats folder is and how to log in. `name` is what people call the server.

    `timeout_seconds` is the longest silence at any step; a whole operation may take six times that.
    """

    name: str
    host: str
    port: int = 22
    username: str
    password: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    key_passphrase: str | None = field(default=None, repr=False)
    folder: str
    timeout_seconds: float = 10.0

    @property
    def known_as(self) -> str:
        """The host as a known_hosts file names it."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostKeyOffer:
    """The key a host shows: `fingerprint` ("SHA256:…") for people, `key_line` for the known_hosts file."""

    known_as: str
    fingerprint: str
    key_line: str


def ssh_address(name: str, server: GameServer, timeout_seconds: float) -> SshAddress:
    """Give the address and the credentials of a game server as its settings have them."""
    return SshAddress(
        name=name,
        host=server.host,
        port=server.port,
        username=server.username,
        password=server.password.get_secret_value() if server.password else None,
        key_file=server.key_file,
        key_passphrase=server.key_passphrase.get_secret_value() if server.key_passphrase else None,
        folder=server.stats_folder,
        timeout_seconds=timeout_seconds,
    )


@contextmanager
def _our_errors(address: SshAddress) -> Iterator[None]:
    """Say paramiko's and the network's errors in our words; they never hold a secret."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise HostKeyChanged(address.known_as, error.key.fingerprint) from error
    except IncompatiblePeer as error:
        raise SourceUnavailable(
            text(
                "{server}: the server is too old for us, it offers only SSH algorithms that are no longer safe "
                "({problem}); an OpenSSH of 2014 or newer is needed",
                server=address.name,
                problem=str(error),
            )
        ) from error
    except TROUBLE as error:
        # paramiko hides behind "Error reading SSH protocol banner" how a server ended that never named itself.
        hidden = error.__context__ if "banner" in str(error) else None
        if isinstance(hidden or error, TimeoutError):
            raise SourceUnavailable(
                text(
                    "{server}: no answer within {seconds} s",
                    server=address.name,
                    seconds=f"{address.timeout_seconds:g}",
                )
            ) from error
        said = getattr(error, "strerror", None) or getattr(error, "text", None)  # OSError, ChannelException
        reason = said or str(hidden or error) or text("the connection was closed")
        raise SourceUnavailable(join(": ", [address.name, reason])) from error


def learn_host_key(address: SshAddress) -> HostKeyOffer:
    """Ask the server for its host key, without logging in and without trusting it.

    Blocks for up to three times `timeout_seconds`: call it in the SSH executor. Raises `SourceUnavailable`.
    """
    with _our_errors(address):
        seconds = address.timeout_seconds
        transport = paramiko.Transport(socket.create_connection((address.host, address.port), seconds))
        try:
            transport.banner_timeout = seconds
            transport.start_client(timeout=HANDSHAKE_SILENCES * seconds)
            key = transport.get_remote_server_key()
        finally:
            transport.close()
    line = f"{address.known_as} {key.get_name()} {key.get_base64()}"
    return HostKeyOffer(known_as=address.known_as, fingerprint=key.fingerprint, key_line=line)


def trusted_fingerprints(known_hosts: Path, known_as: str) -> tuple[str, ...]:
    """Give the fingerprint of each key that is pinned for a host."""
    pinned = paramiko.HostKeys(known_hosts if known_hosts.exists() else None).lookup(known_as)
    return tuple(key.fingerprint for key in pinned.values()) if pinned else ()


def trust_host_key(known_hosts: Path, offer: HostKeyOffer) -> None:
    """Pin the offered key as the only one of its host, whatever was pinned before.

    Call it only when a person has seen the fingerprint. Raises OSError when the file cannot be written.
    """
    entry = HostKeyEntry.from_line(offer.key_line)
    if entry is None:
        raise ValueError(f"not a known_hosts line: {offer.key_line!r}")
    keys = paramiko.HostKeys(known_hosts if known_hosts.exists() else None)
    while offer.known_as in keys:
        del keys[offer.known_as]
    keys.add(offer.known_as, entry.key.get_name(), entry.key)
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    fresh = known_hosts.with_name(known_hosts.name + ".new")
    keys.save(fresh)
    fresh.replace(known_hosts)


class _RejectUnknown(paramiko.RejectPolicy):
    """Refuse a host nobody trusted, and say which fingerprint it shows."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # type: ignore[override]  # noqa: ARG002
        raise HostKeyUnknown(hostname, key.fingerprint)


class _Connection:
    """One SSH connection with one SFTP channel, made on first use. All but `close` block: executor only."""

    def __init__(self, address: SshAddress, known_hosts: Path) -> None:
        self._address = address
        self._known_hosts = known_hosts
        self._client = paramiko.SSHClient()
        self._socket: socket.socket | None = None
        self._sftp: SftpClient | None = None
        self._closed = False

    @property
    def usable(self) -> bool:
        return not self._closed and (self._sftp is None or self._transport().is_active())

    def run(self, operation: Callable[[SftpClient], T]) -> T:
        """Connect if that was not done yet, then do `operation`. Raises a `SourceError`."""
        with _our_errors(self._address):
            if self._sftp is None:
                self._log_in()
                self._sftp = self._open_channel()
            return operation(self._sftp)

    def close(self) -> None:
        """Cut the connection at once; whoever waits on it gets an error. Safe from any thread, does not block."""
        self._closed = True
        if self._socket is not None:
            with suppress(OSError):  # it was never connected, or is closed already
                self._socket.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None:
            raise EOFError
        return transport

    def _log_in(self) -> None:
        address, seconds = self._address, self._address.timeout_seconds
        key = self._private_key()
        if self._known_hosts.exists():
            self._client.load_host_keys(self._known_hosts)
        self._client.set_missing_host_key_policy(_RejectUnknown())
        try:
            self._client.connect(
                address.host,
                address.port,
                address.username,
                # Never None: with a key and no password paramiko may ask for one on the terminal.
                password=address.password or "",
                pkey=key,
                look_for_keys=False,
                allow_agent=False,
                sock=self._dial(),
                timeout=HANDSHAKE_SILENCES * seconds,
                banner_timeout=seconds,
                auth_timeout=seconds,
                channel_timeout=seconds,
            )
        except paramiko.AuthenticationException as error:
            # paramiko calls these two authentication failures as well, though no one has said no.
            if "timeout" in str(error):
                raise TimeoutError from error
            if not self._transport().is_active():
                raise EOFError from error
            raise SourceAuthFailed(
                text(
                    "{server}: the server did not accept this password or key for user {user}",
                    server=address.name,
                    user=repr(address.username),
                )
            ) from error

    def _dial(self) -> socket.socket:
        """Connect as `socket.create_connection` does, but by a socket that `close` can cut meanwhile."""
        address = self._address
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, place) in enumerate(found, start=1):
            self._socket = socket.socket(family, kind, protocol)
            self._socket.settimeout(address.timeout_seconds)
            # Else a small request waits for the answer to the one before it.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                if not self._closed:
                    self._socket.connect(place)
                    return self._socket
            except OSError:
                self._socket.close()
                if number == len(found):
                    raise
        raise EOFError

    def _private_key(self) -> paramiko.PKey | None:
        address = self._address
        if address.key_file is None:
            return None
        try:
            # The stub asks for text; the library hands it to cryptography, which takes only bytes. Not in a
            # variable of ours: some tools print those beside a traceback.
            return paramiko.PKey.from_path(
                address.key_file,
                address.key_passphrase.encode() if address.key_passphrase else None,  # type: ignore[arg-type]
            )
        except OSError as error:
            raise SourceAuthFailed(
                text(
                    "{server}: key file {file}: {problem}",
                    server=address.name,
                    file=str(address.key_file),
                    problem=str(error.strerror),
                )
            ) from error
        except (ValueError, TypeError, paramiko.SSHException, UnknownKeyType) as error:
            raise SourceAuthFailed(
                text(
                    "{server}: key file {file}: wrong or missing passphrase, or not an SSH key",
                    server=address.name,
                    file=str(address.key_file),
                )
            ) from error

    def _open_channel(self) -> SftpClient:
        transport = self._transport()
        transport.set_keepalive(KEEPALIVE_SECONDS)
        channel = transport.open_session()
        # Keepalives don't notice a peer that is frozen; the channel's own time-out does.
        channel.settimeout(self._address.timeout_seconds)
        channel.invoke_subsystem("sftp")
        if self._closed:
            self._client.close()
        return SftpClient(channel)


class SftpRoundSource:
    """A `bot.ports.RoundSource` over SFTP.

    `known_hosts` is Vedette's own file; a host that is not in it is refused with `HostKeyUnknown`, and another
    key than the pinned one with `HostKeyChanged`.
    """

    def __init__(
        self,
        address: SshAddress,
        known_hosts: Path,
        executor: Executor,
        *,
        max_bytes: int = MAX_STATS_BYTES,
    ) -> None:
        self.left_out: tuple[str, ...] = ()
        self._address = address
        self._known_hosts = known_hosts
        self._executor = executor
        self._max_bytes = max_bytes
        self._connection: _Connection | None = None
        self._turn = asyncio.Lock()

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """List the regular files of the stats folder, by name. Raises a `SourceError`."""
        listing = await self._perform(lambda sftp: sftp.list_files(self._address.folder))
        self.left_out = listing.left_out
        return listing.files

    async def fetch(self, files: Sequence[RemoteFile]) -> dict[str, bytes | SourceError]:
        """Read files at once, each of exactly its `size`, and prove their ends; by name, as far as it came.

        The file at which the server failed has a `SourceUnavailable`. Raises a `SourceError` where no file can be asked for.
        """
        came: dict[str, bytes | SourceError] = {}
        folder, names, sizes = self._address.folder.rstrip("/"), {}, {}
        for file in files:
            if refusal := self._refusal(file):
                came[file.name] = refusal
            else:
                path = f"{folder}/{file.name}"
                names[path], sizes[path] = file.name, file.size
        wanted = Readings(sizes)
        if sizes:
            try:
                await self._perform(lambda sftp: sftp.read_files(wanted))
            except SourceUnavailable as error:
                stuck_at = wanted.stuck_at
                if stuck_at is not None:
                    came[names[stuck_at]] = error
                elif not wanted.found:
                    raise
        return came | {names[path]: content for path, content in tuple(wanted.found.items())}

    def _refusal(self, file: RemoteFile) -> SourceChanged | None:
        """Say what keeps a file from being opened at all."""
        if not is_plain_name(file.name):
            return SourceChanged(text("{file} is not a plain file name", file=repr(file.name)))
        limit = MAX_GATHER_BYTES if file_kind(file.name) is FileKind.GATHER else self._max_bytes
        if file.size > limit:
            return SourceChanged(
                text(
                    "{file} has {size} bytes; a stats file has at most {limit}",
                    file=repr(file.name),
                    size=file.size,
                    limit=limit,
                )
            )
        return None

    async def close(self) -> None:
        """Cut the connection; a call that is under way fails, the next one connects again."""
        if self._connection is not None:
            self._connection.close()

    async def _perform(self, operation: Callable[[SftpClient], T]) -> T:
        async with self._turn:
            if self._connection is None or not self._connection.usable:
                self._connection = _Connection(self._address, self._known_hosts)
            connection = self._connection
            try:
                return await self._in_time(connection.run, operation)
            except (SourceError, asyncio.CancelledError):
                connection.close()
                raise

    async def _in_time(
        self, run: Callable[[Callable[[SftpClient], T]], T], operation: Callable[[SftpClient], T]
    ) -> T:
        limit = self._address.timeout_seconds * SILENCES_PER_OPERATION
        try:
            async with asyncio.timeout(limit):
                return await asyncio.get_running_loop().run_in_executor(self._executor, run, operation)
        except TimeoutError as error:
            raise SourceUnavailable(
                text("{server}: not done within {seconds} s", server=self._address.name, seconds=f"{limit:g}")
            ) from error
