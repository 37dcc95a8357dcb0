"""A round alone: what each player did in this round, whatever the file's counters contain.

Round 2 alone is its file minus the file of round 1 for cumulative fields and weapons; fields of the round
are taken as they are, and every ratio is made anew (specs/etlegacy.md 2.1). The rule is applied per
player (2.3)::

    in both files, `rounds` one higher      subtract
    in both files, `rounds` not higher      his counters began anew: take round 2 as it is
    ... or damage, deaths or time dropped   the same
    ... or else the sums do not balance     the same for the one or two who mend them
    everybody began anew (restart vote)     nobody is subtracted (2.4)
    only in round 2                         joined late: take it as it is
    only in round 1                         left: no player of round 2
    spectator with unchanged totals         no player of round 2
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from bot.core.rounds.fields import SPECTATOR
from bot.core.rounds.grammar import BOTS, Header, PlayerLine, StatsFile, is_bot
from bot.core.rounds.pairing import Pairing, PlayedRound
from bot.core.rounds.player import (
    Clock,
    ResolvedPlayer,
    began_anew,
    has_dropped,
    is_unchanged,
    looks_anew,
    play_alone,
    team_minutes,
)

FEWEST_PLAYERS = 4  # specs/etlegacy.md 3, row 28
SHORTEST_ROUND = 60  # seconds; the same
EARLY_END = 10  # seconds short of the limit; held rounds end within 6 s of it or 15 s and more short (2.6)
LEAK_SECONDS = 12  # team time beyond the clock of a round that tells of another one in it (2.4)


class Flag(StrEnum):
    """What is special about a round; the first six keep it out of what is counted."""

    ABORTED = "aborted"
    NO_PARTNER = "no_partner"  # a round 2 whose numbers still hold round 1: "cumulative, no partner"
    BOTS = "bots"
    TOO_FEW_PLAYERS = "too_few_players"
    TOO_SHORT = "too_short"
    COUNTERS_LEAKED = "counters_leaked"  # an earlier match is in the numbers of this round 1
    SUMS_DO_NOT_BALANCE = "sums_do_not_balance"  # "data incomplete", for instance after a reconnect
    ENDED_EARLY = "ended_early"


NOT_COUNTED = frozenset(
    {
        Flag.ABORTED,
        Flag.NO_PARTNER,
        Flag.BOTS,
        Flag.TOO_FEW_PLAYERS,
        Flag.TOO_SHORT,
        Flag.COUNTERS_LEAKED,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedRound:
    """One round alone; players by damage given, highest first.

    `round` is what was really played, 1 or 2. Sides: 1 Axis, 2 Allies, 0 unknown. `played_seconds` is None
    where nothing tells it; `attackers_succeeded` is None where the winner is unknown or the round aborted.
    """

    map: str
    round: int
    ended_at: datetime
    limit_seconds: int
    defender_side: int
    winner_side: int
    attackers_succeeded: bool | None
    played_seconds: int | None
    players: tuple[ResolvedPlayer, ...]
    flags: frozenset[Flag]
    partner_key: str | None

    @property
    def ended_early_seconds(self) -> int | None:
        """How many seconds before the limit a held round ended, 0 if it did not; None where unknown."""
        if self.attackers_succeeded is None or self.played_seconds is None:
            return None
        return self.limit_seconds - self.played_seconds if Flag.ENDED_EARLY in self.flags else 0

    @property
    def counted(self) -> bool:
        """Whether leaderboards read this round."""
        return may_count(self.flags)


def may_count(flags: Iterable[str]) -> bool:
    """Tell from its flags whether leaderboards may read a round."""
    return NOT_COUNTED.isdisjoint(flags)


def resolve(played: PlayedRound, pairing: Pairing) -> ResolvedRound:
    """Give the numbers of one round alone, as `pair_rounds` has placed it."""
    header = played.stats.header
    succeeded = _attackers_succeeded(header, pairing.aborted)
    players = _players(played.stats, pairing, succeeded)
    seconds = _played_seconds(header, pairing, players, succeeded)
    return ResolvedRound(
        map=header.map,
        round=pairing.round,
        ended_at=played.ended_at,
        limit_seconds=header.limit,
        defender_side=header.defender,
        winner_side=header.winner,
        attackers_succeeded=succeeded,
        played_seconds=seconds,
        players=tuple(sorted(players, key=lambda player: (-player.damage_given, player.guid))),
        flags=_flags(header, pairing, players, seconds, succeeded),
        partner_key=pairing.first.key if pairing.first else None,
    )


def _attackers_succeeded(header: Header, aborted: bool) -> bool | None:
    if aborted or 0 in {header.winner, header.defender}:
        return None
    return header.winner != header.defender


def _players(stats: StatsFile, pairing: Pairing, succeeded: bool | None) -> list[ResolvedPlayer]:
    lines = _by_guid(stats)
    earlier = _by_guid(pairing.first.stats) if pairing.first else {}
    both = lines.keys() & earlier.keys()
    clock = _clock(stats, pairing, succeeded)
    if both and _everybody_began_anew(stats, pairing, succeeded):
        return _alone(lines, earlier, both, clock)
    anew = {guid for guid in both if began_anew(earlier[guid], lines[guid])}
    players = _alone(lines, earlier, anew, clock)
    if not both or _sums_balance(players):
        return players
    return _balanced(lines, earlier, anew, clock) or players


def _alone(
    lines: Mapping[str, PlayerLine], earlier: Mapping[str, PlayerLine], anew: AbstractSet[str], clock: Clock
) -> list[ResolvedPlayer]:
    """Give each player's round where the counters of `anew` began again; who only watched is left out."""
    players = []
    for guid, line in lines.items():
        before = earlier.get(guid)
        if before is None or guid in anew:
            players.append(play_alone(guid, line, None, clock, reset=guid in anew))
        elif line.side != SPECTATOR or not is_unchanged(before, line):
            players.append(play_alone(guid, line, before, clock))
    return players


