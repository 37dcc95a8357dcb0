"""What was chosen, as it is kept."""

from __future__ import annotations

from bot.core.notifications.options import AfterLive, Digest, Mention, Only, Options, Quiet, QuietMode

CHOSEN = Options(
    mention=Mention.ROLE,
    role_id=5,
    quiet=Quiet(mode=QuietMode.HOLD),
    only=Only(days=(5, 6)),
    after_live=AfterLive.DELETE,
    digest=Digest.DAILY,
    min_viewers=0,
)


def test_what_was_chosen_is_read_back_unchanged() -> None:
    assert Options.from_json(CHOSEN.to_json()) == CHOSEN


def test_what_a_newer_version_chose_keeps_nobody_from_reading_the_rest() -> None:
    newer = {"quiet": {"mode": "hold", "zone": "x"}, "after_live": "frame", "sound": True, "digest": "hourly"}
    assert Options.from_json({**newer, "min_viewers": 7}) == Options(min_viewers=7)
