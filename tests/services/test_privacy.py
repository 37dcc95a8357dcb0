"""Whoever asks to be forgotten is nowhere any more, their sums stay, and they are not recorded again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from bot.core.forgotten import Forgotten
from bot.core.requester import Requester
from bot.core.streams.tally import NOBODY
from bot.errors import InputRefused, NothingThere
from bot.services.announcements import Announcements
from bot.services.players import Players
from bot.services.privacy import Found, Privacy
from bot.storage import gift_sums
from bot.storage import privacy as store
from bot.storage.engine import Database
from bot.storage.round_tables import (
    audit_log,
    player_links,
    round_awards,
    round_duels,
    round_files,
    round_players,
)
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    forgotten_people,
    recordings,
    stream_comments,
    stream_gifts,
    stream_people,
    supporter_sums,
)
from bot.storage.tables import metadata, notes, outbox, subscriptions
from tests.clocks import ManualClock
from tests.kept_streams import FIRST_PERSON, START, KeptLive, keep_live
from tests.services.round_world import CHANNEL, FIRST, GUILD, SECOND, RoundWorld
from tests.services.stream_world import FAN as VIEWER
from tests.services.stream_world import StreamWorld, comment, rose
from tests.services.test_round_endstats import with_duels

OWNER = Requester(guild_id=GUILD, user_id=1, is_owner=True)
ADMIN = Requester(guild_id=GUILD, user_id=42)
FAN = FIRST_PERSON  # who gives most
GONE = "Anonymous"


def privacy_of(database: Database, clock: ManualClock, servers: Sequence[str] = ("alpha",)) -> Privacy:
    announcements = Announcements(database, clock)
    players = Players(
        database=database, servers_of=lambda _: tuple(servers), announcements=announcements, clock=clock
    )
    return Privacy(database=database, players=players, announcements=announcements, clock=clock)


@pytest.fixture
def privacy(database: Database, clock: ManualClock) -> Privacy:
    return privacy_of(database, clock)


@pytest.fixture
async def lives(database: Database) -> list[KeptLive]:
    """Three lives of two accounts with the same audience; one of them is followed here."""
    async with database.write("test.lives") as conn:
        kept = [
            await keep_live(conn, handle="ana", seed=1),
            await keep_live(conn, handle="ana", seed=2, started_at=START + timedelta(days=40)),
            await keep_live(conn, handle="bea", seed=3),
        ]
        comment = {"live_id": kept[0].live_id, "at": START, "words": "here I am"}
        for number, person_id in enumerate((FAN, FAN + 1)):
            await conn.execute(
                insert(stream_comments).values(**comment, message_id=number, person_id=person_id)
            )
        row = {"channel_id": 5, "created_by": 1, "created_at": START, "account_id": kept[0].account_id}
        await conn.execute(insert(subscriptions).values(guild_id=GUILD, **row))
    return kept


async def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    async with database.read() as conn:
        return {
            table.name: [tuple(row) for row in await conn.execute(select(table))]
            for table in metadata.sorted_tables
        }


async def holding(database: Database, *marks: object) -> dict[str, int]:
    """Count the rows of each table with one of these ids, or with one of these words in any text."""

    words = [str(mark) for mark in marks if len(str(mark)) > 2]  # two figures are in every hash

    def marked(value: object) -> bool:
        return value in marks or (isinstance(value, str) and any(word in value for word in words))

    found = {
        name: sum(any(map(marked, row)) for row in rows)
        for name, rows in (await everything(database)).items()
    }
    return {name: count for name, count in found.items() if count}


async def totals(database: Database) -> dict[str, object]:
    """Sum whatever is the same for everybody: by live, by gift, over all."""
    names = ("comments", "likes", "gifts", "diamonds", "shares")
    async with database.read() as conn:
        of_lives = select(contributions.c.live_id, *[func.sum(contributions.c[name]) for name in names])
        of_kinds = select(
            contribution_gifts.c.live_id,
            contribution_gifts.c.gift_id,
            func.sum(contribution_gifts.c["count"]),
            func.sum(contribution_gifts.c.diamonds),
        )
        single = select(stream_gifts.c.live_id, stream_gifts.c.gift_id, func.sum(stream_gifts.c["count"]))
        kept = select(
            supporter_sums.c.month, func.sum(supporter_sums.c.gifts), func.sum(supporter_sums.c.diamonds)
        )
        return {
            "recordings": [tuple(row) for row in await conn.execute(select(recordings))],
            "lives": set((await conn.execute(of_lives.group_by(contributions.c.live_id))).all()),
            "kinds": set((await conn.execute(of_kinds.group_by(*of_kinds.selected_columns[:2]))).all()),
            "single": set((await conn.execute(single.group_by(*single.selected_columns[:2]))).all()),
            "sums": set((await conn.execute(kept.group_by(supporter_sums.c.month))).all()),
        }


# --- Viewers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["@fan0", "FAN0", str(FAN)])
async def test_a_viewer_is_nowhere_any_more_and_no_sum_changes(
    database: Database, privacy: Privacy, lives: list[KeptLive], written: str
) -> None:
    before = await totals(database)
    async with database.read() as conn:
        rows_before = (await conn.execute(select(func.count()).select_from(stream_gifts))).scalar_one()
    said = await privacy.forget(ADMIN, await privacy.find(ADMIN, written))
    assert str(FAN) in said  # so that it can be undone
    assert await holding(database, FAN, "fan0", "Fan 0", "here I am") == {"stream_comments": 1}  # another's
    assert await totals(database) == before
    async with database.read() as conn:
        gifts = (await conn.execute(select(func.count()).select_from(stream_gifts))).scalar_one()
        nobody = select(contributions).where(contributions.c.person_id == NOBODY)
        left = {row["live_id"]: row for row in (await conn.execute(nobody)).mappings()}
    assert gifts == rows_before
    assert {live_id: row["diamonds"] for live_id, row in left.items()} == {
        live.live_id: live.diamonds_of[FAN] for live in lives
    }
    assert all(row["last_gift_at"] is not None for row in left.values())


async def test_two_who_are_forgotten_become_one_and_the_kept_sums_are_those_made_anew(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    gift = {"live_id": lives[0].live_id, "gift_id": 1, "group_id": 1, "count": 2, "value_from": "event"}
    async with database.write("test.gifts") as conn:
        for person_id in (FAN, FAN + 1):  # a group's number is one person's
            row = {**gift, "person_id": person_id, "first_at": START, "last_at": START}
            await conn.execute(insert(stream_gifts).values(row))
    before = await totals(database)
    for number in (0, 1):
        await privacy.forget(OWNER, await privacy.find(OWNER, f"fan{number}"))
    assert await totals(database) == before
    async with database.write("test.rebuild") as conn:
        kept = set((await conn.execute(select(supporter_sums))).all())
        await gift_sums.rebuild(conn)
        assert set((await conn.execute(select(supporter_sums))).all()) == kept
        names = (await conn.execute(select(stream_people.c.handle))).scalars().all()
    assert "fan2" in names
    assert not {"fan0", "fan1"} & set(names)
    assert await holding(database, FAN, FAN + 1) == {}


async def test_a_guest_who_is_forgotten_stays_a_guest(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    """Their gifts must not become the host's."""
    gift = {"live_id": lives[0].live_id, "gift_id": 1, "group_id": 1, "count": 2, "value_from": "event"}
    async with database.write("test.gift") as conn:
        for person_id in (FAN + 1, FAN + 2):  # in groups of the same number
            row = {**gift, "person_id": person_id, "to_person_id": FAN, "first_at": START, "last_at": START}
            await conn.execute(insert(stream_gifts).values(row))
        await store.forget_viewer(conn, FAN, START)
        to = select(stream_gifts.c.to_person_id).where(stream_gifts.c.gift_id == 1)
        assert list((await conn.execute(to)).scalars()) == [-1, -1]


