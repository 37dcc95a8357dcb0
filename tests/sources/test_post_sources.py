"""Which sources are asked for posts, and in which order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings
from bot.sources.post_sources import post_sources_of
from tests.clocks import ManualClock

ROOT = Path(__file__).resolve().parents[2]


def names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changes: str) -> list[str]:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(tmp_path / "no.env")
    return [source.name for source in post_sources_of(settings, ManualClock())]


def test_the_paid_source_is_asked_only_with_its_key(monkeypatch, tmp_path):
    assert names(monkeypatch, tmp_path) == ["yt-dlp"]
    assert names(monkeypatch, tmp_path, SCRAPECREATORS_API_KEY="k") == ["yt-dlp", "scrapecreators"]


def test_the_order_is_the_one_that_was_set_and_each_is_asked_once(monkeypatch, tmp_path):
    chosen = {"SCRAPECREATORS_API_KEY": "k", "POST_SOURCES": "scrapecreators, yt-dlp, scrapecreators"}
    assert names(monkeypatch, tmp_path, **chosen) == ["scrapecreators", "yt-dlp"]
    assert names(monkeypatch, tmp_path, POST_SOURCES="yt-dlp") == ["yt-dlp"]


def test_a_paid_source_alone_and_without_its_key_is_refused_at_the_start(monkeypatch, tmp_path):
    with pytest.raises(SettingsError, match=r"POST_SOURCES \(environment\): .*SCRAPECREATORS_API_KEY"):
        names(monkeypatch, tmp_path, POST_SOURCES="scrapecreators")


def test_yt_dlp_is_not_loaded_into_the_bot():
    code = "import sys, bot.sources.post_sources; sys.exit(any(m.startswith(('yt_dlp', 'curl_cffi')) for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
