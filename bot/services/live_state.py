"""What an answer changes, in one transaction: ledger, account, live, outbox, plan."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.announcements import MessageField
from bot.core.live.history import Ended, Event, Found, Missed
from bot.core.live.models import Answer, Observation, ProfileState
from bot.core.live.posts import live_facts, live_message
from bot.core.live.transitions import Change, Live, LiveRules, Phase, Transition, observe, over, pause_seen
from bot.core.notifications.kinds import Kind, account_subject
from bot.core.streams.figures import alert_fields
from bot.services.live_health import record_health
from bot.services.notifications import News, Place, places_of, tell
from bot.services.planning import Planning
from bot.storage import ledger, notified, outbox, recordings, stream_choices, stream_reading, subscriptions
from bot.storage import live as store
from bot.storage.engine import Connection
from bot.storage.live import Account, OpenLive
from bot.storage.profile_state import keep_counts
from bot.texts import text

NEWS_FOR = timedelta(hours=12)
"""A live that no channel took for so long is not posted any more."""

EDIT_EVERY = timedelta(minutes=5)
"""An alert that shows how a live goes is edited this often at most."""

_LIVE = "live:"
_NEWS = {
    Change.FOUND: "is live",
    Change.REOPENED: "is live again",
    Change.ENDED: "is no longer live",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one answer did; `stranger` is true when the handle no longer leads to the followed person."""

    change: Change
    live: Live | None
    stranger: bool = False


async def record_answer(
    conn: Connection,
    account: Account,
    request_id: int,
    observation: Observation,
    *,
    rules: LiveRules,
    planning: Planning,
    record: bool = False,
    second_source: bool = False,
) -> Outcome:
    """Write everything one answer changes. A check whose lease was lost only completes its ledger row.

    `record` is whether lives are recorded at all.
    """
    await ledger.answered(conn, request_id, observation.answer, observation.reason, at=observation.seen_at)
    await record_health(conn, observation)
    stranger = is_stranger(account, observation)
    if stranger:
        gone = second_source or (observation.not_found and not await _is_on(conn, account))
        observation = _without_the_person(observation, gone=gone)
    mine = await store.finish_check(
        conn, account, observation.seen_at, answer=observation.answer, reason=observation.reason
    )
    if not mine:
        return Outcome(change=Change.IGNORED, live=None, stranger=stranger)
    # Two accounts may turn out to be one person here; the lives are those of the account that stays.
    asked, account = account, await _learn(conn, account, observation)
    live_id, last = await store.last_live(conn, account.id) or (None, None)
    transition = observe(last, observation, rules, second_source=second_source)
    are_one = asked.id != account.id
    await _save(
        conn, account, live_id, transition, observation.seen_at, record=record, has_new_followers=are_one
    )
    if are_one:
        planning.merged(asked.id)
    if observation.blocked:
        planning.reconsider()
    planning.learn(events_of(account.id, last, transition, observation))
    unknown = 0 if observation.answer is not Answer.UNKNOWN else 1 + (asked.last_answer == Answer.UNKNOWN)
    await planning.plan_one(conn, account.id, observation.seen_at, unknown=unknown)
    return Outcome(change=transition.change, live=transition.live, stranger=stranger)


async def record_end(
    conn: Connection, account: Account, ended_at: datetime, *, planning: Planning
) -> Outcome:
    """Write everything that the end of a live changes, seen by who watched the room; no request was made."""
    live_id, last = await store.last_live(conn, account.id) or (None, None)
    transition = over(last, ended_at)
    await _save(conn, account, live_id, transition, ended_at)
    ended = _ended(account.id, transition.live) if transition.change is Change.ENDED else None
    planning.learn([] if ended is None else [ended])
    await planning.plan_one(conn, account.id, ended_at)
    return Outcome(change=transition.change, live=transition.live)


async def record_seen(conn: Connection, open_live: OpenLive, *, planning: Planning, now: datetime) -> Outcome:
    """Write what the recorder saw of a live: its end, a pause or that it goes on; no request was made."""
    account = open_live.account
    seen = (await recordings.seen_in_open_lives(conn)).get(open_live.live_id)
    if seen is None:
        return Outcome(change=Change.IGNORED, live=open_live.live)
    if seen.ended_at is not None:
        return await record_end(conn, account, seen.ended_at, planning=planning)
    live_id, last = await store.last_live(conn, account.id) or (None, None)
    transition = pause_seen(last, seen.paused_at)
    await _save(conn, account, live_id, transition, now)
    return Outcome(change=transition.change, live=transition.live)


