"""Protobuf on the wire, as little of it as TikTok's frames need: varints and length-delimited fields.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

VARINT, LENGTH = 0, 2
MASK_64 = (1 << 64) - 1


def varint(number: int) -> bytes:
    """Seven bits a byte, lowest first; a negative number is its 64-bit two's complement."""
    number &= MASK_64
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(fields: Mapping[int, Any]) -> bytes:
    """Encode {field number: value}: int or bool, str, bytes, a nested mapping, or a list of these (repeated).

    What is None, zero, False or empty is left out, as proto3 does; an empty mapping is written (a message that
    is present).
    """
    out = bytearray()
    for number, value in fields.items():
        for item in value if isinstance(value, list) else [value]:
            out += _field(number, item)
    return bytes(out)


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, Mapping):
        value = encode(value)
    elif not value:
        return b""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return varint(number << 3 | LENGTH) + varint(len(raw)) + raw


def string_map(entries: Mapping[str, str]) -> list[dict[int, str]]:
    """A `map<string, string>` is a repeated message of key (1) and value (2)."""
    return [{1: key, 2: value} for key, value in entries.items()]


def decode(data: bytes) -> dict[int, list[int | bytes]]:
    """Read what a client sent: field number -> its values in order. Raises ValueError if it is damaged."""
    found: dict[int, list[int | bytes]] = {}
    stream = iter(data)
    for tag in _varints(stream):
        number, kind = tag >> 3, tag & 7
        if kind not in (VARINT, LENGTH):
            raise ValueError(f"wire type {kind} is not used by these frames")
        value: int | bytes = _next(stream)
        if kind == LENGTH:
            raw = bytes(itertools.islice(stream, int(value)))
            if len(raw) != value:
                raise ValueError("a field is cut off")
            value = raw
        found.setdefault(number, []).append(value)
    return found


def _next(stream: Iterator[int]) -> int:
    for number in _varints(stream):
        return number
    raise ValueError("a field is cut off")


def _varints(stream: Iterable[int]) -> Iterator[int]:
    number = shift = 0
    for byte in stream:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a number is cut off")
