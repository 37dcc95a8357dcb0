"""What the messages of rounds say of their evening, while it is played and when it comes out differently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert

from bot.core.announcements import Message
from bot.core.rounds.files import MOST_TOLD
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.storage import notified
from bot.storage.round_choices import RoundChoices
from bot.storage.round_tables import (
    evening_members,
    evening_teams,
    round_awards,
    round_choices,
    rounds,
    voided_rounds,
)
from tests.core.rounds import decoder
from tests.services.round_world import BY, CHANNEL, GUILD, RoundWorld

NIGHT = datetime(2025, 10, 19, 21, 0, tzinfo=UTC)
DAYS = ("2025-10-19", "2025-10-20")


@pytest.fixture
def names(reference_data) -> list[str]:
    """The 24 files of an evening that went on after midnight, in the order in which they were written."""
    return [
        path.name
        for path in sorted((reference_data / "etlegacy").glob("2025-10-*"))
        if path.name[:10] in DAYS
    ]


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy", at=NIGHT)
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


async def play(world: RoundWorld, *names: str) -> None:
    for name in names:
        world.drop(name)
        await world.run_for(5)


async def posts_by_file(world: RoundWorld) -> dict[str, dict]:
    """The message of each round as it stands, by the name of its file."""
    files = {row["id"]: name for name, row in (await world.files()).items()}
    keys = {f"round:{row['id']}": files[row["file_id"]] for row in await world.rounds()}
    return {keys[post["event_key"]]: post for post in await world.posts()}


def field(post: dict, name: str) -> str:
    found = [one["value"] for one in post["message"]["fields"] if english(one["name"]) == name]
    return english(found[0]) if found else ""


def english(said) -> str:
    """The English of a text as it is kept in the outbox."""
    if not isinstance(said, dict):
        return said
    values = {name: english(value) for name, value in said["values"].items()}
    return said["text"].format(**values)


def score(post: dict) -> tuple[int, ...]:
    """The two numbers between the names of the teams."""
    between = field(post, "Score so far").splitlines()[0].split("**")[2]
    return tuple(int(part) for part in between.split("-"))


async def changed(world: RoundWorld, name: str, *statements) -> bool:
    """Do what an admin's command does to the evening of a round."""
    server = GameServer(host="a.example", username="u", guild_ids=(GUILD,))
    telling = RoundTelling(servers={"alpha": server}, post_max_age=timedelta(hours=2))
    around = decoder.written(name)
    async with world.database.write("test.change") as conn:
        for statement in statements:
            await conn.execute(statement)
        return await telling.rounds_changed(conn, "alpha", around, world.clock.now())


async def file_id(world: RoundWorld, name: str) -> int:
    return (await world.files())[name]["id"]


async def test_a_whole_real_evening_is_told_with_the_score_of_the_bytes(world, names):
    contents = {name: world.real(name) for name in names}
    expected = decoder.scores(contents, names)
    assert len(expected) == 12
    standing = (0, 0)
    for name in names:
        await play(world, name)
        post = (await posts_by_file(world))[name]
        standing = expected.get(name, standing)
        assert score(post) == standing, name
        assert bool(field(post, "Map result")) == (name in expected)
    after = await posts_by_file(world)
    assert len(after) == 24
    assert sum(standing) == 24
    # A round that follows says nothing new of those before it.
    assert {name: post["revision"] for name, post in after.items()} == dict.fromkeys(names, 1)


async def test_the_message_names_teams_and_never_says_that_a_side_leads(world, names):
    await play(world, *names[:2])
    first, second = [(await posts_by_file(world))[name] for name in names[:2]]
    for post in (first, second):
        said = field(post, "Score so far")
        assert said.startswith("**Team A** ")
        assert "Axis" not in said + field(post, "Map result")
        assert len([line for line in said.splitlines() if line.startswith("-# ")]) == 2
    titles = [[english(one["name"]) for one in post["message"]["fields"]] for post in (first, second)]
    assert "Team A · Axis (defending)" in titles[0]
    assert "Team B · Axis (defending)" in titles[1]
    assert "won the map" in field(second, "Map result")
    assert field(second, "Best of the round").startswith("Most damage: **")


async def test_title_and_chart_name_the_team_that_attacked_and_not_its_side(world, names):
    await play(world, *names[:2])
    heads, groups = [], []
    for name in names[:2]:
        message = Message.from_json((await posts_by_file(world))[name]["message"])
        heads.append(message.title.split(" · ")[2].split(" in ")[0])
        assert message.chart.subtitle == message.title.split(" · ")[2]
        groups.append([group.name for group in message.chart.groups])
    assert heads == ["Team B attacked and won", "Team A attacked and won"]
    assert groups == [
        ["Team A · Axis · defended", "Team B · Allies · attacked"],
        ["Team B · Axis · defended", "Team A · Allies · attacked"],
    ]


async def test_a_team_with_a_hostile_name_is_plain_in_the_picture_and_inert_in_the_title(world, names):
    await play(world, names[0])
    async with world.database.write("test.name") as conn:
        file_ids = [row["file_id"] for row in await world.rounds()]
        await conn.execute(insert(evening_teams).values(file_id=file_ids[0], team=1, name="*_x_*"))
    await play(world, names[1])
    message = Message.from_json((await posts_by_file(world))[names[0]]["message"])
    assert r" · \*\_x\_\* attacked and won in " in message.title
    assert message.chart.subtitle.startswith("*_x_* attacked")
    assert message.chart.groups[1].name == "*_x_* · Allies · attacked"


async def test_a_late_file_corrects_the_score_of_every_later_round(world, names):
    expected = decoder.scores({name: world.real(name) for name in names[:6]}, names[:6])
    late = names[1]
    await play(world, names[0], *names[2:6])
    before = await posts_by_file(world)
    assert score(before[names[5]]) != expected[names[5]]
    await play(world, late)
    after = await posts_by_file(world)
    assert {name: score(after[name]) for name in expected} == expected
    assert after[names[5]]["id"] == before[names[5]]["id"]
    assert after[names[0]]["revision"] == 1


async def test_a_round_that_is_void_or_counted_again_moves_the_score_and_says_so(world, names):
    await play(world, *names[:4])
    second_map = names[3]
    expected = score((await posts_by_file(world))[second_map])
    first_map = names[1]
    number = await file_id(world, first_map)
    at = world.clock.now()
    this = rounds.c.file_id == number
    void = insert(voided_rounds).values(file_id=number, voided_by=1, voided_at=at)
    assert await changed(world, first_map, void, rounds.update().where(this).values(counted=False))
    posts = await posts_by_file(world)
    assert "Left out by an admin" in english(posts[first_map]["message"]["body"])
    assert field(posts[first_map], "Score so far") == ""
    assert sum(score(posts[second_map])) == 2
    mend = rounds.update().where(this).values(counted=True)
    assert await changed(world, first_map, delete(voided_rounds), mend)
    assert score((await posts_by_file(world))[second_map]) == expected


async def test_names_and_players_that_an_admin_sets_are_shown_and_escaped(world, names):
    await play(world, *names[:2])
    number = await file_id(world, names[0])
    name = insert(evening_teams).values(file_id=number, team=0, name="*Red* @everyone")
    assert await changed(world, names[0], name)
    post = (await posts_by_file(world))[names[1]]
    assert field(post, "Score so far").startswith(r"**\*Red\* \@everyone** ")
    said = field(post, "Score so far").splitlines()
    guid = min(decoder.naive(world.real(names[0]))[1])
    sides = decoder.naive(world.real(names[0]))[1]
    other = 2 - sides[guid]["side"]  # 0 for who was Allied, 1 for who was Axis
    assert await changed(
        world, names[0], insert(evening_members).values(file_id=number, guid=guid, team=other)
    )
    moved = field((await posts_by_file(world))[names[1]], "Score so far").splitlines()
    assert sorted(map(len, said[1:])) != sorted(map(len, moved[1:]))


async def test_awards_of_a_round_are_shown_and_escaped(world, names):
    await play(world, names[0])
    (one,) = await world.rounds()
    award = insert(round_awards).values(
        round_id=one["id"],
        number=1,
        file_id=one["file_id"],
        title="Most `damage`",
        name="<@1>",
        value="3214",
    )
    assert await changed(world, names[0], award)
    said = field((await posts_by_file(world))[names[0]], "Awards by the game")
    assert said == r"Most \`damage\`: **\<\@1\>** 3214"


async def test_who_switched_posts_off_gets_none_and_keeps_the_old_ones_right(world, names):
    await play(world, names[0])
    off = RoundChoices(posts=False)
    async with world.database.write("test.choose") as conn:
        values = {"guild_id": GUILD, "server": "alpha", "posts": off.posts}
        await conn.execute(insert(round_choices).values(**values))
    await play(world, names[1])
    assert list(await posts_by_file(world)) == [names[0]]


async def test_what_nobody_was_told_of_changes_without_a_word(world, names):
    world.clock.advance(5 * 3600 + 86_400)
    await play(world, *names[:4])
    assert await world.posts() == []
    assert not await changed(world, names[0])


async def test_a_backfill_between_posted_rounds_corrects_and_posts_nothing(world, names):
    await play(world, names[0], *names[2:4])
    world.folder.put(names[1], world.real(names[1]))
    world.clock.auto = True
    (poll,) = await world.sync.sync(BY, "alpha", backfill=True)
    assert poll.imported == 1
    posts = await posts_by_file(world)
    assert names[1] not in posts
    assert (
        score(posts[names[3]])
        == decoder.scores({name: world.real(name) for name in names[:4]}, names[:4])[names[3]]
    )


async def test_a_round_writes_only_the_messages_that_read_otherwise(world, names, monkeypatch):
    await play(world, *names[:4])
    written = []
    write = notified.write

    async def seen(conn, rows):
        written.extend(row.event_key for row in rows)
        await write(conn, rows)

    monkeypatch.setattr(notified, "write", seen)
    await play(world, names[4])
    assert written == [(await world.posts())[-1]["event_key"]]


async def test_of_many_rounds_that_appear_at_once_only_the_newest_are_posted(world, names, caplog):
    """After an evening without a connection; what is not posted is imported all the same."""
    for name in names:
        world.folder.put(name, world.real(name))
    world.clock.advance(
        (decoder.written(names[-1]) + timedelta(seconds=5) - world.clock.now()).total_seconds()
    )
    await world.run_for(130)
    assert len(await world.rounds()) == 24
    recent = [name for name in names if world.clock.now() - decoder.written(name) < timedelta(hours=2)]
    assert len(recent) > MOST_TOLD
    assert sorted(await posts_by_file(world)) == names[-MOST_TOLD:]
    assert "14 round(s) are not posted" in caplog.text
