"""A server that stands for TikTok's picture hosts: real sockets, real TLS, and any answer a test wants to send."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.sources.media.fetcher import MediaFetcher, Neighbour

HOST = "p16-sign-va.tiktokcdn.com"
NAMES = (HOST, "p77.tiktokcdn-us.com", "elsewhere.example")
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(200)) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 90
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = JPEG, *, status: str = "200 OK", **headers: str) -> bytes:
    """Write an answer with its length; `headers` come with underscores for hyphens."""
    given = {
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): one for name, one in headers.items()},
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(to: str) -> bytes:
    return answer(b"", status="302 Found", Location=to)


@dataclass
class PictureServer:
    """Answers by path; `asked` are host and path of each request."""

    port: int
    trust: ssl.SSLContext
    answers: dict[str, Answer] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    connections: int = 0

    def fetcher(self, *, allowed: frozenset[str] = frozenset(["127.0.0.1"]), **given: float) -> MediaFetcher:
        """Give a fetcher for which the names of the world lead to this server."""
        near = Neighbour(resolver=Names(self), trust=self.trust, addresses=allowed)
        return MediaFetcher(neighbour=near, **given)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                path = head.split(" ")[1]
                host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
                self.asked.append((host, path))
                self.headers.append(head)
                found = self.answers.get(path, answer(b"", status="404 Not Found"))
                if isinstance(found, bytes):
                    writer.write(found)
                    await writer.drain()
                else:
                    await found(writer)
                    return
        except (OSError, asyncio.IncompleteReadError):
            return  # the client hung up
        finally:
            writer.close()


class Names(AbstractResolver):
    def __init__(self, server: PictureServer) -> None:
        self._server = server

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        found = self._server.addresses.get(host, ["127.0.0.1"])
        return [
            ResolveResult(hostname=host, host=one, port=self._server.port, family=family, proto=0, flags=0)
            for one in found
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def picture_server(
    folder: Path, answers: Mapping[str, Answer] | None = None
) -> AsyncIterator[PictureServer]:
    """Serve on a free port of this machine."""
    certificate = folder / "server.pem"
    _make_certificate(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    server = PictureServer(port=0, trust=trust, answers=dict(answers or {}))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def _make_certificate(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)  # noqa: TID251 - TLS looks at the machine's clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in NAMES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
