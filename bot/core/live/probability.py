"""The policy `probability`: looks where a live is likely to be going on unseen, at one price for all accounts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from bot.core.live.forecast import Forecast, Outlook, Window
from bot.core.live.history import Event, Followed, Forgotten, Found, Missed
from bot.core.live.inspection import first_look, looks, values, waiting_costs
from bot.core.live.planner import Allowance, CheckPlan, Watched
from bot.core.live.rhythm import Rhythm, RhythmRules
from bot.core.live.survival import Survival
from bot.texts import text

Floats = NDArray[np.float64]
STEP = 10.0
AHEAD = 144
PAST = 144


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbabilityRules:
    """What is worth how much, and how it learns."""

    unseen_minutes: float = 60.0
    late_minutes: float = 60.0
    late_after: float = 30.0
    spend: float = 1.0
    survival_strength: float = 6.0
    survival_mean: float = 120.0
    rhythm: RhythmRules = field(default_factory=RhythmRules)


@dataclass(slots=True)
class _Known:
    """What is known of one account; instants in minutes since 1970."""

    row: int
    clear: float
    zone: str
    live_since: float | None = None
    found_at: float = 0.0


class ProbabilityPolicy:
    """Learns when lives start and how long they last, and plans by optimal inspection."""

    def __init__(self, settings: ProbabilityRules | None = None) -> None:
        self._rules = settings or ProbabilityRules()
        self._known: dict[int, _Known] = {}
        self._rhythm = Rhythm(self._rules.rhythm)
        self._survival = Survival(self._rules.survival_strength, self._rules.survival_mean, 3.0)
        self._price = 30.0
        self._plan_base = 0
        self._plan_rows: dict[int, int] = {}
        self._plan_value: Floats = np.zeros((0, AHEAD + 1))
        self._plan_intensity: Floats = np.zeros((0, PAST + AHEAD))
        self._plan_loss: Floats = np.zeros((0, PAST + AHEAD))
        self._refreshed = -np.inf

    # --- learning

    def learn(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, Followed):
            self._follow(event)
            return
        known = self._known.get(event.account_id)
        if known is None:
            return
        if isinstance(event, Forgotten):
            self._rhythm.reset(known.row, used=False)
            self._survival.forget(known.row)
            del self._known[event.account_id]
        elif isinstance(event, Missed):
            self._look(known, _minutes(event.at))
        elif isinstance(event, Found):
            self._found(known, _minutes(event.started_at), _minutes(event.found_at))
        else:
            self._ended(known, _minutes(event.started_at), _minutes(event.ended_at))

    def _follow(self, event: Followed) -> None:
        known = self._known.get(event.account_id)
        if known is not None:
            known.zone = event.zone
            return
        row = len(self._known)
        if row >= len(self._rhythm.used):
            self._rhythm.grow(max(32, 2 * row))
            self._survival.grow(max(32, 2 * row))
        self._rhythm.reset(row, used=True)
        self._known[event.account_id] = _Known(row=row, clear=_minutes(event.at), zone=event.zone)

    def _refresh(self, now: float) -> None:
        if now >= self._refreshed + 60:
            self._rhythm.refresh(now)
            self._refreshed = now

    def _look(self, known: _Known, at: float, seen_until: float | None = None) -> None:
        """Nobody was live at `at`: all starts since the account was last known to be offline are ruled out."""
        self._refresh(at)
        until = at if seen_until is None else seen_until
        if until > known.clear:
            first = max(known.clear, at - 2880)
            edges = np.arange(np.floor(first / STEP) + 1, np.ceil(until / STEP)) * STEP
            edges = np.concatenate([[first], edges, [until]])
            edges = edges[np.concatenate([[True], np.diff(edges) > 1e-9])] if edges.size > 2 else edges
            times = (edges[1:] + edges[:-1]) / 2
            width = np.diff(edges)
            rows = np.array([known.row])
            alive = self._survival.alive(rows, at - times)[0]
            self._rhythm.observe(known.row, times, times + self._offset(known, times), width, width * alive)
        known.clear = max(known.clear, until)

    def _found(self, known: _Known, start: float, at: float) -> None:
        start = min(start, at)
        if known.live_since is not None:
            return
        self._look(known, at, seen_until=max(start, known.clear))
        self._rhythm.start(known.row, start, start + float(self._offset(known, np.array([start]))[0]))
        known.live_since, known.found_at = start, at
        known.clear = max(known.clear, at)

    def _ended(self, known: _Known, start: float, end: float) -> None:
        if known.live_since is not None:
            self._survival.learn(known.row, known.found_at - known.live_since, end - known.live_since)
        known.live_since = None
        known.clear = max(known.clear, end)
        self._plan_rows.pop(known.row, None)
        del start

    def _offset(self, known: _Known, times: Floats) -> Floats:
        """Give the minutes that the account's clock is ahead of UTC, [m]."""
        if not known.zone:
            return np.zeros(times.size)
        try:
            zone = ZoneInfo(known.zone)
        except (KeyError, ValueError, OSError):
            return np.zeros(times.size)

        def ahead(minute: float) -> float:
            offset = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).utcoffset()
            return offset.total_seconds() / 60 if offset else 0.0

        first, last = ahead(times[0]), ahead(times[-1])
        if first == last:
            return np.full(times.size, first)
        return np.array([ahead(minute) for minute in times])

    # --- planning

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan."""
        minute = _minutes(now)
        self._refresh(minute)
        for account in watched:
            if account.account_id not in self._known:
                self._follow(Followed(account_id=account.account_id, at=now))
        due = [account for account in watched if not account.is_live and not account.frozen]
        if not due:
            return []
        base = int(minute // STEP)
        self._prepare(due, base, minute)
        mass = self._mass(due)
        costs = waiting_costs(self._plan_intensity[:, PAST:], self._plan_loss[:, :AHEAD])
        target = self._rules.spend * allowance.checks_per_day
        value, first = self._afford(costs, mass, target, [account.account_id for account in due], base)
        self._plan_value = value
        return [
            self._check_plan(account, now, minute, base, int(step))
            for account, step in zip(due, first, strict=True)
        ]

    def _afford(
        self, costs: Floats, mass: Floats, target: float, ids: Sequence[int], base: int
    ) -> tuple[Floats, NDArray[np.intp]]:
        """Find two prices between which the plans cost what there is, and mix them."""
        spread = 1.1
        for turn in range(20):
            prices = self._price * np.array([1 / spread, 1.0, spread])
            value, best = values(costs, prices)
            first = first_look(mass, self._plan_loss, value)
            number = looks(first, best)
            spent = number.sum(axis=1)
            if spent[0] >= target >= spent[2] or not 1e-3 < self._price < 1e5:
                break
            over = spent[2] > target
            self._price *= spread**2 if over else spread**-2
            spread = min(spread * 1.3, 3.0)
        dear = 2 if spent[1] > target else 1
        cheap = dear - 1
        self._iters = turn
        order = np.argsort([zlib.crc32(f"{account_id} {base // 144}".encode()) for account_id in ids])
        extra = np.cumsum((number[cheap] - number[dear])[order]) + spent[dear]
        chosen = np.zeros(len(ids), bool)
        chosen[order] = extra <= target
        self._spent = float(spent[dear] + (number[cheap] - number[dear])[chosen].sum())
        self._price = float(
            np.clip(prices[dear if spent[dear] + spent[cheap] < 2 * target else cheap], 1e-3, 1e5)
        )
        pick = np.where(chosen, cheap, dear)
        return value[pick, np.arange(len(ids))], first[pick, np.arange(len(ids))]

    def _prepare(self, due: Sequence[Watched], base: int, minute: float) -> None:
        known = [self._known[account.account_id] for account in due]
        rows = np.array([k.row for k in known])
        times = (np.arange(base - PAST, base + AHEAD) + 0.5) * STEP
        local = np.array([times + self._offset(k, times) for k in known])
        weight = np.array([account.priority for account in due])[:, None]
        self._plan_base = base
        self._plan_rows = {k.row: i for i, k in enumerate(known)}
        self._plan_intensity = weight * self._rhythm.intensity(rows, times, local, minute) * STEP
        self._plan_loss = self._losses(rows)

    def _losses(self, rows: NDArray[np.intp]) -> Floats:
        lag = (np.arange(PAST + AHEAD) + 0.5) * STEP
        alive = self._survival.alive(rows, lag)
        lived = np.cumsum(alive, axis=1) * STEP - 0.5 * STEP * alive
        late = np.where(lag > self._rules.late_after, 1.0, 1 - alive)
        return lived + self._rules.unseen_minutes * (1 - alive) + self._rules.late_minutes * late

    def _mass(self, due: Sequence[Watched]) -> Floats:
        clear = np.array([self._known[account.account_id].clear for account in due])[:, None]
        begin = (np.arange(self._plan_base - PAST, self._plan_base + AHEAD) * STEP)[None, :]
        return self._plan_intensity * np.clip((begin + STEP - clear) / STEP, 0, 1)

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan one."""
        if account.is_live or account.frozen:
            return None
        minute = _minutes(now)
        known = self._known.get(account.account_id)
        if known is None or known.row not in self._plan_rows or minute // STEP - self._plan_base > 12:
            return self._plan_alone(now, account)
        i = self._plan_rows[known.row]
        clear = known.clear
        begin = np.arange(self._plan_base - PAST, self._plan_base + AHEAD) * STEP
        mass = self._plan_intensity[i] * np.clip((begin + STEP - clear) / STEP, 0, 1)
        skip = max(int(minute // STEP) - self._plan_base, 0)
        value = self._plan_value[i].copy()
        value[:skip] = np.inf
        step = int(first_look(mass[None], self._plan_loss[i][None], value[None])[0])
        del allowance
        return self._check_plan(account, now, minute, self._plan_base, step)

    def _plan_alone(self, now: datetime, account: Watched) -> CheckPlan:
        minute = _minutes(now)
        if account.account_id not in self._known:
            self._follow(Followed(account_id=account.account_id, at=now))
        saved = (self._plan_base, self._plan_rows, self._plan_value, self._plan_intensity, self._plan_loss)
        base = int(minute // STEP)
        self._prepare([account], base, minute)
        costs = waiting_costs(self._plan_intensity[:, PAST:], self._plan_loss[:, :AHEAD])
        value, _ = values(costs, np.array([self._price]))
        first = first_look(self._mass([account]), self._plan_loss, value[0])
        self._plan_base, self._plan_rows, self._plan_value, self._plan_intensity, self._plan_loss = saved
        return self._check_plan(account, now, minute, base, int(first[0]))

    def _check_plan(self, account: Watched, now: datetime, minute: float, base: int, step: int) -> CheckPlan:
        scatter = zlib.crc32(f"{account.account_id} {account.last_checked_at}".encode()) / 2**32 - 0.5
        at = max((base + step + scatter) * STEP, minute)
        instant = now if at <= minute else max(now, datetime.fromtimestamp(at * 60, UTC))
        return CheckPlan(account_id=account.account_id, at=instant, reason=text("likely"))

    # --- forecast

    def forecast(self, now: datetime, account_ids: Sequence[int], hours: int) -> Forecast:
        """Forecast."""
        minute = _minutes(now)
        self._refresh(minute)
        known = [self._known[account_id] for account_id in account_ids]
        rows = np.array([k.row for k in known], dtype=np.intp)
        first = np.floor(minute / 60) * 60
        times = first + (np.arange(hours * 6) + 0.5) * STEP
        local = np.array([times + self._offset(k, times) for k in known])
        expected = self._rhythm.intensity(rows, times, local, minute) * STEP
        for i, k in enumerate(known):
            if k.live_since is not None:
                alive = self._survival.alive(
                    rows[i : i + 1], np.maximum(np.append(times, minute) - k.live_since, 0)
                )[0]
                expected[i] *= 1 - np.minimum(alive[:-1] / max(alive[-1], 1e-9), 1)
        starts = 1 - np.exp(-expected.reshape(len(known), hours, 6).sum(axis=2))
        return Forecast(
            account_ids=tuple(account_ids),
            hours_from=datetime.fromtimestamp(first * 60, UTC),
            starts=starts,
            live=starts,
            confidence=np.zeros(len(known)),
        )

    def outlook(self, now: datetime, account_id: int) -> Outlook:
        """Outlook."""
        forecast = self.forecast(now, [account_id], 24)
        best = int(forecast.starts[0].argmax())
        start = forecast.hours_from + timedelta(hours=best)
        return Outlook(
            account_id=account_id,
            live_now=0.0,
            within_hour=float(forecast.starts[0, 0]),
            window=Window(
                start=start, end=start + timedelta(hours=1), probability=float(forecast.starts[0, best])
            ),
            confidence=0.0,
        )

    def heat(self, account_id: int) -> Floats:
        """Give P(a live starts) per weekday (Monday first) and hour in the account's zone, [7, 24]."""
        known = self._known.get(account_id)
        if known is None:
            return np.zeros((7, 24))
        return self._rhythm.heat(known.row)

    def expected_missed(self, account_id: int) -> float:
        """Give how many lives of this account are expected to have gone unseen since it is followed."""
        known = self._known.get(account_id)
        return 0.0 if known is None else float(self._rhythm.hidden[known.row])


def _minutes(instant: datetime) -> float:
    return instant.timestamp() / 60
