"""What admins choose with `/notify`: what other commands chose is there too, and can be changed, copied, removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.announcements import Message, Tone
from bot.core.delivery import OutboxState
from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import Digest, Mention, Only, Options, Quiet, QuietMode
from bot.core.requester import Requester
from bot.errors import InputRefused, LimitReached, NothingThere
from bot.services import notification_settings
from bot.services.notification_list import Entry, Key
from bot.services.notification_settings import NotificationSettings
from bot.services.notifications import News, NotificationDesk, Place
from bot.services.notifications import tell as told
from bot.services.round_places import round_places
from bot.storage import notification_rules, outbox, round_choices
from bot.storage.engine import Database
from bot.storage.tables import outbox as rows
from tests.notify_services import notify_services
from tests.services.live_world import LiveWorld
from tests.services.round_world import RoundWorld

GUILD, LIVES, ROUNDS, ADMINS, OTHER, ROLE = 900, 100, 101, 102, 103, 77
BY = Requester(guild_id=GUILD, user_id=1)
ANA = Key(channel_id=LIVES, kind=Kind.LIVE, subject="account:1")


class World:
    def __init__(self, database: Database, rounds: RoundWorld) -> None:
        self.database, self.rounds, self.clock = database, rounds, rounds.clock
        self.lives = LiveWorld(database, rounds.clock)
        services = notify_services(
            database, self.lives.watchlist, rounds.announcements, rounds.clock, rounds.servers
        )
        self.guilds = services["guilds"]
        self.notify: NotificationSettings = services["notification_settings"]
        self.roles = services["notification_roles"]

    async def entries(self) -> dict[str, Entry]:
        return {str(one.key): one for one in (await self.notify.listing(GUILD)).entries}

    async def entry(self, key: Key = ANA) -> Entry:
        return (await self.notify.listing(GUILD)).find(key)


@pytest.fixture
async def world(database: Database, reference_data) -> World:
    rounds = RoundWorld(database, reference_data / "etlegacy", guild=GUILD)
    rounds.clock.auto = True
    world = World(database, rounds)
    await world.guilds.save(
        BY,
        lives_channel_id=LIVES,
        rounds_channel_id=ROUNDS,
        admin_channel_id=ADMINS,
        time_zone="Asia/Jakarta",
    )
    world.lives.tiktok.add("ana", 1)
    await world.lives.watchlist.add(BY, "ana", LIVES, ROLE)
    return world


async def test_what_other_commands_chose_is_listed(world: World):
    found = {key: one.title for key, one in (await world.entries()).items()}
    assert found == {
        f"{LIVES}:live:account:1": "Go-live alerts: @ana",
        f"{LIVES}:recap:account:1": "Recaps of lives: @ana",
        f"{LIVES}:report:": "Reports: the lives of the week",
        f"{ROUNDS}:round:server:alpha": "Rounds: alpha",
        f"{ROUNDS}:evening:server:alpha": "Evenings: alpha",
        f"{ROUNDS}:milestone:server:alpha": "Milestones: alpha",
        f"{ROUNDS}:report:": "Reports: the players of the week",
        f"{ADMINS}:notice:": "Notices to admins",
    }
    ana = await world.entry()
    assert (ana.options.mention, ana.options.role_id, ana.has_rule) == (Mention.ROLE, ROLE, False)


async def test_a_choice_makes_a_rule_and_the_narrowest_counts(world: World):
    default = Key(channel_id=0, kind=Kind.LIVE)
    whole = Key(channel_id=LIVES, kind=Kind.LIVE)
    await world.notify.change(BY, default, cooldown_minutes=10, min_viewers=5, mention=Mention.NOBODY)
    await world.notify.add(BY, Kind.LIVE, LIVES, None, None)
    await world.notify.change(BY, whole, cooldown_minutes=20)
    ana = await world.entry()
    assert (ana.options.cooldown_minutes, ana.options.min_viewers) == (20, 5)
    assert ana.options.role_id == ROLE  # given with /live add, which is narrower than both
    ana = await world.notify.change(BY, ANA, cooldown_minutes=30, mention=Mention.NOBODY)
    assert (ana.options.cooldown_minutes, ana.options.role_id) == (30, None)
    ana = await world.notify.change(BY, ANA, cooldown_minutes=None, mention=None)
    assert (ana.options.cooldown_minutes, ana.options.role_id) == (20, ROLE)
    assert ana.own == Options()


async def test_a_role_goes_with_its_mention(world: World):
    ana = await world.notify.change(BY, ANA, mention=Mention.ROLE, role_id=5)
    assert ana.own.role_id == 5
    ana = await world.notify.change(BY, ANA, mention=Mention.PERSONAL)
    assert (ana.own.mention, ana.own.role_id) == (Mention.PERSONAL, None)


async def test_an_unknown_placeholder_is_named_and_nothing_is_changed(world: World):
    with pytest.raises(InputRefused, match=r"`\{streamr\}`"):
        await world.notify.change(BY, ANA, template="{streamr} is on")
    assert (await world.entry()).own == Options()
    ana = await world.notify.change(BY, ANA, template=" {streamer} is on ")
    assert ana.own.template == "{streamer} is on"
    assert (await world.notify.change(BY, ANA, template="")).own.template == ""


async def test_quiet_hours_are_held_once_hours_are_given(world: World):
    ana = await world.notify.quiet_hours(BY, ANA, 1380, 360)
    assert (ana.own.quiet.mode, ana.own.quiet.begins) == (QuietMode.HOLD, 1380)
    ana = await world.notify.quiet_mode(BY, ANA, QuietMode.SILENT)
    assert (ana.own.quiet.mode, ana.own.quiet.begins) == (QuietMode.SILENT, 1380)
    ana = await world.notify.quiet_hours(BY, ANA, 1320, 360)
    assert ana.own.quiet.mode is QuietMode.SILENT


async def test_a_pause_ends_and_a_default_has_none(world: World):
    until = world.clock.now() + timedelta(hours=2)
    assert (await world.notify.pause(BY, ANA, until)).paused_until == until
    assert (await world.notify.pause(BY, ANA, None)).paused_until is None
    with pytest.raises(InputRefused):
        await world.notify.pause(BY, Key(channel_id=0, kind=Kind.LIVE), until)
    with pytest.raises(NothingThere):
        await world.notify.pause(BY, Key(channel_id=OTHER, kind=Kind.LIVE), until)
    assert f"{OTHER}:live:" not in await world.entries()


async def test_go_lives_of_an_account_are_followed_where_they_are_added(world: World):
    world.lives.tiktok.add("ben", 2)
    done = await world.notify.add(BY, Kind.LIVE, OTHER, "@Ben", 5)
    assert done.entry.title == "Go-live alerts: @ben"
    assert done.entry.options.role_id == 5
    followed = await world.lives.watchlist.entries(GUILD)
    assert [(one.handle, one.channel_id, one.role_id) for one in followed] == [
        ("ana", LIVES, ROLE),
        ("ben", OTHER, 5),
    ]


async def test_other_kinds_are_added_with_what_they_are_about(world: World):
    done = await world.notify.add(BY, Kind.ROUND, OTHER, "alpha", 5)
    assert (done.entry.title, done.entry.own.role_id) == ("Rounds: alpha", 5)
    assert (await world.notify.add(BY, Kind.RECAP, OTHER, "ana", None)).entry.title == "Recaps of lives: @ana"
    assert (await world.notify.add(BY, Kind.REPORT, OTHER, None, None)).entry.title == "Reports: all"
    for kind, about, error in (
        (Kind.ROUND, "beta", NothingThere),
        (Kind.RECAP, "nobody", NothingThere),
        (Kind.REPORT, "nobody", NothingThere),
        (Kind.NOTICE, "ana", InputRefused),
    ):
        with pytest.raises(error):
            await world.notify.add(BY, kind, OTHER, about, None)


async def test_adding_again_switches_on_and_keeps_what_was_chosen(world: World):
    added = Key(channel_id=OTHER, kind=Kind.ROUND)
    await world.notify.add(BY, Kind.ROUND, OTHER, None, None)
    await world.notify.change(BY, added, only=Only(days=(5,)))
    await world.notify.switch(BY, added, off=True)
    again = (await world.notify.add(BY, Kind.ROUND, OTHER, None, None)).entry
    assert (again.is_off, again.own.only) == (False, Only(days=(5,)))


async def test_a_copy_has_the_same_choices_but_no_tag_of_another_forum(world: World):
    await world.notify.change(BY, ANA, delay_minutes=5, tag_id=9)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert (copied.key.channel_id, copied.own) == (OTHER, Options(delay_minutes=5))
    assert copied.options.role_id == ROLE
    followed = await world.lives.watchlist.entries(GUILD)
    assert [one.channel_id for one in followed] == [LIVES, OTHER]
    with pytest.raises(InputRefused):
        await world.notify.copy(BY, copied, OTHER)


async def test_a_copy_made_during_a_live_keeps_the_choices_from_its_first_message_on(world: World):
    """Not told, and nobody pinged, by what is usual until the choices are there."""
    world.lives.tiktok.go_live("ana")
    await world.lives.watchlist.check_now(BY, "ana")
    held = Quiet(mode=QuietMode.HOLD, begins=0, ends=1439)
    await world.notify.change(BY, ANA, quiet=held)
    await world.notify.copy(BY, await world.entry(), OTHER)
    async with world.database.read() as conn:
        found = await conn.execute(select(rows.c.state).where(rows.c.channel_id == OTHER))
        assert found.scalars().all() == [OutboxState.HELD]


async def test_a_copy_is_paused_or_off_as_what_it_is_copied_from(world: World):
    until = world.clock.now() + timedelta(hours=5)
    await world.notify.pause(BY, ANA, until)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert (copied.paused_until, copied.is_off) == (until, False)
    rounds = Key(channel_id=ROUNDS, kind=Kind.ROUND, subject="server:alpha")
    await world.notify.switch(BY, rounds, off=True)
    copied = (await world.notify.copy(BY, await world.entry(rounds), OTHER)).entry
    assert (copied.paused_until, copied.is_off) == (None, True)
    await world.notify.switch(BY, rounds, off=False)
    await world.notify.copy(BY, await world.entry(rounds), OTHER)
    assert sorted(await wanted_rounds(world)) == [ROUNDS, OTHER]


async def test_a_copy_begins_no_ping_where_the_whole_kind_is_stopped(world: World):
    """Whatever is stopped there before, or later, stops what was copied too, unless it has choices of its own."""
    wide = (await world.notify.add(BY, Kind.LIVE, OTHER, None, None)).entry.key
    until = world.clock.now() + timedelta(hours=5)
    await world.notify.change(BY, ANA, delay_minutes=5)
    await world.notify.pause(BY, wide, until)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert (copied.paused_until, copied.own) == (until, Options(delay_minutes=5))
    third = replace(wide, channel_id=ADMINS)
    await world.notify.add(BY, Kind.LIVE, ADMINS, None, None)
    await world.notify.remove(BY, copied)
    await world.lives.watchlist.add(BY, "ana", OTHER, None)
    plain = replace(ANA, channel_id=OTHER)
    copied = (await world.notify.copy(BY, await world.entry(plain), ADMINS)).entry
    await world.notify.pause(BY, third, until)
    assert (await world.entry(copied.key)).paused_until == until


async def test_a_copy_onto_what_is_there_keeps_its_tag_and_what_is_not_copied(world: World):
    there = replace(ANA, channel_id=OTHER)
    await world.lives.watchlist.add(BY, "ana", OTHER, None)
    await world.notify.change(BY, there, delay_minutes=9, tag_id=5)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert copied.own == Options(delay_minutes=9, tag_id=5)
    await world.notify.change(BY, ANA, cooldown_minutes=3, tag_id=8)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert copied.own == Options(cooldown_minutes=3, tag_id=5)


async def test_a_copy_of_an_account_that_is_paused_is_paused(world: World):
    await world.lives.watchlist.pause(BY, "ana", paused=True)
    world.lives.tiktok.go_live("ana")
    await world.notify.copy(BY, await world.entry(), OTHER)
    assert [one.paused for one in await world.lives.watchlist.entries(GUILD)] == [True, True]
    async with world.database.read() as conn:
        assert await outbox.channels_of(conn, "live:1") == ()


@pytest.mark.parametrize("is_there", [False, True])
async def test_where_following_fails_a_copy_changes_nothing(world: World, is_there: bool):
    await world.notify.change(BY, ANA, delay_minutes=5)
    await world.notify.switch(BY, ANA, off=True)
    if is_there:
        await world.lives.watchlist.add(BY, "ana", OTHER, None)
        await world.notify.change(BY, replace(ANA, channel_id=OTHER), delay_minutes=9)
    before = await world.entries()
    world.lives.tiktok.people.clear()
    with pytest.raises(InputRefused):
        await world.notify.copy(BY, await world.entry(), OTHER)
    assert await world.entries() == before
    async with world.database.read() as conn:
        rules = await notification_rules.of_guilds(conn, [GUILD])
    assert [one.channel_id for one in rules] == [LIVES, OTHER][: 1 + is_there]


async def test_a_copy_goes_to_whoever_has_the_handle_now(world: World):
    await world.notify.change(BY, ANA, delay_minutes=5)
    world.lives.tiktok.people.clear()
    world.lives.tiktok.add("ana", 99)
    copied = (await world.notify.copy(BY, await world.entry(), OTHER)).entry
    assert (copied.key.channel_id, copied.own.delay_minutes) == (OTHER, 5)


async def test_removing_undoes_what_made_it(world: World):
    await world.notify.change(BY, ANA, delay_minutes=5)
    assert "not followed" in await world.notify.remove(BY, await world.entry())
    assert await world.lives.watchlist.entries(GUILD) == ()
    assert f"{LIVES}:live:account:1" not in await world.entries()
    rounds = Key(channel_id=ROUNDS, kind=Kind.ROUND, subject="server:alpha")
    assert "Switched off" in await world.notify.remove(BY, await world.entry(rounds))
    assert (await world.entry(rounds)).is_off
    added = (await world.notify.add(BY, Kind.EVENING, OTHER, None, None)).entry
    assert "Removed" in await world.notify.remove(BY, added)
    assert f"{OTHER}:evening:" not in await world.entries()
    default = Key(channel_id=0, kind=Kind.ROUND)
    await world.notify.change(BY, default, cooldown_minutes=5)
    await world.notify.remove(BY, await world.entry(default))
    assert (await world.entry(default)).own == Options()


async def test_other_guilds_see_and_change_nothing_of_it(world: World):
    await world.notify.change(BY, ANA, delay_minutes=5)
    other = Requester(guild_id=GUILD + 1, user_id=2)
    with pytest.raises(NothingThere):
        await world.notify.find(other, str(ANA))
    with pytest.raises(NothingThere):
        await world.notify.change(other, ANA, delay_minutes=9)
    assert (await world.entry()).own.delay_minutes == 5


async def test_a_guild_has_so_many_choices_at_most(world: World, monkeypatch):
    monkeypatch.setattr(notification_settings, "MOST_RULES", 1)
    await world.notify.change(BY, ANA, delay_minutes=5)
    await world.notify.change(BY, ANA, delay_minutes=6)
    with pytest.raises(LimitReached):
        await world.notify.add(BY, Kind.ROUND, OTHER, None, None)


@pytest.mark.parametrize("written", ["", "live", "x:live:", "100:nothing:", "100"])
async def test_what_is_no_subscription_is_refused(world: World, written: str):
    with pytest.raises(NothingThere, match="suggestions"):
        await world.notify.find(BY, written)


async def tell(world: World, key: str, channel_id: int = LIVES, **values: object) -> None:
    async with world.database.write("test.put") as conn:
        await outbox.put(
            conn,
            event_key=key,
            guild_id=GUILD,
            channel_id=channel_id,
            message=Message(title=f"About {key}", tone=Tone.LIVE),
            now=world.clock.now(),
        )
        values = {"kind": "live", "subject": "account:1"} | values
        await conn.execute(rows.update().where(rows.c.event_key == key).values(values))


async def test_the_log_has_what_was_told_the_newest_first_and_no_answers(world: World):
    await tell(world, "live:1")
    await tell(world, "round:1", OTHER, kind="round", subject="server:alpha")
    await tell(world, "test:1", kind="", subject="")
    logged = await world.notify.log(BY)
    assert [row.title for row in logged.rows] == ["About round:1", "About live:1"]
    assert [row.title for row in (await world.notify.log(BY, ANA)).rows] == ["About live:1"]
    of_default = await world.notify.log(BY, Key(channel_id=0, kind=Kind.ROUND))
    assert [row.title for row in of_default.rows] == ["About round:1"]
    other = Requester(guild_id=GUILD + 1, user_id=2)
    assert (await world.notify.log(other)).rows == ()
    for number in (str(logged.rows[0].id), f"#{logged.rows[0].id}"):
        assert (await world.notify.explain(BY, number)).rows[0].title == "About round:1"
    for number in ("4711", "x", "9" * 30):
        with pytest.raises(NothingThere):
            await world.notify.explain(BY, number)
    with pytest.raises(NothingThere):
        await world.notify.explain(other, str(logged.rows[0].id))


async def test_what_a_newer_version_wrote_is_in_the_log_without_its_title(world: World):
    await tell(world, "live:1")
    async with world.database.write("test.break") as conn:
        await conn.execute(rows.update().values(message={"newer": True}))
    assert [row.title for row in (await world.notify.log(BY)).rows] == [""]


async def test_members_may_take_what_is_offered_and_ask_for_people_where_admins_allow_it(world: World):
    assert (await world.roles.offer_of(GUILD)).role_ids == ()
    assert await world.roles.offer(BY, ROLE)
    assert not await world.roles.offer(BY, ROLE)
    offer = await world.roles.offer_of(GUILD)
    assert (offer.role_ids, offer.people, offer.may_make_roles) == ((ROLE,), (), False)
    await world.roles.let_make_roles(BY, on=True)
    await world.roles.keep(GUILD, 1, 5)
    await world.roles.keep(GUILD, 1, 6)
    (ana,) = (await world.roles.offer_of(GUILD)).people
    assert (ana.handle, ana.role_id) == ("ana", 6)
    await world.roles.let_make_roles(BY, on=False)
    assert (await world.roles.offer_of(GUILD)).people == ()
    assert await world.roles.withdraw(BY, ROLE)
    assert not await world.roles.withdraw(BY, ROLE)
    for number in range(25):
        await world.roles.offer(BY, 1000 + number)
    with pytest.raises(LimitReached):
        await world.roles.offer(BY, 1)


async def test_a_role_given_when_adding_again_counts_before_what_was_chosen_there(world: World):
    await world.notify.change(BY, ANA, mention=Mention.NOBODY, delay_minutes=5)
    again = (await world.notify.add(BY, Kind.LIVE, LIVES, "ana", 5)).entry
    assert (again.options.mention, again.options.role_id) == (Mention.ROLE, 5)
    assert again.own.delay_minutes == 5


async def test_where_an_account_is_not_followed_any_more_nothing_is_told_of_it(world: World):
    """Not even where something was chosen for its lives there, and another channel goes on following it."""
    await world.lives.watchlist.add(BY, "ana", OTHER, None)
    await world.notify.change(BY, ANA, delay_minutes=0, template="{streamer}")
    await world.lives.watchlist.remove(BY, "ana", LIVES)
    assert str(ANA) not in await world.entries()
    world.lives.tiktok.go_live("ana")
    await world.lives.watchlist.check_now(BY, "ana")
    async with world.database.read() as conn:
        assert await outbox.channels_of(conn, "live:1") == (OTHER,)
    await world.notify.change(BY, Key(channel_id=OTHER, kind=Kind.LIVE, subject="account:1"), template="x")
    await world.lives.watchlist.remove(BY, "ana", None)
    assert not [key for key in await world.entries() if "account:1" in key]


# --- What is no longer chosen ---------------------------------------------------------------------


async def wanted_rounds(world: World) -> list[int]:
    async with world.database.read() as conn:
        return [channel for _, channel in await round_places(conn, Kind.ROUND, "alpha", [GUILD])]


async def hold(world: World, kind: Kind, subject: str, channel_id: int = OTHER) -> None:
    news = News(kind=kind, subject=subject, event_key=f"{kind}:1", began_at=world.clock.now())
    place = Place(guild_id=GUILD, channel_id=channel_id, message=Message(title="News", tone=Tone.ROUND))
    async with world.database.write("test.tell") as conn:
        await told(conn, news, [place], world.clock.now())


async def released(world: World) -> list[tuple[str, str]]:
    """Give state and reason of every message about what people subscribe to, after days of the desk's work."""
    desk = NotificationDesk(
        database=world.database, announcements=world.rounds.announcements, clock=world.clock
    )
    await desk.step()
    world.clock.advance(3 * 86400)
    await desk.step()
    async with world.database.read() as conn:
        found = await conn.execute(
            select(rows.c.state, rows.c.why).where(rows.c.kind != "").order_by(rows.c.id)
        )
    return [(row.state, row.why) for row in found]


@pytest.mark.parametrize(
    "chosen",
    [
        {"quiet": Quiet(mode=QuietMode.HOLD, begins=0, ends=1439)},
        {"digest": Digest.DAILY},
    ],
)
async def test_what_a_removed_subscription_held_is_told_nowhere(world: World, chosen: dict[str, Any]):
    key = (await world.notify.add(BY, Kind.EVENING, OTHER, None, None)).entry.key
    await world.notify.change(BY, key, **chosen)
    await hold(world, Kind.EVENING, "server:alpha")
    await world.notify.remove(BY, await world.entry(key))
    assert await released(world) == [("skipped", "the subscription was removed")]


async def test_what_another_subscription_of_the_channel_wants_stays_held(world: World):
    whole = (await world.notify.add(BY, Kind.EVENING, OTHER, None, None)).entry.key
    await world.notify.change(BY, whole, digest=Digest.DAILY)
    one = (await world.notify.add(BY, Kind.EVENING, OTHER, "alpha", None)).entry
    await hold(world, Kind.EVENING, "server:alpha")
    await world.notify.remove(BY, one)
    assert (await released(world))[0] == ("skipped", "told in the digest")


async def test_what_only_says_how_tells_nothing_once_another_command_wants_it_no_more(world: World):
    rounds = Key(channel_id=ROUNDS, kind=Kind.ROUND, subject="server:alpha")
    await world.notify.change(BY, rounds, template="A round!")
    assert await wanted_rounds(world) == [ROUNDS]
    await world.guilds.save(BY, rounds_channel_id=OTHER)
    assert await wanted_rounds(world) == [OTHER]
    assert str(rounds) not in await world.entries()
    await world.guilds.save(BY, rounds_channel_id=ROUNDS)
    assert (await world.entry(rounds)).own.template == "A round!"
    async with world.database.write("test.toggle") as conn:
        await round_choices.choose(conn, GUILD, "alpha", "posts", on=False)
    assert await wanted_rounds(world) == []
    await world.notify.add(BY, Kind.ROUND, OTHER, "alpha", None)
    assert await wanted_rounds(world) == [OTHER]


