"""Which roles members may take by a button, and those the bot keeps for who asked for an account."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from bot.clock import Clock
from bot.core.announcements import Message, Tone
from bot.core.markup import escape
from bot.core.notices import role_deleted
from bot.core.notifications.panels import CHOOSE_PANEL
from bot.core.notifications.samples import TEST_POST_AGE
from bot.core.requester import Requester
from bot.errors import LimitReached
from bot.services.admin_notices import NOTICE, tell_admins
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.storage import guilds as guild_store
from bot.storage import live as store
from bot.storage import notification_roles
from bot.storage.engine import Database
from bot.texts import join, text

MOST_OFFERED = 25
"""So many fit into one menu."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowedPerson:
    """Somebody members can ask for; `role_id` is the role kept for that, None while nobody asked."""

    account_id: int
    handle: str
    nickname: str
    role_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What members of a guild can choose."""

    role_ids: tuple[int, ...]
    people: tuple[FollowedPerson, ...]
    may_make_roles: bool


class NotificationRoles:
    """Reads and writes them; to give and to take roles is the Discord room's."""

    def __init__(
        self,
        *,
        database: Database,
        guilds: Guilds,
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._database = database
        self._guilds = guilds
        self._announcements = announcements
        self._clock = clock
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, guild_id: int) -> asyncio.Lock:
        """Give what lets one after the other make roles in a guild: an alert's bell is pressed by many at once."""
        return self._turns[guild_id]

    async def kept(self, guild_id: int, account_id: int) -> int | None:
        """Give the role that is kept for an account."""
        async with self._database.read() as conn:
            return (await notification_roles.personal(conn, guild_id)).get(account_id)

    async def offer_of(self, guild_id: int) -> Offer:
        """Give what members of a guild can choose; without the admins' leave nobody can ask for an account."""
        async with self._database.read() as conn:
            kept = await notification_roles.personal(conn, guild_id)
            allowed = await notification_roles.may_make_roles(conn, guild_id)
            accounts = await store.followed_accounts(conn, guild_id=guild_id) if allowed else ()
            role_ids = await notification_roles.offered(conn, guild_id)
        return Offer(
            role_ids=role_ids,
            people=tuple(
                FollowedPerson(
                    account_id=one.id,
                    handle=one.handle,
                    nickname=one.nickname,
                    role_id=kept.get(one.id),
                )
                for one in accounts
            ),
            may_make_roles=allowed,
        )

    async def offer(self, by: Requester, role_id: int) -> bool:
        """Let members take a role; false where they might already. Raises `LimitReached`."""
        async with self._database.write("notify.offer") as conn:
            known = await notification_roles.offered(conn, by.guild_id)
            if role_id not in known and len(known) >= MOST_OFFERED:
                raise LimitReached(
                    text("A menu has room for {most} roles. Take one out first.", most=MOST_OFFERED)
                )
            return await notification_roles.offer(conn, by.guild_id, role_id)

    async def withdraw(self, by: Requester, role_id: int) -> bool:
        """Let members take a role no more; false where they might not. Who has it keeps it."""
        return await self._withdraw(by.guild_id, role_id)

    async def role_gone(self, guild_id: int, role_id: int, name: str = "") -> None:
        """Forget a role that was deleted: nobody can take it, and no message mentions it any more.

        Where it was pinged the admins are told, if its `name` is known.
        """
        await self._withdraw(guild_id, role_id, gone=name)
        self._announcements.wake()

    async def _withdraw(self, guild_id: int, role_id: int, *, gone: str | None = None) -> bool:
        """Offer a role no more; `gone` is the name of one that was deleted, empty where nobody knows it."""
        async with self._database.write("notify.withdraw") as conn:
            if gone is not None:
                await notification_roles.forget_personal(conn, guild_id, role_id)
            if gone and await notification_roles.is_pinged(conn, guild_id, role_id):
                key, now = f"{NOTICE}role:{role_id}", self._clock.now()
                await tell_admins(conn, key, [guild_id], role_deleted(gone), now)
            return await notification_roles.withdraw(conn, guild_id, role_id)

    async def let_make_roles(self, by: Requester, *, on: bool) -> None:
        """Write whether the bot may keep a role for each account that members ask for."""
        zone = (await self._guilds.get(by.guild_id)).time_zone
        async with self._database.write("notify.personal") as conn:
            await guild_store.joined(conn, by.guild_id, zone)
            await notification_roles.let_make_roles(conn, by.guild_id, on=on)

    async def keep(self, guild_id: int, account_id: int, role_id: int) -> None:
        """Write which role is kept for an account."""
        async with self._database.write("notify.keep_role") as conn:
            await notification_roles.keep_personal(conn, guild_id, account_id, role_id)

    async def put_up(self, by: Requester, channel_id: int) -> None:
        """Post the message whose button lets members choose."""
        offer = await self.offer_of(by.guild_id)
        await self._announcements.reopen(channel_id)
        await self._announcements.say(
            event_key=f"roles:{by.guild_id}:{channel_id}:{self._clock.now().isoformat()}",
            guild_id=by.guild_id,
            channel_id=channel_id,
            message=_panel(offer),
            lasts=TEST_POST_AGE,
        )


def _panel(offer: Offer) -> Message:
    roles = " ".join(f"<@&{role_id}>" for role_id in offer.role_ids)
    people = [one.nickname or one.handle for one in offer.people]
    lines = [
        text("Press the button, choose what you want to be pinged for, and change it whenever you like.")
    ]
    if roles:
        lines.append(text("Roles: {roles}", roles=roles))
    if people:
        lines.append(text("People: {people}", people=", ".join(escape(name, 40) for name in people[:40])))
    return Message(
        title=text("Choose your pings"),
        tone=Tone.NOTICE,
        body=join("\n", lines),
        button_label=text("Choose"),
        panel=CHOOSE_PANEL,
    )
