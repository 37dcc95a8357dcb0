"""`/predict`: who is likely to go live, what is planned and why, and what admins ask of the plan."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.core.announcements import Message
from bot.core.live.handles import normalise_handle
from bot.core.live.prediction_posts import account_message, accuracy_message, next_message, plan_message
from bot.core.live.prediction_replies import asked_for, event_line, event_lines, shadow_message
from bot.core.live.predictions import Override
from bot.core.markup import clip
from bot.discord.checks import admin_only, requester_of
from bot.discord.client import VedetteClient
from bot.discord.pages import Pages, in_pages
from bot.discord.permissions import missing
from bot.discord.pictures import Pictures
from bot.discord.replies import answer, whisper
from bot.discord.speech import Speaker, guild_of
from bot.errors import InputRefused
from bot.services.announcements import Announcements
from bot.services.boards import Boards
from bot.services.overrides import Overrides
from bot.services.predictions import Predictions
from bot.services.watchlist import Watchlist
from bot.texts import join, text

Interaction = discord.Interaction[VedetteClient]
Planned = Literal["probability", "roadmap", "factors", "fixed", "default"]
Compared = Literal["probability", "roadmap", "factors", "fixed", "off"]
USER = locale_str("TikTok handle of an account that is followed here")
SUGGESTIONS = 25  # Discord's limit
LONGEST_NUMBER = 18  # digits; that many fit into the database


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class PredictionCommands(
    commands.GroupCog,
    group_name="predict",
    group_description=locale_str("When somebody is likely to be live, and the plan of checks"),
):
    """The group is open to all, who read in public; what changes the plan is for admins, in private."""

    event = app_commands.Group(name="event", description=locale_str("For admins: days unlike others"))

    def __init__(
        self,
        *,
        predictions: Predictions,
        overrides: Overrides,
        boards: Boards,
        watchlist: Watchlist,
        announcements: Announcements,
        pictures: Pictures,
    ) -> None:
        self._predictions = predictions
        self._overrides = overrides
        self._boards = boards
        self._watchlist = watchlist
        self._announcements = announcements
        self._pictures = pictures

    # What everybody may read.

    @app_commands.command(name="next", description=locale_str("Who is likely to go live in the next hours"))
    async def following(self, interaction: Interaction) -> None:
        """Show the next 24 hours of everyone followed here."""
        aloud = await self._begin(interaction)
        message = next_message(await self._predictions.next(_guild(interaction)))
        await self._show(interaction, message, aloud)

    @app_commands.command(description=locale_str("When an account is usually live, and what is expected now"))
    @app_commands.describe(user=USER)
    async def account(self, interaction: Interaction, user: str) -> None:
        """Show what is known of one account."""
        # Before it is deferred: what answers a public deferral is public, and a hint is for one person.
        await self._predictions.must_follow(_guild(interaction), user)
        aloud = await self._begin(interaction)
        message = account_message(await self._predictions.account(_guild(interaction), user))
        await self._show(interaction, message, aloud)

    @app_commands.command(description=locale_str("Today's checks by hour, and what is left of the budget"))
    async def plan(self, interaction: Interaction) -> None:
        """Show today's checks."""
        aloud = await self._begin(interaction)
        message = plan_message(await self._predictions.plan(_guild(interaction)))
        await self._show(interaction, message, aloud)

    @app_commands.command(description=locale_str("How well predictions come out, week by week"))
    async def accuracy(self, interaction: Interaction) -> None:
        """Show how predictions came out."""
        aloud = await self._begin(interaction)
        message = accuracy_message(await self._predictions.accuracy(_guild(interaction)))
        await self._show(interaction, message, aloud)

    # What admins ask for one account.

    @app_commands.command(description=locale_str("For admins: choose how checks are planned"))
    @app_commands.describe(
        policy=locale_str("How to plan; default gives an account back to what counts for all"),
        user=locale_str("Only this account; without one, all of them (for the owner of the bot)"),
    )
    @admin_only()
    async def policy(self, interaction: Interaction, policy: Planned, user: str | None = None) -> None:
        """Choose a policy for an account or for the deployment."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        # Discord takes no empty choice, so what counts for all has a name here.
        by, name = requester_of(interaction), "" if policy == "default" else policy
        if user is not None:
            await _tell(interaction, user, await self._overrides.choose_policy(by, user, name))
            return
        if not name:
            raise InputRefused(text("Give the account that is to be planned like all others."))
        await self._overrides.choose_default(by, name)
        await whisper(interaction, text("All accounts are planned by `{policy}` now.", policy=name))

    @app_commands.command(
        description=locale_str("For admins: say how much finding an account early is worth")
    )
    @app_commands.describe(
        user=USER, priority=locale_str("1 is ordinary, 2 is worth twice as much, at most 10")
    )
    @admin_only()
    async def priority(self, interaction: Interaction, user: str, priority: Range[float, 0.1, 10.0]) -> None:
        """Weigh an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        asked = await self._overrides.prioritise(requester_of(interaction), user, priority)
        await _tell(interaction, user, asked)

    @app_commands.command(description=locale_str("For admins: check an account at a fixed distance"))
    @app_commands.describe(
        user=USER, minutes=locale_str("Minutes between two checks; leave it out to end the pin")
    )
    @admin_only()
    async def pin(
        self, interaction: Interaction, user: str, minutes: Range[int, 5, 10_080] | None = None
    ) -> None:
        """Pin the distance of an account's checks."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        interval = None if minutes is None else timedelta(minutes=minutes)
        asked = await self._overrides.pin_interval(requester_of(interaction), user, interval)
        await _tell(interaction, user, asked)

    @app_commands.command(description=locale_str("For admins: check an account more often for some hours"))
    @app_commands.describe(user=USER, hours=locale_str("For how long; 0 ends it"))
    @admin_only()
    async def boost(self, interaction: Interaction, user: str, hours: Range[float, 0.0, 24.0] = 2.0) -> None:
        """Boost an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _tell(interaction, user, await self._overrides.boost(requester_of(interaction), user, hours))

    @app_commands.command(
        description=locale_str("For admins: stop the planned checks of an account, or go on")
    )
    @app_commands.describe(user=USER, frozen=locale_str("False goes on with a frozen account"))
    @admin_only()
    async def freeze(self, interaction: Interaction, user: str, frozen: bool = True) -> None:
        """Freeze an account."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        asked = await self._overrides.freeze(requester_of(interaction), user, frozen=frozen)
        await _tell(interaction, user, asked)

    # What counts for the deployment or the server.

    @app_commands.command(description=locale_str("For admins: compare a second policy with the one in force"))
    @app_commands.describe(policy=locale_str("Compare this one every night; leave it out to read the result"))
    @admin_only()
    async def shadow(self, interaction: Interaction, policy: Compared | None = None) -> None:
        """Switch shadow mode (the owner), or read the comparison."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if policy is not None:
            await self._overrides.shadow(requester_of(interaction), "" if policy == "off" else policy)
        report = shadow_message(await self._overrides.shadow_report())
        await answer(interaction, report, self._announcements)

    @app_commands.command(description=locale_str("For admins: put a status board into a channel"))
    @app_commands.describe(
        channel=locale_str("Where; leave it out for this channel"),
        remove=locale_str("True takes the board there down"),
    )
    @admin_only()
    async def board(
        self, interaction: Interaction, channel: discord.TextChannel | None = None, remove: bool = False
    ) -> None:
        """Put up a board, or take it down."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        by, where = requester_of(interaction), channel or interaction.channel
        # Without a channel named it is where the command was given, which may be a thread.
        if not isinstance(where, discord.abc.GuildChannel | discord.Thread):
            raise InputRefused(text("Give the channel in which the board is to stand."))
        if remove:
            await self._boards.remove(by, where.id)
            await whisper(interaction, text("The board in {channel} is taken down.", channel=where.mention))
            return
        await self._boards.place(by, where.id)
        lines = [text("A board comes into {channel}; pin it there if you like.", channel=where.mention)]
        if lacking := missing(where):
            lines.append(
                text(
                    "⚠️ I lack {permissions} in {channel}; its messages wait until I have it.",
                    permissions=join(", ", lacking),
                    channel=where.mention,
                )
            )
        await whisper(interaction, join("\n", lines))

    @app_commands.command(description=locale_str("For admins: post every day how the day before went"))
    @app_commands.describe(on=locale_str("True posts it into the channel for notices to admins"))
    @admin_only()
    async def scores(self, interaction: Interaction, on: bool) -> None:
        """Switch the daily score."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._overrides.tell_daily_scores(requester_of(interaction), on=on)
        settings = await self._announcements.guild(_guild(interaction))
        await whisper(
            interaction, _scores_are(settings.admin_channel_id) if on else text("No scores are posted.")
        )

    @app_commands.command(description=locale_str("For admins: know the public holidays of a country"))
    @app_commands.describe(country=locale_str("Two letters, such as ID or DE; leave it out for none"))
    @admin_only()
    async def holidays(self, interaction: Interaction, country: str = "") -> None:
        """Choose the country whose holidays count."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._overrides.choose_country(requester_of(interaction), country)
        chosen = (await self._overrides.choices(_guild(interaction))).country
        if chosen:
            done = text("The public holidays of {country} count as special days.", country=chosen)
        else:
            done = text("No public holidays count.")
        await whisper(interaction, done)

    @event.command(name="add", description=locale_str("For admins: add a day unlike others"))
    @app_commands.describe(
        day=locale_str("The day as 2026-12-31"),
        name=locale_str("What happens"),
        user=locale_str("Only this account; leave it out for all of them"),
    )
    @admin_only()
    async def add_event(
        self, interaction: Interaction, day: str, name: Range[str, 1, 80], user: str | None = None
    ) -> None:
        """Add a special day."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        added = await self._overrides.add_event(requester_of(interaction), _day(day), name, user or "")
        await whisper(interaction, text("Added: {event}", event=event_line(added)))

    @event.command(name="remove", description=locale_str("For admins: take a special day away again"))
    @app_commands.describe(event=locale_str("Its number in /predict event list"))
    @admin_only()
    async def remove_event(self, interaction: Interaction, event: str) -> None:
        """Remove a special day."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        gone = await self._overrides.remove_event(requester_of(interaction), _number(event))
        await whisper(interaction, text("Removed: {event}", event=event_line(gone)))

    @event.command(name="list", description=locale_str("For admins: the special days of the next year"))
    @admin_only()
    async def list_events(self, interaction: Interaction) -> None:
        """List special days."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        lines = event_lines(await self._overrides.events(_guild(interaction)))
        await Pages(text("Special days"), in_pages(lines), interaction).show(interaction)

    # What is typed.

    @account.autocomplete("user")
    @policy.autocomplete("user")
    @priority.autocomplete("user")
    @pin.autocomplete("user")
    @boost.autocomplete("user")
    @freeze.autocomplete("user")
    @add_event.autocomplete("user")
    async def suggest_accounts(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest followed handles."""
        handles = await self._watchlist.handles(_guild(interaction), part)
        return [Choice(name=f"@{handle}", value=handle) for handle in handles[:SUGGESTIONS]]

    @remove_event.autocomplete("event")
    async def suggest_events(self, interaction: Interaction, part: str) -> list[Choice[str]]:
        """Suggest the days that an admin added."""
        events = await self._overrides.events(_guild(interaction))
        named = {str(one.id): f"{one.day:%Y-%m-%d} {one.name}" for one in events if one.id is not None}
        fitting = {number: name for number, name in named.items() if part.casefold() in name.casefold()}
        return [Choice(name=clip(name, 100), value=number) for number, name in fitting.items()][:SUGGESTIONS]

    async def _begin(self, interaction: Interaction) -> Speaker:
        """Defer an answer for everyone in the channel; give the language of the guild, in which it is said."""
        aloud = guild_of(await self._announcements.guild(_guild(interaction)))
        await interaction.response.defer(thinking=True)
        return aloud

    async def _show(self, interaction: Interaction, message: Message, aloud: Speaker) -> None:
        """Answer everyone, with the picture of what is shown."""
        picture = await self._pictures.of(aloud.tell(message))
        await answer(interaction, message, self._announcements, picture=picture, aloud=aloud)


def _guild(interaction: Interaction) -> int:
    return requester_of(interaction).guild_id


async def _tell(interaction: Interaction, written: str, asked: Override) -> None:
    await whisper(interaction, asked_for(normalise_handle(written), asked))


def _scores_are(channel_id: int | None) -> str:
    """Say where scores are posted from now on, or what is missing for it."""
    if channel_id is None:
        return text(
            "There is no channel for notices to admins yet. Choose one with `/setup admin`; "
            "from then on the score of each day is posted there."
        )
    return text("The score of each day is posted into {channel} from now on.", channel=f"<#{channel_id}>")


def _number(written: str) -> int:
    """Read the number of a special day. Raises `InputRefused`."""
    if not written.strip().isdecimal() or len(written) > LONGEST_NUMBER:
        raise InputRefused(text("Choose one of the suggestions, or its number in `/predict event list`."))
    return int(written)


def _day(written: str) -> date:
    """Read a day. Raises `InputRefused`."""
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise InputRefused(text("Write the day as year-month-day, for example 2026-12-31.")) from None


async def setup(bot: VedetteClient) -> None:
    """Add the cog with what it needs."""
    services = bot.services
    await bot.add_cog(
        PredictionCommands(
            predictions=services.predictions,
            overrides=services.overrides,
            boards=services.boards,
            watchlist=services.watchlist,
            announcements=services.announcements,
            pictures=services.pictures,
        )
    )
