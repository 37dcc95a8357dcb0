"""A batch without those who asked to be forgotten while it was counted: they become nobody, and no sum changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.core.streams.gifts import GiftKey, Streak
from bot.core.streams.tally import NOBODY, UNKNOWN_GUEST, Batch, PersonPart

_COUNTS = ("comments", "likes", "follows", "shares", "joins", "subscriptions")


def anonymous(batch: Batch, forgotten: Callable[[int], bool]) -> Batch:
    """Give the batch with nobody in the place of whoever is forgotten; the batch itself where nobody is.

    A streak keeps its group, so that its row, which is nobody's since the deletion, goes on counting.
    """
    gone = {person_id for person_id in _everybody(batch) if person_id > NOBODY and forgotten(person_id)}
    if not gone:
        return batch
    kept = replace(
        batch,
        people={person_id: part for person_id, part in batch.people.items() if person_id not in gone},
        names={person_id: name for person_id, name in batch.names.items() if person_id not in gone},
        comments=[one for one in batch.comments if one.person_id not in gone],
        gifts={},
    )
    parts = [batch.people[one] for one in (NOBODY, *sorted(gone)) if one in batch.people]
    if parts:
        kept.people[NOBODY] = _together(parts)
    for key, streak in batch.gifts.items():
        _put(kept.gifts, _without(key, gone), streak)
    return kept


def _everybody(batch: Batch) -> Iterable[int]:
    yield from batch.people
    yield from batch.names
    for key in batch.gifts:
        yield key.person_id
        yield key.to_person_id


def _without(key: GiftKey, gone: set[int]) -> GiftKey:
    return key._replace(
        person_id=NOBODY if key.person_id in gone else key.person_id,
        to_person_id=UNKNOWN_GUEST if key.to_person_id in gone else key.to_person_id,
    )


def _put(gifts: dict[GiftKey, Streak], key: GiftKey, streak: Streak) -> None:
    """Add a streak; of one that came under two names the higher count holds."""
    if key not in gifts or gifts[key].highest < streak.highest:
        gifts[key] = streak


def _together(parts: list[PersonPart]) -> PersonPart:
    comments = [part.last_comment_at for part in parts if part.last_comment_at is not None]
    return PersonPart(
        first_at=min(part.first_at for part in parts),
        last_at=max(part.last_at for part in parts),
        minutes=tuple(sorted({minute for part in parts for minute in part.minutes})),
        comment_minutes=tuple(sorted({minute for part in parts for minute in part.comment_minutes})),
        last_comment_at=max(comments, default=None),
        **{name: sum(getattr(part, name) for part in parts) for name in _COUNTS},
    )
