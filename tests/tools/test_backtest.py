"""The backtest: what it reads and refuses, that it drives the bot itself, repeats itself and keeps the budget."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from bot.core.live.models import Answer, Person
from bot.core.live.planner import EvenlySpread
from bot.core.live.scores import catches, worst_rolling_day
from bot.core.live.transitions import Live, Phase
from bot.storage import ledger, subscriptions
from bot.storage import live as store
from bot.storage.engine import Database
from bot.storage.migrate import upgrade
from tests.clocks import ManualClock
from tests.services.live_world import GUILD, LiveWorld
from tools.backtest.__main__ import main
from tools.backtest.histories import BadInput, draw, eligible, history_of, read_history
from tools.backtest.run import Plan, Wish, planned, run_one

NOW = datetime(2026, 11, 21, tzinfo=UTC)
START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HEADER = "account,start_utc,end_utc\n"
GOOD = "ana,2026-06-01T20:00:00Z,2026-06-01T21:00:00Z\n"


def regular(accounts: int, days: int) -> list[tuple[str, datetime, datetime]]:
    """People who are live for about an hour on most evenings, each at an hour of their own."""
    luck = Random(7)
    lives = []
    for number in range(accounts):
        hour = luck.uniform(0, 23)
        for day in range(days):
            start = START + day * DAY + (hour + luck.gauss(0, 0.5)) * HOUR
            if luck.random() < 0.8 and start >= START:
                end = start + luck.uniform(0.7, 1.5) * HOUR
                lives.append((f"person{number}", start.replace(microsecond=0), end.replace(microsecond=0)))
    return lives


def written(folder: Path, lives: list[tuple[str, datetime, datetime]], name: str = "lives.csv") -> Path:
    rows = "".join(f"{account},{start.isoformat()},{end.isoformat()}\n" for account, start, end in lives)
    (folder / name).write_text(HEADER + rows, "utf-8")
    return folder / name


def plan_of(accounts: int = 4, days: int = 4, *, budget: int = 48, warm_up_days: float = 1) -> Plan:
    return planned(history_of(regular(accounts, days)), Wish(budget=budget, warm_up_days=warm_up_days))


# --- Reading -----------------------------------------------------------------------------------


def test_plain_and_gzip_are_the_same_history(tmp_path):
    plain = written(tmp_path, regular(3, 5))
    packed = tmp_path / "lives.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_history(plain, NOW) == read_history(packed, NOW)
    assert set(read_history(plain, NOW).names.values()) == {"person0", "person1", "person2"}


BAD_ROWS = {
    "ana,2026-06-01T20:00:00Z\n": "not as many values",
    "ana,2026-06-02T20:00:00Z,2026-06-02T21:00:00Z,more\n": "not as many values",
    ",2026-06-02T20:00:00Z,2026-06-02T21:00:00Z\n": "names no account",
    "ana,yesterday,2026-06-02T21:00:00Z\n": "'yesterday' is no instant",
    "ana,2026-06-02T20:00:00Z,2026-06-02T19:00:00Z\n": "ends (2026-06-02T19:00:00Z) before it starts",
    "ana,2026-06-02T20:00:00Z,2026-12-02T19:00:00Z\n": "in the future",
    "ana,2026-06-01T20:30:00Z,2026-06-01T22:00:00Z\n": "overlaps that of line 2",
    "ana,0001-01-01T00:00:00Z,0001-01-01T01:00:00Z\n": "no live can have begun then",
    '"ana"x,2026-06-02T20:00:00Z,2026-06-02T21:00:00Z\n': "',' expected after '\"'",
    '"ana,2026-06-02T20:00:00Z,2026-06-02T21:00:00Z\n': "unexpected end of data",
    "an\udcffa,2026-06-02T20:00:00Z,2026-06-02T21:00:00Z\n": "not UTF-8",
    "a" * 200_000 + ",2026-06-02T20:00:00Z,2026-06-02T21:00:00Z\n": "field larger than field limit",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=BAD_ROWS.values())
def test_a_broken_row_is_named_by_its_line_and_the_rest_is_usable(tmp_path, row):
    file = tmp_path / "lives.csv"
    file.write_text(HEADER + GOOD + row + GOOD.replace("ana", "ben"), "utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=r"line 3: ") as refused:
        read_history(file, NOW)
    assert BAD_ROWS[row] in str(refused.value)
    history = read_history(file, NOW, skip_bad=True)
    assert len(history.lives) == 2
    assert "line 3" in history.skipped[0]


def test_of_a_file_that_breaks_off_what_came_before_is_usable(tmp_path):
    file = tmp_path / "cut.csv.gz"
    file.write_bytes(gzip.compress((HEADER + GOOD).encode())[:-6])
    with pytest.raises(BadInput, match=r"line 3: the file cannot be read from here on"):
        read_history(file, NOW)
    history = read_history(file, NOW, skip_bad=True)
    assert [live.started_at for live in history.lives] == [START + 20 * HOUR]
    assert len(history.skipped) == 1


def test_a_broken_stretch_is_named_by_its_line_and_the_rest_is_usable(tmp_path):
    file, beside = written(tmp_path, regular(2, 4)), tmp_path / "lives.coverage.csv"
    beside.write_text("from_utc,to_utc\n2026-06-01,2026-06-02\n2026-06-03\n2026-06-04,soon\n", "utf-8")
    with pytest.raises(BadInput, match=r"coverage\.csv, line 3: it has not as many values .*1 more"):
        read_history(file, NOW)
    history = read_history(file, NOW, skip_bad=True)
    assert history.polled == [(START, START + DAY)]
    assert all(f"line {line}" in words for line, words in zip((3, 4), history.skipped, strict=True))


def test_what_is_no_history_gives_one_line_and_the_exit_code_2(tmp_path, capsys):
    (tmp_path / "empty.csv").write_text("", "utf-8")
    (tmp_path / "header.csv").write_text(HEADER, "utf-8")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", "utf-8")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress((HEADER + GOOD * 500).encode())[:-12])
    (tmp_path / "bytes.csv").write_bytes(HEADER.encode() + b"\xff\xfe,\x00\n")
    (tmp_path / "bad.csv").write_text(HEADER + GOOD + "ana,x,y\n", "utf-8")
    good = written(tmp_path, regular(2, 20), "good.csv")
    for arguments in (
        ["empty.csv"],
        ["header.csv"],
        ["other.csv"],
        ["cut.csv.gz"],
        ["bytes.csv"],
        ["bad.csv"],
        ["missing.csv"],
        ["."],
        [],
        ["--database", f"sqlite:///{tmp_path}/none.db"],
        ["--database", "nonsense"],
        ["good.csv", "--policy", "luck"],
        ["good.csv", "--policy", "fixed", "--accounts", "5"],
        ["good.csv", "--policy", "fixed", "--budget", "0"],
        ["good.csv", "--policy", "fixed", "--days", "-3"],
        ["good.csv", "--policy", "fixed", "--days", "nan"],
        ["good.csv", "--policy", "fixed", "--days", "14"],
        ["good.csv", "--policy", "fixed", "--days", "inf"],
        ["good.csv", "--policy", "fixed", "--days", "1e12"],
        ["good.csv", "--policy", "fixed", "--days", "1e7"],
        ["good.csv", "--policy", "fixed", "--warmup-days", "inf"],
        ["good.csv", "--policy", "fixed", "--warmup-days", "1e12"],
        ["good.csv", "--policy", "fixed", "--from", "9999-12-30", "--days", "30"],
        ["good.csv", "--policy", "fixed", "--from", "2031-01-01"],
        ["good.csv", "--policy", "fixed", "--from", "soon"],
    ):
        named = [str(tmp_path / one) if one == "." or "csv" in one else one for one in arguments]
        assert main(named) == 2, arguments
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err.strip().splitlines()) == 1, told.err
    assert not (tmp_path / "none.db").exists()
    assert good.exists()


def test_hours_outside_of_the_polled_stretches_are_not_judged(tmp_path):
    file = written(tmp_path, regular(2, 4))
    (tmp_path / "lives.coverage.csv").write_text(
        "from_utc,to_utc\n2026-06-01T00:00:00Z,2026-06-02T10:30:00Z\n2026-06-03T09:30:00Z,2026-06-09T00:00:00Z\n"
    )
    plan = planned(read_history(file, NOW), Wish(budget=24, warm_up_days=1))
    whole = run_one(replace(plan, polled=()), "probability", resamples=0).figures
    known = run_one(plan, "probability", resamples=0).figures
    assert (
        whole.forecast_hours - known.forecast_hours == 2 * 24
    )  # 2 June 10:00 to 3 June 10:00, both accounts
    assert whole.coverage == known.coverage


# --- Drawing -----------------------------------------------------------------------------------


def test_accounts_are_drawn_from_those_that_meet_the_rule_in_the_window():
    often = [("often", START + day * DAY, START + day * DAY + HOUR) for day in range(14)]
    seldom = [("seldom", START, START + HOUR)]
    later = [("later", START + (20 + day) * DAY, START + (20 + day) * DAY + HOUR) for day in range(14)]
    history = history_of(often + seldom + later)
    able = eligible(history, START, START + 14 * DAY, 1)
    assert [history.names[one] for one in able] == ["often"]
    assert draw(range(50), 20, 7) == draw(range(50), 20, 7) != draw(range(50), 20, 8)
    with pytest.raises(BadInput, match="only 3 accounts"):
        draw(range(3), 4, 7)


# --- Replaying ---------------------------------------------------------------------------------


def test_every_check_is_true_and_a_live_that_was_found_is_not_asked_for_again():
    plan = plan_of()
    result = run_one(plan, "fixed", resamples=0)
    lives = plan.task.lives
    for check in result.checks:
        on = any(
            live.account_id == check.account_id and live.started_at <= check.at < live.ended_at
            for live in lives
        )
        assert check.answer is (Answer.LIVE if on else Answer.OFFLINE)
    found = [catch for catch in catches(lives, result.checks) if catch.found_at is not None]
    assert len(found) == sum(check.answer is Answer.LIVE for check in result.checks) > 0


def test_the_same_draw_gives_the_same_checks_and_the_budget_is_never_passed(tmp_path):
    file = written(tmp_path, regular(6, 20))
    for name in ("one", "two"):
        arguments = [
            "--accounts",
            "4",
            "--seed",
            "3",
            "--budget",
            "40",
            "--policy",
            "fixed",
            "--warmup-days",
            "2",
        ]
        arguments += ["--days", "5", "--json", str(tmp_path / f"{name}.json")]
        assert main([str(file), *arguments, "--checks", str(tmp_path / f"{name}.csv")]) == 0
    one, two = ((tmp_path / f"{name}.csv").read_text("utf-8") for name in ("one", "two"))
    assert one == two
    rows = list(csv.DictReader(one.splitlines()))
    assert {row["result"] for row in rows} == {"live", "offline"}
    instants = [datetime.fromisoformat(row["checked_utc"]) for row in rows]
    assert instants == sorted(instants)
    told = json.loads((tmp_path / "one.json").read_text("utf-8"))
    assert {row["account"] for row in rows} == set(told["accounts"])
    assert told["policies"]["fixed"]["worst_day"] == worst_rolling_day(instants) <= 40
    assert told["budget_kept"] is True


def test_a_budget_that_is_passed_is_told_and_ends_with_1(tmp_path, capsys, monkeypatch):
    async def careless(conn, ask, limits, now):
        return await claim(conn, ask, replace(limits, per_day=replace(limits.per_day, requests=60)), now)

    claim = ledger.claim
    monkeypatch.setattr(ledger, "claim", careless)
    file = written(tmp_path, regular(3, 4))
    monkeypatch.setattr(EvenlySpread, "plan", lambda self, now, watched, allowance: [])
    monkeypatch.setattr(EvenlySpread, "plan_one", hurried)
    assert main([str(file), "--policy", "fixed", "--budget", "24", "--warmup-days", "1"]) == 1
    assert "PASSED, 60 of 24" in capsys.readouterr().out


hasty = EvenlySpread.plan_one


def hurried(self, now, account, allowance):
    """Plan every check for ten minutes after the last one."""
    plan = hasty(self, now, account, allowance)
    return plan and replace(plan, at=max(now, (account.last_checked_at or now) + timedelta(minutes=10)))


async def test_a_change_of_the_planner_changes_the_bot_and_the_backtest(database, monkeypatch):
    """Both go through the same service: neither has a planner of its own."""

    async def of_the_bot() -> timedelta:
        world = LiveWorld(database, ManualClock(NOW))
        world.tiktok.add("somebody", 1)
        async with database.write("test.follow") as conn:
            account = await store.account_for(conn, "somebody", None) or await store.add_account(
                conn, person_of("somebody"), "active", NOW
            )
            await subscriptions.subscribe(conn, subscription_of(account.id), 1, NOW)
            await store.update_account(conn, account.id, next_check_at=NOW)
        await world.monitor.replan_step()
        await world.monitor.check_step()
        async with database.read() as conn:
            return (await store.followed_accounts(conn))[0].next_check_at - NOW

    plan = plan_of(days=2, warm_up_days=0.5)
    asked = await asyncio.to_thread(checks_of, plan)
    wait = await of_the_bot()
    monkeypatch.setattr(EvenlySpread, "plan_one", hurried)
    assert await of_the_bot() == timedelta(minutes=10) != wait
    hurried_checks = await asyncio.to_thread(checks_of, plan)
    spans = [two.at - one.at for one, two in zip(hurried_checks, hurried_checks[4:], strict=False)][:8]
    assert max(spans) <= timedelta(minutes=15)
    assert hurried_checks != asked


def checks_of(plan: Plan):
    return run_one(plan, "fixed", resamples=0).checks


def person_of(handle: str):
    return Person(platform_id=1, handle=handle)


def subscription_of(account_id: int) -> subscriptions.Subscription:
    return subscriptions.Subscription(
        account_id=account_id, guild_id=GUILD, channel_id=1, role_id=None, paused=False
    )


def test_what_is_learned_beats_what_is_fixed_on_regular_people(tmp_path):
    plan = planned(history_of(regular(6, 16)), Wish(budget=36, warm_up_days=11))
    fixed, learned = (run_one(plan, policy, resamples=0).figures for policy in ("fixed", "probability"))
    assert learned.coverage > fixed.coverage + 0.1
    assert learned.within_30 > 2 * fixed.within_30
    assert learned.skill > 0
    assert fixed.skill is None  # it tells no chances
    assert max(fixed.worst_day, learned.worst_day) <= 36


def test_policies_are_compared_in_the_same_run(tmp_path, capsys):
    file = written(tmp_path, regular(2, 3))
    arguments = [str(file), "--compare", "--budget", "12", "--warmup-days", "1"]
    assert main([*arguments, "--checks", str(tmp_path / "checks.csv")]) == 0
    told = capsys.readouterr().out
    assert all(
        name in told for name in ("probability", "fixed", "roadmap", "skill against", "all 2 accounts")
    )
    assert {file.name for file in tmp_path.glob("checks*")} == {
        "checks.csv",
        "checks.fixed.csv",
        "checks.roadmap.csv",
    }


async def test_an_admin_replays_the_lives_of_the_own_database(tmp_path, capsys):
    url = f"sqlite:///{tmp_path}/vedette.db"
    await upgrade(url, tmp_path / "backups", NOW, keep=1)
    database = Database.open(url)
    async with database.write("test.fill") as conn:
        account = await store.add_account(conn, person_of("ana"), "active", NOW)
        await subscriptions.subscribe(conn, subscription_of(account.id), 1, NOW)
        for _, start, end in regular(1, 20):
            live = Live(
                phase=Phase.ENDED,
                room_ids=(int(start.timestamp()) << 32,),
                started_at=start,
                found_at=start,
                last_seen_at=end,
                ended_at=end,
            )
            await store.add_live(conn, account.id, live)
    await database.close()
    shutil.copy(tmp_path / "vedette.db", tmp_path / "before.db")
    code = await asyncio.to_thread(main, ["--database", url, "--policy", "fixed", "--budget", "8"])
    assert code == 0
    told = capsys.readouterr().out
    assert "all 1 accounts" in told
    assert "lives that it missed are not in it" in told
    assert (tmp_path / "vedette.db").read_bytes() == (tmp_path / "before.db").read_bytes()


def test_real_lives_are_found_as_often_as_an_even_spread_must(reference_data):
    """specs/scheduling.md 2: with a check every T minutes a live of d minutes is hit with probability d / T."""
    history = read_history(reference_data / "live_sessions" / "pocket48.csv.gz", NOW)
    wish = Wish(
        budget=120, since=datetime(2018, 6, 1, tzinfo=UTC), days=7, warm_up_days=0, accounts=20, a_week=1
    )
    plan = planned(history, wish)
    figures = run_one(plan, "fixed", resamples=0).figures
    lives = [
        live for live in plan.task.lives if plan.judged.counted_from <= live.started_at < plan.judged.until
    ]
    expected = sum(min(1.0, live.minutes / 240) for live in lives) / len(lives)
    assert figures.coverage == pytest.approx(expected, abs=0.12)
    assert 110 < figures.requests_a_day <= 120
