"""What people ask about players, and which member of a guild is which player: the use cases of `/player`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.core.markup import escape
from bot.core.requester import Requester
from bot.core.rounds.form import FORM_METRICS, player_form
from bot.core.rounds.metrics import METRICS, from_sums
from bot.core.rounds.names import clean_name
from bot.core.rounds.players import (
    RATES,
    TOTALS,
    Alias,
    Comparison,
    DuelSums,
    KnownPlayer,
    PlayerCard,
    Side,
    alike,
    newest_first,
    own_evenings,
)
from bot.core.rounds.radar import RADAR_METRICS, radar_axis
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.storage import players as store
from bot.storage.engine import Connection, Database
from bot.texts import join, text

MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A player somebody may be; `linked_to` is the member who is that player already."""

    player: KnownPlayer
    linked_to: int | None


class Players:
    """Tells of players what the servers of the asker's guild know; whom an admin ignores is told to nobody."""

    def __init__(
        self, *, database: Database, servers_of: Callable[[Requester], tuple[str, ...]], clock: Clock
    ) -> None:
        self._database = database
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
            found = _meant(part, await store.names(conn, servers, part=part))
            if not found and _meant(part, await store.names(conn, servers, part=part, ignored=True)):
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

    async def card(self, by: Requester, player: KnownPlayer) -> PlayerCard:
        """Give all that is told of one player. Raises `NothingThere` without a counted round."""
        servers, guid = self._servers(by), player.guid
        async with self._database.read() as conn:
            side = await self._side(conn, servers, player)
            form = await store.rounds_of(
                conn, servers, guid, [name for metric in FORM_METRICS for name in metric.counters]
            )
            return PlayerCard(
                side=side,
                linked_to=(await store.linked_members(conn, by.guild_id, [guid])).get(guid),
                aliases=await store.names(conn, servers, guids=[guid]),
                weapons=await store.weapons(conn, servers, guid),
                form=player_form(own_evenings(form, await store.spans(conn, servers))),
                duels=await self._duels(conn, servers, guid),
                rating=await store.rating(conn, guid),
            )

    async def compare(self, by: Requester, one: KnownPlayer, other: KnownPlayer) -> Comparison:
        """Set two players beside each other. Raises `InputRefused` for one and the same, `NothingThere`."""
        if one.guid == other.guid:
            raise InputRefused(text("Give two players; that is one and the same."))
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
            raise NothingThere(
                text("{player} has not played a round that counts yet.", player=escape(player.name))
            )
        kills = METRICS["kills"].counters
        return Side(
            player=player,
            rounds=sums[kills][1],
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
            likely = [newest[guid] for guid in alike(clean_name(alike_to), known)]
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
                await self._audit_override(conn, by, user_id, guid)
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
                await self._audit_override(conn, by, user_id, guid)

    async def _audit_override(self, conn: Connection, by: Requester, user_id: int, guid: str) -> None:
        """Stand where `bot.storage.audit` is told that an admin changed who a member is."""

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


def _meant(part: str, aliases: Iterable[Alias]) -> list[KnownPlayer]:
    """Give whom a name or GUID means: the GUID, who has the name now, who ever had it, who has it in a name."""
    known = list(aliases) if part else []
    newest = newest_first(known)
    same = part.casefold()
    by_guid = [one for one in newest.values() if one.guid == part[:8].upper()]
    now = [one for one in newest.values() if one.name.casefold() == same]
    ever = newest_first(one for one in known if one.name.casefold() == same)
    return by_guid or now or list((ever or newest).values())


def _with_guid(player: KnownPlayer) -> str:
    return join("", [escape(player.name), f" ({player.guid})"])
