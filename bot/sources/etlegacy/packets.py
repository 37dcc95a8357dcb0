"""SFTP (version 3) as packets over one channel: requests go out, answers come back in any order.

paramiko's own client is not used: one name that is not UTF-8 hides a whole folder from it, it waits for each
answer before the next request of a file, and it takes a packet of any size. Of paramiko this needs a channel.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

import paramiko
from paramiko.sftp import CMD_INIT, CMD_STATUS, CMD_VERSION, SFTP_DESC

VERSION = 3
MAX_PACKET_BYTES = 256 * 1024
"""What OpenSSH itself allows; a longer packet is never read."""
RECEIVE_BYTES = 64 * 1024
MAX_SAID = 100
_NUMBER = struct.Struct(">I")
_OFFSET = struct.Struct(">Q")


class Channel(Protocol):
    """What is needed of `paramiko.Channel`; its time-out ends a silence with TimeoutError."""

    def recv(self, nbytes: int, /) -> bytes:
        """Wait for bytes; empty at the end."""

    def sendall(self, data: bytes, /) -> None:
        """Send everything."""


def number(value: int) -> bytes:
    """Write a number of 32 bits."""
    return _NUMBER.pack(value)


def offset(value: int) -> bytes:
    """Write a number of 64 bits."""
    return _OFFSET.pack(value)


def string(value: bytes) -> bytes:
    """Write bytes with their length before them."""
    return _NUMBER.pack(len(value)) + value


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How a request ended, and in the server's words why."""

    code: int
    reason: str


class Answer:
    """One answer, read from its beginning. What is not there raises `SFTPError`: nothing is made up."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._at = 1
        self.kind = packet[0] if packet else 0

    def number(self) -> int:
        """Read a number of 32 bits."""
        return int(self._unpack(_NUMBER))

    def offset(self) -> int:
        """Read a number of 64 bits."""
        return int(self._unpack(_OFFSET))

    def string(self) -> bytes:
        """Read bytes with their length before them."""
        length = self.number()
        start, self._at = self._at, self._at + length
        if self._at > len(self._packet):
            raise paramiko.SFTPError("an answer ends too early")
        return self._packet[start : self._at]

    def status(self) -> Status:
        """Read the whole answer as a status; anything else has no place here."""
        if self.kind != CMD_STATUS:
            raise paramiko.SFTPError(f"an answer of kind {self.kind} has no place here")
        self._at = 1 + _NUMBER.size  # after the number of the request
        code = self.number()
        # The words come from outside, and old servers send none.
        said = self.string().decode("utf-8", "replace") if len(self._packet) > self._at else ""
        clean = "".join(character for character in said if character.isprintable())[:MAX_SAID]
        known = SFTP_DESC[code] if code < len(SFTP_DESC) else f"SFTP status {code}"
        return Status(code=code, reason=clean or known)

    def _unpack(self, form: struct.Struct) -> int:
        try:
            (value,) = form.unpack_from(self._packet, self._at)
        except struct.error as error:
            raise paramiko.SFTPError("an answer ends too early") from error
        self._at += form.size
        return int(value)


class Requests:
    """The requests of one channel. Asking only writes down; they are sent together when an answer is waited for."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._received = bytearray()
        self._unsent = bytearray()
        self._last = 0
        self._send(CMD_INIT, number(VERSION))
        welcome = self._packet()
        if welcome.kind != CMD_VERSION or welcome.number() < VERSION:
            raise paramiko.SFTPError(f"the server speaks no SFTP of version {VERSION}")

    def ask(self, kind: int, body: bytes) -> int:
        """Note a request; gives its number, which the answer will bear."""
        self._last = (self._last + 1) % 2**32
        self._send(kind, number(self._last) + body)
        return self._last

    def answer(self) -> tuple[int, Answer]:
        """Send what was noted and wait for the next answer, whichever request it belongs to."""
        packet = self._packet()
        return packet.number(), packet

    def flush(self) -> None:
        """Send what was noted."""
        if self._unsent:
            sent, self._unsent = bytes(self._unsent), bytearray()
            try:
                self._channel.sendall(sent)
            except TimeoutError:
                raise
            except OSError as error:  # paramiko's word for a channel that is closed
                raise EOFError from error

    def _send(self, kind: int, body: bytes) -> None:
        self._unsent += number(len(body) + 1) + bytes([kind]) + body

    def _packet(self) -> Answer:
        (length,) = _NUMBER.unpack(self._take(_NUMBER.size))
        if length > MAX_PACKET_BYTES:
            raise paramiko.SFTPError(f"an answer of {length} bytes is too long")
        return Answer(self._take(length))

    def _take(self, count: int) -> bytes:
        while len(self._received) < count:
            # Sent no earlier than here, so that the answers at hand are worked off and asked for in one go.
            self.flush()
            more = self._channel.recv(RECEIVE_BYTES)
            if not more:
                raise EOFError
            self._received += more
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken
