"""Where it is told what happens on a game server: the guilds' channels for rounds, and those admins chose."""

from __future__ import annotations

from collections.abc import Collection

from bot.core.notifications.kinds import Kind, server_subject
from bot.services.notifications import places_of
from bot.storage import round_choices
from bot.storage.engine import Connection

_SWITCHES = {Kind.ROUND: "posts", Kind.EVENING: "evenings", Kind.MILESTONE: "milestones"}


async def round_places(
    conn: Connection, kind: Kind, server: str, guild_ids: Collection[int]
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) where a kind is told of a server; a guild that does not monitor it is told nothing."""
    defaults = await round_choices.targets(conn, guild_ids, server, _SWITCHES[kind])
    watching = await round_choices.watching(conn, guild_ids, server)
    return await places_of(conn, kind, server_subject(server), defaults, watching)
