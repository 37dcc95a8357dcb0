"""Subscriptions and what was told, as lines for admins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import discord

from bot.core.delivery import OutboxState
from bot.core.markup import escape, stamp
from bot.core.notifications import words
from bot.core.notifications.kinds import KIND_WORDS, Kind
from bot.core.notifications.options import Mention
from bot.discord.permissions import Channel, cannot_ping, missing, missing_to_open_thread
from bot.discord.places import wants_other_tag
from bot.services.notification_list import Entry, Listing
from bot.services.notification_settings import Logged
from bot.storage.notification_log import LogRow
from bot.texts import Text, join, text

_TITLE_LIMIT = 120
_REASON_LIMIT = 160
_SIGNS = {
    OutboxState.PENDING: "⏳",
    OutboxState.DELIVERED: "✅",
    OutboxState.PARKED: "⚠️",
    OutboxState.HELD: "🕒",
    OutboxState.SKIPPED: "⚪",
    OutboxState.REMOVED: "✅",
    OutboxState.DEAD: "❌",
    OutboxState.EXPIRED: "❌",
}


def state_of(entry: Entry, listing: Listing) -> tuple[str, str]:
    """Give a sign and words for how a subscription stands now."""
    if entry.blocked:
        return "⚠️", text("the channel refuses my messages: {reason}", reason=escape(entry.blocked))
    if entry.route is not None and entry.route.is_paused:
        return "⏸️", text("paused with `/live pause`")
    return words.state_words(
        entry.options,
        off=entry.is_off,
        paused_until=entry.paused_until,
        now=listing.now,
        zone=listing.zone,
    )


def entry_line(entry: Entry, listing: Listing) -> str:
    """Give a subscription in two lines: what and where, then how it stands and what is special."""
    sign, state = state_of(entry, listing)
    where = "" if entry.key.is_default else f" → <#{entry.key.channel_id}>"
    head = join("", [f"{sign} **", entry.title, f"**{where}"])
    usual = next(one for one in listing.defaults if one.key.kind is entry.key.kind).wider
    more = [part for part in (state, words.own_words(entry.options, entry.key.kind, usual)) if part]
    return join("\n-# ", [head, join(" · ", more)]) if more else head


def whence(entry: Entry) -> str:
    """Say what makes a subscription; empty for what `/notify add` made."""
    if entry.key.is_default:
        return text("This counts in every channel that has not chosen otherwise.")
    if entry.route is None:
        return text("Made with `/notify add`.")
    source = {
        Kind.LIVE: text("It is there because the account is followed here (`/live add`)."),
        Kind.RECAP: text("It is there because the account is followed here and recorded (`/live add`)."),
        Kind.ROUND: text("It is there because this is the channel for rounds (`/setup`)."),
        Kind.EVENING: text("It is there because this is the channel for rounds (`/setup`)."),
        Kind.MILESTONE: text("It is there because this is the channel for rounds (`/setup`)."),
        Kind.REPORT: text(
            "It is there because of `/setup`, `/rounds toggle`, `/predict scores` or `/profile report`."
        ),
        Kind.NOTICE: text("It is there because this is the channel for notices (`/setup`)."),
    }
    return source[entry.key.kind]


def warnings(entry: Entry, guild: discord.Guild) -> Iterator[str]:
    """Say what would keep the messages of a subscription from arriving as its admin expects."""
    if entry.key.is_default:
        yield from _silent_role(entry, guild)
        return
    channel = guild.get_channel_or_thread(entry.key.channel_id)
    if channel is None:
        yield text("⚠️ I do not see {channel}; its messages wait.", channel=f"<#{entry.key.channel_id}>")
        return
    chosen = entry.options
    lacking = missing(channel, opens_threads=bool(chosen.thread), deletes=bool(chosen.delete_after_hours))
    threadless = [one for one in lacking if one in missing_to_open_thread(channel)]
    if others := [one for one in lacking if one not in threadless]:
        yield text(
            "⚠️ I lack {permissions} in {channel}; its messages wait until I have it.",
            permissions=join(", ", others),
            channel=channel.mention,
        )
    if threadless:
        yield text(
            "⚠️ I lack {permissions} in {channel}; its alerts come, but have no thread.",
            permissions=join(", ", threadless),
            channel=channel.mention,
        )
    if untagged := why_untagged(channel, chosen.tag_id):
        yield warned(untagged)
    yield from _silent_role(entry, guild, channel)


def warned(why: str) -> str:
    """Mark as a warning what somebody said as a plain reason."""
    return join(" ", ["⚠️", why])


def why_untagged(channel: Channel, tag_id: int | None = None) -> str:
    """Say that a forum would not take posts with this tag, or with none; empty where it would."""
    if not isinstance(channel, discord.ForumChannel) or not wants_other_tag(channel, {tag_id}):
        return ""
    return text(
        "{channel} wants a tag on each post, and none of its tags is chosen: `/notify edit` does that.",
        channel=channel.mention,
    )


def _silent_role(entry: Entry, guild: discord.Guild, channel: Channel | None = None) -> Iterator[str]:
    """Warn of a role that is gone or cannot be mentioned; without a channel, by what counts in the whole server."""
    if entry.options.mention is not Mention.ROLE or entry.options.role_id is None:
        return
    role = guild.get_role(entry.options.role_id)
    if role is None:
        yield text("⚠️ The role it pings does not exist any more.")
    elif cannot_ping(role, channel):
        yield text(
            "⚠️ {role} cannot be pinged by me: allow anyone to mention it, or give me "
            "*Mention @everyone, @here and All Roles*.",
            role=role.mention,
        )


# --- What was told ----------------------------------------------------------------------------------


def log_line(row: LogRow, logged: Logged) -> str:
    """Give one message of the log in two lines."""
    where = f"<@{row.channel_id}>" if row.direct else f"<#{row.channel_id}>"
    title = escape(row.title, _TITLE_LIMIT) if type(row.title) is str else row.title
    title = title or _about(row, logged)
    head = join("", [f"{_SIGNS[row.state]} `#{row.id}` ", stamp(row.created_at, "f"), f" → {where} ", title])
    return join("\n-# ", [head, what_became(row)])


def what_became(row: LogRow) -> str:
    """Say in one line what became of a message, and why."""
    if row.merged_into:
        return text("told in the message of the live before")
    return _BECAME[row.state](row)


def _waiting(row: LogRow) -> str:
    when = stamp(row.next_try_at)
    if row.error:
        return text("tried again {when}: {reason}", when=when, reason=_reason(row))
    return text("an edit is on its way") if row.message_id else text("on its way, next try {when}", when=when)


def _posted(row: LogRow) -> str:
    posted = text("posted {when}", when=stamp(_posted_at(row), "f"))
    return join(", ", [posted, _why(row)]) if row.why else posted


def _posted_at(row: LogRow) -> datetime:
    """Give when a message was posted: its number tells, while `delivered_at` is that of the last edit."""
    if row.message_id is None:
        return row.delivered_at or row.created_at
    return max(discord.utils.snowflake_time(row.message_id), row.created_at)


def _expired(row: LogRow) -> str:
    return _given_up(row) if row.error else text("taken back before it was posted")


def _given_up(row: LogRow) -> str:
    return text("given up: {reason}", reason=_reason(row))


def _why(row: LogRow) -> str:
    """Give a rule's reason, its hours in each reader's own zone: private answers know no other."""
    return _stamped(row.why) if isinstance(row.why, Text) else row.why


def _stamped(words: Text) -> Text:
    values = dict(words.values)
    for name, value in words.values.items():
        if isinstance(value, datetime):
            values[name] = stamp(value, "f")
        elif isinstance(value, Text):
            values[name] = _stamped(value)
    return Text(words.source, words.plural, values)


def _reason(row: LogRow) -> str:
    return escape(row.error, _REASON_LIMIT) or "-"


_BECAME: Mapping[OutboxState, Callable[[LogRow], str]] = {
    OutboxState.PENDING: _waiting,
    OutboxState.DELIVERED: _posted,
    OutboxState.HELD: lambda row: _why(row) or text("held"),
    OutboxState.SKIPPED: lambda row: (
        text("not told: {reason}", reason=_why(row)) if row.why else text("not told")
    ),
    OutboxState.REMOVED: lambda _: text("deleted again, as its subscription wants"),
    OutboxState.PARKED: lambda row: text("waits: the channel refuses it ({reason})", reason=_reason(row)),
    OutboxState.EXPIRED: _expired,
    OutboxState.DEAD: _given_up,
}


def explained(row: LogRow, logged: Logged, guild_id: int) -> str:
    """Tell all that is known of one message."""
    lines = [
        log_line(row, logged),
        join(": ", [text("What it is"), KIND_WORDS[row.kind]]),
    ]
    about = _about(row, logged)
    if about:
        lines.append(join(": ", [text("About"), about]))
    lines.append(text("It came about {when}.", when=stamp(row.created_at, "F")))
    if row.held_until is not None and row.state is OutboxState.HELD:
        lines.append(text("It is looked at again {when}.", when=stamp(row.held_until, "F")))
    if row.state is OutboxState.HELD and row.held_until is None:
        lines.append(text("It is looked at again when something changes."))
    if row.delivered_at is not None:
        role = row.pinged_role_id
        lines.append(
            text("It pinged nobody.") if role is None else text("It pinged {role}.", role=f"<@&{role}>")
        )
    if row.remove_at is not None and row.state is not OutboxState.REMOVED:
        lines.append(text("It is deleted {when}.", when=stamp(row.remove_at)))
    if row.error:
        lines.append(text("The last trouble: {reason}", reason=escape(row.error, 300)))
    if row.message_id is not None and not row.direct:
        place = row.thread_id if row.in_thread else row.channel_id
        lines.append(f"https://discord.com/channels/{guild_id}/{place}/{row.message_id}")
    return join("\n", lines)


def _about(row: LogRow, logged: Logged) -> str:
    return logged.names.get(row.subject, escape(row.subject.partition(":")[2]))
