"""`/notify`: what is told where, whom it pings, and what came of it."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.core.markup import clip
from bot.core.notifications.kinds import KIND_WORDS, Kind
from bot.core.notifications.written import until_written
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.confirming import Confirmation
from bot.discord.errors import Refused
from bot.discord.giving import few_left, must_be_mentionable, why_none_made, why_not_given
from bot.discord.notify_pages import removal_question
from bot.discord.notify_panel import AdminControl, show
from bot.discord.notify_words import entry_line, explained, log_line, warned, warnings
from bot.discord.pages import Pages, in_pages
from bot.discord.permissions import missing
from bot.discord.replies import whisper
from bot.discord.role_controls import MemberControl
from bot.discord.rooms import Room
from bot.discord.speech import reader_of
from bot.errors import InputRefused
from bot.services.notification_list import Key
from bot.services.notification_roles import NotificationRoles, Offer
from bot.services.notification_settings import NotificationSettings
from bot.texts import join, text

Interaction = discord.Interaction[VedetteClient]
SUBSCRIPTION = locale_str("Which one; type a part of its name or channel")
_SUGGESTIONS, _NAME_LIMIT = 25, 100  # Discord's limits
_GOES_ON = {"now", "sekarang", "off", "0"}


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
@app_commands.default_permissions(manage_guild=True)
class Notifications(
    commands.GroupCog,
    group_name="notify",
    group_description=locale_str("What is told where, and whom it pings"),
):
    """Parses, asks the services once, answers in private."""

    def __init__(self, settings: NotificationSettings, roles: NotificationRoles) -> None:
        self._settings = settings
        self._roles = roles

    @app_commands.command(
        description=locale_str("Everything in one place: see and change what is told where")
    )
    @admin_only()
    async def panel(self, interaction: Interaction) -> None:
        """Show the panel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show(interaction, lambda pages: pages.home(0))

    @app_commands.command(
        name="list", description=locale_str("What is told where, and how it stands right now")
    )
    @app_commands.describe(channel=locale_str("Only of this channel"))
    @admin_only()
    async def list_(self, interaction: Interaction, channel: Room | None = None) -> None:
        """List all subscriptions."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        listing = await self._settings.listing(requester_of(interaction).guild_id)
        lines = [
            entry_line(entry, listing)
            for entry in listing.entries
            if channel is None or entry.key.channel_id == channel.id
        ]
        none = text(
            "Nothing is told here yet. `/live add` follows somebody; `/notify add` adds anything else."
        )
        pages = in_pages(lines or [none], per_page=10)
        await Pages(text("Notifications"), pages, interaction).show(interaction)

    @app_commands.command(
        description=locale_str("Tell something in a channel; go-lives also follow the account")
    )
    @app_commands.describe(
        kind=locale_str("What is told"),
        channel=locale_str("Where: a channel, a forum or a thread"),
        about=locale_str("One account or game server; leave it out for all of this server"),
        role=locale_str("A role to ping; leave it out to ping nobody"),
    )
    @app_commands.choices(kind=[Choice(name=str(KIND_WORDS[kind]), value=kind) for kind in Kind])
    @admin_only()
    async def add(
        self,
        interaction: Interaction,
        kind: str,
        channel: Room,
        about: str | None = None,
        role: discord.Role | None = None,
    ) -> None:
        """Add a subscription."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if role is not None and role.is_default():
            raise InputRefused(text("I never ping everyone. Choose a role that people can take or leave."))
        by, role_id = requester_of(interaction), None if role is None else role.id
        done = await self._settings.add(by, Kind(kind), channel.id, about, role_id)
        lines = [
            text("{what} is told in {channel} now.", what=done.entry.title, channel=channel.mention),
            *warnings(done.entry, channel.guild),
            text("`/notify edit` changes its text, ping, quiet hours and all else."),
        ]
        await whisper(interaction, join("\n", lines))

    @app_commands.command(description=locale_str("Change one: ping, text, quiet hours, digest and all else"))
    @app_commands.describe(subscription=SUBSCRIPTION)
    @admin_only()
    async def edit(self, interaction: Interaction, subscription: str) -> None:
        """Show the panel of one subscription."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        entry, _ = await self._settings.find(requester_of(interaction), subscription)
        await show(interaction, lambda pages: pages.entry(pages.listing.find(entry.key)))

    @app_commands.command(description=locale_str("Tell nothing of one for a while, or let it go on"))
    @app_commands.describe(
        subscription=SUBSCRIPTION,
        until=locale_str("2h, 3 days, 18:00, tomorrow 8:00 or 2026-12-31; now lets it go on"),
    )
    @admin_only()
    async def pause(self, interaction: Interaction, subscription: str, until: str) -> None:
        """Pause a subscription."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        entry, listing = await self._settings.find(by, subscription)
        goes_on = until.strip().lower() in _GOES_ON
        instant = None if goes_on else until_written(until, listing.now, listing.zone)
        paused = await self._settings.pause(by, entry.key, instant)
        await whisper(interaction, entry_line(paused, listing))

    @app_commands.command(description=locale_str("Tell the same in another channel as well"))
    @app_commands.describe(subscription=SUBSCRIPTION, channel=locale_str("The other channel"))
    @admin_only()
    async def copy(self, interaction: Interaction, subscription: str, channel: Room) -> None:
        """Copy a subscription to another channel."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        entry, listing = await self._settings.find(by, subscription)
        done = await self._settings.copy(by, entry, channel.id)
        lines = [entry_line(done.entry, listing), *warnings(done.entry, channel.guild)]
        await whisper(interaction, join("\n", lines))

    @app_commands.command(description=locale_str("Tell one no more, after a second question"))
    @app_commands.describe(subscription=SUBSCRIPTION)
    @admin_only()
    async def remove(self, interaction: Interaction, subscription: str) -> None:
        """Remove a subscription."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        entry, _ = await self._settings.find(by, subscription)

        async def act() -> str:
            return await self._settings.remove(by, entry)

        await Confirmation(removal_question(entry), text("Yes, remove"), act, interaction).show(interaction)

    @app_commands.command(description=locale_str("Your own text above a message, with a preview and a test"))
    @app_commands.describe(
        subscription=SUBSCRIPTION, over=locale_str("True for the text that stands there once a live is over")
    )
    @admin_only()
    async def template(self, interaction: Interaction, subscription: str, over: bool = False) -> None:
        """Show the text of a subscription."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        entry, _ = await self._settings.find(requester_of(interaction), subscription)
        if over and not entry.key.kind.goes_on:
            raise InputRefused(text("Only go-live alerts have a text for the end."))
        name = "over_template" if over else "template"
        await show(interaction, lambda pages: pages.setting(pages.listing.find(entry.key), name))

    @app_commands.command(description=locale_str("What was told where and when, and why something was not"))
    @app_commands.describe(
        subscription=locale_str("Only of this one; leave it out for all"),
        message=locale_str("Explain this one message: its number in the log"),
    )
    @admin_only()
    async def log(
        self, interaction: Interaction, subscription: str | None = None, message: str | None = None
    ) -> None:
        """Show the log, or explain one message of it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        if message is not None:
            found = await self._settings.explain(by, message)
            await whisper(interaction, explained(found.rows[0], found, by.guild_id))
            return
        key = None if subscription is None else Key.parse(subscription)
        logged = await self._settings.log(by, key)
        none = text(
            "Nothing was told yet. What is to come stands here, with the reason for all that is not told."
        )
        lines = [log_line(row, logged) for row in logged.rows] or [none]
        footer = text("/notify log explains one message by its number")
        await Pages(text("What was told"), in_pages(lines, per_page=8), interaction, footer=footer).show(
            interaction
        )

    @app_commands.command(
        description=locale_str("Roles that members take by a button, and the message with it")
    )
    @app_commands.describe(
        offer=locale_str("Let members take this role"),
        withdraw=locale_str("Let members take this role no more"),
        post=locale_str("Post the message with the button here"),
    )
    @admin_only()
    async def roles(
        self,
        interaction: Interaction,
        offer: discord.Role | None = None,
        withdraw: discord.Role | None = None,
        post: Room | None = None,
    ) -> None:
        """Change and show the roles members may take, and post the message with the button."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        if offer is not None:
            _refuse_offer(interaction, offer)
            await self._roles.offer(by, offer.id)
        if withdraw is not None:
            await self._roles.withdraw(by, withdraw.id)
        lines: list[str] = []
        if post is not None:
            if lacking := missing(post):
                raise InputRefused(
                    text(
                        "I lack {permissions} in {channel}.",
                        permissions=join(", ", lacking),
                        channel=post.mention,
                    )
                )
            await self._roles.put_up(by, post.id)
            lines.append(
                text("The message with the button is on its way to {channel}.", channel=post.mention)
            )
        lines += await self._let_go(interaction)
        now = await self._roles.offer_of(by.guild_id)
        await whisper(interaction, join("\n", [*lines, *_offered(interaction, now)]))

    @app_commands.command(
        description=locale_str("Let members ask for single accounts: I keep a role for each")
    )
    @app_commands.describe(on=locale_str("Whether I may make roles for that; it needs Manage Roles"))
    @admin_only()
    async def personal(self, interaction: Interaction, on: bool) -> None:
        """Let the bot keep roles of its own, or not."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by = requester_of(interaction)
        await self._roles.let_make_roles(by, on=on)
        if not on:
            said = text(
                "Members cannot ask for single accounts any more. The roles I made stay; delete them in the "
                "server's settings if nobody needs them."
            )
            await whisper(interaction, said)
            return
        lines: list[str] = [
            text(
                "Members can ask for single accounts now: `/notify roles` posts the button. To ping them, choose "
                "*whoever asked for this account* with `/notify edit`."
            )
        ]
        if interaction.guild is not None:
            if must_be_mentionable(interaction.guild):
                lines.append(
                    text(
                        "Anybody can mention these roles, else I could not ping them. Give me *Mention @everyone, "
                        "@here and All Roles* before, and I make roles that only I and moderators can mention."
                    )
                )
            lines += [warned(why) for why in (why_none_made(interaction.guild),) if why]
            lines += [why for why in (few_left(interaction.guild),) if why]
        await whisper(interaction, join("\n", lines))

    # Suggestions.

    @edit.autocomplete("subscription")
    @template.autocomplete("subscription")
    @log.autocomplete("subscription")
    async def suggest(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest subscriptions, and the defaults of the server."""
        return await self._suggested(interaction, part, with_defaults=True)

    @pause.autocomplete("subscription")
    @copy.autocomplete("subscription")
    @remove.autocomplete("subscription")
    async def suggest_in_channels(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest subscriptions of channels."""
        return await self._suggested(interaction, part, with_defaults=False)

    @add.autocomplete("about")
    async def suggest_about(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest accounts and game servers."""
        chosen = interaction.namespace.kind
        kind = Kind(chosen) if chosen in set(Kind) else None
        found = await self._settings.subjects(requester_of(interaction).guild_id, kind, part)
        return [Choice(name=name[:_NAME_LIMIT], value=name) for name in list(found)[:_SUGGESTIONS]]

    @log.autocomplete("message")
    async def suggest_messages(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the last messages of the log: of a number, those whose numbers begin so; else by title."""
        logged = await self._settings.log(requester_of(interaction))
        say, wanted = reader_of(interaction).say, part.strip().removeprefix("#").lower()
        named = {str(row.id): f"#{row.id} {say(row.title)}".replace("\\", "") for row in logged.rows}
        if wanted.isdecimal():
            # Discord takes the first suggestion: a title that only holds the number must not be it.
            found = sorted(number for number in named if number.startswith(wanted))
        else:
            found = [number for number, name in named.items() if wanted in name.lower()]
        return [
            Choice(name=clip(named[number], _NAME_LIMIT), value=number) for number in found[:_SUGGESTIONS]
        ]

    async def _let_go(self, interaction: Interaction) -> list[str]:
        """Offer no more what was deleted while the bot was away: nobody could choose it to be withdrawn."""
        guild = interaction.guild
        offered = () if guild is None else (await self._roles.offer_of(guild.id)).role_ids
        gone = [role_id for role_id in offered if guild is not None and guild.get_role(role_id) is None]
        for role_id in gone:
            await self._roles.role_gone(requester_of(interaction).guild_id, role_id)
        return [warned(text("A role that was offered is gone."))] if gone else []

    async def _suggested(
        self, interaction: Interaction, part: str, *, with_defaults: bool
    ) -> list[Choice[str]]:
        listing = await self._settings.listing(requester_of(interaction).guild_id)
        say, guild = reader_of(interaction).say, interaction.guild
        found: list[Choice[str]] = []
        for entry in (*listing.entries, *(listing.defaults if with_defaults else ())):
            channel = guild.get_channel_or_thread(entry.key.channel_id) if guild else None
            where = f" → #{channel.name}" if channel else ""
            name = f"{say(entry.title)}{where}".replace("\\", "")
            if part.strip().lower() in name.lower():
                found.append(Choice(name=clip(name, _NAME_LIMIT), value=str(entry.key)))
        return found[:_SUGGESTIONS]


def _refuse_offer(interaction: Interaction, role: discord.Role) -> None:
    """Refuse a role that gives powers, that the bot cannot give, or that who offers it could not give either."""
    why = why_not_given(role.guild, role)
    if why:
        raise InputRefused(why)
    if not (interaction.permissions.manage_roles or requester_of(interaction).is_owner):
        raise Refused(text("Only people with the permission *Manage Roles* may offer roles to members."))


def _offered(interaction: Interaction, offer: Offer) -> list[str]:
    guild = interaction.guild
    lines: list[str] = [
        text("Members can take: {roles}", roles=" ".join(f"<@&{one}>" for one in offer.role_ids) or "-")
    ]
    for role_id in offer.role_ids:
        role = guild.get_role(role_id) if guild else None
        why = "" if role is None else why_not_given(role.guild, role)
        if why:
            lines.append(warned(why))
    if offer.may_make_roles:
        lines.append(text("Members can ask for single accounts, too (`/notify personal`)."))
    elif not offer.role_ids:
        lines.append(
            text(
                "⚠️ There is nothing to choose yet: `/notify roles offer:` names a role, and with `/notify personal` "
                "members can ask for single accounts."
            )
        )
    return lines


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs, and the controls that work after a restart."""
    services = bot.services
    bot.add_dynamic_items(AdminControl, MemberControl)
    await bot.add_cog(Notifications(services.notification_settings, services.notification_roles))
