"""A folder over SFTP: every name of it, and many small files at once, each proven to be whole."""

from __future__ import annotations

import errno
import stat
import unicodedata
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    SFTP_EOF,
    SFTP_FLAG_READ,
    SFTP_NO_SUCH_FILE,
    SFTP_PERMISSION_DENIED,
)

from bot.core.rounds.files import WANTED, file_kind
from bot.errors import SourceChanged, SourceUnavailable
from bot.ports import RemoteFile
from bot.sources.etlegacy.packets import Answer, Channel, Requests, Status, number, offset, string
from bot.texts import text

MAX_ENTRIES = 200_000
MAX_NAME_BYTES = 255
"""No file system has longer names."""
MAX_SIZE = 2**63 - 1
"""No file system has larger files, and no database larger numbers."""
READ_AHEADS = 50
AT_ONCE_FIRST, AT_ONCE = 4, 64
"""So many files at once on a new connection, and at most."""
READ_BYTES = 32 * 1024
"""What every server gives in one answer."""

_SIZE, _OWNER, _MODE, _TIMES, _MORE = 1, 2, 4, 8, 0x80000000
_LATEST = 2**32 - 1

Content = bytes | SourceChanged
_Request = tuple[int, bytes]
_Reading = Generator[_Request, Answer, Content]


