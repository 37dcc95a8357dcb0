"""Whom people mean, what they are told, and which member is which player."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import insert, select, update

from bot.core.requester import Requester
from bot.core.rounds.metrics import METRICS
from bot.core.rounds.players import DuelSums
from bot.core.rounds.radar import radar
from bot.core.rounds.rating import Rating
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.services.announcements import Announcements
from bot.services.players import Players
from bot.storage import audit
from bot.storage.round_tables import (
    ignored_players,
    player_links,
    player_ratings,
    round_duels,
    rounds,
)
from tests.clocks import START
from tests.core.rounds import real_rows
from tests.core.rounds.conftest import real_files, real_rounds
from tests.core.rounds.samples import GUIDS, player, roster
from tests.storage.test_player_rows import keep_round
from tests.storage.test_resolved_rounds import keep

__all__ = ["real_files", "real_rounds"]  # fixtures
GUILD, ELSEWHERE = 1, 2
BY = Requester(guild_id=GUILD, user_id=10)
ANOTHER = Requester(guild_id=GUILD, user_id=11)
ADMIN = Requester(guild_id=GUILD, user_id=99)
ONE, TWO, THREE, FOUR = GUIDS


def servers_of(by):
    return {GUILD: ("alpha",), ELSEWHERE: ("beta",)}.get(by.guild_id, ())


@pytest.fixture
def players(database, clock):
    announcements = Announcements(database, clock)
    return Players(database=database, servers_of=servers_of, announcements=announcements, clock=clock)


@pytest.fixture
async def played(database):
    """One round on each server, and a name that changed."""
    async with database.write("test.keep") as conn:
        names = ("kalle", "anna", "kalle", "bob*")
        lines = [player(guid, name=name) for guid, name in zip(GUIDS, names, strict=True)]
        first = await keep_round(conn, 0, *lines)
        await keep_round(conn, 30, player(ONE, name="kalle2"), *lines[1:])
        await keep_round(conn, 10, *[player(f"CCCCCCC{n}", name=f"far{n}") for n in range(4)], server="beta")
    return first


async def ignore(database, guid):
    async with database.write("test.ignore") as conn:
        await conn.execute(insert(ignored_players).values(server="alpha", guid=guid))


async def links(database):
    async with database.read() as conn:
        found = await conn.execute(select(player_links).order_by(player_links.c.user_id))
        return {(row.guild_id, row.user_id): (row.guid, row.linked_by) for row in found}


# --- Who is meant ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "guid"),
    [
        ("kalle2", ONE),
        ("KALLE2", ONE),
        ("kalle", THREE),  # who has the name now, not who had it
        ("ann", TWO),
        (TWO, TWO),
        (TWO.lower(), TWO),
        (TWO + "0" * 24, TWO),
        ("  bob* ", FOUR),
        ("^1bob*", FOUR),
    ],
)
async def test_a_player_is_found_by_guid_or_name_however_it_is_written(players, played, written, guid):
    assert (await players.find(BY, written)).guid == guid


async def test_a_player_is_told_by_the_newest_name(players, played):
    assert (await players.find(BY, ONE)).name == "kalle2"
    assert {one.guid for one in await players.suggest(BY, "KALLE")} == {ONE, THREE}
    assert {one.name for one in await players.suggest(BY, "")} == {"kalle2", "anna", "kalle", "bob*"}


async def test_names_that_fit_several_are_told_with_their_guids(players, played):
    with pytest.raises(InputRefused, match=r"kalle \(BBBBBBB1\), kalle2 \(AAAAAAA1\)"):
        await players.find(BY, "kall")


@pytest.mark.parametrize("written", ["nobody", "far1", "CCCCCCC1", "%", "", "\x00", "<@1>"])
async def test_who_is_not_known_here_is_not_found(players, played, written):
    with pytest.raises(NothingThere, match="No player named"):
        await players.find(BY, written)


async def test_nobody_is_found_where_no_server_belongs_to_the_guild(players, played):
    lost = Requester(guild_id=3, user_id=10)
    with pytest.raises(NothingThere, match="No game server"):
        await players.find(lost, ONE)
    assert await players.suggest(lost, "k") == ()


async def test_an_ignored_player_is_shown_to_nobody_and_that_is_said(players, played, database):
    known = await players.find(BY, ONE)
    await players.link(BY, BY.user_id, ONE, as_admin=False)
    await ignore(database, ONE)
    for written in ("kalle2", ONE):
        with pytest.raises(NothingThere, match="ignored"):
            await players.find(BY, written)
    with pytest.raises(NothingThere, match="ignored"):
        await players.of_member(BY, BY.user_id)
    with pytest.raises(NothingThere):
        await players.card(BY, known)
    assert ONE not in {one.guid for one in await players.suggest(BY, "")}
    assert ONE not in {one.player.guid for one in await players.proposals(BY, "kalle2")}


# --- What is told ------------------------------------------------------------------------------------


async def test_a_card_of_a_real_player_tells_what_the_bytes_say(database, players, real_files, real_rounds):
    async with database.write("test.keep") as conn:
        await keep(conn, real_rows.resolved_rounds(real_rounds))
    expected = real_rows.expected_rows(real_files)
    guid = max(expected, key=lambda one: len(expected[one]))
    own = expected[guid]
    card = await players.card(BY, await players.find(BY, guid))
    assert card.side.rounds == len(own)
    assert card.side.totals["deaths"] == (sum(one["deaths"] for one in own), len(own))
    kd = sum(one["kills"] for one in own) / sum(one["deaths"] for one in own)
    assert card.side.measured["kd"].value == pytest.approx(kd)
    revives = sum(one["revives"] for one in own) * 600 / sum(one["team_seconds"] for one in own)
    assert card.side.rates["revives"].value == pytest.approx(revives, rel=1e-6)
    assert sum(one.rounds for one in card.form.evenings) <= len(own)
    assert sum(one.kills for one in card.weapons) == sum(one["kills"] for one in own)
    assert len(card.aliases) > 1


async def test_two_real_players_stand_on_the_radar_as_the_core_says(database, players, real_rounds):
    async with database.write("test.keep") as conn:
        await keep(conn, real_rows.resolved_rounds(real_rounds))
    rows = real_rows.rows(real_rounds)
    often = sorted({one.guid for one in rows}, key=lambda guid: -sum(one.guid == guid for one in rows))[:2]
    pair = [await players.find(BY, guid) for guid in often]
    comparison = await players.compare(BY, *pair)
    assert comparison.axes == radar(rows, (often[0], often[1]))
    assert [side.player for side in comparison.sides] == pair
    assert comparison.duel is None


async def test_a_card_has_the_link_the_rating_and_the_duels(players, played, database):
    round_id, file_id = played
    async with database.write("test.more") as conn:
        await conn.execute(insert(player_ratings).values(guid=ONE, mean=30, deviation=2, maps=12))
        values = {"round_id": round_id, "file_id": file_id, "guid": ONE, "opponent_guid": TWO}
        await conn.execute(insert(round_duels).values(**values, kills=7, deaths=3))
    await players.link(BY, BY.user_id, ONE, as_admin=False)
    one, two = await players.find(BY, ONE), await players.find(BY, TWO)
    card = await players.card(BY, one)
    assert card.linked_to == BY.user_id
    assert card.rating == Rating(mean=30, deviation=2, maps=12)
    assert card.duels == (DuelSums(opponent=two, kills=7, deaths=3, rounds=1),)
    assert [(one.name, one.rounds) for one in card.aliases] == [("kalle2", 1), ("kalle", 1)]
    assert (await players.compare(BY, one, two)).duel == card.duels[0]
    elsewhere = Requester(guild_id=ELSEWHERE, user_id=BY.user_id)
    with pytest.raises(NothingThere, match="counts yet"):
        await players.card(elsewhere, one)


async def test_without_a_counted_round_there_is_no_card(players, played, database):
    async with database.write("test.void") as conn:
        await conn.execute(update(rounds).values(counted=False))
    one, two = await players.find(BY, ONE), await players.find(BY, TWO)
    for told in (players.must_be_told(BY, one), players.card(BY, one), players.compare(BY, one, two)):
        with pytest.raises(NothingThere, match="counts yet"):
            await told


async def test_nobody_is_compared_with_himself(players, played):
    one, two = await players.find(BY, ONE), await players.find(BY, TWO)
    await players.must_be_told(BY, one, two)
    with pytest.raises(InputRefused, match="one and the same"):
        await players.must_be_told(BY, one, one)


async def test_a_time_that_no_script_told_is_unknown(players, database):
    async with database.write("test.keep") as conn:
        await keep_round(conn, 0, *roster(f22="0.0"))
    card = await players.card(BY, await players.find(BY, ONE))
    told = card.side.measured
    assert (told["playtime"].value, told["dpm"].value, card.side.rates["revives"].value) == (None, None, None)
    assert told["kills"].value == 5
    assert told.keys() == METRICS.keys()
    assert all(getattr(card, field.name) is not None or field.name == "linked_to" for field in fields(card))


# --- Which member is which player --------------------------------------------------------------------


async def test_members_link_themselves_change_their_mind_and_unlink(players, played, database):
    assert (await players.link(BY, BY.user_id, ONE, as_admin=False)).name == "kalle2"
    assert await players.of_member(BY, BY.user_id) == await players.find(BY, ONE)
    await players.link(BY, BY.user_id, TWO, as_admin=False)
    assert await links(database) == {(GUILD, 10): (TWO, 10)}
    await players.undo_link(BY, BY.user_id, as_admin=False)
    assert await links(database) == {}
    with pytest.raises(NothingThere, match="no link"):
        await players.undo_link(BY, BY.user_id, as_admin=False)
    with pytest.raises(NothingThere, match="/player link"):
        await players.of_member(BY, BY.user_id)
    with pytest.raises(NothingThere, match="<@11>"):
        await players.of_member(BY, 11)


async def test_a_player_who_is_somebody_is_moved_by_an_admin_alone(players, played, database):
    await players.link(BY, BY.user_id, ONE, as_admin=False)
    with pytest.raises(NotAllowed, match="<@10> already"):
        await players.link(ANOTHER, ANOTHER.user_id, ONE, as_admin=False)
    assert await links(database) == {(GUILD, 10): (ONE, 10)}
    await players.link(ADMIN, ANOTHER.user_id, ONE, as_admin=True)
    assert await links(database) == {(GUILD, 11): (ONE, 99)}


async def test_only_admins_choose_for_others(players, played, database):
    with pytest.raises(NotAllowed, match="Manage Server"):
        await players.link(BY, ANOTHER.user_id, ONE, as_admin=False)
    await players.link(ANOTHER, ANOTHER.user_id, ONE, as_admin=False)
    with pytest.raises(NotAllowed, match="Manage Server"):
        await players.undo_link(BY, ANOTHER.user_id, as_admin=False)
    await players.undo_link(ADMIN, ANOTHER.user_id, as_admin=True)
    assert await links(database) == {}


async def test_the_same_link_again_is_no_trouble(players, played, database):
    for _ in range(2):
        await players.link(BY, BY.user_id, ONE, as_admin=False)
    assert await links(database) == {(GUILD, 10): (ONE, 10)}


async def test_a_player_of_other_servers_cannot_be_linked(players, played, database):
    with pytest.raises(NothingThere):
        await players.link(BY, BY.user_id, "CCCCCCC1", as_admin=False)
    assert await links(database) == {}


async def test_proposals_name_who_is_a_player_already_and_any_name_counts(players, played):
    await players.link(BY, BY.user_id, ONE, as_admin=False)
    found = await players.proposals(ANOTHER, "Kalle")
    assert [(one.player.name, one.linked_to) for one in found] == [("kalle2", 10), ("kalle", None)]
    assert (await players.proposal(ANOTHER, "anna")).linked_to is None
    assert await players.proposals(ANOTHER, "zzzzzzzz") == ()


async def test_what_admins_choose_for_others_is_in_the_audit_log_and_nothing_else(players, played, database):
    await players.link(BY, BY.user_id, ONE, as_admin=False)
    await players.undo_link(BY, BY.user_id, as_admin=False)
    await players.link(ADMIN, ADMIN.user_id, TWO, as_admin=True)
    await players.link(ADMIN, BY.user_id, TWO, as_admin=True)
    await players.undo_link(ADMIN, BY.user_id, as_admin=True)
    async with database.read() as conn:
        found = await audit.entries(conn, GUILD, 9)
    assert [(one.user_id, str(one.what)) for one in found] == [
        (99, "<@10> is not the player anna any more."),
        (99, "<@10> is the player anna."),
    ]


async def test_when_a_link_was_made_and_by_whom_is_kept(players, played, database):
    await players.link(ADMIN, BY.user_id, ONE, as_admin=True)
    async with database.read() as conn:
        row = (await conn.execute(select(player_links))).one()
    assert (row.linked_by, row.linked_at) == (99, START)
