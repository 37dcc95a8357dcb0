"""Secrets that sing: each has a mark in it, and at the end of a run everything that came out is searched for it.

Loaded as a plugin by `tests/conftest.py`. Every stand-in of the run, and so every bot process, gets these
secrets; what is searched: reports (captured output, logs, tracebacks), the output a test has taken itself (of its
own process, or of a child by `communicate`), the text of each error of ours, all files below the run's temporary
folder (logs, databases, backups, pictures), the database server of the run (`tests/databases.py`) and what the
stand-ins were asked. A new secret setting gets its line in `SETTINGS`; `tests/test_canary.py` compares them with
the settings.
"""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bot.errors import VedetteError
from tests.databases import PROGRAMS

MARK = "zzCanaryzz"
TOKEN = f"{MARK}Token.GAbCdE.abcdefghijklmnopqrstuvwxyz0123"
SIGN_KEY = f"{MARK}-sign-4711"
PAID_KEY = f"{MARK}-paid-4712"
PROXY = f"http://somebody:{MARK}-proxy@127.0.0.1:9"
PASSWORD = f"{MARK}-ssh 9f$8"
PASSPHRASE = f"{MARK}-key/e7d6"
DATABASE_PASSWORD = f"{MARK}-db@/%4"
SERVER = "GAME_SERVERS__SANDBOX__"
PASSPHRASE_NAME = f"{SERVER}KEY_PASSPHRASE"
SETTINGS = {
    "DISCORD_TOKEN": TOKEN,
    "DATABASE_URL": f"postgresql+asyncpg://vedette:{quote(DATABASE_PASSWORD, safe='')}@127.0.0.1:9/vedette",
    "SIGN_API_KEY": SIGN_KEY,
    "SCRAPECREATORS_API_KEY": PAID_KEY,
    "POST_PROXY_URL": PROXY,
    f"{SERVER}PASSWORD": PASSWORD,
    PASSPHRASE_NAME: PASSPHRASE,
}
# A secret in its right place: the only lines that may hold it, by the stand-in whose evidence it is.
_RIGHT_PLACE = {
    "discord": f"Authorization: Bot {TOKEN}",
    "tiktok": f"X-Api-Key: {SIGN_KEY}",
    "scrapecreators": f"x-api-key: {PAID_KEY}",
}
_SETTINGS_FILES = (".env",)
_SQLITE, _PNG = b"SQLite format 3\0", b"\x89PNG\r\n\x1a\n"
_GZIP, _DUMP = b"\x1f\x8b", b"PGDMP"
_AROUND = 60


@dataclass(frozen=True)
class Finding:
    """Where a secret came out, and the line around it without the secret."""

    place: str
    line: str

    def __str__(self) -> str:
        return f"{self.place}: {self.line}"


@dataclass
class Search:
    """Looks for a mark in whatever form: plain, UTF-16, hexadecimal, base64, split over a database's pages."""

    mark: str = MARK
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        raw = self.mark.encode()
        forms = [raw, self.mark.encode("utf-16-le"), raw.hex().encode(), raw.hex().upper().encode()]
        forms += _in_base64(raw)
        self._forms = tuple(forms)
        self._mark = re.compile(b"|".join(map(re.escape, forms)))
        self._secret = re.compile(re.escape(self.mark) + r"[^\s\"'<>&;,)}\]]*")

    def text(self, place: str, text: str) -> None:
        self.bytes(place, text.encode("utf-8", "surrogateescape"))

    def bytes(self, place: str, data: bytes) -> None:
        """Search bytes, and inside them what a PNG or gzip has packed."""
        # Where it is not, which is nearly everywhere, a plain search says so many times faster.
        is_there = any(form in data for form in self._forms)
        for hit in self._mark.finditer(data) if is_there else ():
            around = data[max(0, hit.start() - _AROUND) : hit.end() + _AROUND]
            before, _, after = around.partition(hit.group())
            shown = (before.rpartition(b"\n")[2] + self.mark.encode() + after).partition(b"\n")[0]
            self.found.append(Finding(place, self._secret.sub("***", shown.decode("utf-8", "replace"))))
        if data.startswith(_PNG):
            for name, content in _packed_in(data):
                self.bytes(f"{place}, {name}", content)
        if data.startswith(_GZIP):
            # Piece by piece, as one that was cut off holds something all the same.
            unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
            with suppress(zlib.error):
                self.bytes(f"{place}, unpacked", unpacking.decompress(data))

    def file(self, path: Path, place: str = "") -> None:
        """Search a file as bytes, and as a database or its dump where it is one."""
        place = place or str(path)
        try:
            data = path.read_bytes()
        except OSError:  # a socket, a broken link, or gone meanwhile
            return
        before = len(self.found)
        self.bytes(place, data)
        if data.startswith(_SQLITE) and len(self.found) == before:
            self._database(path, place)
        if data.startswith(_DUMP):
            self._dump(path, place)

    def _dump(self, path: Path, place: str) -> None:
        """Search what a dump packs, as far as it was written."""
        command = [PROGRAMS / "pg_restore", "--file=-", path]
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
        self.bytes(f"{place}, restored", done.stdout)

    def _database(self, path: Path, place: str) -> None:
        """Read every row: what is long lies in pieces on several pages."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                table = name.decode()
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    for value in row:
                        if isinstance(value, bytes):
                            self.bytes(f"{place}, table {table}", value)

    def folder(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.endswith(_SETTINGS_FILES):
                self.file(path)

    def evidence(self, folder: Path) -> None:
        """Search what the stand-ins were asked; a secret may stand in its right place there, exactly."""
        for path in sorted(folder.glob("*.asked")):
            allowed = _RIGHT_PLACE.get(path.name.partition("-")[0])
            lines = path.read_bytes().split(b"\n")
            kept = [line for line in lines if allowed is None or line != allowed.encode()]
            self.bytes(f"stand-in {path.stem}", b"\n".join(kept))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Give what base64 makes of the bytes at each of the three places in a group, without the edges."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        whole = (shift + len(raw)) // 3 * 4
        yield coded[4 if shift else 0 : whole]


def _packed_in(png: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the compressed texts and profiles of a picture."""
    place = len(_PNG)
    while place + 8 <= len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            for start in (at for at in range(len(content)) if content[at] == 0x78):
                with suppress(zlib.error):
                    yield kind.decode(), zlib.decompress(content[start:])


