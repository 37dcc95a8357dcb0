"""What admins are offered while they type: rounds, maps and players of their own game servers, never of others."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.requester import Requester
from bot.core.rounds.names import clean_name
from bot.errors import UserError
from bot.services.evening_reading import evenings_around
from bot.services.round_sync import RoundSync
from bot.storage import evenings, guilds, round_choices
from bot.storage import round_suggestions as store
from bot.storage.engine import Connection, Database
from bot.storage.round_suggestions import RoundAt
from bot.texts import Value, text

MOST = 25  # Discord's limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """One choice: what people read, not escaped, because nothing has a meaning there; and what stands for it."""

    label: str
    value: str


class RoundSuggestions:
    """Gives at most 25 suggestions; none to whom no game server belongs."""

    def __init__(self, *, database: Database, round_sync: RoundSync) -> None:
        self._database = database
        self._round_sync = round_sync

    async def time_zone(self, by: Requester) -> str:
        """Give the zone in which the guild reads when a round ended."""
        async with self._database.read() as conn:
            settings = await guilds.load(conn, by.guild_id)
        return settings.time_zone if settings else "UTC"

    def servers(self, by: Requester, part: str) -> tuple[Suggestion, ...]:
        """Suggest game servers."""
        fitting = [name for name in self._round_sync.servers_of(by) if _fits(part, name)]
        return tuple(Suggestion(label=name, value=name) for name in fitting[:MOST])

    async def rounds(self, by: Requester, part: str, *, void: bool | None = None) -> tuple[Suggestion, ...]:
        """Suggest rounds by map, the newest first; `void` wants only those that are, or are not."""
        servers = self._servers(by)
        async with self._database.read() as conn:
            found = await store.newest_rounds(conn, servers, void=void)
        fitting = [one for one in found if _fits(part, f"{one.map} {one.round}")]
        return tuple(
            Suggestion(label=_label(one, with_server=len(servers) > 1), value=str(one.file_id))
            for one in fitting[:MOST]
        )

    async def files(self, by: Requester, part: str) -> tuple[Suggestion, ...]:
        """Suggest files that can be imported anew."""
        async with self._database.read() as conn:
            found = await store.newest_files(conn, self._servers(by), part.strip(), MOST)
        return tuple(Suggestion(label=one.name, value=str(one.id)) for one in found)

    async def maps(
        self, by: Requester, server: str | None, part: str, *, ignored: bool
    ) -> tuple[Suggestion, ...]:
        """Suggest maps that are left out, or are not."""
        servers = self._servers(by, server)
        async with self._database.read() as conn:
            left_out = dict.fromkeys(name for _, name in await round_choices.maps_ignored(conn, servers))
            names = left_out if ignored else await store.maps_known(conn, servers)
        fitting = [name for name in names if _fits(part, name) and (ignored or name not in left_out)]
        return tuple(Suggestion(label=clean_name(name) or name, value=name) for name in fitting[:MOST])

    async def players(
        self, by: Requester, server: str | None, part: str, *, ignored: bool
    ) -> tuple[Suggestion, ...]:
        """Suggest players who are left out, or are not."""
        async with self._database.read() as conn:
            found = await store.players_known(
                conn, self._servers(by, server), part.strip(), MOST, ignored=ignored
            )
        return tuple(_player(guid, name) for guid, name in found)

    async def members(self, by: Requester, chosen: str, part: str) -> tuple[Suggestion, ...]:
        """Suggest who played on the evening of a chosen round, or of the last one."""
        async with self._database.read() as conn:
            names = await self._names(conn, self._servers(by), chosen)
        by_name = sorted(names.items(), key=lambda pair: pair[1].casefold())
        return tuple([_player(guid, name) for guid, name in by_name if _fits(part, name)][:MOST])

    async def _names(self, conn: Connection, servers: tuple[str, ...], chosen: str) -> dict[str, str]:
        if (file_id := number_of(chosen)) is not None:
            one = await store.find_round(conn, servers, file_id)
            at = None if one is None else (one.server, one.ended_at)
        else:
            at = await evenings.last_round(conn, servers)
        if at is None:
            return {}
        return {
            guid: name
            for evening in await evenings_around(conn, *at)
            if any(one.told.resolved.ended_at == at[1] for one in evening.rounds)
            for guid, name in evening.scored.names.items()
        }

    def _servers(self, by: Requester, server: str | None = None) -> tuple[str, ...]:
        try:
            return self._round_sync.chosen(by, server or None)
        except UserError:
            return ()


def number_of(chosen: str) -> int | None:
    """Read the number a suggestion stood for; None where somebody typed something else."""
    return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else None


def _fits(part: str, whole: str) -> bool:
    return part.strip().casefold() in whole.casefold()


def _player(guid: str, name: str) -> Suggestion:
    return Suggestion(label=f"{name or '?'} ({guid[:8]})", value=guid)


def _label(one: RoundAt, *, with_server: bool) -> str:
    label: dict[str, Value] = {"map": clean_name(one.map) or "?", "number": one.round, "when": one.ended_at}
    if with_server:
        return text("{map} · round {number} · {when} · {server}", **label, server=one.server)
    return text("{map} · round {number} · {when}", **label)
