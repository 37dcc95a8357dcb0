"""What admins chose about notifications: for a kind in a guild, for a kind or a subject in a channel."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications.kinds import Kind, account_subject, subject_account
from bot.core.notifications.options import Options
from bot.storage import notified
from bot.storage.tables import notification_defaults, notification_rules, personal_roles
from bot.storage.upsert import insert_for


@dataclass(frozen=True, kw_only=True, slots=True)
class NotificationRule:
    """What was chosen for a kind in a channel, for one subject or (empty) for all.

    With `off` nothing of it is told there, whatever else says so. With `adds` it is told there though nothing else
    says so; without, the rule only says how. `paused_until` is None when it is not paused.
    """

    guild_id: int
    channel_id: int
    kind: Kind
    subject: str
    options: Options
    off: bool = False
    adds: bool = True
    paused_until: datetime | None = None


async def of_guilds(
    conn: AsyncConnection,
    guild_ids: Collection[int],
    kind: Kind | None = None,
    subjects: Collection[str] | None = None,
) -> tuple[NotificationRule, ...]:
    """Read what some guilds chose for their channels, of one kind and of some subjects, or of all."""
    query = select(notification_rules).where(notification_rules.c.guild_id.in_(guild_ids))
    if kind is not None:
        query = query.where(notification_rules.c.kind == kind)
    if subjects is not None:
        query = query.where(notification_rules.c.subject.in_(subjects))
    order = (notification_rules.c.channel_id, notification_rules.c.kind, notification_rules.c.subject)
    return tuple(_rule(row) for row in (await conn.execute(query.order_by(*order))).mappings())


async def defaults_of(conn: AsyncConnection, guild_ids: Collection[int], kind: Kind) -> dict[int, Options]:
    """Read what guilds chose for all messages of a kind; a guild that chose nothing is left out."""
    table = notification_defaults.c
    query = select(table.guild_id, table.options).where(table.guild_id.in_(guild_ids), table.kind == kind)
    return {row.guild_id: Options.from_json(row.options) for row in await conn.execute(query)}


async def all_defaults(conn: AsyncConnection, guild_id: int) -> dict[Kind, Options]:
    """Read what a guild chose for each kind of message; a kind for which it chose nothing is left out."""
    table = notification_defaults.c
    # A newer version may have written of others.
    query = select(table.kind, table.options).where(table.guild_id == guild_id, table.kind.in_([*Kind]))
    return {Kind(row.kind): Options.from_json(row.options) for row in await conn.execute(query)}


async def roles_of_subject(conn: AsyncConnection, subject: str, guild_ids: Collection[int]) -> dict[int, int]:
    """Read by guild the role that the bot keeps for those who asked for an account."""
    account_id = subject_account(subject)
    if account_id is None:
        return {}
    table = personal_roles.c
    query = select(table.guild_id, table.role_id).where(
        table.account_id == account_id, table.guild_id.in_(guild_ids)
    )
    return {row.guild_id: row.role_id for row in await conn.execute(query)}


async def save(conn: AsyncConnection, rule: NotificationRule, by: int, now: datetime) -> None:
    """Write a rule, a new one or instead of the one that is there."""
    chosen = {
        "guild_id": rule.guild_id,
        "options": rule.options.to_json(),
        "off": rule.off,
        "adds": rule.adds,
        "paused_until": rule.paused_until,
    }
    key = {"channel_id": rule.channel_id, "kind": rule.kind, "subject": rule.subject}
    statement = insert_for(conn, notification_rules).values(**key, **chosen, created_by=by, created_at=now)
    await conn.execute(statement.on_conflict_do_update(index_elements=[*key], set_=chosen))
    await notified.look_again(conn, rule.kind, channel_id=rule.channel_id)


async def remove(conn: AsyncConnection, channel_id: int, kind: Kind, subject: str) -> bool:
    """Delete a rule; false where there was none."""
    table = notification_rules.c
    this = (table.channel_id == channel_id) & (table.kind == kind) & (table.subject == subject)
    await notified.look_again(conn, kind, channel_id=channel_id)
    return bool((await conn.execute(delete(notification_rules).where(this))).rowcount)


async def forget_account(
    conn: AsyncConnection, guild_id: int, subject: str, channel_ids: Collection[int] | None = None
) -> None:
    """Delete what a guild chose about the lives of an account that it does not follow any more.

    With `channel_ids` it does so elsewhere: what says by itself that recaps are told there stays.
    """
    table = notification_rules.c
    about = (table.guild_id == guild_id) & (table.subject == subject)
    which = about & table.kind.in_((Kind.LIVE, Kind.RECAP))
    if channel_ids is not None:
        only_how = (table.kind == Kind.LIVE) | ~table.adds
        which &= table.channel_id.in_(channel_ids) & only_how
    await conn.execute(delete(notification_rules).where(which))


async def hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    """Let what was chosen for one account count for another, but where something was chosen for that one too."""
    old, new = account_subject(from_id), account_subject(to_id)
    rules, other = notification_rules, notification_rules.alias("other")
    taken = exists().where(
        other.c.channel_id == rules.c.channel_id, other.c.kind == rules.c.kind, other.c.subject == new
    )
    await conn.execute(update(rules).where(rules.c.subject == old, ~taken).values(subject=new))
    await conn.execute(delete(rules).where(rules.c.subject == old))
    roles = personal_roles.c
    has_role = select(roles.guild_id).where(roles.account_id == to_id)
    kept = update(personal_roles).where(roles.account_id == from_id, roles.guild_id.not_in(has_role))
    await conn.execute(kept.values(account_id=to_id))
    await notified.rename_subject(conn, old, new)


async def save_default(conn: AsyncConnection, guild_id: int, kind: Kind, options: Options) -> None:
    """Write what a guild chose for all messages of a kind."""
    chosen = {"options": options.to_json()}
    statement = insert_for(conn, notification_defaults).values(guild_id=guild_id, kind=kind, **chosen)
    await conn.execute(statement.on_conflict_do_update(index_elements=["guild_id", "kind"], set_=chosen))
    await notified.look_again(conn, kind, guild_id=guild_id)


def _rule(row: RowMapping) -> NotificationRule:
    return NotificationRule(
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        kind=Kind(row["kind"]),
        subject=row["subject"],
        options=Options.from_json(row["options"]),
        off=row["off"],
        adds=row["adds"],
        paused_until=row["paused_until"],
    )