async def test_a_change_switches_nothing_on_that_is_off_for_all_of_its_kind(world: World):
    whole = (await world.notify.add(BY, Kind.LIVE, LIVES, None, None)).entry.key
    await world.notify.switch(BY, whole, off=True)
    assert (await world.entry()).is_off
    assert (await world.notify.change(BY, ANA, template="Look!")).is_off
    assert not (await world.notify.switch(BY, ANA, off=False)).is_off


async def test_an_account_that_is_followed_no_more_leaves_nothing_that_was_chosen_for_it(world: World):
    await world.lives.watchlist.add(BY, "ana", OTHER, None)
    for key in (ANA, replace(ANA, kind=Kind.RECAP), replace(ANA, channel_id=OTHER)):
        await world.notify.change(BY, key, delay_minutes=5)
        await world.notify.switch(BY, key, off=True)
    await hold_for_the_digest(world)
    await world.lives.watchlist.remove(BY, "ana", LIVES)
    assert f"{LIVES}:live:account:1" not in await world.entries()
    await world.lives.watchlist.add(BY, "ana", LIVES, ROLE)
    assert ((await world.entry()).is_off, (await world.entry()).own) == (False, Options())
    assert (await world.entry(replace(ANA, channel_id=OTHER))).is_off
    assert await released(world) == [("skipped", "the subscription was removed")]


async def hold_for_the_digest(world: World) -> None:
    await world.notify.switch(BY, ANA, off=False)
    await world.notify.change(BY, ANA, digest=Digest.WEEKLY)
    await hold(world, Kind.LIVE, "account:1", LIVES)
