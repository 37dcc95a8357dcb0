"""How the bot starts where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.__main__ import main


@pytest.mark.parametrize("in_the_way", ["data", "data/bot.lock/sub"])
def test_a_data_folder_that_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_the_way: str
) -> None:
    """A file stands where the folder should be, or something else where its file should be."""
    blocked = tmp_path / in_the_way
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", "x")
    monkeypatch.setenv("DATA_FOLDER", str(tmp_path / "data"))
    assert main(["run"]) == 1
    told = capsys.readouterr().err
    assert "DATA_FOLDER" in told.splitlines()[-1]
    assert str(tmp_path / "data") in told.splitlines()[-1]
    assert "Traceback" not in told
