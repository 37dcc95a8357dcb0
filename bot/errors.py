"""Every error Vedette raises on purpose, as one tree.

::

    VedetteError
    ├── UserError              its text is safe and useful to the person who asked
    │   ├── InputRefused       what was given is wrong; the text says what to give instead
    │   ├── NotAllowed         who asked may not do this
    │   ├── NothingThere       what was named is not known here
    │   ├── LimitReached       a budget or a cap is used up; the text says when it frees
    │   └── ExportFailed       an export could not be written; the text says what can be done
    ├── SettingsError          one or more settings are wrong; `problems` has a line each
    ├── StorageError           the database
    │   ├── SchemaTooNew       written by a newer Vedette
    │   ├── BackupFailed       a backup could not be made or does not verify
    │   └── ArchiveFailed      old details could not be archived, so they stay where they are
    ├── SourceError            an outside source
    │   ├── SourceUnavailable  no answer, refused or blocked; try again later
    │   ├── SourceChanged      an answer that cannot be read, or not what was announced
    │   ├── SourceAuthFailed   our credentials were not accepted
    │   ├── PostsUnread        the posts of a profile could not be read; `trouble` says why
    │   ├── HostKeyUnknown     an SSH host nobody has trusted yet
    │   └── HostKeyChanged     an SSH host that shows another key than the trusted one
    ├── ChartFailed            a picture could not be drawn
    ├── JobFailed              a job of the queue failed in a way that was to be expected
    └── JobLost                another worker has this job now, or nobody: what it writes does not count

Texts never hold a secret. Those of user and source errors are read by people and are `bot.texts`, and so are
those of the database that a running bot may tell its admins. Whatever is not in this tree and reaches an edge
is a bug: the edge logs it with a traceback and shows the person an incident id.
"""

from __future__ import annotations

from bot.texts import text


class VedetteError(Exception):
    """The root of the tree; `str(error)` is one line in English without secrets."""

    @property
    def words(self) -> str:
        """What `str` says, for people: where it is a `Text`, it can still be said in their language."""
        return self.args[0] if self.args else ""


class UserError(VedetteError):
    """A private hint for the person who asked: say what was wrong and what to do."""


class InputRefused(UserError):
    """What was given is wrong."""


class NotAllowed(UserError):
    """The person may not do this."""


class NothingThere(UserError):
    """What was named is not known here."""


class LimitReached(UserError):
    """A budget or a cap is used up."""


class ExportFailed(UserError):
    """An export could not be written."""


class SettingsError(VedetteError):
    """Settings that are missing, unknown or wrong.

    `problems` holds one line per setting: its name, where it stands, what was wrong, what is accepted.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StorageError(VedetteError):
    """The database cannot do what was asked."""


class SchemaTooNew(StorageError):
    """The database was written by a newer version of Vedette."""


class BackupFailed(StorageError):
    """A backup could not be made, or what it holds does not verify."""


class ArchiveFailed(StorageError):
    """An archive of old details could not be written, or does not hold what it should."""


class SourceError(VedetteError):
    """Something about an outside source."""


class SourceUnavailable(SourceError):
    """No usable answer: network, time-out, refusal, block.

    `retry_after_seconds` is what the source asked for, None where it said nothing; `blocked` is true when
    the source refuses us on purpose (429, 403, a challenge page).
    """

    def __init__(
        self, reason: str, *, retry_after_seconds: float | None = None, blocked: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.blocked = blocked


class SourceChanged(SourceError):
    """An answer that cannot be read, or that is not what was announced."""


class SourceAuthFailed(SourceError):
    """The credentials were not accepted; trying again will not help."""


class PostsUnread(SourceError):
    """The posts of a profile could not be read.

    `trouble` is a `bot.core.posts.models.Trouble`; `retry_after_seconds` is what the source asked for, None where it
    said nothing. `requests` are those since the last page that was given; the source counts them at the end.
    """

    def __init__(self, trouble: str, reason: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble
        self.retry_after_seconds = retry_after_seconds
        self.requests = 0


class HostKeyUnknown(SourceError):
    """An SSH host whose key nobody has trusted yet."""

    def __init__(self, host: str, fingerprint: str) -> None:
        super().__init__(
            text(
                "the host key of {host} is not trusted yet; it shows {fingerprint}",
                host=host,
                fingerprint=fingerprint,
            )
        )
        self.host = host
        self.fingerprint = fingerprint


class HostKeyChanged(SourceError):
    """An SSH host that shows another key than the trusted one."""

    def __init__(self, host: str, fingerprint: str) -> None:
        super().__init__(
            text(
                "{host} shows another host key than the trusted one: {fingerprint}",
                host=host,
                fingerprint=fingerprint,
            )
        )
        self.host = host
        self.fingerprint = fingerprint


class ChartFailed(VedetteError):
    """A picture could not be drawn; the message goes out without it."""


class JobFailed(VedetteError):
    """A job failed in a way that was to be expected; the text says what was wrong.

    It is tried again as its kind says, not before `retry_after_seconds`; with `retry` false never.
    """

    def __init__(self, reason: str, *, retry: bool = True, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry = retry
        self.retry_after_seconds = retry_after_seconds


class JobLost(VedetteError):
    """Whoever does this job does not hold it any more: its lease ran out."""
