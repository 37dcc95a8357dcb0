"""What is told where in a guild: what /setup, /live add, /rounds and /profile choose, and what rules say about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.guilds import GuildSettings
from bot.core.markup import escape
from bot.core.notifications.kinds import ALL, KIND_WORDS, Kind, account_subject, server_subject
from bot.core.notifications.options import BUILT_IN, Mention, Options, inherited
from bot.errors import NothingThere
from bot.services.leaderboards import servers_of
from bot.settings import GameServer
from bot.storage import (
    destinations,
    notification_roles,
    notification_rules,
    profile_reports,
    round_choices,
    stream_choices,
    subscriptions,
)
from bot.storage import live as store
from bot.storage.engine import Connection
from bot.storage.notification_rules import NotificationRule
from bot.texts import join, text

EVERYWHERE = 0
"""Stands for the channel in the key of what counts in the whole guild."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Key:
    """What one choice is about; with the channel `EVERYWHERE` it is the guild's default of a kind."""

    channel_id: int
    kind: Kind
    subject: str = ALL

    def __str__(self) -> str:
        return f"{self.channel_id}:{self.kind}:{self.subject}"

    @classmethod
    def parse(cls, written: str) -> Key:
        """Read what `str` gives. Raises `NothingThere` for anything else."""
        channel, _, rest = written.partition(":")
        kind, _, subject = rest.partition(":")
        if not channel.isdecimal() or kind not in set(Kind):
            raise NothingThere(text("I do not know that subscription. Choose one of the suggestions."))
        return cls(channel_id=int(channel), kind=Kind(kind), subject=subject)

    @property
    def is_default(self) -> bool:
        """Whether it is the guild's default of a kind."""
        return self.channel_id == EVERYWHERE


