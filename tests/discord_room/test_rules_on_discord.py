"""Each rule alone and in pairs, to what people see: real storage, the desk, the delivery, and Discord's stand-in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import select

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState
from bot.core.notifications.deciding import Rule
from bot.core.notifications.kinds import Kind, account_subject
from bot.core.notifications.options import Mention, Only, Options, Quiet, QuietMode
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


def chosen(rules: tuple[Rule, ...], role_id: int, now: datetime) -> Options:
    """Choose what closes so long."""

    def minute(after: int) -> int:
        then = now + timedelta(minutes=after)
        return then.hour * 60 + then.minute

    each: dict[Rule, dict[str, Any]] = {
        Rule.DELAY: {"delay_minutes": OPENS[Rule.DELAY]},
        Rule.VIEWERS: {"min_viewers": 20},
        Rule.COOLDOWN: {"cooldown_minutes": OPENS[Rule.COOLDOWN]},
        Rule.ONLY: {"only": Only(begins=minute(OPENS[Rule.ONLY]), ends=minute(600))},
        Rule.QUIET: {"quiet": Quiet(mode=QuietMode.HOLD, begins=minute(-60), ends=minute(OPENS[Rule.QUIET]))},
    }
    given: dict[str, Any] = {"mention": Mention.ROLE, "role_id": role_id}
    for rule in rules:
        given |= each.get(rule, {})
    return Options(**given)


async def test_a_live_is_told_once_all_its_rules_are_open_and_pings_once(room: Room) -> None:
    room.clock.advance(60 - room.clock.now().second - room.clock.now().microsecond / 1e6)
    began = room.clock.now()
    role_id = int(room.server.facts["roles"]["Live pings"])
    channels = {rules: await room.channel() for rules in CASES}
    for rules, channel_id in channels.items():
        await _choose(room, channel_id, rules, role_id)
    await _told_before(room, [channel for rules, channel in channels.items() if Rule.COOLDOWN in rules])
    desk = NotificationDesk(database=room.database, announcements=room.announcements, clock=room.clock)
    for minute in sorted({0, *OPENS.values()}):
        room.clock.advance((began + timedelta(minutes=minute) - room.clock.now()).total_seconds())
        viewers = 5 if minute < OPENS[Rule.VIEWERS] else 50
        await _tell(room, channels.values(), began=began, viewers=viewers)
        await desk.step()
        room.announcements.wake()
        wanted = {
            channel for rules, channel in channels.items() if all(OPENS[rule] <= minute for rule in rules)
        }
        await room.until_async(lambda wanted=wanted: _stands_in(room, channels.values(), wanted))
    pinged = [role for channel in channels.values() for role in await _pinged(room, channel)]
    assert pinged == [str(role_id)]  # one guild has one ping, however many channels follow


async def _choose(room: Room, channel_id: int, rules: tuple[Rule, ...], role_id: int) -> None:
    now = room.clock.now()
    made = NotificationRule(
        guild_id=room.guild_id,
        channel_id=channel_id,
        kind=Kind.LIVE,
        subject=ANA,
        options=chosen(rules, role_id, now),
        paused_until=now + timedelta(minutes=OPENS[Rule.PAUSE]) if Rule.PAUSE in rules else None,
    )
    async with room.database.write("test.choose") as conn:
        await notification_rules.save(conn, made, 42, now)


async def _told_before(room: Room, channel_ids: list[int]) -> None:
    """Tell of a live before, which its cooldown counts from."""
    now = room.clock.now()
    before = _news("live:0", now - timedelta(hours=1), now, viewers=50)
    await _tell_in(room, replace(before, is_urgent=True), channel_ids, EARLIER)


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


async def _pinged(room: Room, channel_id: int) -> list[str]:
    return [role for one in await _posts(room, channel_id) for role in one["pinged_roles"]]
