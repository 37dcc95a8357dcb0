"""What predictions need: overrides, what was said of each hour, scores, special events, boards, diamonds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the new tables and widen two."""
    _widen_guilds()
    _widen_lives()
    _index_leases()
    _create_account_overrides()
    _create_predictions()
    _create_day_scores()
    _create_special_events()
    _create_status_boards()


def _widen_guilds() -> None:
    op.add_column("guilds", sa.Column("country", sa.Text(), server_default="", nullable=False))
    op.add_column("guilds", sa.Column("daily_scores", FLAG, server_default="0", nullable=False))


def _widen_lives() -> None:
    op.add_column("lives", sa.Column("diamonds", BIGINT, nullable=True))


def _index_leases() -> None:
    op.create_index(
        "ix_accounts_leased_until",
        "accounts",
        ["leased_until"],
        unique=False,
        sqlite_where=sa.text("leased_until IS NOT NULL"),
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    )


def _create_account_overrides() -> None:
    op.create_table(
        "account_overrides",
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("guild_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", BIGINT, server_default="1000000", nullable=False),
        sa.Column("pinned_seconds", BIGINT, nullable=True),
        sa.Column("boosted_until", BIGINT, nullable=True),
        sa.Column("boosted_seconds", BIGINT, nullable=True),
        sa.Column("frozen", FLAG, server_default="0", nullable=False),
        sa.Column("set_by", BIGINT, nullable=False),
        sa.Column("set_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_overrides_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "guild_id", name=op.f("pk_account_overrides")),
        sqlite_strict=True,
    )


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("account_id", BIGINT, nullable=False),
        sa.Column("hour", BIGINT, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("probability", BIGINT, nullable=False),
        sa.Column("live", BIGINT, nullable=False),
        sa.Column("confidence", BIGINT, nullable=False),
        sa.Column("recommendation", sa.Text(), nullable=False),
        sa.Column("expected_missed", BIGINT, server_default="0", nullable=False),
        sa.Column("started", FLAG, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_predictions_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "hour", name=op.f("pk_predictions")),
        sqlite_strict=True,
    )
    op.create_index("ix_predictions_hour", "predictions", ["hour"], unique=False)


def _create_day_scores() -> None:
    op.create_table(
        "day_scores",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_day_scores")),
        sqlite_strict=True,
    )


def _create_special_events() -> None:
    op.create_table(
        "special_events",
        sa.Column("id", BIGINT, autoincrement=True, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("account_id", BIGINT, nullable=True),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", BIGINT, nullable=False),
        sa.Column("created_at", BIGINT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_special_events_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_events")),
        sqlite_strict=True,
    )
    op.create_index("ix_special_events_guild_id_day", "special_events", ["guild_id", "day"], unique=False)


def _create_status_boards() -> None:
    op.create_table(
        "status_boards",
        sa.Column("channel_id", BIGINT, autoincrement=False, nullable=False),
        sa.Column("guild_id", BIGINT, nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("created_by", BIGINT, nullable=False),
        sa.Column("put_at", BIGINT, nullable=True),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_status_boards")),
        sqlite_strict=True,
    )
