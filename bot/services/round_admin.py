"""What admins change about rounds: switches, what counts, the teams of an evening.

Each change is one transaction with the messages that follow from it and its line in the audit log; only a file is
made anew by itself, which changes nothing when it is done twice. Switches are
a guild's own. What counts and who plays together is the same for all guilds of a server, so all of them are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.clock import Clock
from bot.core.markup import escape
from bot.core.requester import Requester
from bot.core.rounds import changes
from bot.core.rounds.evenings import GAP
from bot.core.rounds.names import clean_name
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.announcements import Announcements
from bot.services.evening_reading import KeptEvening, evenings_around
from bot.services.round_suggestions import number_of
from bot.services.round_sync import RoundSync
from bot.settings import GameServer
from bot.storage import audit, evening_choices, evenings, guilds, round_choices
from bot.storage import round_suggestions as known
from bot.storage import rounds as store
from bot.storage.audit import AuditEntry
from bot.storage.engine import Connection, Database
from bot.storage.resolved_rounds import KeptRound
from bot.storage.round_suggestions import FileAt, RoundAt
from bot.texts import join, text

RECENT = timedelta(days=2)
"""So far back messages follow when a map or a player is left out; older ones are not read any more."""
MOST_ENTRIES = 300
"""So many of the last changes are shown."""
_MAP_LENGTH = 64

Switch = Literal["monitoring", "posts", "evenings", "milestones", "weekly"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Evening:
    """An evening, and one round of it."""

    evening: KeptEvening
    round: KeptRound

    @property
    def server(self) -> str:
        return self.evening.server

    @property
    def began_at(self) -> datetime:
        return self.evening.rounds[0].told.began_at

    @property
    def files(self) -> list[int]:
        return [one.file_id for one in self.evening.rounds]

    def lineup_files(self) -> list[int]:
        """Give the files of the line-up that played the round; one without belongs to that before it."""
        placements = self.evening.scored.teams.placements
        lineups: dict[int, int] = {}
        lineup = 0
        for one in self.evening.rounds:
            placed = placements.get(one.told.key)
            lineup = placed.lineup if placed else lineup
            lineups[one.file_id] = lineup
        return [file_id for file_id, number in lineups.items() if number == lineups[self.round.file_id]]


class RoundAdmin:
    """Every method but the last two raises `NotAllowed` for the server of others, `InputRefused`, `NothingThere`.

    `readers` are set when what counts has changed.
    """

    def __init__(
        self,
        *,
        database: Database,
        round_sync: RoundSync,
        servers: Mapping[str, GameServer],
        announcements: Announcements,
        clock: Clock,
        readers: Sequence[asyncio.Event] = (),
    ) -> None:
        self._database = database
        self._round_sync = round_sync
        self._servers = servers
        self._telling = round_sync.telling
        self._announcements = announcements
        self._clock = clock
        self._readers = readers

    # --- Switches ----------------------------------------------------------------------------

    async def toggle(
        self, by: Requester, switch: Switch, server: str | None = None, *, on: bool | None = None
    ) -> tuple[str, ...]:
        """Switch something of the guild on or off, or without `on` the other way; gives what was changed.

        A server is watched while one of its guilds wants it. `weekly` is the same for all servers.
        """
        names = self._own_servers(by, server) if switch != "weekly" else ("",)
        now = self._clock.now()
        async with self._database.write("rounds.toggle") as conn:
            before = {name: await _is_on(conn, by.guild_id, name, switch) for name in names}
            wanted = not all(before.values()) if on is None else on
            done = []
            for name, was_on in before.items():
                if was_on == wanted:
                    continue
                await _switch(conn, by.guild_id, name, switch, on=wanted)
                done.append(changes.switched(switch, name, on=wanted))
                await audit.note(conn, by.guild_id, by.user_id, done[-1], now)
        if switch == "monitoring":
            for name in names:
                self._round_sync.changed[name].set()
        return self._told(done)

    async def switches(self, by: Requester) -> tuple[str, ...]:
        """Say how everything stands that can be switched, a line each."""
        lines = []
        async with self._database.read() as conn:
            for name in self._own_servers(by, None):
                lines += [
                    changes.switched(switch, name, on=await _is_on(conn, by.guild_id, name, switch))
                    for switch in changes.SWITCHES
                    if switch != "weekly"
                ]
            weekly = await _is_on(conn, by.guild_id, "", "weekly")
        return (*lines, changes.switched("weekly", "", on=weekly))

    def _own_servers(self, by: Requester, server: str | None) -> tuple[str, ...]:
        """Give the servers that belong to the guild: the owner of the bot has no switches in others."""
        chosen = self._round_sync.chosen(by, server)
        mine = tuple(name for name in chosen if by.guild_id in self._servers[name].guild_ids)
        if not mine:
            raise NotAllowed(text("That game server does not belong to this Discord server."))
        return mine

    # --- What counts ---------------------------------------------------------------------------

    async def ignore_map(
        self, by: Requester, map_name: str, server: str | None = None, *, ignored: bool = True
    ) -> tuple[str, ...]:
        """Leave a map out of the tables of the requester's servers, or take it in again; gives what was changed."""
        wanted = map_name.strip()
        if not 0 < len(wanted) <= _MAP_LENGTH:
            raise InputRefused(text("That is not the name of a map."))
        now = self._clock.now()
        async with self._database.write("rounds.ignore_map") as conn:
            done = []
            for name in self._round_sync.chosen(by, server):
                if not await round_choices.ignore_map(conn, name, wanted, ignored=ignored):
                    continue
                moved = await store.recount_map(conn, name, wanted)
                done.append(changes.map_ignored(name, wanted, len(moved), ignored=ignored))
                await self._follow(conn, name, moved, now)
                await self._note(conn, by, name, done[-1], now)
        return self._told(done)

    async def ignore_player(
        self, by: Requester, guid: str, server: str | None = None, *, ignored: bool = True
    ) -> tuple[str, ...]:
        """Leave a player out of the tables of the requester's servers, or take in again; gives what was changed.

        Who is left out stays in the posts of rounds.
        """
        names = self._round_sync.chosen(by, server)
        now = self._clock.now()
        async with self._database.write("rounds.ignore_player") as conn:
            called = {name: await known.name_of(conn, [name], guid) for name in names}
            if not any(called.values()):
                raise NothingThere(text("No such player is known. Choose one of the suggestions."))
            done = []
            for name, player in called.items():
                if player is None or not await round_choices.ignore_player(conn, name, guid, ignored=ignored):
                    continue
                done.append(changes.player_ignored(name, player, ignored=ignored))
                await self._follow(conn, name, await store.round_times(conn, name, now - RECENT, now), now)
                await self._note(conn, by, name, done[-1], now)
        return self._told(done)

    async def void(self, by: Requester, chosen: str, *, void: bool = True) -> str:
        """Make a round void, or restore it; `chosen` is its file, as suggested. Gives what was changed."""
        now = self._clock.now()
        async with self._database.write("rounds.void") as conn:
            one = await self._round(conn, by, chosen)
            if void:
                is_new = await round_choices.void_round(conn, one.file_id, by.user_id, now)
            else:
                is_new = await round_choices.restore_round(conn, one.file_id)
            what = changes.round_voided(one.server, one.map, one.round, one.ended_at, void=void)
            if is_new:
                await store.recount_file(conn, one.file_id)
                await self._telling.rounds_changed(conn, one.server, one.ended_at, now)
                await self._note(conn, by, one.server, what, now)
        return self._told([what] if is_new else [])[0]

    async def _follow(self, conn: Connection, server: str, ended: Iterable[datetime], now: datetime) -> None:
        """Bring the messages of the recent evenings up to date in which rounds ended at these instants."""
        last: datetime | None = None
        for at in sorted(one for one in ended if one >= now - RECENT):
            if last is None or at - last > GAP:  # nearer ones are of the same evening
                await self._telling.rounds_changed(conn, server, at, now)
            last = at

    # --- The teams of an evening -----------------------------------------------------------------

    async def name_team(self, by: Requester, team: int, name: str | None, chosen: str = "") -> str:
        """Call a team, 0 or 1, something; `chosen` is a round of that evening, the last one where it is empty.

        Without a name the team is called by its letter. Gives what was changed.
        """
        called = None if name is None else _team_name(name)
        now = self._clock.now()
        async with self._database.write("rounds.name_team") as conn:
            at = await self._evening(conn, by, chosen)
            if not await evening_choices.name_team(
                conn, at.round.file_id, team, called, instead_of=at.lineup_files()
            ):
                raise _nothing_changed()
            what = changes.team_named(at.server, at.began_at, team, called)
            await self._teams_changed(conn, by, at, what, now)
        return self._told([what])[0]

    async def put_player(self, by: Requester, guid: str, team: int | None, chosen: str = "") -> str:
        """Put a player into a team for an evening; None leaves it to the rounds. Gives what was changed."""
        now = self._clock.now()
        async with self._database.write("rounds.put_player") as conn:
            at = await self._evening(conn, by, chosen)
            name = at.evening.scored.names.get(guid)
            if name is None:
                raise NothingThere(text("That player was not there. Choose one of the suggestions."))
            if not await evening_choices.put_player(conn, at.round.file_id, guid, team, instead_of=at.files):
                raise _nothing_changed()
            what = changes.player_put(at.server, at.began_at, name, team)
            await self._teams_changed(conn, by, at, what, now)
        return self._told([what])[0]

    async def reset_teams(self, by: Requester, chosen: str = "") -> str:
        """Forget what was set of the teams of an evening. Gives what was changed."""
        now = self._clock.now()
        async with self._database.write("rounds.reset_teams") as conn:
            at = await self._evening(conn, by, chosen)
            if not await evening_choices.reset_teams(conn, at.files):
                raise _nothing_changed()
            what = changes.teams_reset(at.server, at.began_at)
            await self._teams_changed(conn, by, at, what, now)
        return self._told([what])[0]

    async def _teams_changed(
        self, conn: Connection, by: Requester, at: _Evening, what: str, now: datetime
    ) -> None:
        await self._telling.rounds_changed(conn, at.server, at.evening.ended_at, now)
        await self._note(conn, by, at.server, what, now)

    async def _evening(self, conn: Connection, by: Requester, chosen: str) -> _Evening:
        """Read the evening of a chosen round, or of the last one."""
        file_id = None
        if chosen:
            one = await self._round(conn, by, chosen)
            server, ended_at, file_id = one.server, one.ended_at, one.file_id
        elif last := await evenings.last_round(conn, self._round_sync.chosen(by, None)):
            server, ended_at = last
        else:
            raise NothingThere(text("No round has been imported yet."))
        found = [
            _Evening(evening=evening, round=kept)
            for evening in await evenings_around(conn, server, ended_at)
            for kept in evening.rounds
            if kept.told.resolved.ended_at == ended_at and file_id in {None, kept.file_id}
        ]
        return found[-1]

    async def _round(self, conn: Connection, by: Requester, chosen: str) -> RoundAt:
        servers, file_id = self._round_sync.chosen(by, None), number_of(chosen)
        one = None if file_id is None else await known.find_round(conn, servers, file_id)
        if one is None:
            raise NothingThere(text("No such round is known. Choose one of the suggestions."))
        return one

    # --- Files ---------------------------------------------------------------------------------

    async def reimport(self, by: Requester, chosen: str, *, fetch: bool = False) -> str:
        """Make the round of a file anew from the bytes that are kept, or `fetch` the file again with the next look.

        `chosen` is a file, as suggested. Gives what was done.
        """
        async with self._database.read() as conn:
            one = await self._file(conn, by, chosen)
        now = self._clock.now()
        if not fetch:
            done = await self._round_sync.rebuild.reimport(one.server, one.name, now)
            for name, reason in done.unreadable.items():
                raise InputRefused(join(": ", [escape(name), escape(reason)]))
        what = changes.file_made_anew(one.server, one.name, fetch=fetch)
        async with self._database.write("rounds.reimport") as conn:
            if fetch:
                await store.fetch_again(conn, one.server, one.name)
            await self._note(conn, by, one.server, what, now)
        self._round_sync.changed[one.server].set()
        return self._told([what])[0]

    async def _file(self, conn: Connection, by: Requester, chosen: str) -> FileAt:
        servers, file_id = self._round_sync.chosen(by, None), number_of(chosen)
        one = await known.find_file(conn, servers, chosen.strip() if file_id is None else file_id)
        if one is None:
            raise NothingThere(text("No such file is known. Choose one of the suggestions."))
        return one

    # --- The audit log -------------------------------------------------------------------------

    async def entries(self, by: Requester) -> tuple[AuditEntry, ...]:
        """Give the last changes in the guild, the newest first."""
        async with self._database.read() as conn:
            return await audit.entries(conn, by.guild_id, MOST_ENTRIES)

    async def _note(self, conn: Connection, by: Requester, server: str, what: str, now: datetime) -> None:
        """Write a change down for every guild of the server; of one that has none, where it was made."""
        for guild_id in dict.fromkeys(self._servers[server].guild_ids) or (by.guild_id,):
            await audit.note(conn, guild_id, by.user_id, what, now)

    def _told(self, done: Sequence[str]) -> tuple[str, ...]:
        """Wake whoever has something to do after the commit. Raises `InputRefused` where nothing was changed."""
        if not done:
            raise _nothing_changed()
        self._announcements.wake()
        for reader in self._readers:
            reader.set()
        return tuple(done)


async def _is_on(conn: Connection, guild_id: int, server: str, switch: str) -> bool:
    if switch == "weekly":
        settings = await guilds.load(conn, guild_id)
        return settings is None or settings.weekly_players
    is_on: bool = getattr(await round_choices.choices(conn, guild_id, server), switch)
    return is_on


async def _switch(conn: Connection, guild_id: int, server: str, switch: str, *, on: bool) -> None:
    if switch == "weekly":
        await guilds.change(conn, guild_id, {"weekly_players": on})
    else:
        await round_choices.choose(conn, guild_id, server, switch, on=on)


def _team_name(name: str) -> str:
    cleaned = clean_name(name)
    if not 0 < len(cleaned) <= changes.TEAM_NAME_LENGTH:
        raise InputRefused(text("A team's name has 1 to {most} characters.", most=changes.TEAM_NAME_LENGTH))
    return cleaned


def _nothing_changed() -> InputRefused:
    return InputRefused(text("That is so already; nothing was changed."))