def events_of(
    account_id: int, last: Live | None, transition: Transition, observation: Observation
) -> list[Event]:
    """Give what a policy learns from an answer; `bot.storage.history` gives the same from what was stored.

    A live that goes on after an end that was believed teaches nothing before it ends again.
    """
    live, at = transition.live, observation.seen_at
    ends = [transition.replaced, live if transition.change is Change.ENDED else None]
    events: list[Event | None] = [_ended(account_id, one) for one in ends]
    if transition.change is Change.FOUND and live is not None:
        events.append(Found(account_id=account_id, started_at=live.started_at, found_at=live.found_at))
    if observation.answer is Answer.OFFLINE and transition.change in {Change.ENDED, Change.IGNORED}:
        doubted_at = None if last is None else last.doubted_at
        if doubted_at is not None and doubted_at < at:
            events.append(Missed(account_id=account_id, at=doubted_at))
        events.append(Missed(account_id=account_id, at=at))
    return [event for event in events if event is not None]


def _ended(account_id: int, live: Live | None) -> Ended | None:
    if live is None or live.ended_at is None:
        return None
    return Ended(account_id=account_id, started_at=live.started_at, ended_at=live.ended_at)


async def _is_on(conn: Connection, account: Account) -> bool:
    known = await store.last_live(conn, account.id)
    return known is not None and known[1].phase is not Phase.ENDED


def is_stranger(account: Account, observation: Observation) -> bool:
    """Tell whether the handle leads to nobody, or to somebody else than the followed person."""
    if account.platform_id is None:
        return False
    person = observation.person
    return observation.not_found or (person is not None and person.platform_id != account.platform_id)


def _without_the_person(observation: Observation, *, gone: bool) -> Observation:
    """Make an answer about somebody else, or about nobody, say only what it tells of our person.

    `gone` is true where nothing is lost by reading it as offline: no live is on, or another source has
    already seen the room closed.
    """
    answer = Answer.OFFLINE if gone else Answer.UNKNOWN
    reason = observation.reason or text("the handle leads to somebody else now")
    return replace(observation, answer=answer, sighting=None, person=None, reason=reason)


async def _learn(conn: Connection, account: Account, observation: Observation) -> Account:
    if observation.person is not None:
        person = observation.person
        account = await store.learn_person(conn, account, person)
        await keep_counts(conn, account.id, person.followers, person.total_likes, observation.seen_at)
    if observation.answer is Answer.LIVE and account.profile_state is not ProfileState.ACTIVE:
        await store.update_account(conn, account.id, profile_state=ProfileState.ACTIVE)
    return account


async def _save(
    conn: Connection,
    account: Account,
    live_id: int | None,
    transition: Transition,
    now: datetime,
    *,
    record: bool = False,
    has_new_followers: bool = False,
) -> None:
    if transition.change is Change.IGNORED or transition.live is None:
        return
    if transition.replaced is not None and live_id is not None:
        await store.save_live(conn, live_id, transition.replaced)
        await recordings.keep_up(conn, live_id, account.id, transition.replaced, now, record=False)
        await say(conn, account, live_id, transition.replaced, now)
    live = transition.live
    if transition.change is Change.FOUND:
        live_id = await store.add_live(conn, account.id, live)
    elif live_id is not None:
        live = await _as_recorded(conn, live_id, live)
        await store.save_live(conn, live_id, live)
    if live_id is None:
        raise AssertionError("a live that goes on was stored before")
    await recordings.keep_up(conn, live_id, account.id, live, now, record=record)
    if transition.change in _NEWS:
        log.info("@%s %s (live %d)", account.handle, _NEWS[transition.change], live_id)
    else:
        log.debug("@%s: live %d %s", account.handle, live_id, transition.change)
    await say(
        conn,
        account,
        live_id,
        live,
        now,
        to_everyone=transition.change is Change.FOUND
        or (has_new_followers and live.phase is not Phase.ENDED),
        in_time=transition.change not in _NEWS,
    )


