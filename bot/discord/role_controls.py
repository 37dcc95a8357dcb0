"""What members press to choose their pings: a button under a message for all, and menus for the one who pressed it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import discord
from discord.ui import View

from bot.core.announcements import Message
from bot.core.markup import clip
from bot.core.notifications.panels import BELL_PANEL, CHOOSE_PANEL
from bot.discord.controls import Control, Interaction, button, menu, option, view_of
from bot.discord.giving import made_role, set_roles, why_not_given
from bot.discord.speech import reader_of
from bot.errors import InputRefused
from bot.services.notification_roles import FollowedPerson, NotificationRoles, Offer
from bot.texts import text

_PER_MENU = 25
_OPEN, _BELL, _ROLES, _PEOPLE, _PAGE = "open", "bell", "roles", "people", "page"
_NAME_LIMIT = 80


class MemberControl(Control, template=r"vm:(?P<order>.+)"):
    """Orders are `open`, `bell:ACCOUNT`, `roles`, `people:PAGE` and `page:PAGE`."""

    async def act(self, interaction: Interaction, order: str, chosen: Sequence[str]) -> None:
        """Show the menus, or give and take what was chosen in them."""
        what, _, rest = order.partition(":")
        number = int(rest) if rest.isdecimal() else 0
        if what in {_OPEN, _BELL}:
            await interaction.response.defer(ephemeral=True, thinking=True)
        else:
            await interaction.response.defer()
        if what == _BELL:
            await _ring(interaction, number)
            return
        offer = await interaction.client.services.notification_roles.offer_of(interaction.guild_id or 0)
        mine = {role.id for role in _member(interaction).roles}
        if what == _ROLES:
            mine = await _take_roles(interaction, offer, self.values, chosen)
        elif what == _PEOPLE:
            offer, mine = await _take_people(interaction, offer, self.values, chosen)
        await _show(interaction, offer, number, mine)


def panel_buttons(message: Message) -> list[MemberControl]:
    """Give the buttons that a message's panel names; none for a panel of another version."""
    what, _, about = message.panel.partition(":")
    if what == CHOOSE_PANEL:
        label = message.button_label or "↗"
        return [MemberControl(button(f"vm:{_OPEN}", label, emoji="🔔", style=discord.ButtonStyle.primary))]
    if what == BELL_PANEL and about.isdecimal():
        return [MemberControl(button(f"vm:{_BELL}:{about}", emoji="🔔"))]
    return []


async def _show(interaction: Interaction, offer: Offer, page: int, mine: AbstractSet[int]) -> None:
    """Show the menus with what a member has, whose roles are `mine`."""
    say = reader_of(interaction).say
    roles = _offered(_member(interaction).guild, offer)
    rows: list[Sequence[MemberControl]] = []
    if roles:
        options = [option(f"@{role.name}", str(role.id), is_chosen=role.id in mine) for role in roles]
        placeholder = say(text("Roles that are pinged"))
        rows.append([MemberControl(menu(f"vm:{_ROLES}", placeholder, options, least=0, most=len(options)))])
    people, last = _page(offer, page)
    if people:
        options = [
            option(
                clip(one.nickname or one.handle, _NAME_LIMIT),
                str(one.account_id),
                hint=f"@{one.handle}",
                is_chosen=one.role_id in mine,
            )
            for one in people
        ]
        placeholder = say(text("People whose lives you want to be pinged for"))
        rows.append(
            [MemberControl(menu(f"vm:{_PEOPLE}:{page}", placeholder, options, least=0, most=len(options)))]
        )
    if last:
        back = button(f"vm:{_PAGE}:{max(page - 1, 0)}", say(text("Previous")), disabled=page == 0)
        on = button(f"vm:{_PAGE}:{page + 1}", say(text("Next")), disabled=page >= last)
        rows.append([MemberControl(back), MemberControl(on)])
    words = say(_summary(offer, mine, has_any=bool(rows)))
    await interaction.edit_original_response(
        content=words, view=view_of(rows) if rows else View(), allowed_mentions=discord.AllowedMentions.none()
    )


