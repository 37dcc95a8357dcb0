"""A round alone: what each player did in this round, whatever the file's counters contain.

Round 2 alone is its file minus the file of round 1 for cumulative fields and weapons; fields of the round
are taken as they are, and every ratio is made anew (specs/etlegacy.md 2.1). The rule is applied per
player (2.3)::

    in both files, `rounds` one higher      subtract
    in both files, `rounds` not higher      his counters began anew: take round 2 as it is
    ... or damage, deaths or time dropped   the same
    everybody began anew (restart vote)     nobody is subtracted (2.4)
    only in round 2                         joined late: take it as it is
    only in round 1                         left: no player of round 2
    spectator with unchanged totals         no player of round 2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.rounds import formulas
from bot.core.rounds.fields import GUNS, SPECTATOR, TAIL_FIELDS, Kind
from bot.core.rounds.grammar import Header, PlayerLine, StatsFile, WeaponLine, is_bot
from bot.core.rounds.names import clean_name
from bot.core.rounds.pairing import Pairing, PlayedRound

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
class ResolvedPlayer:
    """One player in one round alone. Damage in hit points, times in whole seconds.

    `guid` is unique in the round (bots get a number of their own); `name` has no colours.
    `head_hits` are hits on heads, `headshot_kills` kills by one; deaths leave own and team kills out.
    """

    guid: str
    name: str
    side: int
    kills: int
    deaths: int
    damage_given: int
    damage_received: int
    team_damage_given: int
    team_damage_received: int
    gibs: int
    self_kills: int
    team_kills: int
    gun_shots: int
    gun_hits: int
    head_hits: int
    headshot_kills: int
    revives: int
    xp: int
    team_seconds: int
    alive_seconds: int
    counter_reset: bool

    @property
    def dpm(self) -> float | None:
        """Damage per minute; see `formulas.dpm`."""
        return formulas.dpm(self.damage_given, self.team_seconds)

    @property
    def accuracy(self) -> float | None:
        """Hits per shot of the guns, 0 to 1; see `formulas.accuracy`."""
        return formulas.accuracy(self.gun_hits, self.gun_shots)

    @property
    def kd(self) -> float:
        """Kills per death; see `formulas.kd`."""
        return formulas.kd(self.kills, self.deaths)


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
    def counted(self) -> bool:
        """Whether leaderboards read this round."""
        return not self.flags & NOT_COUNTED


def resolve(played: PlayedRound, pairing: Pairing) -> ResolvedRound:
    """Give the numbers of one round alone, as `pair_rounds` has placed it."""
    header = played.stats.header
    succeeded = _attackers_succeeded(header, pairing)
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


def _attackers_succeeded(header: Header, pairing: Pairing) -> bool | None:
    if pairing.aborted or 0 in {header.winner, header.defender}:
        return None
    return header.winner != header.defender


def _players(stats: StatsFile, pairing: Pairing, succeeded: bool | None) -> list[ResolvedPlayer]:
    earlier = _by_guid(pairing.first.stats) if pairing.first else {}
    if earlier and _everybody_began_anew(stats, pairing, succeeded):
        return [_alone(guid, line, None, reset=True) for guid, line in _by_guid(stats).items()]
    players = []
    for guid, line in _by_guid(stats).items():
        before = earlier.get(guid)
        if before is None:
            players.append(_alone(guid, line, None))
        elif _began_anew(before, line):
            players.append(_alone(guid, line, None, reset=True))
        elif line.side != SPECTATOR or not _is_unchanged(before, line):
            players.append(_alone(guid, line, before))
    return players


def _by_guid(stats: StatsFile) -> dict[str, PlayerLine]:
    """Key the players; bots all share one GUID, so they are numbered by name, alike in both halves."""
    people = {line.guid: line for line in stats.players if not is_bot(line.guid)}
    bots = sorted((line for line in stats.players if is_bot(line.guid)), key=lambda line: line.name)
    return people | {f"OMNIBOT{number}": line for number, line in enumerate(bots)}


def _began_anew(before: PlayerLine, line: PlayerLine) -> bool:
    """Tell whether a player's counters started again between the files: `rounds` first, a drop second."""
    if line.rounds <= before.rounds:
        return True
    return (
        line.counts["damage_given"] < before.counts["damage_given"]
        or line.counts["damage_received"] < before.counts["damage_received"]
        or line.ratios["team_minutes"] < before.ratios["team_minutes"]
        or _deaths(line) < _deaths(before)
    )


