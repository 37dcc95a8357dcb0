"""Notifications: what was chosen for each channel, what holds a message, where it stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables of what was chosen, and let the outbox say why and where."""
    op.add_column("guilds", sa.Column("personal_roles", FLAG, server_default="0", nullable=False))
    _create_rules()
    _create_roles()
    _widen_outbox()


def _create_rules() -> None:
    op.create_table(
        "notification_defaults",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "kind", name=op.f("pk_notification_defaults")),
        sqlite_strict=True,
    )
    op.create_table(
        "notification_rules",
        sa.Column("channel_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("off", FLAG, server_default="0", nullable=False),
        sa.Column("paused_until", BIGINT, nullable=True),
        sa.Column("created_by", BIGINT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "kind", "subject", name=op.f("pk_notification_rules")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_notification_rules_guild_id_kind"), "notification_rules", ["guild_id", "kind"], unique=False
    )


def _create_roles() -> None:
    op.create_table(
        "offered_roles",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("role_id", BIGINT, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "role_id", name=op.f("pk_offered_roles")),
        sqlite_strict=True,
    )
    op.create_table(
        "personal_roles",
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("role_id", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_personal_roles_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("guild_id", "account_id", name=op.f("pk_personal_roles")),
        sqlite_strict=True,
    )


def _widen_outbox() -> None:
    for column in (
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Text(), server_default="", nullable=False),
        sa.Column("held_until", BIGINT, nullable=True),
        sa.Column("told_at", BIGINT, nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("merged_into", sa.Text(), server_default="", nullable=False),
        sa.Column("placement", sa.Text(), nullable=True),
        sa.Column("thread_id", BIGINT, nullable=True),
        sa.Column("in_thread", FLAG, server_default="0", nullable=False),
        sa.Column("published", FLAG, server_default="0", nullable=False),
        sa.Column("remove_after_hours", BIGINT, server_default="0", nullable=False),
        sa.Column("remove_at", BIGINT, nullable=True),
        sa.Column("removing", FLAG, server_default="0", nullable=False),
        sa.Column("generation", BIGINT, server_default="0", nullable=False),
        sa.Column("old_message_id", BIGINT, nullable=True),
        sa.Column("posted_at", BIGINT, nullable=True),
    ):
        op.add_column("outbox", column)
    op.execute("UPDATE outbox SET posted_at = created_at WHERE delivered_revision > 0")
    op.create_index(op.f("ix_outbox_guild_id_id"), "outbox", ["guild_id", "id"], unique=False)
    op.create_index(
        op.f("ix_outbox_channel_id_kind_subject"), "outbox", ["channel_id", "kind", "subject"], unique=False
    )
    op.create_index(
        "ix_outbox_remove_at",
        "outbox",
        ["remove_at"],
        unique=False,
        sqlite_where=sa.text("remove_at IS NOT NULL"),
        postgresql_where=sa.text("remove_at IS NOT NULL"),
    )