async def _as_recorded(conn: Connection, live_id: int, live: Live) -> Live:
    """Give a live that is over with the highest count of viewers that its recorder saw, if that is higher."""
    if live.phase is not Phase.ENDED:
        return live
    seen = (live.peak_viewers, await recordings.peak_viewers(conn, live_id))
    return replace(live, peak_viewers=max((count for count in seen if count is not None), default=None))


async def say(
    conn: Connection,
    account: Account,
    live_id: int,
    live: Live,
    now: datetime,
    *,
    to_everyone: bool = False,
    in_time: bool = False,
) -> None:
    """Bring the messages of a live up to date; `to_everyone` also opens them in subscribed channels.

    Guilds that want it read how the live goes. `in_time`: there is no other news, so that those messages are left
    alone for `EDIT_EVERY` after each edit.
    """
    key, subject = event_key(live_id), account_subject(account.id)
    followers = {row.channel_id: row for row in await subscriptions.load(conn, account_id=account.id)}
    channels = await outbox.guilds_of(conn, key)
    if to_everyone:
        active = await subscriptions.load(conn, account_id=account.id, active=True)
        following = [(row.guild_id, row.channel_id) for row in active]
        wanted = await places_of(conn, Kind.LIVE, subject, following, {row.guild_id for row in active})
        channels |= {channel_id: guild_id for guild_id, channel_id in wanted}
    figures = await _figures(conn, account, live_id, now)
    shown = await outbox.delivered(conn, key) if in_time and figures else {}
    plain = live_message(account.person, live)
    by_guild = {
        guild_id: live_message(account.person, live, figures=more) for guild_id, more in figures.items()
    }
    places = []
    for channel_id, guild_id in channels.items():
        follower = followers.get(channel_id)
        if guild_id in figures and channel_id in shown and is_fresh(shown[channel_id], now):
            continue
        places.append(
            Place(
                guild_id=guild_id,
                channel_id=channel_id,
                message=by_guild.get(guild_id, plain),
                role_id=None if follower is None else follower.role_id,
            )
        )
    if await notified.waits_for_viewers(conn, key):
        live = await _with_recorded_viewers(conn, live_id, live)
    await tell(conn, live_news(account, live_id, live, now), places, now)


async def _with_recorded_viewers(conn: Connection, live_id: int, live: Live) -> Live:
    """Give a live with the viewers that its recorder saw last: it sees more than we ask for."""
    recorded = await stream_reading.recorded_live(conn, live_id)
    return live if recorded is None or recorded.viewers is None else replace(live, viewers=recorded.viewers)


def live_news(account: Account, live_id: int, live: Live, now: datetime) -> News:
    """Give a live as news."""
    is_over = live.phase is Phase.ENDED
    return News(
        kind=Kind.LIVE,
        subject=account_subject(account.id),
        event_key=event_key(live_id),
        facts=live_facts(account.person, live, now),
        began_at=live.started_at,
        seen_at=live.last_seen_at,
        is_over=is_over,
        ended_at=(live.ended_at or now) if is_over else None,
        viewers=live.viewers,
        expires_after=NEWS_FOR,
    )


def is_fresh(shown_at: datetime, now: datetime) -> bool:
    """Tell whether an alert was edited just now; of one from the future the clock was set back."""
    return now - EDIT_EVERY < shown_at <= now


async def _figures(
    conn: Connection, account: Account, live_id: int, now: datetime
) -> Mapping[int, tuple[MessageField, ...]]:
    """Give how a recorded live goes to the guilds that want to read it in the alert."""
    chosen = await stream_choices.of_account(conn, account.id)
    wanting = [guild_id for guild_id, choice in chosen.items() if choice.live_edits]
    live = await stream_reading.recorded_live(conn, live_id) if wanting else None
    return {} if live is None else dict.fromkeys(wanting, alert_fields(live, now))


def event_key(live_id: int) -> str:
    """Name the messages of a live in the outbox."""
    return f"{_LIVE}{live_id}"


def live_of(key: str) -> int:
    """Give the live whose messages have this key."""
    return int(key.removeprefix(_LIVE))
