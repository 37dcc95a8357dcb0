"""What people do in a live, by minute: the five activities that are set against its viewers, and gifts by value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bot.texts import Text, text


class Activity(StrEnum):
    """What is counted; the value is the field of `StreamMinute`."""

    COMMENTS = "comments"
    LIKES = "likes"
    GIFTS = "gifts"
    FOLLOWS = "follows"
    SHARES = "shares"
    DIAMONDS = "diamonds"  # of gifts: has spikes, but is no activity of its own beside them


WEIGHTS: Mapping[Activity, float] = {
    Activity.COMMENTS: 0.3,
    Activity.LIKES: 0.2,
    Activity.GIFTS: 0.4,
    Activity.FOLLOWS: 0.05,
    Activity.SHARES: 0.05,
}
"""The activities, each with its weight in the simple scores (specs/scheduling.md 5)."""

NAMES: Mapping[Activity, Text] = {
    Activity.COMMENTS: text("Comments"),
    Activity.LIKES: text("Likes"),
    Activity.GIFTS: text("Gifts"),
    Activity.FOLLOWS: text("Follows"),
    Activity.SHARES: text("Shares"),
    Activity.DIAMONDS: text("Diamonds"),
}

NAMES_INSIDE: Mapping[Activity, Text] = {
    Activity.COMMENTS: text("comments"),
    Activity.LIKES: text("likes"),
    Activity.GIFTS: text("gifts"),
    Activity.FOLLOWS: text("follows"),
    Activity.SHARES: text("shares"),
    Activity.DIAMONDS: text("diamonds"),
}
"""The same inside a sentence."""
