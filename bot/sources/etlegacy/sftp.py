"""The stats folder of one game server, read over SFTP (design/dependencies.md 5 gives the reasons and the numbers).

One connection is kept and used for one operation at a time; after any trouble with it the next call makes a new
one. paramiko blocks, so it only ever runs in the executor that the caller gives.
"""

from __future__ import annotations

import asyncio
import socket
import stat
import struct
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import paramiko
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey
from paramiko.pkey import UnknownKeyType
from paramiko.sftp import CMD_CLOSE, CMD_OPENDIR, CMD_READDIR
from paramiko.ssh_exception import IncompatiblePeer

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
from bot.texts import join, text

T = TypeVar("T")

# The largest real stats file of specs/etlegacy.md 1.1 has 2,822 bytes.
MAX_STATS_BYTES = 64 * 1024
MAX_ENTRIES = 200_000
READ_AHEADS = 50
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


def is_plain_name(name: str) -> bool:
    """Whether a remote name is one plain file name: no separator, no "..", no control character."""
    controls = any(unicodedata.category(character) == "Cc" for character in name)
    return name not in {"", "."} and "/" not in name and ".." not in name and not controls


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
    except TimeoutError as error:
        raise SourceUnavailable(
            text(
                "{server}: no answer within {seconds} s",
                server=address.name,
                seconds=f"{address.timeout_seconds:g}",
            )
        ) from error
    except TROUBLE as error:
        reason = getattr(error, "strerror", None) or str(error) or text("the connection was closed")
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


class _Sftp(paramiko.SFTPClient):
    """paramiko's client with a listing that survives every file name.

    Its own `listdir_iter` decodes names as UTF-8 and so loses the whole folder to one name that is not; names
    cannot be had as bytes by its public methods. This is the same exchange, kept as bytes. The private names it
    needs are declared here (paramiko is pinned to one version, and the tests run them against a real sshd).
    """

    _request: Callable[..., tuple[int, paramiko.Message]]
    _async_request: Callable[..., int]
    _read_response: Callable[[int], tuple[int, paramiko.Message]]

    def entries(self, folder: bytes) -> Iterator[tuple[bytes, paramiko.SFTPAttributes]]:
        """Give the raw name and the attributes of everything in `folder`, as lstat sees it."""
        _, reply = self._request(CMD_OPENDIR, folder)
        handle = reply.get_binary()
        try:
            while True:
                asked = [self._async_request(type(None), CMD_READDIR, handle) for _ in range(READ_AHEADS)]
                for number in asked:
                    _, reply = self._read_response(number)
                    for _ in range(reply.get_int()):
                        name, _long = reply.get_binary(), reply.get_binary()
                        yield name, paramiko.SFTPAttributes._from_msg(reply)  # type: ignore[attr-defined]  # noqa: SLF001
        except EOFError:
            self._request(CMD_CLOSE, handle)

    def list_files(self, folder: str) -> tuple[tuple[RemoteFile, ...], int]:
        """Give the regular files with plain names, and the number of names that were left out."""
        files, left_out = [], 0
        for seen, (raw_name, found) in enumerate(self.entries(_encoded(folder)), start=1):
            if seen > MAX_ENTRIES:
                raise SourceUnavailable(
                    text(
                        "{folder} has more than {limit} entries; is it the stats folder?",
                        folder=folder,
                        limit=MAX_ENTRIES,
                    )
                )
            if found.st_size is None or found.st_mtime is None or not stat.S_ISREG(found.st_mode or 0):
                continue
            name = raw_name.decode("utf-8", "surrogateescape")
            if is_plain_name(name):
                modified_at = datetime.fromtimestamp(found.st_mtime, UTC)
                files.append(RemoteFile(name=name, size=found.st_size, modified_at=modified_at))
            else:
                left_out += 1
        return tuple(files), left_out

    def read_whole(self, path: str, size: int) -> bytes:
        """Read a file of exactly `size` bytes. Raises `SourceChanged` if it has not that size any more."""
        try:
            file = self.open(_encoded(path))
        except FileNotFoundError as error:
            raise SourceChanged(text("{file} is no longer there", file=repr(path))) from error
        # One byte more is asked for than was announced, so a full answer proves that the end was met.
        # (No `with`: closing would wait once more for a server that has just gone silent.)
        content = file.read(size + 1)
        file.close()
        if len(content) != size:
            came = text("more") if len(content) > size else text("only {size}", size=len(content))
            raise SourceChanged(
                text(
                    "{file} was listed with {size} bytes, {came} came; it may still be written",
                    file=repr(path),
                    size=size,
                    came=came,
                )
            )
        return content


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


