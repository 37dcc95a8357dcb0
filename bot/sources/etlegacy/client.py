"""paramiko's SFTP client, taught to list every file name and to prove that a file was read whole."""

from __future__ import annotations

import stat
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_OPENDIR, CMD_READDIR

from bot.errors import SourceChanged, SourceUnavailable
from bot.ports import RemoteFile
from bot.texts import text

MAX_ENTRIES = 200_000
READ_AHEADS = 50


def is_plain_name(name: str) -> bool:
    """Whether a remote name is one plain file name: no separator, no "..", no control character."""
    controls = any(unicodedata.category(character) == "Cc" for character in name)
    return name not in {"", "."} and "/" not in name and ".." not in name and not controls


class SftpClient(paramiko.SFTPClient):
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
