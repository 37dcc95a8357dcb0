"""Who asks for something, as the services see them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import NotAllowed, NothingThere
from bot.texts import text


@dataclass(frozen=True, kw_only=True, slots=True)
class Requester:
    """A person in a guild. `is_owner` is true for the owner of the deployment (a setting)."""

    guild_id: int
    user_id: int
    is_owner: bool = False


def servers_meant(mine: tuple[str, ...], server: str | None) -> tuple[str, ...]:
    """Give the game server that was asked for, or all of the requester's. Raises `NotAllowed`, `NothingThere`."""
    if server is not None and server not in mine:
        raise NotAllowed(text("That game server does not belong to this Discord server."))
    if not mine:
        raise NothingThere(
            text(
                "No game server belongs to this Discord server. Whoever runs the bot names this server in the "
                "game server's GUILD_IDS."
            )
        )
    return mine if server is None else (server,)
