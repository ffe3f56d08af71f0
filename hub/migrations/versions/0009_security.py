"""What somebody who guards the system should know; the log of what people did becomes a chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.audit import FIRST_PREVIOUS, row_hash

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_events",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "day", name=op.f("pk_security_events")),
    )
    with op.batch_alter_table("security_events") as batch:
        batch.create_index(batch.f("ix_security_events_area"), ["area"], unique=False)

    _chain_the_log()


def _chain_the_log() -> None:
    """What stands in the log is taken as it is; from here on nobody changes it unseen."""
    with op.batch_alter_table("audit") as batch:
        batch.add_column(sa.Column("previous", sa.String(length=64), nullable=False, server_default=""))
        batch.add_column(sa.Column("hash", sa.String(length=64), nullable=False, server_default=""))
    heads = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    conn = op.get_bind()
    rows = sa.table(
        "audit", *map(sa.column, ("id", "at", "person", "verb", "area", "subject", "detail", "previous", "hash"))
    )
    last, previous = 0, FIRST_PREVIOUS
    for row in conn.execute(sa.select(rows).order_by(rows.c.id)).mappings().all():
        made = row_hash(previous, row["id"], row)
        conn.execute(sa.update(rows).where(rows.c.id == row["id"]).values(previous=previous, hash=made))
        last, previous = row["id"], made
    conn.execute(sa.insert(heads).values(id=1, last=last, hash=previous))
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("previous", server_default=None)
        batch.alter_column("hash", server_default=None)


def downgrade() -> None:
    op.drop_table("security_events")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit") as batch:
        batch.drop_column("hash")
        batch.drop_column("previous")
