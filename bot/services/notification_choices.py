"""What admins chose about one kind of message, put together for each place it may be told in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.notifications.kinds import ALL, Kind
from bot.core.notifications.options import BUILT_IN, Mention, Options, inherited
from bot.storage import guilds, notification_rules
from bot.storage.engine import Connection
from bot.storage.notification_rules import NotificationRule


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The choices of some guilds for one kind and one subject; `subject` is empty for a kind whole."""

    kind: Kind
    subject: str
    rules: Mapping[tuple[int, str], NotificationRule]
    defaults: Mapping[int, Options]
    zones: Mapping[int, ZoneInfo]
    personal: Mapping[int, int]
    _made: dict[tuple[int | None, ...], Options] = field(default_factory=dict)

    @classmethod
    async def load(cls, conn: Connection, kind: Kind, subject: str, guild_ids: Collection[int]) -> Choices:
        """Read what some guilds chose; how many channels they have makes no difference."""
        rules = await notification_rules.of_guilds(conn, guild_ids, kind, {ALL, subject})
        defaults = await notification_rules.defaults_of(conn, guild_ids, kind)
        choosing = {rule.guild_id for rule in rules} | defaults.keys()
        asked = [*defaults.values(), *(rule.options for rule in rules)]
        is_personal = any(options.mention is Mention.PERSONAL for options in asked)
        return cls(
            kind=kind,
            subject=subject,
            rules={(rule.channel_id, rule.subject): rule for rule in rules},
            defaults=defaults,
            zones=await guilds.zones(conn, choosing) if choosing else {},
            personal=await notification_rules.roles_of_subject(conn, subject, choosing)
            if is_personal
            else {},
        )

    def options(self, guild_id: int, channel_id: int, role_id: int | None = None) -> Options:
        """Give the options that count in a channel, whole; `role_id` is the role given with `/live add`."""
        rules = (self._rule(channel_id, self.subject), self._rule(channel_id, ALL))
        own, of_kind = (None if rule is None else rule.options for rule in rules)
        default = self.defaults.get(guild_id)
        key = (id(own), role_id, id(of_kind), id(default))
        if key not in self._made:
            given = None if role_id is None else Options(mention=Mention.ROLE, role_id=role_id)
            layers = (own, given, of_kind, default, BUILT_IN)
            self._made[key] = inherited(*(layer for layer in layers if layer is not None))
        return self._made[key]

    def role(self, guild_id: int, options: Options) -> int | None:
        """Give the role that a message mentions where it may ping."""
        if options.mention is Mention.PERSONAL:
            return self.personal.get(guild_id)
        return options.role_id if options.mention is Mention.ROLE else None

    def zone(self, guild_id: int) -> ZoneInfo:
        """Give a guild's time zone; it matters only where something was chosen."""
        return self.zones.get(guild_id) or ZoneInfo("UTC")

    def is_off(self, channel_id: int) -> bool:
        """Tell whether the narrowest choice for a channel is to tell nothing."""
        rule = self._narrowest(channel_id)
        return rule is not None and rule.off

    def paused_until(self, channel_id: int) -> datetime | None:
        """Give until when the narrowest choice for a channel pauses it."""
        rule = self._narrowest(channel_id)
        return None if rule is None else rule.paused_until

    def places(self, defaults: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        """Give (guild, channel) of the places that are told without a choice, and of those chosen, but for those off."""
        chosen = [
            (rule.guild_id, rule.channel_id) for rule in self.rules.values() if rule.adds and not rule.off
        ]
        places = dict.fromkeys([*defaults, *chosen])
        return tuple(place for place in places if not self.is_off(place[1]))

    def _narrowest(self, channel_id: int) -> NotificationRule | None:
        return self._rule(channel_id, self.subject) or self._rule(channel_id, ALL)

    def _rule(self, channel_id: int, subject: str) -> NotificationRule | None:
        return self.rules.get((channel_id, subject)) if self.rules else None
