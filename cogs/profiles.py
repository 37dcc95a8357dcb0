"""`/profile`: accounts that are watched for their posts, what their posts count, and how that grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.clock import Clock
from bot.core.charts import ChartSpec
from bot.core.posts.cards import Card
from bot.core.posts.comparison import profile_comparison_message
from bot.core.posts.models import MediaOwner, ReportEvery
from bot.core.posts.post_history import post_chart, post_pages
from bot.core.posts.posts_page import PostOrder, posts_pages
from bot.core.posts.profile_post import list_pages, profile_message
from bot.core.posts.run_posts import log_pages, queue_message
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.covers import CoverPages
from bot.discord.pages import Pages
from bot.discord.permissions import missing
from bot.discord.pictures import Pictures
from bot.discord.replies import answer, whisper
from bot.discord.rooms import Room
from bot.discord.run_progress import follow
from bot.discord.speech import Speaker, guild_of
from bot.services.announcements import Announcements
from bot.services.profiles import Profiles
from bot.texts import join, text

Interaction = discord.Interaction[VedetteClient]
USER = locale_str("TikTok handle of a profile that is watched here")
Sort = Literal["views", "growth", "engagement", "newest"]
LONGEST_HOURS = 720


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class ProfileCommands(
    commands.GroupCog, group_name="profile", group_description=locale_str("TikTok profiles and their posts")
):
    """The group is open to all, who read in public; what changes or costs something is for admins, in private."""

    def __init__(
        self, *, profiles: Profiles, announcements: Announcements, pictures: Pictures, clock: Clock
    ) -> None:
        self._profiles = profiles
        self._announcements = announcements
        self._pictures = pictures
        self._clock = clock

    # What everybody may read. What can be wrong is looked at before an answer is deferred: what answers a public
    # deferral is public, and a hint is for one person.

    @app_commands.command(description=locale_str("A profile: totals, growth over 1, 7 and 30 days, a chart"))
    @app_commands.describe(user=USER)
    async def show(self, interaction: Interaction, user: str) -> None:
        """Show a profile with its growth."""
        shown = await self._profiles.show(requester_of(interaction), user)
        aloud = await self._begin(interaction)
        message = profile_message(shown)
        card = Card(
            message=replace(message, chart=None),
            owner=MediaOwner.PROFILE,
            owner_id=shown.profile.account_id,
        )
        await self._show_cards(interaction, [[card]], aloud, message.chart)

    @app_commands.command(description=locale_str("The posts of a profile, with their covers"))
    @app_commands.describe(
        user=USER,
        sort=locale_str("By views, by views gained a day, by engagement, or the newest first"),
    )
    async def posts(self, interaction: Interaction, user: str, sort: Sort = "views") -> None:
        """List the posts of a profile."""
        found = await self._profiles.posts(requester_of(interaction), user)
        aloud = await self._begin(interaction)
        pages = posts_pages(found.profile.name, found.posts, PostOrder(sort), found.now)
        await self._show_cards(interaction, pages, aloud)

    @app_commands.command(
        description=locale_str("One post: what it counts, how it grew, its last 30 readings")
    )
    @app_commands.describe(post=locale_str("The post: type a word of its caption, or paste its link"))
    async def post(self, interaction: Interaction, post: str) -> None:
        """Show one post over time."""
        shown = await self._profiles.post(requester_of(interaction), post)
        aloud = await self._begin(interaction)
        await self._show_cards(interaction, post_pages(shown), aloud, post_chart(shown))

    @app_commands.command(description=locale_str("Two profiles beside each other, and what both gained"))
    @app_commands.describe(a=USER, b=locale_str("Another profile that is watched here"))
    async def compare(self, interaction: Interaction, a: str, b: str) -> None:
        """Show two profiles beside each other."""
        sides, zone = await self._profiles.compare(requester_of(interaction), a, b)
        aloud = await self._begin(interaction)
        message = profile_comparison_message(sides, zone)
        picture = await self._pictures.of(aloud.tell(message))
        await answer(interaction, message, self._announcements, picture=picture, aloud=aloud)

    # What admins change and look into.

    @app_commands.command(
        description=locale_str("For admins: read the posts of a profile again and again, or change how often")
    )
    @app_commands.describe(
        user=locale_str("TikTok handle or a link to the profile"),
        hours=locale_str("Read it every so many hours; leave it out for what is usual"),
    )
    @admin_only()
    async def watch(
        self,
        interaction: Interaction,
        user: str,
        hours: app_commands.Range[int, 1, LONGEST_HOURS] | None = None,
    ) -> None:
        """Begin to watch a profile, and show how its first reading goes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        watching = await self._profiles.watch(
            requester_of(interaction), user, interaction.channel_id or 0, hours
        )
        if watching.run_id is None:
            await whisper(interaction, watching.words)
        else:
            await follow(
                interaction, self._profiles.asking, watching.run_id, self._clock, words=watching.words
            )

    @app_commands.command(
        description=locale_str("For admins: watch a profile no more; what was read is kept")
    )
    @app_commands.describe(user=USER)
    @admin_only()
    async def unwatch(self, interaction: Interaction, user: str) -> None:
        """Watch a profile no more."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper(interaction, await self._profiles.unwatch(requester_of(interaction), user))

    @app_commands.command(description=locale_str("For admins: read a profile no more by itself, or again"))
    @app_commands.describe(user=USER, paused=locale_str("False to let it be read again"))
    @admin_only()
    async def pause(self, interaction: Interaction, user: str, paused: bool = True) -> None:
        """Pause a profile, or let it go on."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper(interaction, await self._profiles.pause(requester_of(interaction), user, paused=paused))

    @app_commands.command(
        description=locale_str("For admins: tell in a channel every day or week how a profile grew")
    )
    @app_commands.describe(
        user=USER,
        every=locale_str("Every morning, on Mondays, or not at all"),
        channel=locale_str("Where it is told; leave it out for this channel"),
    )
    @admin_only()
    async def report(
        self,
        interaction: Interaction,
        user: str,
        every: Literal["daily", "weekly", "off"],
        channel: Room | None = None,
    ) -> None:
        """Choose how often, and where, a profile is reported."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        chosen = None if every == "off" else ReportEvery(every)
        where = channel or interaction.channel
        where_id = channel.id if channel else interaction.channel_id or 0
        lines = [await self._profiles.report(requester_of(interaction), user, chosen, where_id)]
        if chosen is not None and isinstance(where, discord.abc.GuildChannel | discord.Thread):
            lines += _lacking(where)
        await whisper(interaction, join("\n", lines))

    @app_commands.command(description=locale_str("For admins: read a profile now, before all others"))
    @app_commands.describe(user=USER, full=locale_str("Read all its pages, not only the newest posts"))
    @admin_only()
    async def update(self, interaction: Interaction, user: str, full: bool = False) -> None:
        """Let a profile be read now, and show how that goes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        run_id = await self._profiles.update(
            requester_of(interaction), user, interaction.channel_id or 0, full=full
        )
        await follow(interaction, self._profiles.asking, run_id, self._clock)

    @app_commands.command(
        name="list", description=locale_str("For admins: the profiles that are watched here")
    )
    @admin_only()
    async def list_(self, interaction: Interaction) -> None:
        """List what is watched."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        profiles, now = await self._profiles.watched(requester_of(interaction))
        await Pages(text("Watched profiles"), list_pages(profiles, now), interaction).show(interaction)

    @app_commands.command(
        description=locale_str("For admins: when a profile was read, what came of it, and why it failed")
    )
    @app_commands.describe(user=USER)
    @admin_only()
    async def logs(self, interaction: Interaction, user: str) -> None:
        """Show the log of runs of a profile."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        profile, runs = await self._profiles.logs(requester_of(interaction), user)
        title = text("Runs of {name}", name=profile.name.shown)
        await Pages(title, log_pages(runs), interaction).show(interaction)

    @app_commands.command(description=locale_str("For admins: how many jobs wait, run, are done or failed"))
    @admin_only()
    async def queue(self, interaction: Interaction) -> None:
        """Show the counts of the queue."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await answer(interaction, queue_message(await self._profiles.queue()), self._announcements)

    # Suggestions.

    @show.autocomplete("user")
    @posts.autocomplete("user")
    @unwatch.autocomplete("user")
    @pause.autocomplete("user")
    @report.autocomplete("user")
    @update.autocomplete("user")
    @logs.autocomplete("user")
    @compare.autocomplete("a")
    @compare.autocomplete("b")
    async def suggest_profiles(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest handles of watched profiles."""
        handles = await self._profiles.handles(requester_of(interaction), part)
        return [Choice(name=f"@{handle}", value=handle) for handle in handles]

    @post.autocomplete("post")
    async def suggest_posts(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest posts of watched profiles."""
        found: Mapping[str, str] = await self._profiles.suggested_posts(requester_of(interaction), part)
        return [Choice(name=name, value=number) for number, name in found.items()]

    async def _begin(self, interaction: Interaction) -> Speaker:
        """Defer an answer for everyone in the channel; give the language of the guild, in which it is said."""
        aloud = guild_of(await self._announcements.guild(requester_of(interaction).guild_id))
        await interaction.response.defer(thinking=True)
        return aloud

    async def _show_cards(
        self,
        interaction: Interaction,
        pages: Sequence[Sequence[Card]],
        aloud: Speaker,
        chart: ChartSpec | None = None,
    ) -> None:
        """Answer everyone with cards and their pictures."""
        picture = None if chart is None else await self._pictures.draw(aloud.tell(chart))
        covers = self._profiles.media
        await CoverPages(pages, interaction, covers=covers, aloud=aloud, chart=picture).show(interaction)


def _lacking(channel: discord.abc.GuildChannel | discord.Thread) -> list[str]:
    lacks = missing(channel)
    if not lacks:
        return []
    return [
        text(
            "⚠️ I lack {permissions} in {channel}; its messages wait until I have it.",
            permissions=join(", ", lacks),
            channel=channel.mention,
        )
    ]


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        ProfileCommands(
            profiles=services.profiles,
            announcements=services.announcements,
            pictures=services.pictures,
            clock=services.clock.machine,
        )
    )