def _balanced(
    lines: Mapping[str, PlayerLine], earlier: Mapping[str, PlayerLine], anew: AbstractSet[str], clock: Clock
) -> list[ResolvedPlayer] | None:
    """Find whose counters began again too, where the sums do not balance without; None if they never do.

    A player who connected again between the rounds can have more than before, and the `rounds` of one who
    stayed. All damage that is given is received, and every kill is a death: exactly one choice of the fewest
    players can make both sums come out even; or all whose line looks so; or everybody, where numbers dropped.
    """
    both = lines.keys() & earlier.keys()
    # Where somebody is known to have connected again, his loss alone may be what is missing.
    most_hidden = 1 if anew else 2
    if any(has_dropped(earlier[guid], lines[guid]) for guid in both):
        everybody = _alone(lines, earlier, both, clock)
        if _sums_balance(everybody):
            return everybody
    anew = anew | {guid for guid in both if looks_anew(earlier[guid], lines[guid])}
    players = _alone(lines, earlier, anew, clock)
    if _sums_balance(players):
        return players
    surplus = _surplus(players)
    # How much more each would add to the sums, if nothing were subtracted from his numbers.
    more = {guid: _surplus([play_alone(guid, earlier[guid], None, clock)]) for guid in sorted(both - anew)}
    for size in range(1, most_hidden + 1):
        found = [
            some
            for some in combinations(more, size)
            if all(at + sum(more[guid][sort] for guid in some) == 0 for sort, at in enumerate(surplus))
        ]
        if found:
            return _alone(lines, earlier, anew | set(found[0]), clock) if len(found) == 1 else None
    return None


def _by_guid(stats: StatsFile) -> dict[str, PlayerLine]:
    """Key the players; bots all share one GUID, so they are numbered by name, alike in both halves."""
    people = {line.guid: line for line in stats.players if not is_bot(line.guid)}
    bots = sorted((line for line in stats.players if is_bot(line.guid)), key=lambda line: line.name)
    return people | {f"{BOTS}{number}": line for number, line in enumerate(bots)}


def _everybody_began_anew(stats: StatsFile, pairing: Pairing, succeeded: bool | None) -> bool:
    """Tell whether round 2 counts from zero for all, as after a restart vote before round 1 (2.4).

    Where the played time is known, the longest team time is the clock's then, not the sum. Elsewhere what
    gives it away is that numbers dropped: of most players, or of anybody in a round without any time.
    """
    if pairing.first is None:
        return False
    longest = _longest_team_minutes(stats)
    before = _longest_team_minutes(pairing.first.stats)
    clock = _finish(stats.header) if succeeded else _told_seconds(stats.header)
    slack = LEAK_SECONDS / 60
    if clock is not None and before > slack:
        return longest <= clock / 60 + min(slack, before / 2)
    earlier = _by_guid(pairing.first.stats)
    both = [(earlier[guid], line) for guid, line in _by_guid(stats).items() if guid in earlier]
    # Whose `rounds` did not rise connected again: that tells nothing of the others.
    both = [(then, now) for then, now in both if now.rounds > then.rounds]
    dropped = sum(has_dropped(then, now) for then, now in both)
    took_no_time = succeeded is False and before > 0 and abs(longest - before) * 60 <= EARLY_END
    return 2 * dropped > len(both) or (dropped > 0 and took_no_time)


