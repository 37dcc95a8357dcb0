"""What the admin of the sandbox's guild has set up: channels, zone, who is followed and watched, who is which player."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.live.models import ProfileState
from bot.core.posts.models import ReportEvery
from bot.core.requester import Requester
from bot.storage import guilds
from bot.storage.engine import Connection
from bot.storage.round_tables import audit_log, player_links
from bot.storage.stream_tables import stream_choices
from bot.storage.tables import accounts, subscriptions
from tools.past.posts import Watch
from tools.past.rows import Rows
from tools.sandbox.discord.world import FIRST_ID
from tools.sandbox.world.creators import profile_at
from tools.sandbox.world.streamers import Streamer

ZONE = "Asia/Jakarta"
ADMIN, MEMBER = FIRST_ID + 2, FIRST_ID + 3
GUILD, LIVE_PINGS = FIRST_ID + 10, FIRST_ID + 11
LIVES, ROUNDS, ADMINS, GENERAL = (FIRST_ID + 20 + number for number in range(4))
WATCHED = 5
"""So many of the streamers are watched for their posts too."""
READ_AT = timedelta(hours=1, minutes=10)
"""So long after the world's start the first profile is read again; each next one `READ_APART` later."""
READ_APART = timedelta(hours=3)
_NEXT_CHECK = timedelta(minutes=2)


async def join(conn: Connection, zone: str = ZONE) -> None:
    """Let the bot be in the guild, which has no channels for it yet."""
    await guilds.joined(conn, GUILD, zone)


async def set_up(conn: Connection, at: datetime) -> None:
    """Choose channels, as ``/setup`` does."""
    chosen = {"lives_channel_id": LIVES, "rounds_channel_id": ROUNDS, "admin_channel_id": ADMINS}
    await guilds.choose(conn, Requester(guild_id=GUILD, user_id=ADMIN, is_owner=False), chosen, at)


def account_id(streamer: Streamer) -> int:
    """Give the number of a streamer's account in the database: they were added one after the other."""
    return streamer.number


def write_accounts(
    streamers: Sequence[Streamer],
    since: datetime,
    until: datetime,
    rows: Rows,
) -> None:
    """Write who is followed, with a look at each soon after the start: the first plan decides when exactly."""
    for number, streamer in enumerate(streamers):
        key, added_at = account_id(streamer), since + timedelta(seconds=40 * number)
        rows.add(
            accounts,
            {
                "id": key,
                "platform": "tiktok",
                "platform_id": streamer.id,
                "handle": streamer.handle,
                "nickname": streamer.nickname,
                "followers": profile_at(streamer, until).followers,
                "profile_state": ProfileState.ACTIVE,
                "added_at": added_at,
                "next_check_at": until + _NEXT_CHECK * (number + 1),
            },
        )
        rows.add(
            subscriptions,
            {
                "account_id": key,
                "guild_id": GUILD,
                "channel_id": LIVES,
                "role_id": LIVE_PINGS if number % 2 == 0 else None,
                "paused": False,
                "created_by": ADMIN,
                "created_at": added_at,
            },
        )
        # Its alerts show how the live goes.
        rows.add(
            stream_choices,
            {
                "account_id": key,
                "guild_id": GUILD,
                "record": True,
                "keep_comments": False,
                "live_edits": True,
                "set_by": ADMIN,
                "set_at": added_at + timedelta(minutes=5),
            },
        )
        what = f"follows @{streamer.handle} in <#{LIVES}>"
        rows.add(audit_log, {"guild_id": GUILD, "user_id": ADMIN, "at": added_at, "what": what})


def watches(streamers: Sequence[Streamer], since: datetime, until: datetime) -> list[Watch]:
    """Give whose posts are watched, and where the first two of them are reported."""
    reports = (ReportEvery.DAY, ReportEvery.WEEK)
    found = []
    for number, streamer in enumerate(streamers[:WATCHED]):
        first = (
            until + READ_AT + READ_APART * number - ((until - since) // timedelta(days=1)) * timedelta(days=1)
        )
        report = reports[number] if number < len(reports) else None
        found.append(
            Watch(
                account_id=account_id(streamer),
                streamer=streamer,
                guild_id=GUILD,
                by=ADMIN,
                first_run_at=first,
                report=report,
                report_channel_id=None if report is None else GENERAL,
            )
        )
    return found


def write_links(guids: Sequence[str], at: datetime, rows: Rows) -> None:
    """Let the member be a player; the admin is nobody yet."""
    for user_id, guid in zip((MEMBER,), guids, strict=False):
        rows.add(
            player_links,
            {"guild_id": GUILD, "user_id": user_id, "guid": guid, "linked_by": user_id, "linked_at": at},
        )