class _Connection:
    """One SSH connection with one SFTP channel, made on first use. All but `close` block: executor only."""

    def __init__(self, address: SshAddress, known_hosts: Path) -> None:
        self._address = address
        self._known_hosts = known_hosts
        self._client = paramiko.SSHClient()
        self._sftp: _Sftp | None = None
        self._closed = False

    @property
    def usable(self) -> bool:
        return not self._closed and (self._sftp is None or self._transport().is_active())

    def run(self, operation: Callable[[_Sftp], T]) -> T:
        """Connect if that was not done yet, then do `operation`. Raises a `SourceError`."""
        with _our_errors(self._address):
            if self._sftp is None:
                self._log_in()
                self._sftp = self._open_channel()
            return operation(self._sftp)

    def close(self) -> None:
        """Cut the connection at once; whoever waits on it gets an error. Safe from any thread, does not block."""
        self._closed = True
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
                sock=socket.create_connection((address.host, address.port), seconds),
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

    def _open_channel(self) -> _Sftp:
        transport = self._transport()
        transport.set_keepalive(KEEPALIVE_SECONDS)
        channel = transport.open_session()
        # Keepalives don't notice a peer that is frozen; the channel's own time-out does.
        channel.settimeout(self._address.timeout_seconds)
        channel.invoke_subsystem("sftp")
        if self._closed:
            self._client.close()
        return _Sftp(channel)


class SftpRoundSource:
    """A `bot.ports.RoundSource` over SFTP.

    `known_hosts` is Vedette's own file; a host that is not in it is refused with `HostKeyUnknown`, and another
    key than the pinned one with `HostKeyChanged`. `left_out` counts the names of the last listing that are not plain.
    """

    def __init__(
        self,
        address: SshAddress,
        known_hosts: Path,
        executor: ThreadPoolExecutor,
        *,
        max_bytes: int = MAX_STATS_BYTES,
    ) -> None:
        self.left_out = 0
        self._address = address
        self._known_hosts = known_hosts
        self._executor = executor
        self._max_bytes = max_bytes
        self._connection: _Connection | None = None
        self._turn = asyncio.Lock()

    async def list_files(self) -> tuple[RemoteFile, ...]:
        """List the regular files of the stats folder. Raises a `SourceError`."""
        files, self.left_out = await self._perform(lambda sftp: sftp.list_files(self._address.folder))
        return files

    async def fetch(self, file: RemoteFile) -> bytes:
        """Read exactly `file.size` bytes and prove the end. Raises `SourceChanged` or another `SourceError`."""
        if not is_plain_name(file.name):
            raise SourceChanged(text("{file} is not a plain file name", file=repr(file.name)))
        if file.size > self._max_bytes:
            raise SourceChanged(
                text(
                    "{file} has {size} bytes; a stats file has at most {limit}",
                    file=repr(file.name),
                    size=file.size,
                    limit=self._max_bytes,
                )
            )
        path = f"{self._address.folder.rstrip('/')}/{file.name}"
        return await self._perform(lambda sftp: sftp.read_whole(path, file.size))

    async def close(self) -> None:
        """Cut the connection; a call that is under way fails, the next one connects again."""
        if self._connection is not None:
            self._connection.close()

    async def _perform(self, operation: Callable[[_Sftp], T]) -> T:
        async with self._turn:
            if self._connection is None or not self._connection.usable:
                self._connection = _Connection(self._address, self._known_hosts)
            connection = self._connection
            try:
                return await self._in_time(connection.run, operation)
            except SourceChanged:
                raise  # the file is the trouble, the connection is fine
            except (SourceError, asyncio.CancelledError):
                connection.close()
                raise

    async def _in_time(self, run: Callable[[Callable[[_Sftp], T]], T], operation: Callable[[_Sftp], T]) -> T:
        limit = self._address.timeout_seconds * SILENCES_PER_OPERATION
        try:
            async with asyncio.timeout(limit):
                return await asyncio.get_running_loop().run_in_executor(self._executor, run, operation)
        except TimeoutError as error:
            raise SourceUnavailable(
                text("{server}: not done within {seconds} s", server=self._address.name, seconds=f"{limit:g}")
            ) from error
