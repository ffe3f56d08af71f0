"""What somebody who guards the system should know; the log of what people did becomes a chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.audit import FIRST_PREVIOUS, row_hash

revision = "0009"
down_revision = "0008"
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

    op.create_table(
        "security_cursors",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_security_cursors")),
    )
    op.create_table(
        "assessments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("decision_number", sa.String(length=100), nullable=False),
        sa.Column("decision_date", sa.String(length=10), nullable=False),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("assessed_on", sa.String(length=10), nullable=False),
        sa.Column("assessor", sa.String(length=200), nullable=False),
        sa.Column("result", sa.String(length=20), nullable=False),
        sa.Column("next_due", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.String(length=64), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
    )
    _add_passkeys()
    _chain_the_log()


def _add_passkeys() -> None:
    op.create_table(
        "login_passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.String(length=1400), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["username"], ["persons.username"], name=op.f("fk_login_passkeys_username_persons"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_passkeys")),
        sa.UniqueConstraint("credential", name=op.f("uq_login_passkeys_credential")),
    )
    with op.batch_alter_table("login_passkeys") as batch:
        batch.create_index(batch.f("ix_login_passkeys_username"), ["username"], unique=False)
    op.create_table(
        "login_challenges",
        sa.Column("challenge", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_login_challenges")),
    )


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
    for table in (
        "security_events",
        "security_cursors",
        "assessments",
        "login_passkeys",
        "login_challenges",
        "audit_head",
    ):
        op.drop_table(table)
    with op.batch_alter_table("audit") as batch:
        batch.drop_column("hash")
        batch.drop_column("previous")