def _summary(offer: Offer, mine: AbstractSet[int], *, has_any: bool) -> str:
    if not has_any:
        return text("There is nothing to choose here yet.")
    kept = {one.role_id: one for one in offer.people if one.role_id is not None}
    names = [f"<@&{role_id}>" for role_id in offer.role_ids if role_id in mine]
    names += [f"`@{one.handle}`" for role_id, one in kept.items() if role_id in mine]
    if not names:
        return text("You are pinged for nothing. Choose what you like; it counts at once.")
    return clip(text("You are pinged for {what}. It counts at once.", what=", ".join(names)), 1900)


def _member(interaction: Interaction) -> discord.Member:
    if not isinstance(interaction.user, discord.Member):
        raise InputRefused(text("That works in a server only."))
    return interaction.user


def _offered(guild: discord.Guild, offer: Offer) -> list[discord.Role]:
    """Give the offered roles that are there and may be given: one may have got powers meanwhile."""
    found = [guild.get_role(role_id) for role_id in offer.role_ids]
    return [role for role in found if role is not None and not why_not_given(guild, role)]


def _page(offer: Offer, page: int) -> tuple[tuple[FollowedPerson, ...], int]:
    last = max(len(offer.people) - 1, 0) // _PER_MENU
    return offer.people[page * _PER_MENU : (page + 1) * _PER_MENU], last


async def _take_roles(
    interaction: Interaction, offer: Offer, values: AbstractSet[str], chosen: Sequence[str]
) -> set[int]:
    """Give the chosen roles and take those that the menu showed beside; what is offered since then stays."""
    member = _member(interaction)
    mine = {role.id for role in member.roles}
    roles = [role for role in _offered(member.guild, offer) if str(role.id) in values]
    give = [role for role in roles if str(role.id) in chosen and role.id not in mine]
    take = [role for role in roles if str(role.id) not in chosen and role.id in mine]
    return await _change(member, give, take)


async def _take_people(
    interaction: Interaction, offer: Offer, values: AbstractSet[str], chosen: Sequence[str]
) -> tuple[Offer, set[int]]:
    member, service = _member(interaction), interaction.client.services.notification_roles
    mine = {role.id for role in member.roles}
    give: list[discord.Role] = []
    take: list[discord.Role] = []
    for one in offer.people:
        wanted, is_shown = str(one.account_id) in chosen, str(one.account_id) in values
        if wanted and one.role_id not in mine:
            give.append(await kept_role(service, member.guild, one))
        elif is_shown and not wanted and one.role_id in mine:
            take += [role for role in member.roles if role.id == one.role_id]
    mine = await _change(member, give, take)
    return await service.offer_of(member.guild.id), mine


async def _change(
    member: discord.Member, give: Sequence[discord.Role], take: Sequence[discord.Role]
) -> set[int]:
    """Change the roles; give which the member has then, of which the gateway tells later."""
    await set_roles(member, give, take)
    return {role.id for role in (*member.roles, *give)} - {role.id for role in take}


async def kept_role(service: NotificationRoles, guild: discord.Guild, person: FollowedPerson) -> discord.Role:
    """Give the role that is kept for an account; the first who asks has it made, and who asks meanwhile waits."""
    async with service.turn(guild.id):
        kept = await service.kept(guild.id, person.account_id)
        role = await made_role(guild, f"🔔 {person.handle}", kept)
        if role.id != kept:
            await service.keep(guild.id, person.account_id, role.id)
        return role


async def _ring(interaction: Interaction, account_id: int) -> None:
    """Give a member the role of an account, or take it back."""
    member, service = _member(interaction), interaction.client.services.notification_roles
    offer = await service.offer_of(member.guild.id)
    person = next((one for one in offer.people if one.account_id == account_id), None)
    if person is None:
        raise InputRefused(text("That cannot be chosen here any more."))
    role = await kept_role(service, member.guild, person)
    has_it = any(one.id == role.id for one in member.roles)
    await set_roles(member, [] if has_it else [role], [role] if has_it else [])
    said = (
        text("You are not pinged for `@{handle}` any more.", handle=person.handle)
        if has_it
        else text("You are pinged when `@{handle}` goes live.", handle=person.handle)
    )
    await interaction.edit_original_response(content=reader_of(interaction).say(said))
