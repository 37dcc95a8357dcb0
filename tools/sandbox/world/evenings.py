"""The game server's evenings: who plays, which maps, how they end, and the files that are written then."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tools.sandbox.world import START
from tools.sandbox.world.combat import Fighter, fight
from tools.sandbox.world.players import ALLIES, AXIS, PLAYERS, Player
from tools.sandbox.world.statsfile import Header, endstats_file, stats_file

#: The zone of the game server's clock, which its files are named by.
SERVER_ZONE = "Asia/Jakarta"
#: What a bot has to be told of it, or it sleeps while they play.
ZONE_SETTINGS = {"TIME_ZONE": SERVER_ZONE, "GAME_SERVERS__SANDBOX__COMMUNITY_TIME_ZONE": SERVER_ZONE}
#: Each map with the minutes its attackers usually need, of twelve that they have.
MAPS = {
    "supply": 10.0,
    "sw_goldrush_te": 9.0,
    "etl_adlernest": 6.0,
    "etl_frostbite": 7.5,
    "te_escape2": 10.5,
    "etl_sp_delivery": 8.5,
    "bremen_b3": 12.5,
}
LIMIT_SECONDS = 720
_ZONE = ZoneInfo(SERVER_ZONE)
_SPECTATOR = 3
_TEAMS = {AXIS: "axis", ALLIES: "allies", _SPECTATOR: "spectator"}
_PLAYS_ON = {1, 3, 5}  # Tuesday, Thursday, Saturday
_MOST = 12
_WARM_UP, _BETWEEN, _NEXT = 60, 75, 110  # seconds before round 1, before round 2, after it
_WRITES_AFTER = timedelta(seconds=3)
_ABORTED_SECONDS = (64, 95)
_REPAIRED_SECONDS = 83.1 * 60  # what a script makes of a next limit that the engine has cleared


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Somebody on the server in a round; `team` is axis, allies or spectator, the name has its colours."""

    name: str
    team: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundFile:
    """A file as the server writes it, and who played; `ended_at` is the file's modification time.

    One of awards and duels has no roster: it follows the file of its round.
    """

    name: str
    content: bytes
    started_at: datetime
    ended_at: datetime
    limit_seconds: int
    roster: tuple[Seat, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRound:
    """One round. An aborted one was begun and then left by a change of the map."""

    number: int
    started_at: datetime
    seconds: int
    limit_seconds: int
    succeeded: bool
    aborted: bool = False

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comings:
    """Who was not there all the time, by GUID.

    `late` came while round 1 was on, `new` came for round 2, `left` played only round 1, `again` connected
    again before round 2 and `watching` only looked on there.
    """

    late: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    watching: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedMap:
    """A map in an evening. The first of `teams` attacks in round 1 and defends in round 2."""

    name: str
    teams: tuple[tuple[Player, ...], tuple[Player, ...]]
    rounds: tuple[PlannedRound, ...]
    comings: Comings = field(default_factory=Comings)

    @property
    def started_at(self) -> datetime:
        return self.rounds[0].started_at

    @property
    def ended_at(self) -> datetime:
        return self.rounds[-1].ended_at

    @property
    def players(self) -> tuple[tuple[str, str], ...]:
        """Give everybody as (GUID, name with colours)."""
        return tuple((one.guid, _name(one, self)) for team in self.teams for one in team)

    @property
    def key(self) -> str:
        """What chance within this map is drawn from."""
        return f"{self.name} {self.started_at.isoformat()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evening:
    """Maps that follow each other."""

    started_at: datetime
    ended_at: datetime
    maps: tuple[PlayedMap, ...]


def evenings(since: datetime, until: datetime) -> list[Evening]:
    """Give the evenings that begin in [since, until), in order."""
    day, found = (since.astimezone(_ZONE) - timedelta(days=1)).date(), []
    while day <= until.astimezone(_ZONE).date():
        evening = _of_day(day) if day.weekday() in _PLAYS_ON else None
        if evening is not None and since <= evening.started_at < until:
            found.append(evening)
        day += timedelta(days=1)
    return found


def make_map(name: str, start: datetime) -> PlayedMap:
    """Plan one map that begins at an instant, with the usual people."""
    start = start.astimezone(UTC).replace(microsecond=0)
    luck = random.Random(f"map {name} {start.isoformat()}")  # noqa: S311 - an invented game
    return _map(name, start, _teams(PLAYERS[:10], luck), luck)


def map_that_ended(name: str, ends: tuple[datetime, datetime], luck: random.Random) -> PlayedMap:
    """Plan a map whose two files are written at given instants, for who needs rounds and no evening."""
    planned = _map(name, ends[0].astimezone(UTC), _teams(PLAYERS[:8], luck), luck)
    rounds = []
    for one, end in zip(planned.rounds[-2:], ends, strict=True):
        start = end.astimezone(UTC) - _WRITES_AFTER - timedelta(seconds=one.seconds)
        rounds.append(dataclasses.replace(one, started_at=start))
    return dataclasses.replace(planned, rounds=tuple(rounds))


def files_of(played: PlayedMap, zone: tzinfo = _ZONE) -> tuple[RoundFile, ...]:
    """Give the files of a map, in the order in which they are written; `zone` is that of their names."""
    luck = random.Random(f"files {played.key}")  # noqa: S311 - an invented game
    fighters: dict[str, Fighter] = {}
    files: list[RoundFile] = []
    for planned in played.rounds:
        on_server = _line_up(played, planned, fighters, luck)
        fight([one for one in on_server if one.side != _SPECTATOR], planned.seconds, luck)
        luck.shuffle(on_server)
        files += _written(played, planned, on_server, zone)
        if planned.aborted:
            fighters = {}
    return tuple(files)


def _line_up(
    played: PlayedMap, planned: PlannedRound, fighters: dict[str, Fighter], luck: random.Random
) -> list[Fighter]:
    """Let those who play this round take their sides; whoever goes on keeps the counters of the session."""
    on_server, comings = [], played.comings
    for attacks_first, team in zip((True, False), played.teams, strict=True):
        for player in team:
            if player.guid in (comings.new if planned.number == 1 else comings.left):
                continue
            is_first = planned.number == 1 or planned.aborted
            one = fighters.setdefault(player.guid, Fighter(player=player, name=_name(player, played), side=0))
            one.rounds = 0 if is_first or player.guid in comings.new else 1
            one.side = ALLIES if attacks_first == is_first else AXIS
            if not is_first and player.guid in comings.watching:
                one.side = _SPECTATOR
            is_late = is_first and player.guid in comings.late
            since = planned.seconds * luck.uniform(0.2, 0.6) if is_late else 0.0
            one.begin(since=since, anew=not is_first and player.guid in comings.again)
            on_server.append(one)
    return on_server


def _name(player: Player, played: PlayedMap) -> str:
    """Give what somebody is called on this day; a few change their names now and then."""
    luck = random.Random(f"name {player.guid} {played.started_at.date()}")  # noqa: S311 - an invented name
    return player.other_name if luck.random() < 0.15 else player.name


def _written(
    played: PlayedMap, planned: PlannedRound, on_server: Sequence[Fighter], zone: tzinfo
) -> list[RoundFile]:
    # A map change in the middle of round 1 is written as a round 2 (specs/etlegacy.md 2.5).
    label = 2 if planned.aborted else planned.number
    header = Header(
        map=played.name,
        number=label,
        winner=ALLIES if planned.succeeded else AXIS,
        limit=planned.limit_seconds,
        next_limit=_next_limit(planned),
    )
    ended_at = planned.ended_at + _WRITES_AFTER
    name = f"{ended_at.astimezone(zone):%Y-%m-%d-%H%M%S}-{played.name}-round-{label}"
    roster = tuple(Seat(name=one.name, team=_TEAMS[one.side]) for one in on_server)
    files = [
        RoundFile(
            name=f"{name}.txt",
            content=stats_file(header, on_server),
            started_at=planned.started_at,
            ended_at=ended_at,
            limit_seconds=planned.limit_seconds,
            roster=roster,
        )
    ]
    if not planned.aborted:
        fought = [one for one in on_server if one.side != _SPECTATOR]
        later = ended_at + timedelta(seconds=1)
        files.append(
            RoundFile(
                name=f"{name}-endstats.txt",
                content=endstats_file(fought),
                started_at=later,
                ended_at=later,
                limit_seconds=planned.limit_seconds,
            )
        )
    return files


def _next_limit(planned: PlannedRound) -> int:
    if planned.aborted:
        return round(_REPAIRED_SECONDS) - planned.limit_seconds
    return planned.seconds if planned.succeeded else planned.limit_seconds


def _of_day(day: date) -> Evening:
    luck = random.Random(f"evening {day}")  # noqa: S311 - an invented evening
    start = datetime.combine(day, time(20), _ZONE).astimezone(UTC)
    if day != START.astimezone(_ZONE).date():
        start += timedelta(minutes=luck.randrange(30))
    coming = [player for player in PLAYERS if luck.random() < player.comes][:_MOST]
    teams = _teams(coming[: len(coming) // 2 * 2], luck)
    maps: list[PlayedMap] = []
    for name in luck.sample(sorted(MAPS), k=luck.randrange(3, 7)):
        begins = maps[-1].ended_at + timedelta(seconds=_NEXT) if maps else start
        maps.append(_map(name, begins, teams, luck))
    return Evening(started_at=start, ended_at=maps[-1].ended_at, maps=tuple(maps))


def _teams(players: Sequence[Player], luck: random.Random) -> tuple[tuple[Player, ...], tuple[Player, ...]]:
    """Share the players out as captains would: the best two apart, and so on down."""
    teams: tuple[list[Player], list[Player]] = ([], [])
    by_skill = sorted(players, key=lambda one: -one.skill * luck.uniform(0.9, 1.1))
    for place in range(0, len(by_skill), 2):
        pair = by_skill[place : place + 2]
        luck.shuffle(pair)
        for team, player in zip(teams, pair, strict=False):
            team.append(player)
    return tuple(teams[0]), tuple(teams[1])


def _map(
    name: str, start: datetime, teams: tuple[tuple[Player, ...], tuple[Player, ...]], luck: random.Random
) -> PlayedMap:
    """Play a map on paper: how long each side needs, and who was not there all the time."""
    start = start.replace(microsecond=0)
    teams = (teams[0], teams[1]) if luck.random() < 0.5 else (teams[1], teams[0])
    rounds = []
    if luck.random() < 0.03:
        seconds = luck.randrange(*_ABORTED_SECONDS)
        rounds.append(_round(1, start, seconds, LIMIT_SECONDS, succeeded=False, aborted=True))
        start = rounds[0].ended_at + timedelta(seconds=30)
    needed = _needed(name, teams[0], teams[1], luck)
    begins = start + timedelta(seconds=_WARM_UP)
    rounds.append(_attack(1, begins, needed, LIMIT_SECONDS, luck))
    limit = rounds[-1].seconds if rounds[-1].succeeded else LIMIT_SECONDS
    begins = rounds[-1].ended_at + timedelta(seconds=_BETWEEN)
    rounds.append(_attack(2, begins, _needed(name, teams[1], teams[0], luck), limit, luck))
    return PlayedMap(name=name, teams=teams, rounds=tuple(rounds), comings=_comings(teams, luck))


def _needed(name: str, attack: Sequence[Player], defence: Sequence[Player], luck: random.Random) -> int:
    """Draw how many seconds the attackers would need if they had them."""
    strength = [sum(player.skill for player in team) / len(team) for team in (attack, defence)]
    return int(60 * MAPS.get(name, 9.0) * luck.lognormvariate(0, 0.35) * (strength[1] / strength[0]) ** 1.5)


def _attack(number: int, start: datetime, needed: int, limit: int, luck: random.Random) -> PlannedRound:
    needed = max(needed, 90)
    if needed < limit:
        return _round(number, start, needed, limit, succeeded=True)
    gives_up = number == 2 and limit > 240 and luck.random() < 0.15
    seconds = int(limit * luck.uniform(0.5, 0.85)) if gives_up else limit
    return _round(number, start, seconds, limit, succeeded=False)


def _round(
    number: int, start: datetime, seconds: int, limit: int, *, succeeded: bool, aborted: bool = False
) -> PlannedRound:
    return PlannedRound(
        number=number,
        started_at=start,
        seconds=seconds,
        limit_seconds=limit,
        succeeded=succeeded,
        aborted=aborted,
    )


def _comings(teams: Sequence[Sequence[Player]], luck: random.Random) -> Comings:
    """Draw who is not there all the time: each somebody else, and of each team one at most comes or goes."""
    drawn = [luck.choice(team).guid for team in teams if len(team) > 3]
    kinds = ("late", "new", "left", "again", "watching")
    shares = (0.05, 0.03, 0.02, 0.06, 0.02)
    picked: dict[str, set[str]] = {kind: set() for kind in kinds}
    for guid in drawn:
        kind = luck.choices((*kinds, ""), (*shares, 1 - sum(shares)))[0]
        if kind:
            picked[kind].add(guid)
    return Comings(**{kind: frozenset(guids) for kind, guids in picked.items()})
