"""What admins read: the set-up with its self-test, and how the bot is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import discord

from bot.core.announcements import Message, MessageField, Tone
from bot.core.delivery import OutboxState
from bot.core.guilds import LANGUAGES, GuildSettings
from bot.core.live.boards import trouble_fields
from bot.core.live.budget import Ledger
from bot.core.machine import Reading, Shortage, cures
from bot.core.markup import escape, stamp
from bot.core.sizes import Growth, in_words
from bot.core.streams.recording import RecordingState
from bot.discord.permissions import cannot_ping, missing
from bot.services.health import Budget, Status
from bot.services.watchlist import Entry
from bot.storage.profile_state import ProfileHealth
from bot.storage.recordings import BeingRecorded
from bot.storage.sources import SourceHealth
from bot.storage.status import ServerRounds
from bot.texts import join, text, texts

_MOST_PROFILES = 4
"""So many that cannot be read are named; a field holds 1024 characters."""

_LEDGERS: dict[str, str] = {
    Ledger.DISCOVERY: text("discovery"),
    Ledger.FOLLOWUP: text("followup"),
    Ledger.SIGN: text("signatures"),
}


def channels_in_use(settings: GuildSettings, entries: Iterable[Entry]) -> dict[int, str]:
    """Map each channel the bot posts into to what it is for."""
    chosen = {
        settings.lives_channel_id: text("Lives"),
        settings.rounds_channel_id: text("Rounds"),
        settings.admin_channel_id: text("Notices to admins"),
        settings.audit_channel_id: text("What admins changed"),
    }
    used: dict[int, str] = {
        channel_id: purpose for channel_id, purpose in chosen.items() if channel_id is not None
    }
    for entry in entries:
        used.setdefault(entry.channel_id, text("Alerts"))
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
        join("", [purpose, f": <#{channel_id}> - ", troubles[channel_id] or text("all well")])
        for channel_id, purpose in used.items()
    ]
    facts = [
        MessageField(name=text("Time zone"), value=escape(settings.time_zone)),
        MessageField(name=text("Language"), value=LANGUAGES.get(settings.language, settings.language)),
        MessageField(name=text("The lives of the week"), value=_digest(settings)),
    ]
    if quiet:
        facts.append(MessageField(name=text("Roles"), value=join("\n", quiet), inline=False))
    if tested := tuple(tested):
        where = ", ".join(f"<#{channel_id}>" for channel_id in tested)
        facts.append(
            MessageField(
                name=text("Test post"),
                value=text("On its way to {channels}; it pings nobody.", channels=where),
                inline=False,
            )
        )
    well = used and not any(troubles.values()) and not quiet
    return Message(
        title=text("Set-up") if well else text("Set-up: something is missing"),
        tone=Tone.NOTICE if well else Tone.WARNING,
        body=join("\n", lines)
        or text("No channel is chosen yet. Give `/setup` a channel for lives, for rounds, for notices."),
        fields=tuple(facts),
    )


def _digest(settings: GuildSettings) -> str:
    if not settings.weekly_streams:
        return text("not told")
    if settings.lives_channel_id is None:
        return text("told on Mondays, once there is a channel for lives")
    return text("told on Mondays in {channel}", channel=f"<#{settings.lives_channel_id}>")


def trouble_in(guild: discord.Guild, channel_id: int) -> str:
    """Say what keeps the bot from posting in a channel; empty when nothing does."""
    channel = guild.get_channel_or_thread(channel_id)
    if channel is None:
        return text("I do not see this channel; choose another one")
    lacks = missing(channel)
    return text("I lack {permissions}", permissions=join(", ", lacks)) if lacks else ""


def _roles_that_stay_silent(guild: discord.Guild, entries: Iterable[Entry]) -> list[str]:
    """Name each role whose ping would reach nobody, once per channel."""
    found: list[str] = []
    for channel_id, role_id in dict.fromkeys((entry.channel_id, entry.role_id) for entry in entries):
        channel = guild.get_channel_or_thread(channel_id)
        role = None if role_id is None else guild.get_role(role_id)
        if role_id is not None and role is None:
            found.append(
                text("A role chosen for {channel} does not exist any more.", channel=f"<#{channel_id}>")
            )
        elif role is not None and channel is not None and cannot_ping(role, channel):
            found.append(
                text(
                    "{role} in {channel}: nobody is pinged. Allow anyone to mention the role, or give me "
                    "*Mention @everyone, @here and All Roles* there.",
                    role=f"<@&{role.id}>",
                    channel=f"<#{channel_id}>",
                )
            )
    return found


def status_report(status: Status) -> Message:
    """Show how the bot is."""
    fields: tuple[MessageField, ...] = (
        MessageField(
            name=text("Running"),
            value=text("{version}, since {start}", version=status.version, start=stamp(status.started_at)),
        ),
        MessageField(name=text("Last check"), value=_when(status.checks.last_at)),
        MessageField(name=text("Next check"), value=_when(status.checks.next_at)),
        MessageField(
            name=text("Requests in 24 hours"),
            value=join("\n", map(_budget, status.budgets)),
        ),
        MessageField(name=text("Messages"), value=_messages(status)),
        MessageField(name=text("Sources"), value=_lines(map(_source, status.sources)), inline=False),
        MessageField(
            name=text("Rounds"),
            value=_lines(map(_server, status.servers)),
            inline=False,
        ),
        MessageField(name=text("Last error"), value=_last_error(status.last_error), inline=False),
        MessageField(
            name=text("Blocked channels"),
            value=_lines(
                text(
                    "{channel}: {reason}; next try {when}",
                    channel=f"<#{one.channel_id}>",
                    reason=escape(one.reason),
                    when=stamp(one.next_try_at),
                )
                for one in status.blocked
            ),
            inline=False,
        ),
        MessageField(
            name=text("Given up"),
            value=_lines(
                join("", [f"<#{one.channel_id}> ", one.title, ": ", escape(one.reason, 120)])
                for one in status.dead
            ),
            inline=False,
        ),
    )
    fields = (
        *fields,
        *_recording_fields(status),
        *_profile_fields(status.profiles),
        *machine_fields(status),
        *trouble_fields(status.failing),
    )
    well = (
        not status.blocked
        and not status.failing
        and not status.cures
        and not status.database.is_urgent
        and not any(source.down_since for source in status.sources)
        and not any(profile.failing_since for profile in status.profiles)
    )
    return Message(title=text("Status"), tone=Tone.NOTICE if well else Tone.WARNING, fields=fields)


def machine_fields(status: Status) -> tuple[MessageField, ...]:
    """Show how the database grows, what the machine has left, and what to do where that is little."""
    steps = text("lives in steps of {minutes} minutes", minutes=status.pressure.interval_minutes)
    why = [status.pressure.reason] if status.pressure.reason else []
    advice = status.cures or (cures([Shortage.DISK]) if status.database.is_urgent else "")
    lines = [*_left(status.machine), join(": ", [steps, *why]), *([advice] if advice else [])]
    return (
        MessageField(name=text("Database"), value=join("\n", _growth(status.database))),
        MessageField(name=text("Machine"), value=join("\n", lines)),
    )


def _growth(grown: Growth) -> Iterator[str]:
    yield in_words(grown.size)
    if grown.per_day is None:
        yield text("how it grows is known after three days")
    elif grown.per_day > 0:
        yield text("grows by {size} a day", size=in_words(grown.per_day))
    else:
        yield text("does not grow")
    if grown.days_left is not None:
        days = texts("{count} day", "{count} days", grown.days_left)
        yield text("with its backups it fills the disk in about {days}", days=days)


def _left(reading: Reading) -> Iterator[str]:
    if reading.cpu is not None:
        yield text("processors {share} % busy", share=round(reading.cpu * 100))
    if reading.memory_free is not None:
        yield text("{size} of memory free", size=in_words(reading.memory_free))
    if reading.disk_free is not None:
        yield text("{size} of disk free", size=in_words(reading.disk_free))


def about(version: str) -> Message:
    """Say what this is, and under which licences."""
    return Message(
        title=f"Vedette {version}",
        tone=Tone.NOTICE,
        body=text(
            "A self-hosted bot that tells a community when somebody goes live on TikTok and how the "
            "rounds of its ET:Legacy servers went.\n\n"
            "Vedette is free software under the MIT licence; whoever runs it has its source. It reads TikTok "
            "LIVE with [TikTokLive](https://github.com/isaackogan/TikTokLive), which has a licence of its own "
            "(AGPL-3.0 with added terms)."
        ),
    )


def _recording_fields(status: Status) -> Iterable[MessageField]:
    """Show what is recorded now, what troubles it, and how many connections may still be signed."""
    lines = [_recording(one) for one in status.recordings]
    if status.signing is not None:
        left, most = status.signing.left, status.signing.most
        lines.append(text("connections left today: {left} of {most}", left=left, most=most))
    if lines:
        yield MessageField(name=text("Recordings"), value=join("\n", lines), inline=False)


def _profile_fields(profiles: Sequence[ProfileHealth]) -> Iterable[MessageField]:
    """Show how many profiles are read, when the next one is, and which cannot be."""
    if not profiles:
        return
    lines = [
        texts(
            "{count} profile, the next is read {when}",
            "{count} profiles, the next is read {when}",
            len(profiles),
            when=stamp(min(one.next_run_at for one in profiles)),
        )
    ]
    failing = [one for one in profiles if one.failing_since is not None]
    lines += [
        text(
            "`@{handle}` cannot be read since {when}: {reason}",
            handle=one.handle,
            when=stamp(one.failing_since),
            reason=escape(one.trouble_words, 120),
        )
        for one in failing[:_MOST_PROFILES]
        if one.failing_since is not None
    ]
    if len(failing) > _MOST_PROFILES:
        hidden = len(failing) - _MOST_PROFILES
        lines.append(texts("and {count} more", "and {count} more", hidden))
    yield MessageField(name=text("Profiles"), value=join("\n", lines), inline=False)


def _recording(one: BeingRecorded) -> str:
    how = {
        RecordingState.RECORDING: text("recording"),
        RecordingState.WAITING: text("waiting for its connection"),
        RecordingState.DEGRADED: text("only its viewers are counted"),
    }[one.state]
    if not one.is_held:
        how = text("no recorder has it yet")
    trouble = [escape(one.trouble, 160)] if one.trouble else []
    return join("", [f"`@{one.handle}`: ", join("; ", [how, *trouble])])


def _messages(status: Status) -> str:
    return text(
        "waiting: {waiting}\nheld: {held}\nparked: {parked}\ngiven up: {given_up}",
        waiting=status.messages.get(OutboxState.PENDING, 0),
        held=status.messages.get(OutboxState.HELD, 0),
        parked=status.messages.get(OutboxState.PARKED, 0),
        given_up=sum(status.messages.get(state, 0) for state in (OutboxState.DEAD, OutboxState.EXPIRED)),
    )


def _budget(budget: Budget) -> str:
    name = _LEDGERS.get(budget.name, budget.name)
    return text("{name}: {used} of {limit}", name=name, used=budget.used, limit=budget.limit)


def _source(source: SourceHealth) -> str:
    name = escape(source.name)
    if source.closed_until is not None and source.down_since is not None:
        return text("{name}: left alone until {when}", name=name, when=stamp(source.closed_until))
    if source.down_since is not None:
        return text("{name}: failing since {when}", name=name, when=stamp(source.down_since))
    return text("{name}: well, last answer {when}", name=name, when=_when(source.last_ok_at))


def _server(server: ServerRounds) -> str:
    line = texts(
        "{server}: {count} round, looked {listed}, latest {ended}",
        "{server}: {count} rounds, looked {listed}, latest {ended}",
        server.rounds,
        server=escape(server.server),
        listed=_when(server.listed_at),
        ended=_when(server.last_round_ended_at),
    )
    off = [text("switched off with `/rounds toggle`")] if server.off else []
    trouble = [text("not imported: {reason}", reason=escape(server.trouble, 160))] if server.trouble else []
    return join("\n", [line, *off, *trouble])


def _last_error(source: SourceHealth | None) -> str:
    if source is None:
        return "-"
    return join("", [escape(source.name), ", ", _when(source.last_error_at), ": ", escape(source.last_error)])


def _when(instant: datetime | None) -> str:
    return "-" if instant is None else stamp(instant)


def _lines(lines: Iterable[str]) -> str:
    return join("\n", lines) or "-"
