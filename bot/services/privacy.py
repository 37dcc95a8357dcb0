"""Forgets people who ask for it, viewers and players alike, and remembers not to record them again.

Only admins and the owner of the deployment may have somebody forgotten: a link says which player a member is, but
nobody has proved it. What was forgotten is so in the whole deployment, not for one guild.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.core.forgotten import Forgotten
from bot.core.markup import escape
from bot.core.requester import Requester
from bot.errors import InputRefused, NothingThere, UserError
from bot.services.announcements import Announcements
from bot.services.live_state import NEWS_FOR
from bot.services.players import Players
from bot.services.weekly_streams import WEEKS_LIVES
from bot.storage import audit, outbox
from bot.storage import privacy as store
from bot.storage.engine import Connection, Database
from bot.storage.privacy import KnownViewer
from bot.texts import join, text, texts

LOOKED_BACK = timedelta(days=2)
_NUMBER = re.compile(r"[0-9]{1,19}")
_GUID = re.compile(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One person, who is a viewer (`person_id`) or a player (`guid`); `words` say who, ready to be shown."""

    words: str
    person_id: int | None = None
    guid: str = ""


class Privacy:
    """Finds, forgets, and takes up again. `players` find players as `/player` does."""

    def __init__(
        self, *, database: Database, players: Players, announcements: Announcements, clock: Clock
    ) -> None:
        self._database = database
        self._players = players
        self._announcements = announcements
        self._clock = clock

    async def find(self, by: Requester, written: str) -> Found:
        """Find the one person who is meant: a viewer by id or handle, a player by GUID or name.

        Raises `InputRefused` where several fit, `NothingThere` where nobody does.
        """
        written = written.strip()
        found = [_viewer(one) for one in await self._viewers(by, written)]
        if not written.startswith("@"):
            found += await self._player(by, written)
        if len(found) > 1:
            said = join("\n", [one.words for one in found[:5]])
            raise InputRefused(text("Several people fit; give the id or the GUID.\n{people}", people=said))
        if not found:
            raise NothingThere(
                text("Nobody here is known as **{name}**.", name=escape(written.removeprefix("@"), 60))
            )
        return found[0]

    async def forget(self, by: Requester, found: Found) -> str:
        """Forget somebody; gives what to tell whoever asked. Nothing that says who it was is written down."""
        now = self._clock.now()
        async with self._database.write("privacy.forget") as conn:
            if found.person_id is not None:
                await store.tell_anew(conn, found.person_id, now - NEWS_FOR)
                await outbox.take_back(conn, WEEKS_LIVES)  # a digest that waits may name them
                await store.forget_viewer(conn, found.person_id, now)
            else:
                await store.forget_player(conn, found.guid, now)
            await self._note(conn, by, text("Somebody was forgotten, as they asked."))
        self._announcements.wake()
        return text(
            "Forgotten: {who} What they did stays in the sums, without a name. To record them again: "
            "`/privacy restore` with the id or GUID `{key}`; note it now, I do not know it any more.",
            who=found.words,
            key=str(found.person_id or found.guid),
        )

    async def record_again(self, by: Requester, written: str) -> str:
        """Record somebody again who was forgotten. Raises `InputRefused`, `NothingThere`."""
        written = written.strip()
        is_guid, is_number = _GUID.fullmatch(written), _NUMBER.fullmatch(written)
        if not (is_guid or is_number):
            raise InputRefused(
                text("Give the id of the viewer, or the GUID of the player: names are forgotten.")
            )
        async with self._database.write("privacy.restore") as conn:
            was_there = bool(is_guid) and await store.record_again(conn, guid=written[:8])
            if is_number and not was_there:
                was_there = await store.record_again(conn, person_id=int(written))
            if not was_there:
                raise NothingThere(text("Nobody with that id was forgotten."))
            await self._note(conn, by, text("Somebody who was forgotten is recorded again, as they asked."))
        self._announcements.wake()
        return text("They are recorded again from now on. What was forgotten stays so.")

    async def sweep(self) -> None:
        """Forget once more whom a recorder wrote down while they were being forgotten."""
        async with self._database.read() as conn:
            forgotten = await store.forgotten(conn)
            if not forgotten.digests:
                return
            seen = await store.seen_since(conn, self._clock.now() - LOOKED_BACK)
        for person_id in await asyncio.to_thread(_among, forgotten, seen):
            async with self._database.write("privacy.sweep") as conn:
                await store.forget_traces(conn, person_id)

    async def _note(self, conn: Connection, by: Requester, what: str) -> None:
        await audit.note(conn, by.guild_id, by.user_id, what, self._clock.now())

    async def _viewers(self, by: Requester, written: str) -> Sequence[KnownViewer]:
        """Look for viewers: the owner sees those of all accounts, an admin those of accounts the guild follows."""
        guild_id = None if by.is_owner else by.guild_id
        async with self._database.read() as conn:
            if _NUMBER.fullmatch(written):
                known = await store.viewers(conn, guild_id, person_id=int(written), handle="")
                if known:
                    return known
            handle = written.removeprefix("@")
            return await store.viewers(conn, guild_id, person_id=None, handle=handle) if handle else ()

    async def _player(self, by: Requester, written: str) -> list[Found]:
        try:
            player = await self._players.find(by, written)
        except InputRefused:
            raise
        except UserError:  # no such player, no game server
            return []
        who = text("the player **{name}** ({guid}).", name=escape(player.name, 60), guid=player.guid)
        return [Found(words=who, guid=player.guid)]


def _viewer(viewer: KnownViewer) -> Found:
    who = text(
        "the viewer **@{handle}** (id {id}, in {lives}).",
        handle=escape(viewer.handle, 60),
        id=str(viewer.person_id),
        lives=texts("{count} live", "{count} lives", viewer.lives),
    )
    return Found(words=who, person_id=viewer.person_id)


def _among(forgotten: Forgotten, seen: Sequence[int]) -> list[int]:
    return [person_id for person_id in seen if forgotten.viewer(person_id)]
