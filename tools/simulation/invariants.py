"""What must hold in every history, as seen from outside. To add one, write a function and list it below."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import discord

from bot.core.announcements import Message
from bot.core.live.planner import JITTER
from bot.core.live.policies import PATIENCE, STARVING
from bot.discord.embeds import draw
from bot.discord.speech import Speaker
from bot.services.live_state import NEWS_FOR
from bot.texts import unpacked
from tools.simulation.faults import DAY, HOUR, MINUTE
from tools.simulation.nature import Broken
from tools.simulation.tiktok import Asked
from tools.simulation.world import Hit, World

ROUNDING = 0.001  # seconds; the ledger counts microseconds
BLOCKS = {"429", "429 with Retry-After", "waf page"}
EVENLY_SPREAD = {"fixed", "roadmap"}  # `roadmap` begins as `fixed`, for longer than `SPREAD_FOR`
SPREAD_FOR = 7 * DAY
"""So long who is planned by `roadmap` is surely looked at; later it looks at nobody it finds no likely hour for."""
HELD_UP = 4 * HOUR
"""A boost takes from all others for its three hours, and until the next hourly plan."""
IN_PRACTICE = 2 * HOUR
"""A database that is slow or fails, checks of one minute's rush, time-outs."""

Invariant = Callable[[World], Iterator[tuple[float, str]]]
"""Gives the true second and a line for each time the promise was not kept."""


def discovery_keeps_its_budget(world: World) -> Iterator[tuple[float, str]]:
    """In no rolling 24 hours does TikTok see more discovery checks than the setting says."""
    asked = [one for one in world.around.tiktok.asked if one.is_discovery]
    return _over(asked, world.around.monitor_rules.discovery_per_day, DAY)


def followup_keeps_its_budget(world: World) -> Iterator[tuple[float, str]]:
    """Nor more of all other requests."""
    asked = [one for one in world.around.tiktok.asked if not one.is_discovery]
    return _over(asked, world.around.monitor_rules.followup_per_day, DAY)


def no_minute_is_too_full(world: World) -> Iterator[tuple[float, str]]:
    """In no rolling minute does TikTok see more requests than the setting says."""
    return _over(world.around.tiktok.asked, world.around.monitor_rules.per_minute, MINUTE)


def no_hour_holds_too_many_checks(world: World) -> Iterator[tuple[float, str]]:
    """In no rolling hour does TikTok see more discovery checks than the setting says, where it is set."""
    most = world.around.monitor_rules.discovery_per_hour
    if most is not None:
        yield from _over([one for one in world.around.tiktok.asked if one.is_discovery], most, HOUR)


def _over(asked: Sequence[Asked], most: int, window: float) -> Iterator[tuple[float, str]]:
    for first, last in zip(asked, asked[most:], strict=False):
        if last.at - first.at < window - ROUNDING:
            yield (
                last.at,
                f"{most + 1} requests in {last.at - first.at:.3f} s, allowed are {most} in {window:.0f} s",
            )


def everybody_is_checked_in_time(world: World) -> Iterator[tuple[float, str]]:
    """Nobody followed and not live waits longer for a look than `bound`, TikTok's pauses and downtime aside."""
    promised_until = SPREAD_FOR if world.around.policy in STARVING else world.nature.seconds
    for person in {one for _, people in world.history.followed for one in people}:
        for since, until, followed in waits(world, person):
            if followed > bound(world) and since < promised_until:
                yield (
                    until,
                    f"{person} waited {followed / HOUR:.1f} h from {since:.0f}; {bound(world) / HOUR:.1f} h are allowed",
                )


def bound(world: World) -> float:
    """Give the longest wait that the policy of this seed can cause, in seconds.

    n accounts share B checks a day: the even distance is 24 h x n / B, twice that for a day after a block.
    Who is evenly spread waits for `JITTER` longer at most. Who is foreseen may wait for `PATIENCE`, or twice the
    even distance.
    """
    spells = world.nature.weather.spells
    even = DAY * len(world.around.tiktok.people) / world.around.monitor_rules.discovery_per_day
    if any(one.place == "tiktok" and one.fault in BLOCKS for one in spells):
        even *= 2
    if world.around.policy in EVENLY_SPREAD:
        longest = even * (1 + JITTER)
    else:
        longest = max(PATIENCE.total_seconds(), 2 * even)
    return longest + (HELD_UP if any(one.verb == "boost" for one in world.commands) else 0.0) + IN_PRACTICE


