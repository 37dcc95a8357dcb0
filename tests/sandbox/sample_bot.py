"""A small, ordinary discord.py bot, run as its own process against the Discord stand-in.

It reads orders as lines of JSON from its standard input and writes what happens as lines of JSON.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from typing import Any

import discord
import yarl
from discord import app_commands
from PIL import Image


def picture() -> bytes:
    """The same PNG every time, 40 x 30 pixels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((40, 30)).save(file, "PNG")
    return file.getvalue()


def tell(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Name(discord.ui.Modal, title="Name it"):
    name = discord.ui.TextInput(label="Name", min_length=2, max_length=8)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"named {self.name.value}", ephemeral=True)


class Panel(discord.ui.View):
    """A button that updates, one that opens a modal, a dead one, and two menus."""

    @discord.ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.edit_message(content="counted")

    @discord.ui.button(label="Name", custom_id="name")
    async def name(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Name())

    @discord.ui.button(label="Dead", custom_id="dead", disabled=True)
    async def dead(self, *_: Any) -> None:
        raise AssertionError("a disabled button was pressed")

    @discord.ui.select(
        custom_id="colour",
        options=[
            discord.SelectOption(label="Red", value="red"),
            discord.SelectOption(label="Blue", value="blue"),
        ],
    )
    async def colour(self, interaction: discord.Interaction, select: Any) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=f"colour {select.values[0]}")

    @discord.ui.select(cls=discord.ui.RoleSelect, custom_id="role")
    async def role(self, interaction: discord.Interaction, select: Any) -> None:
        await interaction.response.send_message(f"role {select.values[0].name}", ephemeral=True)


class Gallery(discord.ui.LayoutView):
    """Components v2 with an uploaded picture."""

    def __init__(self) -> None:
        super().__init__()
        gallery = discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://chart.png"))
        self.add_item(discord.ui.Container(discord.ui.TextDisplay("Look"), gallery))


class SampleBot(discord.Client):
    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True), guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        add_commands(self.tree)

    async def setup_hook(self) -> None:
        await self.tree.sync()
        self.orders = asyncio.create_task(self.obey())

    async def on_ready(self) -> None:
        tell(event="ready", guilds=[guild.name for guild in self.guilds], user=self.user.id)

    async def on_resumed(self) -> None:
        tell(event="resumed")

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        tell(event="channel_create", name=channel.name)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        tell(event="channel_delete", name=channel.name)

    async def on_guild_role_update(self, _: Any, role: discord.Role) -> None:
        tell(event="role_update", name=role.name, mentionable=role.mentionable)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        tell(event="guild_join", name=guild.name)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        tell(event="guild_remove", name=guild.name)

    async def obey(self) -> None:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            number, action = order.pop("number"), getattr(self, f"do_{order.pop('do')}")
            try:
                tell(number=number, result=await action(**order))
            except discord.HTTPException as error:
                tell(number=number, error=[error.status, error.code])
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is what the test looks at
                tell(number=number, error=[type(error).__name__, str(error)])
        await self.close()

    def place(self, channel: int) -> discord.PartialMessageable:
        return self.get_partial_messageable(channel)

    async def do_post(
        self,
        channel: int,
        content: str = "",
        nonce: str | None = None,
        title: str = "",
        file: bool = False,
        roles: list[int] | None = None,
    ) -> int:
        allowed = discord.AllowedMentions.none()
        if roles is not None:
            allowed = discord.AllowedMentions(
                everyone=False, users=False, roles=[discord.Object(r) for r in roles]
            )
        more: dict[str, Any] = {"embed": discord.Embed(title=title)} if title else {}
        if file:
            more["file"] = discord.File(io.BytesIO(picture()), "chart.png")
        message = await self.place(channel).send(content, nonce=nonce, allowed_mentions=allowed, **more)
        return message.id

    async def do_embeds(self, channel: int, sizes: list[int]) -> int:
        embeds = [discord.Embed(description="x" * size) for size in sizes]
        return (await self.place(channel).send(embeds=embeds)).id

    async def do_ping_all(self, channel: int, content: str) -> int:
        return (await self.place(channel).send(content, allowed_mentions=discord.AllowedMentions.all())).id

    async def do_edit(self, channel: int, message: int, content: str) -> str:
        return (await self.place(channel).get_partial_message(message).edit(content=content)).content

    async def do_reply(self, channel: int, message: int, content: str) -> int:
        return (await self.place(channel).get_partial_message(message).reply(content)).id

    async def do_delete(self, channel: int, message: int) -> None:
        await self.place(channel).get_partial_message(message).delete()

    async def do_history(self, channel: int, limit: int, **bounds: int) -> list[str]:
        around = {key: discord.Object(value) for key, value in bounds.items()}
        return [message.content async for message in self.place(channel).history(limit=limit, **around)]

    async def do_fetch(self, channel: int, message: int) -> list[str]:
        found = await self.place(channel).fetch_message(message)
        return [embed.image.url for embed in found.embeds] + [file.url for file in found.attachments]

    async def do_look(self, guild: int, channel: int, user: int) -> list[Any]:
        place = await self.fetch_guild(guild)
        member = await place.fetch_member(user)
        roles = await place.fetch_roles()
        return [place.name, (await self.fetch_channel(channel)).name, member.name, len(roles)]

    async def do_whisper(self, user: int, content: str) -> int:
        return (await (await self.fetch_user(user)).send(content)).id

    async def do_busy(self, channel: int) -> str:
        async with self.place(channel).typing():
            message = await self.place(channel).send("typed")
            await message.add_reaction("👍")
        return str((await message.fetch()).reactions[0].emoji)

    async def do_gallery(self, channel: int) -> str:
        file = discord.File(io.BytesIO(picture()), "chart.png")
        message = await self.place(channel).send(view=Gallery(), file=file)
        return message.components[0].children[1].items[0].media.url

    async def do_thread(self, channel: int, name: str, archived: bool = True) -> list[Any]:
        message = await self.get_channel(channel).send("start")
        thread = await message.create_thread(name=name, auto_archive_duration=60)
        inside = await thread.send("inside")
        closed = await thread.edit(archived=archived)
        return [thread.id == message.id, thread.parent.name, inside.channel.id == thread.id, closed.archived]

    async def do_forum(self, channel: int, tags: list[str], file: bool = False) -> list[Any]:
        forum = self.get_channel(channel)
        chosen = [tag for tag in forum.available_tags if tag.name in tags]
        more = {"file": discord.File(io.BytesIO(picture()), "chart.png")} if file else {}
        made = await forum.create_thread(name="Post", content="first", applied_tags=chosen, **more)
        return [made.thread.name, made.message.content, [tag.name for tag in made.thread.applied_tags]]

    async def do_publish(self, channel: int) -> list[Any]:
        place = self.get_channel(channel)
        message = await place.send("news")
        await message.publish()
        return [place.is_news(), (await message.fetch()).flags.crossposted]

    async def do_role(self, guild: int, user: int) -> list[Any]:
        place = self.get_guild(guild)
        role = await place.create_role(name="Fans", mentionable=True, colour=discord.Colour(0x112233))
        member = await place.fetch_member(user)
        await member.add_roles(role)
        had = [one.name for one in (await place.fetch_member(user)).roles if one.id != guild]
        await member.remove_roles(role)
        await role.delete()
        return had

    async def do_unimplemented(self, guild: int) -> None:
        await (await self.fetch_guild(guild)).vanity_invite()