def leaks(*texts: str) -> list[str]:
    """Search what a test has in its hands; to be compared with ``[]``."""
    search = Search()
    for text in texts:
        search.text("here", text)
    return [str(finding) for finding in search.found]


# The plugin.

_search = pytest.StashKey[Search]()
_evidence = pytest.StashKey[tempfile.TemporaryDirectory]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_search] = search = Search()
    config.stash[_evidence] = folder = tempfile.TemporaryDirectory(prefix="vedette-evidence-")
    os.environ["SANDBOX_EVIDENCE"] = folder.name
    os.environ["SANDBOX_DISCORD_TOKEN"] = TOKEN
    os.environ["SANDBOX_SSH_PASSWORD"] = PASSWORD
    _listen_to_errors(config, search)
    _listen_to(config, search, pytest.CaptureFixture, "readouterr", lambda _: "what a test has read")
    _listen_to(config, search, subprocess.Popen, "communicate", _child)


@pytest.fixture(scope="session")
def search_for_secrets(pytestconfig: pytest.Config) -> Search:
    """The search of this run, for what is gone at its end."""
    return pytestconfig.stash[_search]


def _child(process: subprocess.Popen[Any]) -> str:
    """Name a child by its program alone: its arguments may be secret."""
    program = process.args if isinstance(process.args, str | bytes | os.PathLike) else process.args[0]
    return f"what {Path(os.fsdecode(program)).name} said"


def _listen_to(
    config: pytest.Config, search: Search, owner: type, name: str, who: Callable[[Any], str]
) -> None:
    """Search the output and the errors that a method gives to a test, which pytest shows nowhere then."""
    original = getattr(owner, name)

    def listened(self: Any, *arguments: Any, **named: Any) -> Any:
        given = original(self, *arguments, **named)
        place = f"{os.environ.get('PYTEST_CURRENT_TEST', 'between tests')}, {who(self)}"
        for output in given:
            if output:
                search.bytes(
                    place, output if isinstance(output, bytes) else output.encode("utf-8", "replace")
                )
        return given

    setattr(owner, name, listened)
    config.add_cleanup(lambda: setattr(owner, name, original))


def _listen_to_errors(config: pytest.Config, search: Search) -> None:
    """Search the text of every error of ours, also of those a test expects."""
    original = VedetteError.__init__

    def listened(self: VedetteError, *arguments: object) -> None:
        original(self, *arguments)
        search.text(f"error {type(self).__name__}", str(self))

    VedetteError.__init__ = listened
    config.add_cleanup(lambda: setattr(VedetteError, "__init__", original))


class _Reports:
    """Hears every report of the run."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        parts: Iterable[tuple[str, str]] = [*report.sections, ("traceback", report.longreprtext)]
        if report.when != "teardown" and report.passed:
            return  # the sections are told again, whole, at the teardown
        for name, content in parts:
            self._search.text(f"{report.nodeid}, {name}", content)


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Reports(session.config.stash[_search]), "canary reports")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    search = session.config.stash[_search]
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and factory._basetemp is not None:
        search.folder(factory._basetemp)
    search.evidence(Path(session.config.stash[_evidence].name))
    if hasattr(session.config, "workeroutput"):  # one of several processes: the first one tells
        session.config.workeroutput["secrets"] = [(one.place, one.line) for one in search.found]
    if search.found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what another process of the run has found."""
    found = getattr(node, "workeroutput", {}).get("secrets", ())
    node.config.stash[_search].found += [Finding(*parts) for parts in found]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[_search].found
    if found:
        terminalreporter.section("Secrets came out", red=True)
        for finding in dict.fromkeys(map(str, found)):
            terminalreporter.write_line(finding, red=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_evidence].cleanup()
