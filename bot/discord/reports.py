"""What admins read: the set-up with its self-test, and how the bot is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import discord

from bot.core.announcements import Message, MessageField, Tone
from bot.core.delivery import OutboxState
from bot.core.guilds import LANGUAGES, GuildSettings
from bot.core.markup import clip, escape, stamp
from bot.discord.permissions import cannot_ping, missing
from bot.services.health import Status
from bot.services.watchlist import Entry
from bot.storage.sources import SourceHealth
from bot.storage.status import ServerRounds

_VALUE_LENGTH = 1000


def channels_in_use(settings: GuildSettings, entries: Iterable[Entry]) -> dict[int, str]:
    """Map each channel the bot posts into to what it is for."""
    chosen = {
        settings.lives_channel_id: "Lives",
        settings.rounds_channel_id: "Rounds",
        settings.admin_channel_id: "Notices to admins",
    }
    used = {channel_id: purpose for channel_id, purpose in chosen.items() if channel_id is not None}
    for entry in entries:
        used.setdefault(entry.channel_id, "Alerts")
    return used


def setup_report(
    guild: discord.Guild, settings: GuildSettings, entries: Iterable[Entry], tested: Iterable[int]
) -> Message:
    """Show the set-up, each channel with what the bot lacks there and each role it cannot ping."""
    entries = tuple(entries)
    used = channels_in_use(settings, entries)
    troubles = {channel_id: trouble_in(guild, channel_id) for channel_id in used}
    quiet = _roles_that_stay_silent(guild, entries)
    lines = [
        f"{purpose}: <#{channel_id}> - {troubles[channel_id] or 'all well'}"
        for channel_id, purpose in used.items()
    ]
    facts = [
        MessageField(name="Time zone", value=escape(settings.time_zone)),
        MessageField(name="Language", value=LANGUAGES.get(settings.language, settings.language)),
    ]
    if quiet:
        facts.append(MessageField(name="Roles", value=clip("\n".join(quiet), _VALUE_LENGTH), inline=False))
    if tested := tuple(tested):
        where = ", ".join(f"<#{channel_id}>" for channel_id in tested)
        facts.append(
            MessageField(name="Test post", value=f"On its way to {where}; it pings nobody.", inline=False)
        )
    well = used and not any(troubles.values()) and not quiet
    return Message(
        title="Set-up" if well else "Set-up: something is missing",
        tone=Tone.NOTICE if well else Tone.WARNING,
        body="\n".join(lines)
        or "No channel is chosen yet. Give `/setup` a channel for lives, for rounds, for notices.",
        fields=tuple(facts),
    )


def trouble_in(guild: discord.Guild, channel_id: int) -> str:
    """Say what keeps the bot from posting in a channel; empty when nothing does."""
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return "I do not see this channel; choose another one"
    lacks = missing(channel)
    return f"I lack {', '.join(lacks)}" if lacks else ""


def _roles_that_stay_silent(guild: discord.Guild, entries: Iterable[Entry]) -> list[str]:
    """Name each role whose ping would reach nobody, once per channel."""
    found = []
    for channel_id, role_id in dict.fromkeys((entry.channel_id, entry.role_id) for entry in entries):
        channel = guild.get_channel_or_thread(channel_id)
        role = None if role_id is None else guild.get_role(role_id)
        if role_id is not None and role is None:
            found.append(f"A role chosen for <#{channel_id}> does not exist any more.")
        elif role is not None and channel is not None and cannot_ping(channel, role):
            found.append(
                f"<@&{role.id}> in <#{channel_id}>: nobody is pinged. Allow anyone to mention the role, or "
                "give me *Mention Everyone* there."
            )
    return found


def status_report(status: Status) -> Message:
    """Show how the bot is."""
    fields = (
        MessageField(name="Running", value=f"{status.version}, since {stamp(status.started_at)}"),
        MessageField(name="Last check", value=_when(status.checks.last_at)),
        MessageField(name="Next check", value=_when(status.checks.next_at)),
        MessageField(
            name="Requests in 24 hours",
            value="\n".join(f"{one.name}: {one.used} of {one.limit}" for one in status.budgets),
        ),
        MessageField(name="Messages", value=_messages(status)),
        MessageField(name="Sources", value=_lines(map(_source, status.sources)), inline=False),
        MessageField(
            name="Rounds",
            value=_lines(map(_server, status.servers)),
            inline=False,
        ),
        MessageField(name="Last error", value=_last_error(status.last_error), inline=False),
        MessageField(
            name="Blocked channels",
            value=_lines(
                f"<#{one.channel_id}>: {escape(one.reason)}; next try {stamp(one.next_try_at)}"
                for one in status.blocked
            ),
            inline=False,
        ),
        MessageField(
            name="Given up",
            value=_lines(
                f"<#{one.channel_id}> {escape(one.title, 60)}: {escape(one.reason, 120)}"
                for one in status.dead
            ),
            inline=False,
        ),
    )
    well = not status.blocked and not any(source.down_since for source in status.sources)
    return Message(title="Status", tone=Tone.NOTICE if well else Tone.WARNING, fields=fields)


def about(version: str) -> Message:
    """Say what this is, and under which licences."""
    return Message(
        title=f"Vedette {version}",
        tone=Tone.NOTICE,
        body=(
            "A self-hosted bot that tells a community when somebody goes live on TikTok and how the "
            "rounds of its ET:Legacy servers went.\n\n"
            "Vedette is free software under the MIT licence; whoever runs it has its source. It reads TikTok "
            "LIVE with [TikTokLive](https://github.com/isaackogan/TikTokLive), which has a licence of its own "
            "(AGPL-3.0 with added terms)."
        ),
    )


def _messages(status: Status) -> str:
    waiting = status.messages.get(OutboxState.PENDING, 0)
    parked = status.messages.get(OutboxState.PARKED, 0)
    return f"waiting: {waiting}\nparked: {parked}\ngiven up: {status.messages.get(OutboxState.DEAD, 0)}"


def _source(source: SourceHealth) -> str:
    if source.closed_until is not None and source.down_since is not None:
        return f"{escape(source.name)}: left alone until {stamp(source.closed_until)}"
    if source.down_since is not None:
        return f"{escape(source.name)}: failing since {stamp(source.down_since)}"
    return f"{escape(source.name)}: well, last answer {_when(source.last_ok_at)}"


def _server(server: ServerRounds) -> str:
    line = (
        f"{escape(server.server)}: {server.rounds} round(s), looked {_when(server.listed_at)}, "
        f"latest {_when(server.last_round_ended_at)}"
    )
    return f"{line}\nnot imported: {escape(server.trouble, 160)}" if server.trouble else line


def _last_error(source: SourceHealth | None) -> str:
    if source is None:
        return "-"
    return f"{escape(source.name)}, {_when(source.last_error_at)}: {escape(source.last_error)}"


def _when(instant: datetime | None) -> str:
    return "-" if instant is None else stamp(instant)


def _lines(lines: Iterable[str]) -> str:
    return clip("\n".join(lines), _VALUE_LENGTH) or "-"