def is_plain_name(name: str) -> bool:
    """Whether a remote name is one plain file name: UTF-8, no separator, no "..", no control character."""
    if name in {"", "."} or "/" in name or ".." in name:
        return False
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return False
    return len(name.encode()) <= MAX_NAME_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """The regular files of a folder by name; `left_out` names what could be meant for one and is none."""

    files: tuple[RemoteFile, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """An entry of a folder as lstat sees it; None is what the server did not say."""

    name: bytes
    size: int | None
    mode: int
    modified_at: int | None


class SftpClient:
    """Reads one folder over one channel. Every call blocks; whoever closes the channel ends it."""

    def __init__(self, channel: Channel) -> None:
        self._requests = Requests(channel)
        self._at_once = AT_ONCE_FIRST

    def list_files(self, folder: str) -> Listing:
        """List a folder. Raises `SourceUnavailable` where it is too large to be one of stats files."""
        files, left_out = [], []
        for seen, found in enumerate(self._entries(folder), start=1):
            if seen > MAX_ENTRIES:
                raise SourceUnavailable(
                    text(
                        "{folder} has more than {limit} entries; is it the stats folder?",
                        folder=folder,
                        limit=MAX_ENTRIES,
                    )
                )
            name = found.name[: MAX_NAME_BYTES + 1].decode("utf-8", "surrogateescape")
            if _is_regular(found) and found.size is not None and found.modified_at is not None:
                if is_plain_name(name):
                    modified_at = datetime.fromtimestamp(found.modified_at, UTC)
                    files.append(RemoteFile(name=name, size=found.size, modified_at=modified_at))
                else:
                    left_out.append(name)
            elif file_kind(name) in WANTED:
                left_out.append(name)
        files.sort(key=lambda file: file.name)
        return Listing(files=tuple(files), left_out=tuple(left_out))

    def read_files(self, wanted: Readings) -> None:
        """Read many files at once; what it came to stands in `wanted`, also when this fails."""
        wanted.at_once = self._at_once
        try:
            wanted.run(self._requests)
        finally:
            self._at_once = wanted.at_once

    def _entries(self, folder: str) -> Iterator[_Found]:
        """Give everything in a folder."""
        opened = self._awaited(self._requests.ask(CMD_OPENDIR, string(_encoded(folder))))
        if opened.kind != CMD_HANDLE:
            raise _not_opened(opened.status())
        handle = string(opened.string())
        asked = {self._requests.ask(CMD_READDIR, handle) for _ in range(READ_AHEADS)}
        is_end = False
        while asked:
            which, answer = self._requests.answer()
            if which not in asked:
                continue
            asked.remove(which)
            if answer.kind == CMD_NAME:
                yield from _names(answer)
            elif (status := answer.status()).code == SFTP_EOF:
                is_end = True
            else:
                raise paramiko.SFTPError(status.reason)
            if not is_end:
                asked.add(self._requests.ask(CMD_READDIR, handle))
        self._requests.ask(CMD_CLOSE, handle)
        self._requests.flush()

    def _awaited(self, asked: int) -> Answer:
        """Wait for one answer; others are those to the closing of files, which nobody waited for."""
        while True:
            which, answer = self._requests.answer()
            if which == asked:
                return answer


class Readings:
    """Files to read at the same time, by path with their sizes, and what it came to so far.

    A file that has another size, or cannot be read, is a `SourceChanged` in `found`. Each file is read by a
    generator that gives requests and takes their answers. A server is asked for ever more at once while it
    answers, so that a slow one gets some done before its time is over.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.found: dict[str, Content] = {}
        self.at_once = AT_ONCE_FIRST
        self._sizes = sizes
        self._under_way: dict[int, tuple[str, _Reading]] = {}

    @property
    def stuck_at(self) -> str | None:
        """The file whose request is the oldest without an answer; servers answer in order. Safe from any thread."""
        under_way = self._under_way.copy()
        return under_way[min(under_way)][0] if under_way else None

    def run(self, requests: Requests) -> None:
        """Read them all. Blocks."""
        for path, size in self._sizes.items():
            while len(self._under_way) >= self.at_once:
                self._take_answer(requests)
            reading = _read(path, size, requests)
            self._under_way[requests.ask(*next(reading))] = path, reading
        while self._under_way:
            self._take_answer(requests)
        requests.flush()

    def _take_answer(self, requests: Requests) -> None:
        asked, answer = requests.answer()
        if asked not in self._under_way:  # the answer to a closing, which nobody waited for
            return
        path, reading = self._under_way[asked]
        try:
            self._under_way[requests.ask(*reading.send(answer))] = path, reading
        except StopIteration as end:
            self.found[path] = end.value
            self.at_once = min(self.at_once + 2, AT_ONCE)
        del self._under_way[asked]


def _read(path: str, size: int, requests: Requests) -> _Reading:
    """Read one file: each request is given out and its answer comes in."""
    answer = yield CMD_OPEN, string(_encoded(path)) + number(SFTP_FLAG_READ) + number(0)
    if answer.kind != CMD_HANDLE:
        return _refused(path, answer)
    handle = string(answer.string())
    content = bytearray()
    # Up to one byte more than was announced is asked for, until the server says that there is no more.
    while len(content) <= size:
        wanted = min(READ_BYTES, size + 1 - len(content))
        answer = yield CMD_READ, handle + offset(len(content)) + number(wanted)
        more = answer.string() if answer.kind == CMD_DATA else b""
        if not more:
            break
        content += more
    # Nobody waits for the answer to this: the server may just have gone silent.
    requests.ask(CMD_CLOSE, handle)
    if answer.kind != CMD_DATA and answer.status().code != SFTP_EOF:
        return _refused(path, answer)
    return bytes(content) if len(content) == size else _of_another_size(path, size, len(content))


def _names(answer: Answer) -> Iterator[_Found]:
    for _ in range(answer.number()):
        name = answer.string()
        answer.string()  # the same as a line of `ls -l`
        flags = answer.number()
        size = answer.offset() if flags & _SIZE else None
        if flags & _OWNER:
            answer.offset()
        mode = answer.number() if flags & _MODE else 0
        modified_at = answer.offset() & _LATEST if flags & _TIMES else None  # after the time of access
        if flags & _MORE:
            for _ in range(2 * answer.number()):
                answer.string()
        yield _Found(name=name, size=size, mode=mode, modified_at=modified_at)


def _is_regular(found: _Found) -> bool:
    return stat.S_ISREG(found.mode) and (found.size or 0) <= MAX_SIZE


def _not_opened(status: Status) -> Exception:
    """Say why the folder itself cannot be opened; two of the reasons lead to a setting (`bot.checks`)."""
    if status.code == SFTP_NO_SUCH_FILE:
        return FileNotFoundError(errno.ENOENT, status.reason)
    if status.code == SFTP_PERMISSION_DENIED:
        return PermissionError(errno.EACCES, status.reason)
    return paramiko.SFTPError(status.reason)


def _refused(path: str, answer: Answer) -> SourceChanged:
    """Say why a file cannot be read."""
    status = answer.status()
    if status.code == SFTP_NO_SUCH_FILE:
        return SourceChanged(text("{file} is no longer there", file=repr(path)))
    return SourceChanged(text("{file} cannot be read: {problem}", file=repr(path), problem=status.reason))


def _of_another_size(path: str, size: int, came: int) -> SourceChanged:
    said = text("more") if came > size else text("only {size}", size=came)
    return SourceChanged(
        text(
            "{file} was listed with {size} bytes, {came} came; it may still be written",
            file=repr(path),
            size=size,
            came=said,
        )
    )


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