def _longest_team_minutes(stats: StatsFile) -> float:
    return max((team_minutes(line) for line in stats.players), default=0.0)


def _clock(stats: StatsFile, pairing: Pairing, succeeded: bool | None) -> Clock:
    """Give the clocks by the headers alone; a limit stands for a time that is not told."""
    first = pairing.first.stats.header if pairing.first else None
    return Clock(
        this=_header_seconds(stats.header, succeeded),
        first=_header_seconds(first, _attackers_succeeded(first, aborted=False)) if first else 0,
    )


def _header_seconds(header: Header, succeeded: bool | None) -> int:
    finish = _finish(header) if succeeded else None
    return finish or _told_seconds(header) or header.limit


def _finish(header: Header) -> int | None:
    """Give the time the attackers set, where it can be one: a missing limit is repaired to absurd ones (1.2)."""
    return header.next_limit if 0 < header.next_limit <= _latest(header) else None


def _told_seconds(header: Header) -> int | None:
    """Give the played time of the optional ninth field, where it can be one."""
    seconds = header.played_seconds
    return seconds if seconds is not None and seconds <= _latest(header) + SHORTEST_ROUND else None


def _latest(header: Header) -> float:
    return header.limit + LEAK_SECONDS if header.limit else math.inf


def _played_seconds(
    header: Header, pairing: Pairing, players: Sequence[ResolvedPlayer], succeeded: bool | None
) -> int | None:
    """Give how long was played: the attackers' time, else what the file says, else the longest team time.

    Who was idle in round 1 has no line there, and so a team time of both rounds: it is left out.
    """
    known = (_finish(header) if succeeded else None) or _told_seconds(header)
    if known is not None or _has_no_partner(pairing):
        return known
    times = [player.team_seconds for player in players if player.team_seconds > 0]
    possible = [seconds for seconds in times if seconds <= _latest(header)]
    return max(possible, default=header.limit) if times else None


def _has_no_partner(pairing: Pairing) -> bool:
    return pairing.round == 2 and pairing.first is None


def _flags(
    header: Header,
    pairing: Pairing,
    players: Sequence[ResolvedPlayer],
    seconds: int | None,
    succeeded: bool | None,
) -> frozenset[Flag]:
    held_short = succeeded is False and seconds is not None and header.limit - seconds > EARLY_END
    facts = {
        Flag.ABORTED: pairing.aborted,
        Flag.NO_PARTNER: _has_no_partner(pairing),
        Flag.BOTS: any(is_bot(player.guid) for player in players),
        Flag.TOO_FEW_PLAYERS: len(players) < FEWEST_PLAYERS,
        Flag.TOO_SHORT: seconds is not None and seconds < SHORTEST_ROUND,
        Flag.COUNTERS_LEAKED: pairing.round == 1 and _has_leaked(header, players, succeeded),
        Flag.SUMS_DO_NOT_BALANCE: not _sums_balance(players),
        Flag.ENDED_EARLY: held_short,
    }
    return frozenset(flag for flag, is_so in facts.items() if is_so)


def _has_leaked(header: Header, players: Sequence[ResolvedPlayer], succeeded: bool | None) -> bool:
    clock = _header_seconds(header, succeeded)
    return clock > 0 and any(player.team_seconds > clock + LEAK_SECONDS for player in players)


def _sums_balance(players: Sequence[ResolvedPlayer]) -> bool:
    """Tell whether all damage given was received, and every kill was a death (2.1)."""
    return _surplus(players) == (0, 0)


def _surplus(players: Sequence[ResolvedPlayer]) -> tuple[int, int]:
    """Give how much more damage was given than received, and how many more kills there were than deaths."""
    damage = sum(player.damage_given - player.damage_received for player in players)
    kills = sum(player.kills - player.deaths for player in players)
    return damage, kills
