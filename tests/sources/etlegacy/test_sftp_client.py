"""What a server may answer that no good one does, from a scripted channel: it is told, and nothing is made up."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Callable, Iterable

import paramiko
import pytest
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_HANDLE,
    CMD_INIT,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    CMD_VERSION,
    SFTP_EOF,
    SFTP_FAILURE,
)

from bot.errors import SourceChanged, SourceUnavailable
from bot.sources.etlegacy import client
from bot.sources.etlegacy.client import Readings, SftpClient
from bot.sources.etlegacy.packets import MAX_PACKET_BYTES, number, offset, string

Reply = tuple[int, bytes]
WELCOME = (CMD_VERSION, number(3))
END = (CMD_STATUS, number(SFTP_EOF) + string(b"") + string(b""))
HANDLE = (CMD_HANDLE, string(b"h"))


class Server:
    """A channel whose server answers by a function: it gets the kind, the number and the body of a request.

    With `reverse` the answers to what came together go out in reverse order.
    """

    def __init__(
        self, answer: Callable[[int, bytes], Reply | None], *, welcome: Reply = WELCOME, reverse: bool = False
    ) -> None:
        self._answer = answer
        self._welcome = welcome
        self._step = -1 if reverse else 1
        self._out = b""
        self.asked: list[int] = []

    def sendall(self, data: bytes) -> None:
        packets = []
        while data:
            length = int.from_bytes(data[:4])
            kind, body, data = data[4], data[5 : 4 + length], data[4 + length :]
            self.asked.append(kind)
            if kind == CMD_INIT:
                packets.append(packet(*self._welcome))
            elif reply := self._answer(kind, body[4:]):
                packets.append(packet(reply[0], body[:4] + reply[1]))
        self._out += b"".join(packets[:: self._step])

    def recv(self, nbytes: int) -> bytes:
        given, self._out = self._out[:nbytes], self._out[nbytes:]
        if not given:
            raise TimeoutError
        return given


def packet(kind: int, body: bytes) -> bytes:
    return number(len(body) + 1) + bytes([kind]) + body


def names(*entries: bytes, size: int = 5) -> Reply:
    """Regular files."""
    attributes = number(1 | 4 | 8) + offset(size) + number(stat.S_IFREG) + number(0) + number(1_700_000_000)
    body = b"".join(string(name) + string(b"-rw") + attributes for name in entries)
    return CMD_NAME, number(len(entries)) + body


def folder_of(replies: Iterable[Reply]) -> Callable[[int, bytes], Reply]:
    left = iter(replies)
    return lambda kind, _: HANDLE if kind == CMD_OPENDIR else next(left) if kind == CMD_READDIR else END


def files_of(contents: dict[str, bytes]) -> Callable[[int, bytes], Reply]:
    """Every handle is the name of its file."""

    def answer(kind: int, body: bytes) -> Reply:
        length = int.from_bytes(body[:4])
        name, rest = body[4 : 4 + length], body[4 + length :]
        if kind == CMD_OPEN:
            return CMD_HANDLE, string(name)
        if kind == CMD_CLOSE:
            return END
        at, wanted = int.from_bytes(rest[:8]), int.from_bytes(rest[8:12])
        part = contents[name.decode()][at : at + wanted]
        return (CMD_DATA, string(part)) if part else END

    return answer


def read(server: Server, sizes: dict[str, int]) -> dict[str, object]:
    wanted = Readings(sizes)
    SftpClient(server).read_files(wanted)
    return wanted.found


def test_a_folder_and_its_files_are_read_in_whatever_order_the_answers_come():
    contents = {f"{name}.txt": bytes([name]) * (name * 1000 + 5) for name in range(100)}
    sizes = {name: len(content) for name, content in contents.items()}
    assert read(Server(files_of(contents), reverse=True), sizes) == contents
    replies = itertools.chain([names(b"a", b"b"), names(b"c")], itertools.repeat(END))
    listing = SftpClient(Server(folder_of(replies), reverse=True)).list_files("/stats")
    assert [file.name for file in listing.files] == ["a", "b", "c"]


def test_a_file_larger_than_any_is_left_out_and_the_others_are_listed():
    large, plain = b"2026-11-21-200000-supply-round-1.txt", b"2026-11-21-201000-supply-round-2.txt"
    server = Server(folder_of([names(large, size=2**63), names(plain), *[END] * client.READ_AHEADS]))
    listing = SftpClient(server).list_files("/stats")
    assert [file.name for file in listing.files] == [plain.decode()]
    assert listing.left_out == (large.decode(),)


def test_every_file_is_closed_also_those_that_differ():
    server = Server(files_of({"long": b"x" * 10, "short": b"", "same": b"x"}))
    found = read(server, {"long": 1, "short": 1, "same": 1})
    assert isinstance(found["long"], SourceChanged)
    assert "only 0 came" in str(found["short"])
    assert found["same"] == b"x"
    assert server.asked.count(CMD_CLOSE) == 3


def test_no_more_than_a_byte_beyond_the_announced_size_is_read_of_a_file_without_end():
    asked: list[int] = []

    def endless(kind: int, body: bytes) -> Reply:
        if kind != CMD_READ:
            return HANDLE
        asked.append(int.from_bytes(body[-4:]))
        return CMD_DATA, string(b"x" * asked[-1])

    (error,) = read(Server(endless), {"endless": 100_000}).values()
    assert "more came" in str(error)
    assert sum(asked) == 100_001


def test_a_server_that_gives_nothing_and_never_ends_is_not_asked_for_ever():
    (error,) = read(
        Server(lambda kind, _: (CMD_DATA, string(b"")) if kind == CMD_READ else HANDLE), {"a": 5}
    ).values()
    assert "only 0 came" in str(error)


def test_the_words_of_a_server_are_cut_and_made_readable():
    hostile = b"\x1b[2J\nno" + b"!" * 5000
    refusal = (CMD_STATUS, number(SFTP_FAILURE) + string(hostile) + string(b""))
    (error,) = read(Server(lambda *_: refusal), {"a": 5}).values()
    assert str(error).isprintable()
    assert "[2Jno!!" in str(error)
    assert len(str(error)) < 200
    (error,) = read(Server(lambda *_: (CMD_STATUS, number(99))), {"a": 5}).values()
    assert str(error) == "'a' cannot be read: SFTP status 99"


def test_a_listing_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "MAX_ENTRIES", 1000)
    numbers = itertools.count()
    replies = (names(b"%d" % next(numbers)) for _ in itertools.repeat(None))
    with pytest.raises(SourceUnavailable, match="more than 1,000 entries"):
        SftpClient(Server(folder_of(replies))).list_files("/stats")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((CMD_NAME, number(2**32 - 1) + string(b"a")), "ends too early"),
        ((CMD_NAME, number(1) + number(2**31) + b"a"), "ends too early"),
        ((CMD_DATA, string(b"x")), "has no place here"),
        ((CMD_NAME, b"x" * MAX_PACKET_BYTES), "is too long"),
        ((CMD_STATUS, number(SFTP_FAILURE) + string(b"out of order")), "out of order"),
    ],
)
def test_a_listing_that_is_cut_short_or_wrong_is_told(reply, said):
    server = Server(folder_of(itertools.repeat(reply)))
    with pytest.raises(paramiko.SFTPError, match=said):
        SftpClient(server).list_files("/stats")


@pytest.mark.parametrize("welcome", [(CMD_VERSION, number(2)), (CMD_VERSION, b""), (CMD_STATUS, number(4))])
def test_a_server_of_another_protocol_is_told(welcome):
    with pytest.raises(paramiko.SFTPError):
        SftpClient(Server(lambda *_: None, welcome=welcome))


def test_the_file_whose_request_is_the_oldest_is_the_one_it_is_stuck_at():
    contents = dict.fromkeys("abcdef", b"x")
    answers = files_of(contents)
    server = Server(lambda kind, body: None if b"c" in body else answers(kind, body))
    wanted = Readings(dict.fromkeys(contents, 1))
    with pytest.raises(TimeoutError):
        SftpClient(server).read_files(wanted)
    assert wanted.stuck_at == "c"
    assert wanted.found == dict.fromkeys("abdef", b"x")
