"""Posts that were there long before anybody found them: what they count is no growth of the profile.

A first reading that did not come to its end, or a source that left posts out, tells fewer posts than the next. The
sums of earlier readings get what such a post counted when it was found: between two readings only that is growth
which was seen to grow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.posts.models import COUNTED, Counts, ProfileSample

LONGEST_READING = timedelta(hours=1)
"""A post may come while a profile is read; it is new at the next reading, and not late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPost:
    """A post, when it was found, and what it counted then."""

    posted_at: datetime
    found_at: datetime
    counts: Counts


def with_found_late(
    samples: Sequence[ProfileSample], found: Iterable[FoundPost]
) -> tuple[ProfileSample, ...]:
    """Add to each sample the posts that were there at its time and were found by a later one; samples are in order."""
    at = [sample.at for sample in samples]
    changes: list[dict[str, int]] = [{} for _ in range(len(samples) + 1)]
    for post in found:
        first, end = bisect_left(at, post.posted_at + LONGEST_READING), bisect_left(at, post.found_at)
        if first < end < len(samples):
            for name, count in (("posts", 1), *((one, getattr(post.counts, one)) for one in COUNTED)):
                changes[first][name] = changes[first].get(name, 0) + (count or 0)
                changes[end][name] = changes[end].get(name, 0) - (count or 0)
    more = dict.fromkeys(("posts", *COUNTED), 0)
    whole = []
    for sample, change in zip(samples, changes, strict=False):
        more = {name: count + change.get(name, 0) for name, count in more.items()}
        whole.append(_with(sample, more) if more["posts"] else sample)
    return tuple(whole)


def _with(sample: ProfileSample, more: dict[str, int]) -> ProfileSample:
    known = {name: getattr(sample.counts, name) for name in COUNTED}
    counts = {name: None if count is None else count + more[name] for name, count in known.items()}
    return replace(sample, posts=sample.posts + more["posts"], counts=Counts(**counts))