def add_commands(tree: app_commands.CommandTree) -> None:
    live = app_commands.Group(
        name="live",
        description="People who go live",
        guild_only=True,
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @live.command(name="add", description="Watch somebody")
    async def add(
        interaction: discord.Interaction, user: str, channel: discord.TextChannel, role: discord.Role | None
    ) -> None:
        text = f"{user} -> {channel.name}, {role.name if role else 'nobody'}"
        await interaction.response.send_message(text, ephemeral=True)

    @add.autocomplete("user")
    async def offer(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current.title(), value=current)]

    tree.add_command(live)

    @tree.command(description="A chart, after a while")
    async def chart(interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        embed = discord.Embed(title="Round").set_image(url="attachment://chart.png")
        embed.add_field(name="Winner", value="Allies")
        first = await interaction.followup.send(
            embed=embed, file=discord.File(io.BytesIO(picture()), "chart.png")
        )
        await interaction.followup.send(f"more to {first.id}", ephemeral=True)

    @tree.command(description="Buttons and menus")
    @app_commands.choices(
        size=[app_commands.Choice(name="Small", value=1), app_commands.Choice(name="Big", value=2)]
    )
    async def panel(interaction: discord.Interaction, size: int) -> None:
        await interaction.response.send_message(f"size {size}", view=Panel())

    @tree.command(description="Says something twice")
    async def twice(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("once")
        try:
            await tree.client.http.request(  # the library refuses a second answer itself
                discord.http.Route(
                    "POST",
                    "/interactions/{interaction_id}/{interaction_token}/callback",
                    interaction_id=interaction.id,
                    interaction_token=interaction.token,
                ),
                json={"type": 4, "data": {"content": "twice"}},
            )
        except discord.HTTPException as error:
            await interaction.edit_original_response(content=f"refused with {error.code}")

    @tree.command(description="Every type of option")
    async def everything(
        interaction: discord.Interaction,
        who: discord.User,
        whom: discord.Member | discord.Role,
        share: float,
        sure: bool,
        note: discord.Attachment,
    ) -> None:
        text = (await note.read()).decode()
        await interaction.response.send_message(
            f"{who.name} {whom.name} {share} {sure} {note.filename} {text}"
        )

    @tree.command(description="Defers, then waits for an order to go on")
    async def long(interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True)
        tell(event="deferred")

        async def finish(text: str) -> None:
            await interaction.followup.send(text)

        tree.client.do_finish = finish  # type: ignore[attr-defined]


def main() -> None:
    discord.http.Route.BASE = os.environ["SAMPLE_API"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["SAMPLE_GATEWAY"])
    try:
        SampleBot().run(os.environ["SAMPLE_TOKEN"])
    except discord.DiscordException as error:
        tell(event="failed", reason=type(error).__name__)


if __name__ == "__main__":
    main()
