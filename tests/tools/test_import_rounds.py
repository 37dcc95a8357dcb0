"""The importer of a folder, as people run it: a process on real files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.rounds.files import FileKind, file_kind
from tests.core.rounds import decoder
from tests.core.rounds.samples import content, header, roster

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {
    *("file", "map", "round", "flags", "counted", "ended_utc", "played_seconds", "winner_side"),
    *("attackers_succeeded", "ended_early_seconds", "partner_file", "map_result", "players"),
}
PLAYER_FIELDS = {
    *("guid", "name", "side", "kills", "deaths", "damage_given", "damage_received", "team_damage_given"),
    *("team_damage_received", "gibs", "self_kills", "team_kills", "team_gibs", "gun_shots", "gun_hits"),
    *("head_hits", "headshot_kills", "revives", "team_seconds", "alive_seconds", "dpm", "counter_reset"),
}
NAME = "2025-07-01-232300-supply-round-1.txt"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.import_rounds", *map(str, arguments)],
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def imported(folder: Path, tmp_path: Path, *more: object) -> tuple[list[dict], str]:
    done = run(folder, "--server", "alpha", "--json", tmp_path / "out.json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "out.json").read_text("utf-8")), done.stderr


@pytest.fixture(scope="module")
def real(reference_data, tmp_path_factory):
    """What the tool says of the real folder, and what the second decoder does."""
    folder = reference_data / "etlegacy"
    rounds, said = imported(folder, tmp_path_factory.mktemp("real"), "--zone", "Europe/Paris")
    names = [path.name for path in sorted(folder.iterdir()) if file_kind(path.name) is FileKind.ROUND]
    files = {name: (folder / name).read_bytes() for name in names}
    return {one["file"]: one for one in rounds}, decoder.rounds(files), said


def test_every_real_file_is_a_round_with_exactly_the_fields_asked_for(real):
    rounds, expected, said = real
    assert rounds.keys() == expected.keys()
    assert said == "alpha: 57 round(s) read, 0 file(s) left out\n"
    assert all(one.keys() == FIELDS for one in rounds.values())
    assert all(player.keys() == PLAYER_FIELDS for one in rounds.values() for player in one["players"])


def test_real_numbers_agree_with_the_second_decoder(real):
    rounds, expected, _ = real
    for name, one in rounds.items():
        players = expected[name]["players"]
        assert {player["guid"] for player in one["players"]} == players.keys()
        for player in one["players"]:
            for what, value in players[player["guid"]].items():
                assert player.get(what, value) == pytest.approx(value, abs=0.51), (name, what)
            assert player["dpm"] == pytest.approx(player["damage_given"] * 60 / player["team_seconds"])


def test_real_rounds_balance_in_all_26_pairs(real):
    rounds, expected, _ = real
    pairs = {name: one["first"] for name, one in expected.items() if one["first"]}
    assert len(pairs) == 26
    for second, first in pairs.items():
        assert (rounds[second]["partner_file"], rounds[first]["partner_file"]) == (first, second)
        assert rounds[second]["map_result"] == rounds[first]["map_result"] is not None
        assert sums(rounds[second]) == (0, 0)
        marked = "sums_do_not_balance" in rounds[first]["flags"]
        assert (sums(rounds[first]) != (0, 0)) is marked is first.startswith("2025-11-01-231128")
    assert sum(one["partner_file"] is None for one in rounds.values()) == 5


def sums(one: dict) -> tuple[int, int]:
    players = one["players"]
    return (
        sum(player["damage_given"] - player["damage_received"] for player in players),
        sum(player["kills"] - player["deaths"] for player in players),
    )


def test_the_names_of_the_copied_folder_are_read_in_the_zone(real):
    rounds, _, _ = real
    ended = {name[:17]: one["ended_utc"] for name, one in rounds.items()}
    assert ended["2025-10-20-000043"] == "2025-10-19T22:00:43+00:00"
    assert ended["2025-10-26-191725"] == "2025-10-26T18:17:25+00:00"
    assert list(ended.values()) == sorted(ended.values())


def test_stamps_that_are_sane_go_before_the_zone(reference_data, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    name = "2025-10-26-221428-supply-round-1.txt"
    shutil.copy(reference_data / "etlegacy" / name, folder)
    true = datetime(2025, 10, 27, 2, 14, 29, tzinfo=UTC).timestamp()
    os.utime(folder / name, (true, true))
    (one,), _ = imported(folder, tmp_path, "--zone", "Europe/Paris")
    assert one["ended_utc"] == "2025-10-27T02:14:28+00:00"


def test_what_cannot_be_read_is_a_line_each_and_the_rest_goes_on(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    good = content(header(), *roster())
    (folder / NAME).write_bytes(good)
    (folder / NAME.replace("2323", "2324")).write_bytes(good[:-3])
    (folder / NAME.replace("2323", "2325")).mkdir()
    os.mkfifo(folder / NAME.replace("2323", "2326"))
    with (folder / NAME.replace("2323", "2327")).open("wb") as file:
        file.truncate(2**31)
    (folder / NAME.replace("2323", "2328")).symlink_to("/dev/zero")
    (folder / NAME.replace("2323", "2329")).symlink_to("nowhere")
    (folder / f"1733415574-{NAME}").write_bytes(good)
    (folder / f"2025-07-01-a\nb-round-1.txt{'x' * 100}.txt").write_bytes(b"")
    (folder / NAME.replace(".txt", "-endstats.txt")).write_bytes(b"\0")
    rounds, said = imported(folder, tmp_path)
    assert [one["file"] for one in rounds] == [NAME]
    lines = said.splitlines()
    assert len(lines) == 9
    for line, reason in zip(
        lines,
        [
            "c0rnsp0rn 1.0",
            "not finished",
            "not a regular file",
            "not a regular file",
            "larger than 256 kB",
            "not a regular file",
            "No such file",
            "the name is not one",
            "alpha: 1 round(s) read, 8 file(s) left out",
        ],
        strict=True,
    ):
        assert reason in line


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["nowhere", "--server", "a", "--json", "out"], 2, "cannot be read: No such file"),
        (["{folder}", "--server", "a", "--json", "out", "--zone", "Mars/Base"], 2, "no such time zone"),
        (["{folder}", "--server", "a", "--json", "out", "--zone", "../etc/passwd"], 2, "no such time zone"),
        (["{folder}", "--server", "a", "--json", "{folder}/none/out"], 1, "cannot be written: No such file"),
        (["{folder}/file", "--server", "a", "--json", "out"], 2, "cannot be read: Not a directory"),
    ],
)
def test_trouble_is_one_line_and_an_exit_code(tmp_path, arguments, code, line):
    (tmp_path / "file").write_text("")
    done = run(*(argument.format(folder=tmp_path) for argument in arguments))
    assert done.returncode == code
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_folder_is_no_rounds_and_the_list_can_go_to_the_output(tmp_path):
    done = run(tmp_path, "--server", "a", "--json", "-")
    assert (done.returncode, done.stdout) == (0, "[]\n")
