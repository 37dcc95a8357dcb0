from __future__ import annotations

import pytest

from bot.core.streams.values import GiftTier, Tiers, ValueSource, Worth, dollars, estimate, worth


@pytest.mark.parametrize(
    ("told", "learned", "name", "expected"),
    [
        (5, 1, "Rose", Worth(5, ValueSource.EVENT)),
        (None, 7, "Rose", Worth(7, ValueSource.LEARNED)),
        (0, 7, "Rose", Worth(7, ValueSource.LEARNED)),
        (None, None, "Rose", Worth(1, ValueSource.ESTIMATE)),
        (None, None, "Rosebud", Worth(None, ValueSource.UNKNOWN)),
        (None, None, "", Worth(None, ValueSource.UNKNOWN)),
        (10**12, None, "", Worth(None, ValueSource.UNKNOWN)),
    ],
)
def test_what_the_message_says_comes_before_what_was_learned_and_a_guess(told, learned, name, expected):
    assert worth(told, learned, name) == expected


@pytest.mark.parametrize("name", ["TikTok Universe", "tiktok  universe+", "TIKTOK UNIVERSE"])
def test_a_guess_knows_a_name_however_it_is_written(name):
    assert estimate(name) == 44_999


@pytest.mark.parametrize(
    ("each", "tier"),
    [
        (None, None),
        (1, GiftTier.STANDARD),
        (99, GiftTier.STANDARD),
        (100, GiftTier.SPECIAL),
        (999, GiftTier.SPECIAL),
        (1000, GiftTier.PREMIUM),
    ],
)
def test_tiers_begin_where_the_settings_say(each, tier):
    assert Tiers().of(each) is tier


def test_settings_move_the_tiers():
    assert Tiers(special=2, premium=3).of(2) is GiftTier.SPECIAL
    assert Tiers(special=2, premium=3).of(3) is GiftTier.PREMIUM


def test_dollars_are_diamonds_at_a_rate():
    assert dollars(1000, 0.005) == pytest.approx(5)
