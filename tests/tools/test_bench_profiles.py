"""The benchmark of profiles, made small: it measures what it names, and refuses wrong answers."""

from __future__ import annotations

import pytest

from tools.bench import profile_history, profile_load


@pytest.fixture
def small(monkeypatch):
    for name, value in {"PROFILES": 2, "RUNS": 10, "POSTS": 3, "SNAPSHOTS": 60, "TIMES": 2}.items():
        monkeypatch.setattr(profile_history, name, value)
    for name, value in {"PROFILES": 6, "POSTS": 30, "SPEED": 20.0, "QUIET_SECONDS": 0.5}.items():
        monkeypatch.setattr(profile_load, name, value)


async def test_questions_are_measured_over_the_snapshots(small, database_url):
    figures = await profile_history.measure_history(database_url, "some engine")
    names = [f"profile {what}, some engine" for what in ("show", "posts", "post", "compare")]
    assert [figure.name for figure in figures] == names
    assert all(figure.value > 0 and figure.limit == profile_history.LIMIT_MS for figure in figures)


async def test_growth_that_is_not_that_of_the_snapshots_is_refused(small, database_url, monkeypatch):
    refuse = profile_history._refuse_other_growth

    async def after_a_change(database, service):
        async with database.write("test.change") as conn:
            await conn.exec_driver_sql("UPDATE post_snapshots SET views = views + run_id * 1000")
        await refuse(database, service)

    monkeypatch.setattr(profile_history, "_refuse_other_growth", after_a_change)
    with pytest.raises(RuntimeError, match="differs from its snapshots"):
        await profile_history.measure_history(database_url, "some engine")


async def test_all_that_is_due_is_read_with_no_more_at_once_than_may_be(small, database_url, tmp_path):
    minutes, at_once, *others = await profile_load.measure_load(database_url, tmp_path)
    # Two pages each and a second before every one, five at a time.
    assert minutes.value >= 2 * 2 / 60
    assert at_once.value == at_once.limit == 5
    assert [figure.unit for figure in others] == ["MB", "ms", "ms"]


async def test_a_snapshot_that_is_missing_is_refused(small, database_url, tmp_path, monkeypatch):
    monkeypatch.setattr(profile_load.Listings, "_page", _page_without_one(profile_load.Listings._page))
    with pytest.raises(RuntimeError, match="snapshots kept"):
        await profile_load.measure_load(database_url, tmp_path)


def _page_without_one(page):
    def without_one(self, profile, first):
        whole = page(self, profile, first)
        return (
            whole
            if first
            else type(whole)(
                posts=whole.posts[1:], read_at=whole.read_at, is_last=False, requests=1, profile=whole.profile
            )
        )

    return without_one
