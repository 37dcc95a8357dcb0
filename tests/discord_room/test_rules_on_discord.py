"""Each rule alone and in pairs, to what people see: real storage, the desk, the delivery, and Discord's stand-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState
from bot.core.notifications.deciding import Rule
from bot.core.notifications.kinds import Kind, account_subject
from bot.core.notifications.options import Digest, Mention, Only, Options, Quiet, QuietMode
from bot.services.notifications import News, NotificationDesk, Place, tell
from bot.storage import notification_rules
from bot.storage.notification_rules import NotificationRule
from bot.storage.tables import outbox
from tests.discord_room.room import Room

ANA = account_subject(1)
#: After so many minutes each rule lets the live pass.
OPENS = {Rule.DELAY: 10, Rule.VIEWERS: 20, Rule.PAUSE: 30, Rule.COOLDOWN: 60, Rule.ONLY: 90, Rule.QUIET: 120}
CASES = [(), *((rule,) for rule in OPENS), *combinations(OPENS, 2)]
EARLIER, LIVE = Message(title="Earlier", tone=Tone.ENDED), Message(title="Ana is live", tone=Tone.LIVE)


def chosen(rules: tuple[Rule, ...], role_id: int, now: datetime) -> dict[str, Any]:
    """Choose what closes so long."""
    each: dict[Rule, dict[str, Any]] = {
        Rule.DELAY: {"delay_minutes": OPENS[Rule.DELAY]},
        Rule.VIEWERS: {"min_viewers": 20},
        Rule.COOLDOWN: {"cooldown_minutes": OPENS[Rule.COOLDOWN]},
        Rule.ONLY: {"only": Only(begins=minute_in(OPENS[Rule.ONLY], now), ends=minute_in(600, now))},
        Rule.QUIET: {"quiet": quiet_hours(QuietMode.HOLD, OPENS[Rule.QUIET], now)},
    }
    given: dict[str, Any] = {"mention": Mention.ROLE, "role_id": role_id}
    for rule in rules:
        given |= each.get(rule, {})
    return given


def minute_in(after: int, now: datetime) -> int:
    """Give the minute of the day in so many minutes."""
    then = now + timedelta(minutes=after)
    return then.hour * 60 + then.minute


def quiet_hours(mode: QuietMode, minutes: int, now: datetime) -> Quiet:
    return Quiet(mode=mode, begins=minute_in(-60, now), ends=minute_in(minutes, now))


async def test_a_live_is_told_once_all_its_rules_are_open_and_pings_once(room: Room) -> None:
    channels = await _channels(room, CASES)
    await _told_before(room, [channel for rules, channel in channels.items() if Rule.COOLDOWN in rules])
    await _live_through(room, channels)
    # One guild has one ping, however many channels follow.
    assert await _pinged(room, channels) == [room.server.facts["roles"]["Live pings"]]


async def test_in_silent_hours_a_live_is_told_all_the_same_and_pings_nobody(room: Room) -> None:
    alone = [(), *((rule,) for rule in OPENS if rule is not Rule.QUIET)]
    channels = await _channels(room, alone, quiet=(QuietMode.SILENT, 600))
    await _told_before(room, [channels[Rule.COOLDOWN,]])
    await _live_through(room, channels)
    assert await _pinged(room, channels) == []


async def test_for_a_digest_a_live_waits_behind_whatever_rule_and_is_told_in_it_alone(room: Room) -> None:
    channels = await _channels(room, [(), *((rule,) for rule in OPENS)], digest=180)
    await _told_before(room, [channels[Rule.COOLDOWN,]])
    desk = await _live_through(room, channels, stands=False)
    room.clock.advance(3600)
    await desk.step()
    room.announcements.wake()
    for channel in channels.values():
        digest = await room.until_async(lambda channel=channel: _only_new(room, channel))
        assert LIVE.title in str(digest["embeds"])
        assert digest["pinged_roles"] == []


async def test_soon_after_another_a_live_goes_on_in_its_message_whatever_rule_would_hold_it(
    room: Room,
) -> None:
    channels = await _channels(room, [(), *((rule,) for rule in OPENS)], grace_minutes=60)
    await _told_before(room, [*channels.values()], is_over=True)
    before = {channel: await room.shown(channel) for channel in channels.values()}
    began = room.clock.now()
    desk = _desk(room)
    for minute, paused in ((0, {channels[Rule.PAUSE,]}), (OPENS[Rule.PAUSE], set())):
        await _seen_at(room, desk, channels, began, minute)
        for channel in channels.values():
            title = EARLIER.title if channel in paused else LIVE.title
            await room.until_async(lambda channel=channel, title=title: _is_all(room, channel, title))
    for channel, (message,) in before.items():
        (now,) = await room.shown(channel)
        assert (now["id"], now["pinged_roles"]) == (message["id"], message["pinged_roles"])


@pytest.mark.parametrize("rule", [Rule.QUIET, Rule.PAUSE])
async def test_a_live_that_could_not_be_posted_before_the_night_pings_nobody_in_it(
    room: Room, rule: Rule
) -> None:
    (channel,) = (await _channels(room, [()])).values()
    await _may_post(room, channel, "deny")
    await _tell(room, [channel], began=room.clock.now(), viewers=50)
    await room.becomes(channel, OutboxState.PARKED)
    room.clock.advance(600)
    now = room.clock.now()
    until = now + timedelta(hours=8)
    async with room.database.write("test.choose") as conn:
        (known,) = [
            one
            for one in await notification_rules.of_guilds(conn, [room.guild_id])
            if one.channel_id == channel
        ]
        quiet = quiet_hours(QuietMode.HOLD, 480, now)
        night = {
            Rule.QUIET: replace(known, options=replace(known.options, quiet=quiet)),
            Rule.PAUSE: replace(known, paused_until=until),
        }
        await notification_rules.save(conn, night[rule], 42, now)
    await _may_post(room, channel, "allow")
    await room.announcements.reopen(channel)
    row = await room.becomes(channel, OutboxState.DELIVERED)
    (post,) = await _posts(room, channel)
    assert (post["pinged_roles"], post["content"]) == ([], "")
    assert row["why"].startswith("posted late, without a ping")
    news = _news("live:1", now, room.clock.now(), viewers=60)
    await _tell_in(room, news, [channel], replace(LIVE, body="60 watch"))
    (post,) = await room.until_async(lambda: _says(room, channel, "60 watch"))
    assert (post["pinged_roles"], post["content"]) == ([], "")


async def _says(room: Room, channel: int, body: str) -> list[dict[str, Any]]:
    return [one for one in await _posts(room, channel) if body in one["embeds"][0].get("description", "")]


async def _may_post(room: Room, channel: int, what: str) -> None:
    order = {"permissions": ["send_messages"]}
    await room.ask(room.server.control, "POST", f"channels/{channel}/{what}", order)
    found = room.client.get_channel(channel)
    wanted = what == "allow"
    await room.until(lambda: found.permissions_for(found.guild.me).send_messages is wanted)


async def _channels(
    room: Room, cases: list[tuple[Rule, ...]], *, quiet: Any = None, digest: int | None = None, **more: Any
) -> dict[tuple[Rule, ...], int]:
    """Make a channel for each case of rules, at the beginning of a minute."""
    room.clock.advance(60 - room.clock.now().second - room.clock.now().microsecond / 1e6)
    now, role_id = room.clock.now(), int(room.server.facts["roles"]["Live pings"])
    if quiet is not None:
        more["quiet"] = quiet_hours(*quiet, now)
    if digest is not None:
        more |= {"digest": Digest.DAILY, "digest_at": minute_in(digest, now)}
    channels = {rules: await room.channel() for rules in cases}
    for rules, channel_id in channels.items():
        made = NotificationRule(
            guild_id=room.guild_id,
            channel_id=channel_id,
            kind=Kind.LIVE,
            subject=ANA,
            options=Options(**chosen(rules, role_id, now) | more),
            paused_until=now + timedelta(minutes=OPENS[Rule.PAUSE]) if Rule.PAUSE in rules else None,
        )
        async with room.database.write("test.choose") as conn:
            await notification_rules.save(conn, made, 42, now)
    return channels


async def _live_through(
    room: Room, channels: Mapping[tuple[Rule, ...], int], *, stands: bool = True
) -> NotificationDesk:
    """Let a live go on while one rule after the other opens: it stands at once where all are open, or nowhere."""
    began = room.clock.now()
    desk = _desk(room)
    for minute in sorted({0, *OPENS.values()}):
        await _seen_at(room, desk, channels, began, minute)
        wanted = {
            channel
            for rules, channel in channels.items()
            if stands and all(OPENS[rule] <= minute for rule in rules)
        }
        await room.until_async(lambda wanted=wanted: _stands_in(room, channels.values(), wanted))
    return desk


def _desk(room: Room) -> NotificationDesk:
    return NotificationDesk(database=room.database, announcements=room.announcements, clock=room.clock)


async def _seen_at(
    room: Room, desk: NotificationDesk, channels: Mapping[Any, int], began: datetime, minute: int
) -> None:
    """Let so many minutes of the live be over: it is seen, told, and looked at by the desk."""
    room.clock.advance((began + timedelta(minutes=minute) - room.clock.now()).total_seconds())
    viewers = 5 if minute < OPENS[Rule.VIEWERS] else 50
    await _tell(room, channels.values(), began=began, viewers=viewers)
    await desk.step()
    room.announcements.wake()


async def _told_before(room: Room, channel_ids: list[int], *, is_over: bool = False) -> None:
    """Tell of a live before, which its cooldown counts from, and of its end."""
    now = room.clock.now()
    before = replace(_news("live:0", now - timedelta(hours=1), now, viewers=50), is_urgent=True)
    await _tell_in(room, before, channel_ids, EARLIER)
    for channel in channel_ids:
        await room.until_async(lambda channel=channel: _is_all(room, channel, EARLIER.title))
    if is_over:
        await _tell_in(room, replace(before, is_over=True, ended_at=now), channel_ids, EARLIER)


async def _tell(room: Room, channel_ids: Iterable[int], *, began: datetime, viewers: int) -> None:
    await _tell_in(room, _news("live:1", began, room.clock.now(), viewers=viewers), channel_ids, LIVE)


async def _tell_in(room: Room, news: News, channel_ids: Iterable[int], message: Message) -> None:
    places = [Place(guild_id=room.guild_id, channel_id=one, message=message) for one in channel_ids]
    async with room.database.write("test.tell") as conn:
        await tell(conn, news, places, room.clock.now())
    room.announcements.wake()


def _news(key: str, began: datetime, seen: datetime, *, viewers: int) -> News:
    return News(
        kind=Kind.LIVE,
        subject=ANA,
        event_key=key,
        began_at=began,
        seen_at=seen,
        viewers=viewers,
        expires_after=timedelta(hours=12),
    )


async def _stands_in(room: Room, channels: Iterable[int], wanted: set[int]) -> bool:
    """Tell whether it stands where it should; never where it should not."""
    async with room.database.read() as conn:
        row = outbox.c
        query = select(row.channel_id).where(row.event_key == "live:1", row.state == OutboxState.DELIVERED)
        told = set((await conn.execute(query)).scalars())
    assert told <= wanted
    if told != wanted:
        return False
    assert {one for one in channels if await _posts(room, one)} == wanted
    return True


async def _posts(room: Room, channel_id: int) -> list[dict[str, Any]]:
    shown = await room.shown(channel_id)
    found = [one for one in shown if one["embeds"][0]["title"] == LIVE.title]
    assert len(found) <= 1
    return found


async def _pinged(room: Room, channels: Mapping[Any, int]) -> list[str]:
    posts = [one for channel in channels.values() for one in await _posts(room, channel)]
    return [role for one in posts for role in one["pinged_roles"]]


async def _is_all(room: Room, channel_id: int, title: str) -> bool:
    return [one["embeds"][0]["title"] for one in await room.shown(channel_id)] == [title]


async def _only_new(room: Room, channel_id: int) -> dict[str, Any] | None:
    """Give what a channel has been told besides the live before, once it has."""
    new = [one for one in await room.shown(channel_id) if one["embeds"][0]["title"] != EARLIER.title]
    assert len(new) <= 1
    return new[0] if new else None
