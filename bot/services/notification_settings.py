"""What admins choose about notifications: the use cases behind `/notify` and its panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.clock import Clock
from bot.core.guilds import GuildSettings
from bot.core.notifications.kinds import ALL, KIND_WORDS, Kind, account_subject, server_subject
from bot.core.notifications.options import Mention, Options, Quiet, QuietMode
from bot.core.notifications.placement import Placement
from bot.core.notifications.samples import TEST_POST_AGE, sample_message
from bot.core.notifications.templates import checked_template
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere
from bot.services.announcements import Announcements
from bot.services.followed import followed_account
from bot.services.guilds import Guilds
from bot.services.leaderboards import servers_of
from bot.services.notification_list import Entry, Key, Listing, Route, key_of, listing, names, told_keys
from bot.services.watchlist import Added, Watchlist
from bot.settings import GameServer
from bot.storage import notification_log, notification_rules, notified
from bot.storage.engine import Connection, Database
from bot.storage.live import Account
from bot.storage.notification_log import LogRow
from bot.storage.notification_rules import NotificationRule
from bot.texts import text

MOST_LOGGED = 150
"""So many of the last messages are shown."""
MOST_RULES = 500
"""So many choices a guild can have."""
OF_ACCOUNTS = frozenset({Kind.LIVE, Kind.RECAP, Kind.REPORT})
OF_SERVERS = frozenset({Kind.ROUND, Kind.EVENING, Kind.MILESTONE})
Change = Callable[[NotificationRule], NotificationRule]
_TEMPLATES = ("template", "over_template")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """What `/notify add` did; `followed` where it follows an account now, as `/live add` does."""

    entry: Entry
    followed: Added | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Logged:
    """Messages of the log, with the names of what they are about and the clock of the guild."""

    rows: tuple[LogRow, ...]
    names: Mapping[str, str]
    settings: GuildSettings
    now: datetime


class NotificationSettings:
    """Reads and writes what was chosen. What is held is looked at again after each change."""

    def __init__(
        self,
        *,
        database: Database,
        guilds: Guilds,
        watchlist: Watchlist,
        announcements: Announcements,
        servers: Mapping[str, GameServer],
        clock: Clock,
    ) -> None:
        self._database = database
        self._guilds = guilds
        self._watchlist = watchlist
        self._announcements = announcements
        self._servers = servers
        self._clock = clock

    # --- Reading ---------------------------------------------------------------------------------

    async def listing(self, guild_id: int) -> Listing:
        """Give all subscriptions and defaults of a guild."""
        settings = await self._guilds.get(guild_id)
        async with self._database.read() as conn:
            return await listing(conn, settings, self._servers, self._clock.now())

    async def find(self, by: Requester, written: str) -> tuple[Entry, Listing]:
        """Give one subscription or default by its key. Raises `NothingThere`."""
        found = await self.listing(by.guild_id)
        return found.find(Key.parse(written)), found

    async def subjects(self, guild_id: int, kind: Kind | None, part: str) -> dict[str, str]:
        """Give what a subscription of a kind can be about, whose name contains `part`: value and name."""
        wanted = part.strip().removeprefix("@").lower()
        async with self._database.read() as conn:
            known = await names(conn, guild_id, self._servers)
        return {
            name: name
            for subject, name in known.items()
            if wanted in name.lower() and _is_about(subject, kind)
        }

    async def log(self, by: Requester, key: Key | None = None) -> Logged:
        """Give the last messages of a guild, or of one subscription."""
        settings = await self._guilds.get(by.guild_id)
        async with self._database.read() as conn:
            found = await notification_log.rows(
                conn,
                by.guild_id,
                most=MOST_LOGGED,
                channel_id=None if key is None or key.is_default else key.channel_id,
                kind=None if key is None else key.kind,
                subject=ALL if key is None else key.subject,
            )
            return await self._logged(conn, found, settings)

    async def explain(self, by: Requester, number: str) -> Logged:
        """Give one message of the log by its number. Raises `NothingThere`."""
        settings = await self._guilds.get(by.guild_id)
        plain = number.strip().removeprefix("#")
        async with self._database.read() as conn:
            found = None
            if plain.isdecimal() and len(plain) < 18:
                found = await notification_log.row(conn, by.guild_id, int(plain))
            if found is None:
                raise NothingThere(
                    text("There is no such message in the log. Choose one of the suggestions.")
                )
            return await self._logged(conn, (found,), settings)

    async def _logged(self, conn: Connection, found: tuple[LogRow, ...], settings: GuildSettings) -> Logged:
        known = await names(conn, settings.guild_id, self._servers)
        return Logged(rows=found, names=known, settings=settings, now=self._clock.now())

    # --- Making and removing -----------------------------------------------------------------------

    async def add(
        self, by: Requester, kind: Kind, channel_id: int, about: str | None, role_id: int | None
    ) -> Subscribed:
        """Tell something in a channel from now on. Go-lives of an account are followed there, as by `/live add`.

        Raises `InputRefused` for what a kind cannot be about, `NothingThere`, and as `Watchlist.add`.
        """
        followed: Added | None = None
        if kind is Kind.LIVE and about:
            followed = await self._watchlist.add(by, about, channel_id, role_id)
        subject = await self._subject(by, kind, about, followed)
        key = Key(channel_id=channel_id, kind=kind, subject=subject)
        found = await self.listing(by.guild_id)
        known = next((one for one in found.entries if one.key == key), None)
        own: dict[str, Any] = {}
        # The role given with `/live add` counts only where nothing narrower was chosen.
        if role_id is not None and (followed is None or (known and known.own.mention is not None)):
            own = {"mention": Mention.ROLE, "role_id": role_id}
        if followed is None or known is None or known.has_rule:
            await self._edit(
                by,
                key,
                lambda rule: replace(
                    rule,
                    off=False,
                    adds=rule.adds or known is None or known.route is None,
                    paused_until=None,
                    options=replace(rule.options, **own),
                ),
            )
        return Subscribed(entry=(await self.listing(by.guild_id)).find(key), followed=followed)

    async def copy(self, by: Requester, entry: Entry, channel_id: int) -> Subscribed:
        """Tell the same in another channel, with the same choices: paused or off if this one is. Raises as `add`."""
        kind = entry.key.kind
        if entry.key.is_default or entry.key.channel_id == channel_id:
            raise InputRefused(text("Choose a subscription, and another channel to copy it to."))
        about = entry.name if entry.key.subject != ALL else None
        known = {one.key: one for one in (await self.listing(by.guild_id)).entries}
        followed: Added | None = None
        if kind is Kind.LIVE and about:
            followed = await self._follow_too(by, entry, channel_id, known)
        subject = await self._subject(by, kind, about, followed)
        key = Key(channel_id=channel_id, kind=kind, subject=subject)
        if followed is None:
            await self._edit(by, key, _as_copied(entry, known.get(key)))
        return Subscribed(entry=(await self.listing(by.guild_id)).find(key), followed=followed)

    async def _follow_too(
        self, by: Requester, entry: Entry, channel_id: int, known: Mapping[Key, Entry]
    ) -> Added:
        """Follow an account in another channel. A live that is on is told at once: the choices are there by then."""

        async def choose(conn: Connection, account: Account) -> None:
            key = Key(channel_id=channel_id, kind=Kind.LIVE, subject=account_subject(account.id))
            await self._change_rule(conn, by, key, _as_copied(entry, known.get(key)))

        route = entry.route or Route(key=entry.key)
        is_chosen = entry.has_rule or entry.is_off or entry.paused_until is not None
        return await self._watchlist.add(
            by,
            entry.name,
            channel_id,
            route.role_id,
            paused=route.is_paused,
            choose=choose if is_chosen else None,
        )

    async def remove(self, by: Requester, entry: Entry) -> str:
        """Let something be told in a channel no more; gives what was done, in words.

        An account is not followed there any more; what another command chose is switched off.
        """
        key = entry.key
        if key.is_default:
            await self._edit_default(by, key.kind, lambda _: Options())
            return text("Nothing is chosen for the whole server any more; what is usual counts.")
        if entry.route is not None and key.kind is Kind.LIVE:
            await self._watchlist.remove(by, entry.name, key.channel_id)
            return text(
                "{name} is not followed in {channel} any more. What was recorded is kept.",
                name=entry.name,
                channel=f"<#{key.channel_id}>",
            )
        if entry.route is not None:
            await self.switch(by, key, off=True)
            return text("Switched off. `/notify edit` switches it on again.")
        await self._drop(by, key)
        return text("Removed. Nothing of it is told in {channel} any more.", channel=f"<#{key.channel_id}>")

    # --- Changing ----------------------------------------------------------------------------------

    async def change(self, by: Requester, key: Key, **chosen: Any) -> Entry:
        """Choose something by the fields of `Options`; None lets the wider choice count again.

        Raises `InputRefused` for a template that cannot be said, `NothingThere`.
        """
        for name in _TEMPLATES:
            if chosen.get(name):
                chosen[name] = checked_template(chosen[name], key.kind)
        if "mention" in chosen and chosen["mention"] is not Mention.ROLE:
            chosen["role_id"] = None
        if key.is_default:
            await self._edit_default(by, key.kind, lambda options: replace(options, **chosen))
        else:
            (await self.listing(by.guild_id)).find(key)
            await self._edit(by, key, lambda rule: replace(rule, options=replace(rule.options, **chosen)))
        if chosen.get("tag_id") is not None:
            # A forum that wants a tag keeps its messages waiting for one.
            await self._announcements.reopen(key.channel_id)
        return (await self.listing(by.guild_id)).find(key)

    async def quiet_mode(self, by: Requester, key: Key, mode: QuietMode) -> Entry:
        """Choose what happens in the quiet hours; the hours stay as they are."""
        entry = (await self.listing(by.guild_id)).find(key)
        return await self.change(by, key, quiet=replace(entry.options.quiet or Quiet(), mode=mode))

    async def quiet_hours(self, by: Requester, key: Key, begins: int, ends: int) -> Entry:
        """Choose the quiet hours, in minutes of the day; where there were none, messages are held in them."""
        entry = (await self.listing(by.guild_id)).find(key)
        quiet = replace(entry.options.quiet or Quiet(), begins=begins, ends=ends)
        if quiet.mode is QuietMode.OFF:
            quiet = replace(quiet, mode=QuietMode.HOLD)
        return await self.change(by, key, quiet=quiet)

    async def switch(self, by: Requester, key: Key, *, off: bool) -> Entry:
        """Switch a subscription off, or on again. Raises `NothingThere`."""
        (await self.listing(by.guild_id)).find(key)
        await self._edit(by, key, lambda rule: replace(rule, off=off))
        return (await self.listing(by.guild_id)).find(key)

    async def pause(self, by: Requester, key: Key, until: datetime | None) -> Entry:
        """Pause a subscription, or with None let it go on. Raises `NothingThere`, `InputRefused`."""
        if key.is_default:
            raise InputRefused(
                text("Pause a channel's subscription; a default of the whole server has no pause.")
            )
        (await self.listing(by.guild_id)).find(key)
        await self._edit(by, key, lambda rule: replace(rule, paused_until=until))
        return (await self.listing(by.guild_id)).find(key)

    async def test(self, by: Requester, entry: Entry, channel_id: int) -> None:
        """Post a sample of a subscription's message that pings nobody."""
        now = self._clock.now()
        await self._announcements.reopen(channel_id)
        await self._announcements.say(
            event_key=f"test:{by.guild_id}:{entry.key}:{now.isoformat()}",
            guild_id=by.guild_id,
            channel_id=channel_id,
            message=sample_message(entry.key.kind, entry.options, now),
            lasts=TEST_POST_AGE,
            placement=Placement(publish=False, tag_id=entry.options.tag_id),
        )

    # --- Behind them ---------------------------------------------------------------------------------

    async def _subject(
        self, by: Requester, kind: Kind, about: str | None, followed: Added | None = None
    ) -> str:
        """Give the subject that somebody means. Raises `InputRefused`, `NothingThere`."""
        if followed is not None:
            return account_subject(followed.account_id)
        if not about:
            return ALL
        if kind in OF_SERVERS:
            if about not in servers_of(self._servers, by.guild_id):
                raise NothingThere(text("That game server does not belong to this Discord server."))
            return server_subject(about)
        if kind not in OF_ACCOUNTS:
            raise InputRefused(text("{kind} are about everything; leave `about` out.", kind=KIND_WORDS[kind]))
        async with self._database.read() as conn:
            if kind is Kind.REPORT:
                known = await names(conn, by.guild_id, self._servers)
                wanted = f"@{about.strip().removeprefix('@').lower()}"
                for subject, name in known.items():
                    if name == wanted:
                        return subject
            return account_subject((await followed_account(conn, by.guild_id, about)).id)

    async def _edit(self, by: Requester, key: Key, change: Change) -> None:
        """Change the rule of a subscription, or make it. Raises `LimitReached`."""
        async with self._database.write("notify.save") as conn:
            await self._change_rule(conn, by, key, change)
        self._announcements.wake()

    async def _change_rule(self, conn: Connection, by: Requester, key: Key, change: Change) -> None:
        known = await notification_rules.of_guilds(conn, [by.guild_id])
        rule = next((one for one in known if key_of(one) == key), None)
        if rule is None and len(known) >= MOST_RULES:
            raise LimitReached(
                text("This server has made {most} choices. Remove one first.", most=MOST_RULES)
            )
        whole = next((one for one in known if key_of(one) == replace(key, subject=ALL)), None)
        fresh = NotificationRule(
            guild_id=by.guild_id,
            channel_id=key.channel_id,
            kind=key.kind,
            subject=key.subject,
            options=Options(),
            # It counts instead of the one for the whole kind: what that has stopped stays so.
            off=whole is not None and whole.off,
            adds=False,
            paused_until=None if whole is None else whole.paused_until,
        )
        await notification_rules.save(conn, change(rule or fresh), by.user_id, self._clock.now())

    async def _edit_default(self, by: Requester, kind: Kind, change: Callable[[Options], Options]) -> None:
        async with self._database.write("notify.save_default") as conn:
            known = await notification_rules.defaults_of(conn, [by.guild_id], kind)
            options = change(known.get(by.guild_id, Options()))
            await notification_rules.save_default(conn, by.guild_id, kind, options)
        self._announcements.wake()

    async def _drop(self, by: Requester, key: Key) -> None:
        settings = await self._guilds.get(by.guild_id)
        async with self._database.write("notify.remove") as conn:
            await notification_rules.remove(conn, key.channel_id, key.kind, key.subject)
            held = await notified.held_subjects(conn, key.kind, key.channel_id)
            told = await told_keys(conn, settings, self._servers)
            unwanted = [
                subject
                for subject in held
                if told.isdisjoint((replace(key, subject=subject), replace(key, subject=ALL)))
            ]
            await notified.let_go(conn, by.guild_id, (key.kind,), unwanted, (key.channel_id,))
        self._announcements.wake()


def _as_copied(entry: Entry, known: Entry | None) -> Change:
    """Give what makes a rule of another channel, listed as `known` before, say the same as a subscription."""
    is_new = known is None or not known.has_rule
    adds = entry.key.kind is not Kind.LIVE or entry.key.subject == ALL

    def change(rule: NotificationRule) -> NotificationRule:
        # What stops the whole kind in the other channel stops this, too.
        pauses = [entry.paused_until, rule.paused_until if is_new else None]
        return replace(
            rule,
            off=entry.is_off or (is_new and rule.off),
            paused_until=max(filter(None, pauses), default=None),
            adds=rule.adds or (adds and (known is None or known.route is None)),
            # A tag belongs to its forum.
            options=replace(entry.own, tag_id=rule.options.tag_id) if entry.has_rule else rule.options,
        )

    return change


def _is_about(subject: str, kind: Kind | None) -> bool:
    of = OF_ACCOUNTS if subject.startswith("account:") else OF_SERVERS
    return kind is None or kind in of
