"""Addresses from which accounts were tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_origins",
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"], ["persons.username"], name=op.f("fk_login_origins_username_persons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("username", "origin", name=op.f("pk_login_origins")),
    )


def downgrade() -> None:
    op.drop_table("login_origins")