async def test_only_a_keyed_hash_is_remembered_and_the_next_recording_knows(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    async with database.read() as conn:
        assert await store.forgotten(conn) == Forgotten()
    await privacy.forget(ADMIN, await privacy.find(ADMIN, "fan0"))
    async with database.read() as conn:
        forgotten = await store.forgotten(conn)
        (digest,) = (await conn.execute(select(forgotten_people.c.digest))).scalars()
        key = (await conn.execute(select(notes.c.value).where(notes.c.name == "privacy-key"))).scalar_one()
    assert forgotten.viewer(FAN)
    assert not forgotten.viewer(FAN + 1)
    assert len(key) == len(digest) == 64
    assert not Forgotten("0" * 64, forgotten.digests).viewer(FAN)  # without the secret nobody can try ids


async def test_somebody_can_be_recorded_again(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    await privacy.forget(ADMIN, await privacy.find(ADMIN, "fan0"))
    with pytest.raises(InputRefused, match="names are forgotten"):
        await privacy.record_again(ADMIN, "@fan0")
    with pytest.raises(NothingThere):
        await privacy.record_again(ADMIN, str(FAN + 1))
    await privacy.record_again(ADMIN, str(FAN))
    async with database.read() as conn:
        assert not (await store.forgotten(conn)).viewer(FAN)


async def test_an_admin_finds_only_the_audience_of_accounts_that_are_followed_there(
    privacy: Privacy, lives: list[KeptLive]
) -> None:
    elsewhere = Requester(guild_id=2, user_id=42)
    with pytest.raises(NothingThere):
        await privacy.find(elsewhere, "fan0")
    assert (await privacy.find(Requester(guild_id=2, user_id=1, is_owner=True), "fan0")).person_id == FAN
    with pytest.raises(NothingThere, match="nosuch"):
        await privacy.find(ADMIN, "@nosuch")


async def test_two_people_with_one_handle_are_told_apart_by_their_id(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    """A handle that was given up may be somebody else's by now."""
    async with database.write("test.same") as conn:
        again = stream_people.update().where(stream_people.c.person_id == FAN + 1).values(handle="fan0")
        await conn.execute(again)
    with pytest.raises(InputRefused, match=f"{FAN}.*(.|\n)*{FAN + 1}"):
        await privacy.find(ADMIN, "fan0")
    assert (await privacy.find(ADMIN, str(FAN + 1))).person_id == FAN + 1


async def test_the_audit_names_who_asked_for_it_and_nobody_else(
    database: Database, privacy: Privacy, lives: list[KeptLive]
) -> None:
    await privacy.forget(ADMIN, await privacy.find(ADMIN, "fan0"))
    async with database.read() as conn:
        (entry,) = (await conn.execute(select(audit_log))).mappings()
    assert entry["user_id"] == ADMIN.user_id
    assert entry["what"] == "Somebody was forgotten, as they asked."


async def test_who_was_written_down_while_being_forgotten_is_forgotten_in_the_night(
    database: Database, clock: ManualClock, privacy: Privacy, lives: list[KeptLive]
) -> None:
    """The recorder's last second was saved after the deletion."""
    await privacy.forget(ADMIN, await privacy.find(ADMIN, "fan0"))
    row = {"live_id": lives[0].live_id, "account_id": lives[0].account_id, "person_id": FAN, "likes": 3}
    async with database.write("test.late") as conn:
        late = {"person_id": FAN, "handle": "fan0", "nickname": "Fan 0", "seen_at": clock.now()}
        await conn.execute(insert(stream_people).values(late))
        await conn.execute(insert(contributions).values(**row, first_at=START, last_at=START))
    before = await totals(database)
    await privacy.sweep()
    assert await holding(database, FAN, "fan0") == {}
    assert await totals(database) == before


async def test_who_is_forgotten_during_a_live_is_nobody_from_then_on(
    database: Database, clock: ManualClock, privacy: Privacy
) -> None:
    world = StreamWorld(database, clock)
    live = await world.go_live()
    await world.is_recorded(live)
    world.source.send(live.room_ids[0], comment(clock.now(), 1))
    world.source.send(live.room_ids[0], rose(clock.now(), 5))
    await world.seconds(1)
    async with database.write("test.follow") as conn:
        (account_id,) = (await conn.execute(select(recordings.c.account_id))).scalars()
        row = {"channel_id": 5, "created_by": 1, "created_at": START, "account_id": account_id}
        await conn.execute(insert(subscriptions).values(guild_id=GUILD, **row))
    await privacy.forget(ADMIN, await privacy.find(ADMIN, f"@{VIEWER.handle}"))
    await world.forgotten.step()
    world.source.send(live.room_ids[0], comment(clock.now(), 2))
    world.source.send(live.room_ids[0], rose(clock.now(), 7, group=2))
    await world.seconds(1)
    assert await holding(database, VIEWER.id, VIEWER.handle) == {}
    async with database.read() as conn:
        (nobody,) = (await conn.execute(select(contributions))).mappings()
    assert (nobody["person_id"], nobody["comments"], nobody["diamonds"]) == (NOBODY, 2, 12)
    recorded = await world.recorded()
    assert (recorded.comments, recorded.diamonds) == (2, 12)


# --- Players -------------------------------------------------------------------------------------

OF_FIRST = FIRST.replace("213907", "213909").replace(".txt", "-endstats.txt")


@pytest.fixture
async def rounds(database: Database, reference_data) -> RoundWorld:
    """Two real rounds, with awards and duels, and a member who is one of the players."""
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    content, guid, _ = with_duels(world, FIRST)
    name = await _name_in(world, guid)
    world.folder.put(OF_FIRST, content.replace(b"^1ana", name.encode()))
    world.drop(FIRST, SECOND)
    await world.run_for(60)
    async with database.write("test.link") as conn:
        row = {"guild_id": GUILD, "user_id": 7, "guid": guid, "linked_by": 7, "linked_at": START}
        await conn.execute(insert(player_links).values(row))
    return world


async def _name_in(world: RoundWorld, guid: str) -> str:
    lines = [line.split("\\") for line in world.real(FIRST).decode().splitlines()[1:]]
    return next(line[1] for line in lines if line[0] == guid)


async def player_of(world: RoundWorld) -> tuple[str, str]:
    """Give the GUID and the name of the player with duels."""
    (duel,) = await world.rows(round_duels, "guid")
    names = [row["name"] for row in await world.rows(round_players, "guid") if row["guid"] == duel["guid"]]
    return duel["guid"], names[0]


async def unnamed(world: RoundWorld) -> dict[str, list[Mapping[str, object]]]:
    """Give what rounds tell, without saying who did it."""
    hidden = {"guid", "opponent_guid", "name"}
    return {
        table.name: sorted(
            ({key: value for key, value in row.items() if key not in hidden} for row in rows), key=repr
        )
        for table in (round_players, round_duels, round_awards)
        for rows in [await world.rows(table, "round_id")]
    }


async def test_a_player_bears_another_name_everywhere_and_no_figure_changes(
    database: Database, clock: ManualClock, rounds: RoundWorld
) -> None:
    guid, name = await player_of(rounds)
    before, privacy = await unnamed(rounds), privacy_of(database, clock)
    assert (await privacy.find(ADMIN, name)).guid == (await privacy.find(ADMIN, guid)).guid == guid
    await privacy.forget(ADMIN, await privacy.find(ADMIN, guid))
    # The raw files stay as the game server wrote them, and messages as they were posted (README).
    assert (await holding(database, guid, name)).keys() <= {outbox.name, round_files.name}
    assert await unnamed(rounds) == before
    (duel,) = await rounds.rows(round_duels, "guid")
    awards = [row["name"] for row in await rounds.rows(round_awards, "number")]
    assert duel["guid"].startswith("X")
    assert awards == [f"{GONE} {duel['guid'][-4:]}", "bo"]
    assert await rounds.rows(player_links, "guid") == []


async def test_rounds_made_anew_from_the_raw_files_do_not_bring_the_name_back(
    database: Database, clock: ManualClock, rounds: RoundWorld
) -> None:
    guid, name = await player_of(rounds)
    privacy = privacy_of(database, clock)
    await privacy.forget(ADMIN, Found(words="", guid=guid))
    kept = {table: rows for table, rows in (await everything(database)).items() if table.startswith("round_")}
    for file in (FIRST, SECOND):
        await rounds.sync.rebuild.reimport("alpha", file, rounds.clock.now())
    again = await everything(database)
    assert {table: sorted(again[table], key=repr) for table in ("round_players", "round_duels")} == {
        table: sorted(kept[table], key=repr) for table in ("round_players", "round_duels")
    }
    assert name not in [row[3] for row in again["round_awards"]]
    assert next(row["name"] for row in await rounds.rows(round_awards, "number")).startswith(GONE)


async def test_a_forgotten_player_who_plays_again_stays_without_a_name(
    database: Database, clock: ManualClock, reference_data
) -> None:
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    _, guid, _ = with_duels(world, FIRST)
    async with database.write("test.forget") as conn:
        await store.forget_player(conn, guid, clock.now())
    world.drop(FIRST, SECOND)
    await world.run_for(60)
    found = await holding(database, guid, await _name_in(world, guid))
    assert found.keys() <= {round_files.name}
    assert await world.posts()
    aliases = {row["guid"] for row in await world.rows(round_players, "guid") if row["name"].startswith(GONE)}
    assert len(aliases) == 1
    await privacy_of(database, clock).record_again(ADMIN, guid)
    await world.sync.rebuild.reimport("alpha", FIRST, world.clock.now())
    assert guid in {row["guid"] for row in await world.rows(round_players, "guid")}
