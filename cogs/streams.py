"""`/stream`: how a live goes, what lives were, and what of them is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands

from bot.core.announcements import Message, Tone
from bot.core.streams.comparison import stream_comparison_message
from bot.core.streams.history import history_pages, history_title
from bot.core.streams.influence_posts import findings_chart, findings_pages, findings_title
from bot.core.streams.shown import now_message
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.pages import Pages
from bot.discord.pictures import Pictures
from bot.discord.replies import answer, whisper
from bot.discord.speech import Speaker, guild_of
from bot.services.announcements import Announcements
from bot.services.stream_findings import StreamFindings
from bot.services.streams import Streams
from bot.services.watchlist import Watchlist
from bot.texts import join

Interaction = discord.Interaction[VedetteClient]
USER = locale_str("TikTok handle of an account that is followed here")
SIDE = locale_str("A recorded live, or an account: its lives of the last 30 days together")
SUGGESTIONS = 25  # Discord's limit


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class StreamCommands(
    commands.GroupCog, group_name="stream", group_description=locale_str("Recorded TikTok lives")
):
    """The group is open to all, who read in public; what changes a recording is for admins, in private."""

    def __init__(
        self,
        *,
        streams: Streams,
        findings: StreamFindings,
        watchlist: Watchlist,
        announcements: Announcements,
        pictures: Pictures,
    ) -> None:
        self._streams = streams
        self._findings = findings
        self._watchlist = watchlist
        self._announcements = announcements
        self._pictures = pictures

    # What everybody may read. What can be wrong is looked at before an answer is deferred: what answers a public
    # deferral is public, and a hint is for one person.

    @app_commands.command(description=locale_str("A live that is on: viewers, likes, gifts, who gave most"))
    @app_commands.describe(user=locale_str("Whose live; leave it out where only one is on"))
    async def now(self, interaction: Interaction, user: str | None = None) -> None:
        """Show how a live goes."""
        by = requester_of(interaction)
        live = await self._streams.chosen_now(by, user)
        aloud = await self._begin(interaction)
        await self._show(interaction, now_message(await self._streams.now(by, live)), aloud)

    @app_commands.command(description=locale_str("The recorded lives of an account"))
    @app_commands.describe(user=USER)
    async def history(self, interaction: Interaction, user: str) -> None:
        """List the recorded lives of an account."""
        found = await self._streams.lives_of(requester_of(interaction), user)
        aloud = await self._begin(interaction)
        await Pages(
            history_title(found.account.handle, found.account.nickname),
            history_pages(found.lives, found.now),
            interaction,
            aloud=aloud,
            tone=Tone.ENDED,
        ).show(interaction)

    @app_commands.command(
        description=locale_str("Two lives, or two accounts over the last 30 days, beside each other")
    )
    @app_commands.describe(a=SIDE, b=locale_str("Another live, or another account"))
    async def compare(self, interaction: Interaction, a: str, b: str) -> None:
        """Show two lives, or two accounts, beside each other."""
        comparison = await self._streams.compare(requester_of(interaction), a, b)
        aloud = await self._begin(interaction)
        await self._show(interaction, stream_comparison_message(comparison), aloud)

    @app_commands.command(
        description=locale_str("Why viewers moved: likes, gifts, comments, or nothing of it")
    )
    @app_commands.describe(
        live=locale_str("One recorded live"), user=locale_str("All recorded lives of an account together")
    )
    async def correlation(
        self, interaction: Interaction, live: str | None = None, user: str | None = None
    ) -> None:
        """Show what moved the viewers of a live, or of all lives of an account."""
        by = requester_of(interaction)
        meant = await self._streams.must_know(by, live, user)
        aloud = await self._begin(interaction)
        if isinstance(meant, int):
            found = await self._findings.of_live(by, meant)
        else:
            found = await self._findings.of_account(by, meant)
        chart = findings_chart(found)
        await Pages(
            findings_title(found),
            findings_pages(found),
            interaction,
            aloud=aloud,
            tone=Tone.NOTICE,
            picture=None if chart is None else await self._pictures.draw(aloud.tell(chart)),
        ).show(interaction)

    # What admins change.

    @app_commands.command(description=locale_str("For admins: record the live of an account that is on"))
    @app_commands.describe(user=USER)
    @admin_only()
    async def start(self, interaction: Interaction, user: str) -> None:
        """Begin to record by hand."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper(interaction, await self._streams.start(requester_of(interaction), user))

    @app_commands.command(description=locale_str("For admins: record a live no more; the next one is again"))
    @app_commands.describe(user=USER)
    @admin_only()
    async def stop(self, interaction: Interaction, user: str) -> None:
        """Stop recording by hand."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper(interaction, await self._streams.stop(requester_of(interaction), user))

    @app_commands.command(
        description=locale_str("For admins: what is recorded of an account, and shown of it")
    )
    @app_commands.describe(
        user=USER,
        record=locale_str("Record its lives"),
        live_edits=locale_str("Show viewers, likes and gifts in the alert, at most every 5 minutes"),
        keep_comments=locale_str("Keep the words of comments for a while; without it they are only counted"),
    )
    @admin_only()
    async def settings(
        self,
        interaction: Interaction,
        user: str,
        record: bool | None = None,
        live_edits: bool | None = None,
        keep_comments: bool | None = None,
    ) -> None:
        """Change what was given, and show how all of it stands."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = {"record": record, "live_edits": live_edits, "keep_comments": keep_comments}
        changed = {name: on for name, on in given.items() if on is not None}
        lines = await self._streams.settings(requester_of(interaction), user, changed)
        await whisper(interaction, join("\n", lines))

    # Suggestions.

    @history.autocomplete("user")
    @correlation.autocomplete("user")
    @start.autocomplete("user")
    @stop.autocomplete("user")
    @settings.autocomplete("user")
    async def suggest_accounts(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest followed handles."""
        handles = await self._watchlist.handles(requester_of(interaction).guild_id, part)
        return _handles(handles, prefix="")

    @now.autocomplete("user")
    async def suggest_live(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest accounts that are live."""
        return _handles(await self._streams.live_handles(requester_of(interaction), part), prefix="")

    @correlation.autocomplete("live")
    async def suggest_lives(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest recorded lives."""
        return _numbers(await self._streams.suggested(requester_of(interaction), part))

    @compare.autocomplete("a")
    @compare.autocomplete("b")
    async def suggest_sides(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest lives and accounts, about half of the room for each."""
        by = requester_of(interaction)
        # With the @: a handle may be a number too.
        accounts = _handles(await self._watchlist.handles(by.guild_id, part), prefix="@")
        lives = _numbers(await self._streams.suggested(by, part))
        return [*lives[: max(SUGGESTIONS // 2, SUGGESTIONS - len(accounts))], *accounts][:SUGGESTIONS]

    async def _begin(self, interaction: Interaction) -> Speaker:
        """Defer an answer for everyone in the channel; give the language of the guild, in which it is said."""
        aloud = guild_of(await self._announcements.guild(requester_of(interaction).guild_id))
        await interaction.response.defer(thinking=True)
        return aloud

    async def _show(self, interaction: Interaction, message: Message, aloud: Speaker) -> None:
        """Answer everyone, with the picture of what is shown."""
        picture = await self._pictures.of(aloud.tell(message))
        await answer(interaction, message, self._announcements, picture=picture, aloud=aloud)


def _handles(handles: Sequence[str], *, prefix: str) -> list[Choice[str]]:
    return [Choice(name=f"@{handle}", value=f"{prefix}{handle}") for handle in handles[:SUGGESTIONS]]


def _numbers(found: Mapping[str, str]) -> list[Choice[str]]:
    return [Choice(name=name, value=number) for number, name in found.items()]


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        StreamCommands(
            streams=services.recorded.streams,
            findings=services.recorded.findings,
            watchlist=services.watchlist,
            announcements=services.announcements,
            pictures=services.pictures,
        )
    )
