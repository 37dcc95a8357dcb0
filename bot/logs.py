"""Logging: one queue, a rotating file and the terminal behind it, and no secret in either.

A call costs the event loop the formatting only; the writing is done by a thread of its own.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from queue import SimpleQueue
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from bot.settings import Settings

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
TO_PARENT = "%(levelname)s %(name)s: %(message)s"
FILE_BYTES = 5 * 1024 * 1024
FILES_KEPT = 5
HIDDEN = "***"
# They tell every request with its whole URL, or every statement, or every job; paramiko logs a traceback
# for every connection that fails, which our own errors tell in one line.
QUIET = {
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "asyncio": logging.WARNING,
    "discord": logging.WARNING,
    # A traceback for each attempt to dial; `bot.discord.client` tells it once each way.
    "discord.client": logging.CRITICAL,
    # A warning for each 429, two for a global one, with tokens in its addresses; the outbox tells what is late.
    "discord.http": logging.ERROR,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "paramiko": logging.CRITICAL,
    # A read that is cancelled at a stop is told with a traceback, although nothing is lost.
    "sqlalchemy.pool": logging.CRITICAL,
}

# Shorter values would hide half of the log, and by their places tell what they are.
_SHORTEST_SECRET = 4
_TOKEN = re.compile(r"\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}")
_COOKIES = re.compile(r"(?i)(\b(?:set-)?cookies?\b[\"']?[ \t]*[:=][ \t]*)(\"[^\"\n]*\"|'[^'\n]*'|[^\n]*)")
_NAMED = re.compile(
    r"(?i)((?:authorization|api[_-]?key|sessionid|session_id|password|passphrase|token|secret)"
    r"[\"']?[ \t]*[:=][ \t]*[\"']?)((?:bot|bearer|basic)[ \t]+)?([^\s\"'&,;)}\]]+)"
)
# A line break in a name must not look like a log line of ours, nor an escape reach the terminal.
_CONTROL = {code: "?" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_CONTROL |= {0x2028: "?", 0x2029: "?"}


class Redactor:
    """Makes a text safe to show: hides the given secrets and whatever looks like one, and control characters."""

    def __init__(self, secrets: Iterator[str]) -> None:
        known = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(form) for form in longest_first)) if known else None

    @classmethod
    def of(cls, settings: Settings) -> Redactor:
        """Know every secret of the settings."""
        return cls(_secrets_of(settings))

    def __call__(self, text: str) -> str:
        """Give the text with *** for every secret and ? for control characters; line breaks stay."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _COOKIES.sub(rf"\g<1>{HIDDEN}", text)
        text = _NAMED.sub(rf"\g<1>{HIDDEN}", text)
        return _TOKEN.sub(HIDDEN, text).translate(_CONTROL)


def set_up_logging(
    settings: Settings, file: str | None = "vedette.log", zone: tzinfo | None = None
) -> Callable[[], None]:
    """Log to the terminal and to a file in ``logs`` of the data folder; give what ends it and flushes.

    Times are those of `zone` where one is given, else UTC. Without a name of a `file` it logs to the terminal only.

    Without a writable folder it logs to the terminal only, and says so there.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    problem: OSError | None = None
    try:
        if file is not None:
            handlers.append(_file_handler(settings, file))
    except OSError as error:
        problem = error
    formatter = logging.Formatter(LOG_FORMAT)
    formatter.converter = time.gmtime
    formatter.default_msec_format = "%s.%03dZ"
    if zone is not None:
        formatter = _ZoneFormatter(zone)
    stop = _started(settings, handlers, formatter)
    if problem is not None:
        logging.getLogger(__name__).warning("logging to the terminal only: %s", problem)
    return stop


def log_to_parent(settings: Settings) -> Callable[[], None]:
    """Log to the standard error alone, from where the parent process puts it into its own log, with the time.

    Gives what ends it and flushes.
    """
    return _started(settings, [logging.StreamHandler(sys.stderr)], logging.Formatter(TO_PARENT))


def _started(
    settings: Settings, handlers: list[logging.Handler], formatter: logging.Formatter
) -> Callable[[], None]:
    for handler in handlers:
        handler.setFormatter(formatter)
    entrance = _SafeQueueHandler(Redactor.of(settings))
    listener = QueueListener(entrance.queue, *handlers)
    leave = _enter(entrance, settings.log_level)
    listener.start()

    def stop() -> None:
        leave()
        listener.stop()
        for handler in (entrance, *handlers):
            handler.close()

    return stop


class _ZoneFormatter(logging.Formatter):
    """Tells times as a zone has them, with how far it is from UTC then."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(LOG_FORMAT)
        self._zone = zone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Give the time of a record."""
        return datetime.fromtimestamp(record.created, self._zone).isoformat(" ", "milliseconds")


class _SafeQueueHandler(QueueHandler):
    """Passes records on as finished text, without secrets and on one line of its own each."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__(SimpleQueue())
        self._redact = redact

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Format the record, its traceback included, and clean the text."""
        record = super().prepare(record)
        record.msg = record.message = self._redact(record.getMessage()).replace("\n", "\n    ")
        return record


def _file_handler(settings: Settings, file: str) -> logging.Handler:
    folder = settings.data_folder / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return RotatingFileHandler(folder / file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")


def _enter(handler: logging.Handler, level: str) -> Callable[[], None]:
    """Put the handler in the place of the root logger's own; give what restores them."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in QUIET}
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))

    def leave() -> None:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        for name, old in levels.items():
            logging.getLogger(name).setLevel(old)

    return leave


def _secrets_of(model: BaseModel) -> Iterator[str]:
    """Give every secret value in the settings, and the password inside a URL as written and as meant."""
    for _, value in model:
        for part in value.values() if isinstance(value, dict) else (value,):
            if isinstance(part, BaseModel):
                yield from _secrets_of(part)
            elif isinstance(part, SecretStr):
                yield part.get_secret_value()
                password = _password_in(part.get_secret_value())
                yield from (password, unquote(password))


def _password_in(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""


def _forms(secret: str) -> Iterator[str]:
    """Give a secret as it is, as it stands in a URL, and as `repr` shows it."""
    yield secret
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]
