"""What people ask about players, and which member of a guild is which player: the use cases of `/player`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.core.markup import escape
from bot.core.requester import Requester
from bot.core.rounds import changes
from bot.core.rounds.counters import PlayerRound
from bot.core.rounds.form import FORM_METRICS, Form, player_form
from bot.core.rounds.metrics import METRICS, from_sums
from bot.core.rounds.names import clean_name
from bot.core.rounds.players import (
    RATES,
    TOTALS,
    Comparison,
    DuelSums,
    KnownPlayer,
    PlayerCard,
    RoundSpan,
    Side,
    alike,
    newest_first,
    own_evenings,
)
from bot.core.rounds.radar import RADAR_METRICS, radar_axis
from bot.core.rounds.rating import Rating
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.announcements import Announcements
from bot.services.beside import beside
from bot.storage import audit, ratings, round_suggestions
from bot.storage import players as store
from bot.storage.engine import Connection, Database
from bot.texts import join, text

MOST_NAMED = 5
_KILLS = METRICS["kills"].counters  # known in every round
_GUID = re.compile(r"[0-9A-Za-z]{8}|[0-9A-Za-z]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A player somebody may be; `linked_to` is the member who is that player already."""

    player: KnownPlayer
    linked_to: int | None


class Players:
    """Tells of players what the servers of the asker's guild know; whom an admin ignores is told to nobody."""

    def __init__(
        self,
        *,
        database: Database,
        servers_of: Callable[[Requester], tuple[str, ...]],
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._servers_of = servers_of
        self._clock = clock

    # --- Who is meant ----------------------------------------------------------------------------

    async def suggest(self, by: Requester, part: str) -> tuple[KnownPlayer, ...]:
        """Give the players with `part` in a name of theirs, who was seen last first."""
        async with self._database.read() as conn:
            known = await store.names(conn, self._servers_of(by), part=clean_name(part))
        return tuple(newest_first(known).values())

    async def find(self, by: Requester, written: str) -> KnownPlayer:
        """Find the player whose GUID or name was given. Raises `InputRefused` for several, `NothingThere`."""
        part, servers = clean_name(written), self._servers(by)
        async with self._database.read() as conn:
            found = await _meant(conn, servers, part)
            if not found and await _meant(conn, servers, part, ignored=True):
                raise NothingThere(text("An admin of this server has that player ignored."))
            newest = newest_first(await store.names(conn, servers, guids=[one.guid for one in found]))
        if not found:
            raise NothingThere(text("No player named **{name}** is known here.", name=escape(part, 60)))
        if len(newest) > 1:
            raise InputRefused(
                text(
                    "Several players fit: {players}. Choose one of the suggestions, or give the GUID.",
                    players=join(", ", [_with_guid(one) for one in list(newest.values())[:MOST_NAMED]]),
                )
            )
        return next(iter(newest.values()))

    async def of_member(self, by: Requester, user_id: int) -> KnownPlayer:
        """Give the player a member is linked with. Raises `NothingThere`."""
        async with self._database.read() as conn:
            guid = await store.linked_guid(conn, by.guild_id, user_id)
        if guid is not None:
            return await self.find(by, guid)
        if user_id == by.user_id:
            raise NothingThere(text("I do not know which player you are. `/player link` tells me."))
        raise NothingThere(
            text("{member} is not linked with a player.", member=f"<@{user_id}>"),
        )

    # --- What is told ----------------------------------------------------------------------------

    async def must_be_told(self, by: Requester, *players: KnownPlayer) -> None:
        """Look in no time whether there is something to tell.

        Raises `InputRefused` for the same player twice, `NothingThere` for one without a counted round.
        """
        guids = {one.guid for one in players}
        if len(guids) < len(players):
            raise InputRefused(text("Give two players; that is one and the same."))
        async with self._database.read() as conn:
            known = await store.sums(conn, self._servers(by), [_KILLS], guids)
        for player in players:
            if player.guid not in known:
                raise _not_played(player)

    async def card(self, by: Requester, player: KnownPlayer) -> PlayerCard:
        """Give all that is told of one player. Raises `NothingThere` without a counted round."""
        servers, guid = self._servers(by), player.guid
        async with self._database.read() as conn:
            side = await self._side(conn, servers, player)
            played = await store.rounds_of(
                conn, servers, guid, [name for metric in FORM_METRICS for name in metric.counters]
            )
            spans = await store.spans(conn, servers)
            form = await beside(len(spans), _form, played, spans)
            return PlayerCard(
                side=side,
                linked_to=(await store.linked_members(conn, by.guild_id, [guid])).get(guid),
                aliases=await store.names(conn, servers, guids=[guid]),
                weapons=await store.weapons(conn, servers, guid),
                form=form,
                duels=await self._duels(conn, servers, guid),
                rating=(await ratings.ratings_of(conn, [guid])).get(guid, Rating()),
            )

    async def compare(self, by: Requester, one: KnownPlayer, other: KnownPlayer) -> Comparison:
        """Set two players beside each other. Raises `NothingThere` without a counted round."""
        servers = self._servers(by)
        async with self._database.read() as conn:
            sides = (await self._side(conn, servers, one), await self._side(conn, servers, other))
            sums = await store.sums(conn, servers, [metric.counters for metric in RADAR_METRICS])
            duels = await self._duels(conn, servers, one.guid)
        axes = []
        for metric in RADAR_METRICS:
            measured = {guid: from_sums(metric, *own[metric.counters]) for guid, own in sums.items()}
            axes.append(radar_axis(metric, measured, (one.guid, other.guid)))
        duel = next((duel for duel in duels if duel.opponent.guid == other.guid), None)
        return Comparison(sides=sides, axes=tuple(axes), duel=duel)

    async def _side(self, conn: Connection, servers: Sequence[str], player: KnownPlayer) -> Side:
        groups: list[tuple[str, ...]] = [(name,) for name in TOTALS]
        groups += [metric.counters for metric in (*METRICS.values(), *RATES)]
        sums = (await store.sums(conn, servers, groups, [player.guid])).get(player.guid)
        if sums is None:
            raise _not_played(player)
        return Side(
            player=player,
            rounds=sums[_KILLS][1],
            totals={name: (sums[name,][0][name], sums[name,][1]) for name in TOTALS},
            measured={key: from_sums(metric, *sums[metric.counters]) for key, metric in METRICS.items()},
            rates={metric.key: from_sums(metric, *sums[metric.counters]) for metric in RATES},
        )

    async def _duels(self, conn: Connection, servers: Sequence[str], guid: str) -> tuple[DuelSums, ...]:
        sums = await store.duels(conn, servers, guid)
        names = newest_first(await store.names(conn, servers, guids=sums.keys()) if sums else ())
        return tuple(
            DuelSums(opponent=names[opponent], kills=kills, deaths=deaths, rounds=rounds)
            for opponent, (kills, deaths, rounds) in sums.items()
            if opponent in names
        )

    # --- Which member is which player ------------------------------------------------------------

    async def proposals(self, by: Requester, alike_to: str) -> tuple[Proposal, ...]:
        """Give the players who have had a name most like this one, the likest first."""
        async with self._database.read() as conn:
            known = await store.names(conn, self._servers(by))
            newest = newest_first(known)
            guids = await beside(len(known), alike, clean_name(alike_to), known)
            likely = [newest[guid] for guid in guids]
            return await self._proposed(conn, by, likely)

    async def proposal(self, by: Requester, written: str) -> Proposal:
        """Give the one player who is named. Raises as `find`."""
        player = await self.find(by, written)
        async with self._database.read() as conn:
            return (await self._proposed(conn, by, [player]))[0]

    async def _proposed(
        self, conn: Connection, by: Requester, players: Sequence[KnownPlayer]
    ) -> tuple[Proposal, ...]:
        members = await store.linked_members(conn, by.guild_id, [one.guid for one in players])
        return tuple(Proposal(player=one, linked_to=members.get(one.guid)) for one in players)

    async def link(self, by: Requester, user_id: int, guid: str, *, as_admin: bool) -> KnownPlayer:
        """Make a member a player; an admin may do it for others, and move a player who is somebody already.

        Raises `NotAllowed`, `NothingThere`.
        """
        player = await self.find(by, guid)
        async with self._database.write("players.link") as conn:
            before = (await store.linked_members(conn, by.guild_id, [guid])).get(guid)
            is_override = user_id != by.user_id or before not in {None, user_id}
            if is_override and not as_admin:
                raise NotAllowed(_taken(player, before) if before else _NOT_YOURS)
            await store.link(conn, by.guild_id, user_id, guid, by=by.user_id, now=self._clock.now())
            if is_override:
                await self._audit(conn, by, changes.member_linked(user_id, player.name))
        self._announcements.wake()
        return player

    async def undo_link(self, by: Requester, user_id: int, *, as_admin: bool) -> None:
        """Make a member nobody; an admin may do it for others. Raises `NotAllowed`, `NothingThere`."""
        if user_id != by.user_id and not as_admin:
            raise NotAllowed(_NOT_YOURS)
        async with self._database.write("players.unlink") as conn:
            guid = await store.linked_guid(conn, by.guild_id, user_id)
            if guid is None:
                raise NothingThere(text("There is no link to undo."))
            await store.forget_link(conn, by.guild_id, user_id)
            if user_id != by.user_id:
                name = await round_suggestions.name_of(conn, self._servers_of(by), guid)
                await self._audit(conn, by, changes.member_unlinked(user_id, name or guid))
        self._announcements.wake()

    async def _audit(self, conn: Connection, by: Requester, what: str) -> None:
        """Write down that an admin chose for somebody else."""
        await audit.note(conn, by.guild_id, by.user_id, what, self._clock.now())

    def _servers(self, by: Requester) -> tuple[str, ...]:
        servers = self._servers_of(by)
        if not servers:
            raise NothingThere(text("No game server belongs to this Discord server."))
        return servers


_NOT_YOURS = text("Only people with the permission *Manage Server* may choose for somebody else.")


def _taken(player: KnownPlayer, user_id: int) -> str:
    return text(
        "{player} is {member} already. An admin of this server can change that.",
        player=escape(player.name),
        member=f"<@{user_id}>",
    )


def _not_played(player: KnownPlayer) -> NothingThere:
    return NothingThere(text("{player} has not played a round that counts yet.", player=escape(player.name)))


async def _meant(
    conn: Connection, servers: Sequence[str], part: str, *, ignored: bool = False
) -> list[KnownPlayer]:
    """Give whom a GUID or name means: who has it, else who ever had it, else who has it in a name."""
    if _GUID.fullmatch(part):
        # Read by its key: nothing else is looked through.
        known = await store.names(conn, servers, guids=[part[:8].upper()], ignored=ignored)
        if known:
            return list(newest_first(known).values())
    known = await store.names(conn, servers, part=part, ignored=ignored) if part else ()
    newest, same = newest_first(known), part.casefold()
    now = [one for one in newest.values() if one.name.casefold() == same]
    ever = newest_first(one for one in known if one.name.casefold() == same)
    return now or list((ever or newest).values())


def _form(played: Iterable[tuple[str, PlayerRound]], spans: Iterable[RoundSpan]) -> Form:
    return player_form(own_evenings(played, spans))


def _with_guid(player: KnownPlayer) -> str:
    return join("", [escape(player.name), f" ({player.guid})"])