def _everybody_began_anew(stats: StatsFile, pairing: Pairing, succeeded: bool | None) -> bool:
    """Tell whether round 2 counts from zero for all, as after a restart vote before round 1.

    Known only where the played time is: then the longest team time is the clock's, not the sum
    (specs/etlegacy.md 2.4).
    """
    clock = stats.header.next_limit if succeeded else stats.header.played_seconds
    if clock is None or pairing.first is None:
        return False
    longest = _longest_team_minutes(stats)
    before = _longest_team_minutes(pairing.first.stats)
    slack = LEAK_SECONDS / 60
    return before > slack and longest <= clock / 60 + min(slack, before / 2)


def _longest_team_minutes(stats: StatsFile) -> float:
    return max((line.ratios["team_minutes"] for line in stats.players), default=0.0)


def _is_unchanged(before: PlayerLine, line: PlayerLine) -> bool:
    totals = [name for name, kind in TAIL_FIELDS if kind is Kind.CUM and name in line.counts]
    return all(line.counts[name] == before.counts[name] for name in totals)


def _alone(guid: str, line: PlayerLine, before: PlayerLine | None, *, reset: bool = False) -> ResolvedPlayer:
    counts = _counts_alone(line, before)
    weapons = _weapons_alone(line, before)
    guns = [counters for weapon, counters in weapons.items() if weapon in GUNS]
    team_seconds, alive_seconds = _seconds_alone(line, before)
    return ResolvedPlayer(
        guid=guid,
        name=clean_name(line.name) or guid,
        side=line.side,
        kills=sum(counters.kills for counters in weapons.values()),
        deaths=sum(counters.deaths for counters in weapons.values()),
        damage_given=counts["damage_given"],
        damage_received=counts["damage_received"],
        team_damage_given=counts["team_damage_given"],
        team_damage_received=counts["team_damage_received"],
        gibs=counts["gibs"],
        self_kills=counts["self_kills"],
        team_kills=counts["team_kills"],
        gun_shots=sum(counters.shots for counters in guns),
        gun_hits=sum(counters.hits for counters in guns),
        head_hits=sum(counters.head_hits for counters in guns),
        headshot_kills=counts["headshot_kills"],
        revives=counts["revives"],
        xp=counts["xp"],
        team_seconds=team_seconds,
        alive_seconds=alive_seconds,
        counter_reset=reset,
    )


def _counts_alone(line: PlayerLine, before: PlayerLine | None) -> dict[str, int]:
    return {
        name: max(0, line.counts[name] - before.counts[name]) if before and kind is Kind.CUM else value
        for name, kind in TAIL_FIELDS
        if (value := line.counts.get(name)) is not None
    }


def _weapons_alone(line: PlayerLine, before: PlayerLine | None) -> dict[int, WeaponLine]:
    """Subtract slot by slot. The engine takes knife shots back, so a difference is never below 0 (1.3)."""
    if before is None:
        return dict(line.weapons)
    nothing = WeaponLine(hits=0, shots=0, kills=0, deaths=0, head_hits=0)
    return {
        weapon: WeaponLine(
            hits=max(0, now.hits - then.hits),
            shots=max(0, now.shots - then.shots),
            kills=max(0, now.kills - then.kills),
            deaths=max(0, now.deaths - then.deaths),
            head_hits=max(0, now.head_hits - then.head_hits),
        )
        for weapon, now in line.weapons.items()
        for then in [before.weapons.get(weapon, nothing)]
    }


def _deaths(line: PlayerLine) -> int:
    return sum(counters.deaths for counters in line.weapons.values())


def _seconds_alone(line: PlayerLine, before: PlayerLine | None) -> tuple[int, int]:
    """Give the seconds on a team and alive; alive = p2 x t2 - p1 x t1, a share is never subtracted (2.1)."""
    team, alive = _minutes(line)
    team_before, alive_before = _minutes(before) if before else (0.0, 0.0)
    team_seconds = max(0, round((team - team_before) * 60))
    return team_seconds, min(team_seconds, max(0, round((alive - alive_before) * 60)))


def _minutes(line: PlayerLine) -> tuple[float, float]:
    team = line.ratios["team_minutes"]
    return team, team * line.ratios["alive_percent"] / 100


def _played_seconds(
    header: Header, pairing: Pairing, players: Sequence[ResolvedPlayer], succeeded: bool | None
) -> int | None:
    """Give how long was played: the attackers' time, else what the file says, else the longest team time."""
    if succeeded:
        return header.next_limit
    if header.played_seconds is not None:
        return header.played_seconds
    if _has_no_partner(pairing):
        return None
    return max((player.team_seconds for player in players), default=None)


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
    clock = header.next_limit if succeeded else header.limit
    return any(player.team_seconds > clock + LEAK_SECONDS for player in players)


def _sums_balance(players: Sequence[ResolvedPlayer]) -> bool:
    """Tell whether all damage given was received, and every kill was a death (2.1)."""
    damage = sum(player.damage_given - player.damage_received for player in players)
    kills = sum(player.kills - player.deaths for player in players)
    return damage == 0 and kills == 0
