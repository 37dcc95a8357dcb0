"""Answers that show pictures of posts and profiles beside what is said of them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.announcements import Message
from bot.core.posts.models import MediaOwner


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A message, and whose picture stands beside it: a post's cover or a profile's avatar, where one is kept."""

    message: Message
    owner: MediaOwner
    owner_id: int
