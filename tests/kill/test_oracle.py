"""The oracle can fail: over a bot that does not look, and where a count over the whole run would notice nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import ENGINES
from tests.kill.drive import server_of, tell
from tests.kill.mortal import Mortal
from tests.kill.oracle import Ledgered, Row, requests_are_in_the_ledger
from tests.kill.stories.telling import Told, set_up
from tools.sandbox.stored import change


@pytest.fixture
async def ledger(tmp_path: Path) -> str:
    """The URL of a database with a ledger of five claims, of which the first two were answered."""
    url = f"sqlite:///{tmp_path / 'vedette.db'}"
    (tmp_path / "vedette.db").touch()
    await change(url, "CREATE TABLE requests (id INTEGER PRIMARY KEY, purpose TEXT, answer TEXT)")
    for answer in ("'live'", "'offline'", "NULL", "NULL", "NULL"):
        await change(url, f"INSERT INTO requests (purpose, answer) VALUES ('check', {answer})")
    return url


def asked(count: int, endpoint: str = "api_live") -> list[Row]:
    return [{"endpoint": endpoint}] * count


@pytest.mark.parametrize("count", [2, 5])
async def test_a_claim_may_have_been_killed_before_its_request(ledger: str, count: int) -> None:
    lived = await requests_are_in_the_ledger(ledger, asked(count), Ledgered())
    assert lived == Ledgered(row=5, requests=count)


@pytest.mark.parametrize("tiktok", [asked(6), asked(1), asked(2) + asked(1, "profile")])
async def test_a_request_without_a_claim_and_an_answer_without_a_request_are_noticed(
    ledger: str, tiktok: list[Row]
) -> None:
    with pytest.raises(AssertionError, match="TikTok was asked"):
        await requests_are_in_the_ledger(ledger, tiktok, Ledgered())


async def test_what_a_death_kept_from_its_request_does_not_excuse_a_later_one(ledger: str) -> None:
    lived = await requests_are_in_the_ledger(ledger, asked(2), Ledgered())
    with pytest.raises(AssertionError, match="TikTok was asked"):
        await requests_are_in_the_ledger(ledger, asked(3), lived)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_bot_that_did_not_look_would_be_caught(
    tmp_path: Path, reference_data: Path, request: pytest.FixtureRequest, engine: str
) -> None:
    """The oracle can fail: without the look into the channel a killed bot posts twice."""

    async def story(bot: Mortal, _: Path) -> None:
        async with bot.alive():
            await set_up(bot)

    looking = "bot/discord/looking.py"
    looks = {f"{looking} _LOOK_BACK": "timedelta(days=-1000)", f"{looking} _LOOK_AT_LEAST_AT": "0"}
    blind = Told(story=story, constants=looks)
    order = "alone 1 any\tbot/discord/courier Courier._send: channel.send | after"
    server = server_of(engine, request)
    outcome = await tell(blind, tmp_path / "blind", reference_data, order, server=server)
    assert outcome.deaths == 1
    with pytest.raises(AssertionError, match="posted 2 times"):
        raise outcome.error or RuntimeError("nobody noticed")