def waits(world: World, person: int) -> Iterator[tuple[float, float, float]]:
    """Give (from, until, seconds that count) between the looks at a person while followed."""
    who = next(one for one in world.around.tiktok.people if one.platform_id == person)
    handles = {who.handle, who.later_handle}
    looks = [one.at for one in world.around.tiktok.asked if one.handle in handles and one.kind == "check"]
    on = [(room.start, room.end + 4 * HOUR) for room in who.rooms]
    excused = [*world.history.down, *world.history.shut, *on]
    changes = [*world.history.followed, (world.nature.seconds, frozenset())]
    spans = [(at, later) for (at, people), (later, _) in pairwise(changes) if person not in people]
    end = world.nature.seconds
    first = next((at for at, people in world.history.followed if person in people), end)
    for since, until in pairwise([first, *(look for look in looks if look > first), end]):
        yield since, until, _left(since, until, [*excused, *spans])


def _left(since: float, until: float, excused: Sequence[tuple[float, float]]) -> float:
    """Give what is left of a span when others are cut out of it."""
    left, at = 0.0, since
    for start, end in sorted(excused):
        if end > at:
            left += max(0.0, min(start, until) - at)
            at = max(at, end)
        if at >= until:
            return left
    return left + max(0.0, until - at)


def no_message_is_posted_twice(world: World) -> Iterator[tuple[float, str]]:
    """Each event has at most one message in each channel."""
    seen: Counter[tuple[int, str]] = Counter()
    for posted in world.around.discord.messages:
        events = {posted.nonce}
        if posted.first_body.startswith("room "):
            events.add(posted.first_body)
        for event in events:
            seen[posted.channel_id, event] += 1
            if seen[posted.channel_id, event] == 2:
                yield posted.at, f"{posted.first_title!r} ({event}) stands twice in {posted.channel_id}"


def every_hit_is_announced(world: World) -> Iterator[tuple[float, str]]:
    """A live that a check hit has its message in every channel that followed, unless it was too old for news."""
    query = (
        "SELECT DISTINCT channel_id, state FROM live_rooms "
        "JOIN outbox ON event_key = 'live:' || live_id WHERE room_id = ?"
    )
    for room_id, hit in world.history.hits.items():
        found = dict(world.around.disk.rows(query, room_id))
        for channel_id in hit.channels:
            state = found.get(channel_id, "unknown")
            is_late = state == "expired" and _had_no_chance(world, hit.at, channel_id)
            if state != "delivered" and not is_late and not _seemed_old(world, room_id, hit):
                yield world.nature.seconds, f"room {room_id} is {state} in {channel_id}"


def _seemed_old(world: World, room_id: int, hit: Hit) -> bool:
    """Say whether a clock that was wrong made a new room one more of the live before, which is only edited."""
    query = (
        "SELECT count(*) FROM live_rooms WHERE live_id = (SELECT live_id FROM live_rooms WHERE room_id = ?)"
    )
    return abs(hit.clock_error) >= HOUR and world.around.disk.rows(query, room_id)[0][0] > 1


def _had_no_chance(world: World, at: float, channel_id: int) -> bool:
    """Say whether a message of this instant could hardly be posted while it was news.

    A refused channel is left alone for up to a day after it refused last.
    """
    until = at + NEWS_FOR.total_seconds()
    spells = world.nature.weather.spells
    refused = [one for one in spells if one.place == "channel" and one.start < until and one.end > at - DAY]
    if refused and channel_id == world.around.discord.blocked_channel:
        return True
    silent = [(one.start, one.end) for one in spells if one.place in {"discord", "database"}]
    return _left(at, until, [*world.history.down, *silent]) < (until - at) / 2


def what_is_delivered_is_there(world: World) -> Iterator[tuple[float, str]]:
    """At the end everything is delivered or too old, and what counts as delivered was posted."""
    posted = {(one.channel_id, one.nonce) for one in world.around.discord.messages}
    rows = world.around.disk.rows("SELECT event_key, channel_id, nonce, state, error FROM outbox")
    for key, channel_id, nonce, state, error in rows:
        if state == "delivered" and (channel_id, nonce) not in posted:
            yield world.nature.seconds, f"{key} is called delivered in {channel_id} and is not there"
        if state not in {"delivered", "expired"}:
            yield world.nature.seconds, f"{key} is {state} in {channel_id} at the end: {error}"