def key_of(rule: NotificationRule) -> Key:
    """Give the key of a rule."""
    return Key(channel_id=rule.channel_id, kind=rule.kind, subject=rule.subject)


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A channel that something is told in because of another command; `role_id` was given with `/live add`."""

    key: Key
    role_id: int | None = None
    is_paused: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One subscription: whence it comes, what was chosen for it alone, and what counts in the end.

    `wider` is what would count without its own choices. `name` says what it is about, empty for all of a kind.
    `blocked` is why the channel refuses messages.
    """

    key: Key
    name: str
    options: Options
    wider: Options
    own: Options = field(default_factory=Options)
    route: Route | None = None
    has_rule: bool = False
    is_off: bool = False
    paused_until: datetime | None = None
    blocked: str = ""

    @property
    def title(self) -> str:
        """What is told, in words."""
        kind = KIND_WORDS[self.key.kind]
        if self.key.is_default:
            return text("{kind} everywhere", kind=kind)
        if self.name:
            return text("{kind}: {name}", kind=kind, name=self.name)
        return kind if self.key.kind is Kind.NOTICE else text("{kind}: all", kind=kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All of a guild, with its clock."""

    entries: tuple[Entry, ...]
    defaults: tuple[Entry, ...]
    settings: GuildSettings
    now: datetime
    may_make_roles: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the guild."""
        return ZoneInfo(self.settings.time_zone)

    def find(self, key: Key) -> Entry:
        """Give one subscription or default. Raises `NothingThere` where it is gone."""
        for entry in (*self.entries, *self.defaults):
            if entry.key == key:
                return entry
        raise NothingThere(text("That subscription is not there any more. `/notify list` shows what is."))


async def routes(
    conn: Connection, settings: GuildSettings, servers: Mapping[str, GameServer]
) -> dict[Key, Route]:
    """Give what other commands have chosen in a guild."""
    own = servers_of(servers, settings.guild_id)
    found = await _of_accounts(conn, settings.guild_id)
    found += await _of_servers(conn, settings, own)
    found += _of_the_guild(settings, servers=bool(own))
    return _merged(found)


async def told_keys(
    conn: Connection, settings: GuildSettings, servers: Mapping[str, GameServer]
) -> frozenset[Key]:
    """Give what is told in a guild: because another command says so, or a rule by itself."""
    rules = await notification_rules.of_guilds(conn, [settings.guild_id])
    return frozenset({*await routes(conn, settings, servers), *_adding(rules)})


def _adding(rules: Iterable[NotificationRule]) -> set[Key]:
    return {key_of(rule) for rule in rules if rule.adds}


async def names(conn: Connection, guild_id: int, servers: Mapping[str, GameServer]) -> dict[str, str]:
    """Give the subjects of a guild with their names: the accounts it follows, its game servers."""
    accounts = await store.followed_accounts(conn, guild_id=guild_id)
    found = {account_subject(one.id): f"@{one.handle}" for one in accounts}
    for watch in await profile_reports.readers(conn, guild_id=guild_id):
        found[account_subject(watch.account_id)] = f"@{watch.handle}"
    return found | {server_subject(server): server for server in servers_of(servers, guild_id)}


async def listing(
    conn: Connection, settings: GuildSettings, servers: Mapping[str, GameServer], now: datetime
) -> Listing:
    """Read all of a guild."""
    guild_id = settings.guild_id
    rules = {key_of(rule): rule for rule in await notification_rules.of_guilds(conn, [guild_id])}
    by_key = await routes(conn, settings, servers)
    named = await names(conn, guild_id, servers)
    blocked = {one.channel_id: one.reason for one in await destinations.of_guild(conn, guild_id)}
    chosen = await notification_rules.all_defaults(conn, guild_id)
    defaults = {kind: chosen.get(kind, Options()) for kind in Kind}
    order = {kind: number for number, kind in enumerate(Kind)}
    told = {*by_key, *_adding(rules.values())}
    told |= {key for key in rules if replace(key, subject=ALL) in told}
    keys = sorted(told, key=lambda key: (key.channel_id, order[key.kind], named.get(key.subject, "")))
    entries = [_entry(key, by_key.get(key), rules, defaults[key.kind], named) for key in keys]
    return Listing(
        entries=tuple(replace(one, blocked=blocked.get(one.key.channel_id, "")) for one in entries),
        defaults=tuple(_default(kind, defaults[kind]) for kind in Kind),
        settings=settings,
        now=now,
        may_make_roles=await notification_roles.may_make_roles(conn, guild_id),
    )


def _entry(
    key: Key,
    route: Route | None,
    rules: Mapping[Key, NotificationRule],
    default: Options,
    named: Mapping[str, str],
) -> Entry:
    """Put the layers of one subscription together, as it is done for each message."""
    rule, wide = rules.get(key), rules.get(replace(key, subject=ALL))
    own = Options() if rule is None else rule.options
    role_id = None if route is None else route.role_id
    wider = (
        Options() if role_id is None else Options(mention=Mention.ROLE, role_id=role_id),
        Options() if wide is None or key.subject == ALL else wide.options,
        default,
        BUILT_IN,
    )
    narrowest = rule or wide
    return Entry(
        key=key,
        name=_name(key, route, named),
        options=inherited(own, *wider),
        wider=inherited(*wider),
        own=own,
        route=route,
        has_rule=rule is not None,
        is_off=narrowest is not None and narrowest.off,
        paused_until=None if narrowest is None else narrowest.paused_until,
    )


def _name(key: Key, route: Route | None, named: Mapping[str, str]) -> str:
    if key.subject != ALL:
        return named.get(key.subject, escape(key.subject.partition(":")[2]))
    return "" if route is None else join(", ", route.names)


def _default(kind: Kind, own: Options) -> Entry:
    return Entry(
        key=Key(channel_id=EVERYWHERE, kind=kind),
        name="",
        options=inherited(own, BUILT_IN),
        wider=BUILT_IN,
        own=own,
        has_rule=True,
    )


# --- What other commands have chosen ----------------------------------------------------------------


async def _of_accounts(conn: Connection, guild_id: int) -> list[Route]:
    """Go-lives and recaps where an account is followed, reports where a profile is reported."""
    found: list[Route] = []
    recorded: dict[int, bool] = {}
    for row in await subscriptions.load(conn, guild_id=guild_id):
        subject, account_id = account_subject(row.account_id), row.account_id
        if account_id not in recorded:
            recorded[account_id] = (await stream_choices.load(conn, account_id, guild_id)).record
        live = Key(channel_id=row.channel_id, kind=Kind.LIVE, subject=subject)
        found.append(Route(key=live, role_id=row.role_id, is_paused=row.paused))
        if recorded[account_id]:
            found.append(Route(key=replace(live, kind=Kind.RECAP), is_paused=row.paused))
    found += [
        Route(key=Key(channel_id=one.channel_id, kind=Kind.REPORT, subject=account_subject(one.account_id)))
        for one in await profile_reports.readers(conn, guild_id=guild_id)
    ]
    return found


async def _of_servers(conn: Connection, settings: GuildSettings, servers: Iterable[str]) -> list[Route]:
    """What is told of game servers in the channel for rounds."""
    channel_id, found = settings.rounds_channel_id, []
    for server in servers if channel_id is not None else ():
        chosen = await round_choices.choices(conn, settings.guild_id, server)
        on = {
            Kind.ROUND: chosen.posts,
            Kind.EVENING: chosen.evenings,
            Kind.MILESTONE: chosen.milestones,
        }
        found += [
            Route(key=Key(channel_id=channel_id or 0, kind=kind, subject=server_subject(server)))
            for kind, wanted in on.items()
            if wanted and chosen.monitoring
        ]
    return found


def _of_the_guild(settings: GuildSettings, servers: bool) -> list[Route]:
    """Reports about everything, and notices to admins."""
    reports = (
        (settings.lives_channel_id, settings.weekly_streams, text("the lives of the week")),
        (settings.rounds_channel_id, settings.weekly_players and servers, text("the players of the week")),
        (settings.admin_channel_id, settings.daily_scores, text("how the checks of the day went")),
    )
    found = [
        Route(key=Key(channel_id=channel_id, kind=Kind.REPORT), names=(name,))
        for channel_id, wanted, name in reports
        if channel_id is not None and wanted
    ]
    if settings.admin_channel_id is not None:
        found.append(Route(key=Key(channel_id=settings.admin_channel_id, kind=Kind.NOTICE)))
    return found


def _merged(found: Iterable[Route]) -> dict[Key, Route]:
    """Give one route a key: several reports may go into one channel."""
    merged: dict[Key, Route] = {}
    for route in found:
        known = merged.get(route.key)
        merged[route.key] = route if known is None else replace(known, names=(*known.names, *route.names))
    return merged
