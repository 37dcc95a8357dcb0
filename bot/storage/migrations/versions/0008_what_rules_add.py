"""Notifications: which rules make something be told in a channel, and which only say how."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Let rules say it; those for one account's go-lives were made where it is followed."""
    op.add_column("notification_rules", sa.Column("adds", FLAG, server_default="1", nullable=False))
    rules = sa.table(
        "notification_rules",
        sa.column("kind", sa.Text),
        sa.column("subject", sa.Text),
        sa.column("adds", FLAG),
    )
    of_an_account = (rules.c.kind == "live") & (rules.c.subject != "")
    op.execute(rules.update().where(of_an_account).values(adds=sa.false()))
