"""What becomes of an event in each place it may be told in: the rows of the outbox that follow from what was chosen.

What was posted once is only edited. What waits or is new is decided (`bot.core.notifications.deciding`). Whatever this
needs to know is read for all places it is given at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.core.delivery import OPEN_STATES, Event, OutboxState, after, edit_at
from bot.core.notifications.deciding import Decision, Earlier, Rule, Situation, Verdict, decide
from bot.core.notifications.news import News, Place
from bot.core.notifications.options import AfterLive, Options
from bot.services.notification_choices import Choices
from bot.services.notification_drafts import Drafts, Stored
from bot.storage import notified
from bot.storage.engine import Connection
from bot.storage.notified import Noted
from bot.texts import text

_BEFORE = "pinged_before"
_OF_ITS_OWN_LIVE = ("facts", "kind", "subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What the database tells of other events where this one may be told, by channel.

    `targets` are the messages in which this event, or the one before it, goes on.
    """

    last_told: Mapping[int, datetime]
    earlier: Mapping[int, Noted]
    targets: Mapping[tuple[str, int], Noted]
    threads: Mapping[tuple[str, int], Noted]


async def tell_noted(
    conn: Connection, news: News, places: Sequence[Place], noted: Mapping[int, Noted], now: datetime
) -> bool:
    """Write what becomes of an event of which `noted` is known; gives whether anything changed."""
    guild_ids = {place.guild_id for place in places}
    choices = await Choices.load(conn, news.kind, news.subject, guild_ids)
    teller = _Teller(news, noted, choices, now)
    teller.known = await _known(conn, news, teller, [place for place in places if not place.direct])
    rows: dict[int | tuple[str, int], Noted] = {}
    for place in places:
        for row in teller.rows_of(place):
            rows[row.id or (row.event_key, row.channel_id)] = row
    await notified.write(conn, list(rows.values()))
    return bool(rows)


async def _known(conn: Connection, news: News, teller: _Teller, places: Collection[Place]) -> _Known:
    last_told: Mapping[int, datetime] = {}
    earlier: Mapping[int, Noted] = {}
    targets: Mapping[tuple[str, int], Noted] = {}
    threads: Mapping[tuple[str, int], Noted] = {}
    about, but = (news.kind, news.subject), news.event_key
    undecided = {
        place.channel_id: teller.options_of(place)
        for place in places
        if teller.is_undecided(place.channel_id)
    }
    cooling = [channel_id for channel_id, options in undecided.items() if options.cooldown_minutes]
    flapping = [channel_id for channel_id, options in undecided.items() if options.grace_minutes]
    if cooling:
        last_told = await notified.last_told(conn, *about, cooling, but=but)
    if flapping and news.kind.goes_on:
        earlier = await notified.earlier(conn, *about, flapping, but=but)
    merged = {row.channel_id: row.merged_into for row in teller.noted.values() if row.merged_into}
    merged |= {channel_id: row.merged_into or row.event_key for channel_id, row in earlier.items()}
    if merged:
        targets = await notified.of_channels(conn, set(merged.values()), merged.keys())
    if undecided and news.in_thread_of:
        threads = await notified.of_channels(conn, {news.in_thread_of}, undecided.keys())
    return _Known(last_told=last_told, earlier=earlier, targets=targets, threads=threads)


