from __future__ import annotations

import statistics

import pytest

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.map_records import map_record
from bot.core.rounds.results import MapResult
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round

MAPS = ("te_escape2", "etl_adlernest", "supply", "etl_sp_delivery", "et_brewdog", "etl_ice", "adlernest")


@pytest.mark.parametrize("name", MAPS)
def test_record_of_a_real_map_agrees_with_the_bytes(name, real_files, real_rounds):
    told = decoder.rounds(real_files)
    heads = {
        file: decoder.naive(content)[0]
        for file, content in real_files.items()
        if not file.startswith(real_rows.UNCOUNTED)
    }
    files = [file for file, head in heads.items() if head[1] == name]
    resolved = real_rows.resolved_rounds(real_rounds)
    record = map_record((EveningRound(key=key, resolved=one) for key, one in resolved.items()), name)
    for number, half in (("1", record.first), ("2", record.second)):
        own = [file for file in files if heads[file][3] == number]
        assert half.attacks == len(own)
        assert half.held == sum(heads[file][4] == heads[file][5] for file in own)
    times = {file: told[file]["played_seconds"] for file in files if told[file]["attackers_succeeded"]}
    assert [one.seconds for one in record.best] == sorted(times.values())[:5]
    first = [seconds for file, seconds in times.items() if heads[file][3] == "1"]
    assert record.usual_seconds == (statistics.median(first) if first else None)
    fastest = record.best[0] if record.best else None
    if fastest:
        players = told[fastest.key]["players"]
        winner = int(heads[fastest.key][5])
        assert fastest.attackers == {guid for guid, one in players.items() if one["side"] == winner}
    assert sum(record.results.values()) == sum(told[file]["first"] is not None for file in files)


def test_hold_rate_is_that_of_each_half_and_unknown_without_an_attack():
    rounds = [
        evening_round("1", 0, attackers_succeeded=False),
        evening_round("2", 8, "xyz", "abc", first="1", attackers_succeeded=True),
        evening_round("3", 20, attackers_succeeded=True, seconds=400),
        evening_round("4", 40, attackers_succeeded=None),
    ]
    record = map_record(rounds, "supply")
    assert (record.first.hold_rate, record.second.hold_rate) == (0.5, 0)
    assert record.usual_seconds == 400
    assert record.results == {
        MapResult.ROUND_1_ATTACKERS: 0,
        MapResult.ROUND_2_ATTACKERS: 1,
        MapResult.DRAW: 0,
    }
    assert map_record([], "supply").first.hold_rate is None
    assert map_record(rounds, "another").best == ()


def test_voided_half_is_in_no_record_and_its_map_in_no_result():
    rounds = [
        evening_round("1", 0, seconds=100, voided=True),
        evening_round("2", 8, "xyz", "abc", first="1", seconds=90),
    ]
    record = map_record(rounds, "supply")
    assert [one.key for one in record.best] == ["2"]
    assert sum(record.results.values()) == 0


def test_of_equal_times_the_older_is_the_record_and_few_are_shown():
    rounds = [evening_round(str(number), 60 - number, seconds=300) for number in range(4)]
    rounds.append(evening_round("slow", 0, seconds=301))
    assert [one.key for one in map_record(rounds, "supply", most=2).best] == ["3", "2"]
    assert map_record(rounds, "supply").best[0].attackers == {"x", "y", "z"}
