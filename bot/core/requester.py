"""Who asks for something, as the services see them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Requester:
    """A person in a guild. `is_owner` is true for the owner of the deployment (a setting)."""

    guild_id: int
    user_id: int
    is_owner: bool = False