class _Teller:
    """One event on its way into its channels."""

    known: _Known

    def __init__(self, news: News, noted: Mapping[int, Noted], choices: Choices, now: datetime) -> None:
        self.noted = noted
        self._news = news
        self._choices = choices
        self._now = now
        self._drafts = Drafts(news)
        self._stored = Stored()
        self._pinged = self._roles_pinged()

    def options_of(self, place: Place) -> Options:
        return self._choices.options(place.guild_id, place.channel_id, place.role_id)

    def is_undecided(self, channel_id: int) -> bool:
        """Tell whether it is still open if the event is told in a channel: also where it goes on after an end."""
        row = self.noted.get(channel_id)
        if row is None or row.state is OutboxState.HELD:
            return True
        was_over = row.state is OutboxState.SKIPPED and row.held_by == Rule.OVER
        if row.state is OutboxState.REMOVED and self._news.kind.goes_on:
            was_over = bool(self._stored.facts(row).get("is_over"))
        return was_over and not self._news.is_over

    def rows_of(self, place: Place) -> list[Noted]:
        """Give the rows that change because of what is told in a place."""
        row = self.noted.get(place.channel_id)
        options = self.options_of(place)
        if self.is_undecided(place.channel_id):
            return self._decided(place, row, options)
        if row is None:
            raise AssertionError("what nobody knows of is not decided")
        if not row.merged_into:
            return self._changed(row, [self._told_again(row, place, options)])
        target = self.known.targets.get((row.merged_into, row.channel_id))
        kept = replace(row, facts=self._facts(place, self._stored.facts(row)))
        return self._changed(row, [kept]) + self._in_target(target, place, options)

    # --- What was not posted yet -----------------------------------------------------------------

    def _decided(self, place: Place, row: Noted | None, options: Options) -> list[Noted]:
        guild_id = place.guild_id
        is_deleted = row is not None and row.state is OutboxState.REMOVED
        if self._choices.is_off(place.channel_id) and not place.direct:
            off = Decision(verdict=Verdict.SKIP, why=text("switched off in this channel"))
            return [] if row is None or is_deleted else [self._as_decided(place, row, options, off)]
        new = self._new(place) if row is None else row.renewed() if is_deleted else row
        target, earlier = self._earlier(place.channel_id)
        role_id = self._choices.role(guild_id, options)
        decision = decide(
            options,
            Situation(
                kind=self._news.kind,
                now=self._now,
                zone=self._choices.zone(guild_id),
                began_at=self._news.began_at,
                seen_at=self._news.seen_at,
                is_over=self._news.is_over,
                is_urgent=self._news.is_urgent,
                viewers=self._news.viewers,
                last_told_at=self.known.last_told.get(place.channel_id),
                earlier=earlier,
                paused_until=self._choices.paused_until(place.channel_id),
                held_by=Rule(row.held_by) if row is not None and row.state is OutboxState.HELD else Rule.NONE,
                is_pinged=(guild_id, role_id) in self._pinged or new.is_renewed,
                is_backfill=self._news.is_backfill,
            ),
        )
        told = self._in_target(target, place, options) if decision.verdict is Verdict.MERGE else []
        return [self._as_decided(place, new, options, decision), *told]

    def _earlier(self, channel_id: int) -> tuple[Noted | None, Earlier | None]:
        """Give the message a live may go on in, where it still stands or people deleted it, and the live before."""
        before = self.known.earlier.get(channel_id)
        if before is None:
            return None, None
        target = self.known.targets.get((before.merged_into or before.event_key, channel_id))
        if target is None or not target.may_stand or target.removing:
            return None, None
        record = self._stored.facts(before)
        ended_at = record.get("ended_at") if record.get("is_over") else None
        return target, Earlier(event_key=target.event_key, ended_at=ended_at)

    def _new(self, place: Place) -> Noted:
        return Noted(
            event_key=self._news.event_key,
            guild_id=place.guild_id,
            channel_id=place.channel_id,
            direct=place.direct,
            message="",
            created_at=self._now,
            next_try_at=self._now,
        )

    def _as_decided(self, place: Place, row: Noted, options: Options, decision: Decision) -> Noted:
        row = replace(
            row,
            kind=self._news.kind,
            subject=self._news.subject,
            message=self._drafts.message(place.message, "", None),
            facts=self._facts(place, self._pinged_before(place)),
            held_by=decision.rule,
            held_until=None,
            why=decision.why,
            merged_into=decision.merged_into,
            next_try_at=self._now,
        )
        if decision.verdict in {Verdict.SKIP, Verdict.MERGE}:
            return replace(row, state=OutboxState.SKIPPED)
        if decision.verdict is Verdict.SEND:
            return self._let_out(place, row, options, decision)
        until = decision.until
        if decision.verdict is Verdict.DIGEST and row.state is OutboxState.HELD and row.id:
            was = self.noted[row.channel_id]
            until = was.held_until if was.held_by == Rule.DIGEST and was.held_until else until
        return replace(row, state=OutboxState.HELD, held_until=until)

    def _let_out(self, place: Place, row: Noted, options: Options, decision: Decision) -> Noted:
        news, role_id = self._news, None
        may_ping = decision.rule is not Rule.QUIET and not news.is_over and not news.is_backfill
        if decision.pings:
            role_id = self._choices.role(row.guild_id, options)
            self._pinged.add((row.guild_id, role_id))
        lead = self._drafts.lead(options, place.message)
        is_in = self.known.threads.get((news.in_thread_of, row.channel_id))
        in_thread_of = is_in.merged_into if is_in is not None and is_in.merged_into else news.in_thread_of
        return replace(
            row,
            state=OutboxState.PENDING,
            message=self._drafts.message(place.message, lead, role_id, self._drafts.panel(options)),
            facts=self._facts(
                place,
                {
                    "pings": may_ping and not row.is_renewed,
                    "pinged": role_id,
                    **self._pinged_before(place),
                },
            ),
            held_by=Rule.NONE,
            told_at=self._now,
            expires_at=None if news.expires_after is None else self._now + news.expires_after,
            placement=self._drafts.placement(place.message, options, in_thread_of),
            remove_after_hours=options.delete_after_hours or 0,
        )

    # --- What was let out before -----------------------------------------------------------------

    def _in_target(self, target: Noted | None, place: Place, options: Options) -> list[Noted]:
        """Tell of a live in the message of an earlier one; where people deleted that, it is told nowhere."""
        if target is None:
            return []
        told = self._told_again(target, place, options)
        # What stays with the message is about its own live.
        return self._changed(
            target, [replace(told, **{name: getattr(target, name) for name in _OF_ITS_OWN_LIVE})]
        )

    def _told_again(self, row: Noted, place: Place, options: Options) -> Noted:
        news = self._news
        if row.state.is_final or row.removing:  # should its live go on, it is posted again once it is gone
            return row
        record = self._stored.facts(row)
        ended = self._facts(place, record) if record.get("is_over", False) != news.is_over else row.facts
        row = replace(row, facts=ended)
        if row.is_deleted:
            return row
        if news.kind.goes_on and options.after_live is AfterLive.DELETE:
            row = self._to_be_deleted(row, options)
            if row.state is OutboxState.SKIPPED or (news.is_over and not options.grace_minutes):
                return row
        if news.is_over and options.after_live is AfterLive.LEAVE and row.is_posted:
            return row
        role_id = self._role_again(row, record, options)
        lead = self._drafts.lead(options, place.message)
        message = self._drafts.message(place.message, lead, role_id, self._drafts.panel(options))
        if self._stored.is_same(row.message, message):
            return row
        more = {**record, "pinged": role_id or record.get("pinged")}
        at = edit_at(
            row.state, stands=row.stands, posted_at=row.posted_at, edited_at=row.delivered_at, now=self._now
        )
        # An edit is a new errand with a day of its own; a first post keeps the trace of its tries.
        errand: dict[str, Any] = {"tries": 0, "first_tried_at": None, "next_try_at": at, "error": ""}
        return replace(
            row,
            kind=news.kind,
            subject=news.subject,
            message=message,
            facts=self._facts(place, more),
            revision=row.revision + 1,
            state=after(row.state, Event.CHANGED),
            **({} if at is None else errand),
        )

    def _to_be_deleted(self, row: Noted, options: Options) -> Noted:
        """Set when an alert goes that is to be deleted after its live, or let it stay because the live goes on."""
        if not self._news.is_over:
            hours = timedelta(hours=row.remove_after_hours)
            return replace(row, remove_at=row.told_at + hours if hours and row.told_at else None)
        if not row.is_posted and row.first_tried_at is None and row.state in OPEN_STATES:
            why = text("over before it could be told")
            return replace(row, state=OutboxState.SKIPPED, held_by=Rule.OVER, why=why)
        at = self._now + timedelta(minutes=options.grace_minutes or 0)
        return replace(row, remove_at=min(at, row.remove_at or at))

    def _role_again(self, row: Noted, record: Mapping[str, Any], options: Options) -> int | None:
        """Give the role that a message mentions which was let out before: only its first post pings.

        In the message of an earlier live nobody is pinged but whom that one has chosen: what it pinged elsewhere
        is not known here.
        """
        pinged: int | None = record.get("pinged")
        if self._news.is_over:
            return None
        if row.is_posted or not record.get("pings", True) or row.event_key != self._news.event_key:
            return pinged
        wanted = self._choices.role(row.guild_id, options)
        if wanted != pinged and (row.guild_id, wanted) in self._pinged:
            return None
        self._pinged.add((row.guild_id, wanted))
        return wanted

    def _changed(self, before: Noted, after_it: Sequence[Noted]) -> list[Noted]:
        return [row for row in after_it if row != before]

    # --- What stays with a message ---------------------------------------------------------------

    def _facts(self, place: Place, record: Mapping[str, Any]) -> str:
        own = {"role_id": place.role_id, "pings": record.get("pings", True), "pinged": record.get("pinged")}
        if record.get(_BEFORE) is not None:
            own[_BEFORE] = record[_BEFORE]
        return self._drafts.facts(own)

    def _pinged_before(self, place: Place) -> dict[str, Any]:
        """Give what stays known of a post that the bot has deleted: the role it pinged."""
        row = self.noted.get(place.channel_id)
        record = {} if row is None else self._stored.facts(row)
        pinged = record.get("pinged") if row is not None and row.state is OutboxState.REMOVED else None
        return {_BEFORE: pinged or record.get(_BEFORE)}

    def _roles_pinged(self) -> set[tuple[int, int | None]]:
        """Give guild and role of the pings that were sent for this event, or may still be."""
        found = set()
        for row in self.noted.values():
            was_sent = row.is_posted or row.first_tried_at is not None or row.state in OPEN_STATES
            if was_sent and row.state is not OutboxState.HELD:
                found.add((row.guild_id, self._stored.facts(row).get("pinged")))
            found.add((row.guild_id, self._stored.facts(row).get(_BEFORE)))
        return found - {(guild_id, None) for guild_id, _ in found}
