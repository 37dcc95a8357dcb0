"""Headshot kills that a script does not count are unknown, not 0."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Let the column be empty."""
    with op.batch_alter_table("round_players") as table:
        table.alter_column("headshot_kills", existing_type=BIGINT, nullable=True)