def what_stands_is_the_last_text(world: World) -> Iterator[tuple[float, str]]:
    """At the end each message shows the last text of its row, as its guild reads it, and the row knows of it."""
    known = {(row.channel_id, row.nonce): row for row in _outbox_rows(world)}
    for posted in world.around.discord.messages:
        row, where = (
            known.get((posted.channel_id, posted.nonce)),
            f"message {posted.id} in {posted.channel_id}",
        )
        if row is None:
            yield posted.at, f"{where} belongs to no row"
        elif row.state != "delivered" or row.message_id != posted.id:
            yield (
                posted.at,
                f"{row.event_key} is {row.state} as {row.message_id}, and stands there as {where}",
            )
        elif (shown := _words(posted.embeds[0])) not in row.shown:
            yield world.nature.seconds, f"{row.event_key} shows {shown} as {where}, not {row.shown[0]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A row of the outbox; `shown` is its text as its guild may read it."""

    event_key: str
    channel_id: int
    nonce: str
    state: str
    message_id: int | None
    shown: tuple[dict[str, Any], ...]


def _outbox_rows(world: World) -> Iterator[_Row]:
    query = (
        "SELECT event_key, channel_id, nonce, state, message_id, message, coalesce(language, 'en'), "
        "coalesce(time_zone, 'UTC') FROM outbox LEFT JOIN guilds ON guilds.guild_id = outbox.guild_id"
    )
    for key, channel_id, nonce, state, message_id, stored, language, zone in world.around.disk.rows(query):
        message = Message.from_json(unpacked(json.loads(stored)))
        # Before a guild was set up it reads English.
        speakers = (Speaker(language=language, time_zone=zone), Speaker())
        shown = tuple(_words(draw(speaker.tell(message)).embed) for speaker in speakers)
        yield _Row(
            event_key=key,
            channel_id=channel_id,
            nonce=nonce,
            state=state,
            message_id=message_id,
            shown=shown,
        )


def _words(embed: discord.Embed) -> dict[str, Any]:
    """Give what a person reads of an embed; the footer ends with the bot's own mark, which a row has not."""
    return {
        name: value for name, value in embed.to_dict().items() if name in {"title", "description", "fields"}
    }


def every_whole_round_is_imported_once(world: World) -> Iterator[tuple[float, str]]:
    """Each complete file is a round with its final bytes, and no broken one is."""
    query = "SELECT name, sha256, count(rounds.id) FROM round_files LEFT JOIN rounds ON file_id = round_files.id WHERE state = 'imported' GROUP BY name"
    found = {name: (digest, count) for name, digest, count in world.around.disk.rows(query)}
    for file in world.around.game_server.files:
        if file.growth[-1][0] > world.nature.seconds - HOUR:
            continue
        whole = (hashlib.sha256(file.content).hexdigest(), 1)
        if found.get(file.name) != (whole if file.is_whole else None):
            yield world.nature.seconds, f"{file.name}: {found.get(file.name)}"


def every_fresh_round_is_posted(world: World) -> Iterator[tuple[float, str]]:
    """A round imported soon after its end has a message in every channel for rounds."""
    query = (
        "SELECT rounds.id, name, (SELECT count(*) FROM outbox WHERE event_key = 'round:' || rounds.id) FROM rounds "
        "JOIN round_files ON file_id = round_files.id WHERE NOT silent AND imported_at - ended_at <= ?"
    )
    age = int(world.around.sync_rules.post_max_age.total_seconds() * 1e6)
    for _, name, count in world.around.disk.rows(query, age):
        if count == 0:
            yield world.nature.seconds, f"{name} was never put"


INVARIANTS: tuple[Invariant, ...] = (
    discovery_keeps_its_budget,
    followup_keeps_its_budget,
    no_minute_is_too_full,
    no_hour_holds_too_many_checks,
    everybody_is_checked_in_time,
    no_message_is_posted_twice,
    every_hit_is_announced,
    what_is_delivered_is_there,
    what_stands_is_the_last_text,
    every_whole_round_is_imported_once,
    every_fresh_round_is_posted,
)


def broken(world: World) -> list[Broken]:
    """Give every broken promise of a history, the earliest first; what was noted on the way too."""
    found = [
        Broken(invariant=invariant.__name__, at=at, text=text)
        for invariant in INVARIANTS
        for at, text in invariant(world)
    ]
    return sorted([*world.nature.broken, *found], key=lambda one: one.at)
