"""The way to the stand-in for who knows only https://www.tiktok.com: a proxy that ends TLS here.

Whoever asks it (``CONNECT host:443``) for any host reaches the stand-in, with a certificate for that host, which is
signed by an authority made for this start. `ca_file` of what is announced is that authority: with it as
``SSL_CERT_FILE`` programs trust the stand-in as they trust TikTok.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tools.sandbox.standin import LOOPBACK, Recorder

HOSTS = ("www.tiktok.com", "*.tiktok.com", "*.tiktokcdn.com", "*.tiktokcdn-us.com", "*.tiktokcdn-eu.com")
LINE_END = b"\r\n\r\n"
_DAY = timedelta(days=1)


def make_certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a certificate of `HOSTS`; gives the authority's file and what a server needs."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vedette sandbox")])
    authority = (
        _certificate(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    own = (
        _certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTS[0])]), authority_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    ca_file, chain = folder / "authority.pem", folder / "server.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + own.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.set_alpn_protocols(["http/1.1"])
    return ca_file, context


def _certificate(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    moment = datetime.now(UTC)  # noqa: TID251 - certificates are valid in real time
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _DAY)
        .not_valid_after(moment + 30 * _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class Proxy:
    """Leads every CONNECT to the TLS port of the stand-in. Use it as an async context manager."""

    def __init__(self, runner: web.AppRunner, recorder: Recorder) -> None:
        self._runner = runner
        self._recorder = recorder
        self._folder = tempfile.TemporaryDirectory(prefix="vedette-tiktok-", ignore_cleanup_errors=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._tls_port = 0
        self.url = ""
        self.ca_file = ""

    async def __aenter__(self) -> Self:
        ca_file, context = make_certificates(Path(self._folder.name))
        site = web.TCPSite(self._runner, LOOPBACK, 0, ssl_context=context)
        await site.start()
        self._tls_port = int(self._runner.addresses[-1][1])
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.url = f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"
        self.ca_file = str(ca_file)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._folder.cleanup()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # In a task of our own: asyncio reports one of its own that is cancelled as if it had failed.
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            words = (await reader.readuntil(LINE_END)).split(b" ", 2)
            if words[0] != b"CONNECT":
                writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            else:
                self._recorder.add(kind="connect", host=words[1].decode("latin-1"))
                inner = await asyncio.open_connection(LOOPBACK, self._tls_port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pour(reader, inner[1]), _pour(inner[0], writer))
        writer.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
