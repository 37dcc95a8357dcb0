"""What several sources said of one profile, made one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.posts.models import Trouble
from bot.texts import join

OF_PROFILE = frozenset({Trouble.PRIVATE, Trouble.GONE})
"""What is wrong with the profile itself; every other trouble is one of a source, and may be over soon."""
LASTING = frozenset({Trouble.NO_CREDITS, Trouble.AUTH})
"""What somebody has to mend: trying again within minutes will not help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What kept one source from reading a profile; `words` are for people, `requests` those that brought nothing."""

    source: str
    trouble: Trouble
    words: str
    retry_after_seconds: float | None = None
    requests: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What keeps a profile from being read, after every source was asked, and whether to try again soon."""

    trouble: Trouble
    words: str
    retry: bool
    retry_after_seconds: float | None = None


def judge(failures: Sequence[Failure]) -> Verdict:
    """Make one verdict of the failures of all sources, in the order in which they were asked.

    A profile is believed to be private or gone where every source that could look says so. While another may answer
    differently soon, that is waited for.
    """
    passing = [one for one in failures if one.trouble not in OF_PROFILE | LASTING]
    worst = next((one for one in failures if one.trouble in OF_PROFILE), failures[0])
    # As soon as one of them may be asked again: the others are left alone until they may.
    pauses = [one.retry_after_seconds or 0.0 for one in passing]
    return Verdict(
        trouble=worst.trouble,
        words=join("; ", [join(": ", [one.source, one.words]) for one in failures]),
        retry=bool(passing),
        retry_after_seconds=min(pauses, default=0.0) or None,
    )
