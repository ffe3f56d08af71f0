"""Tickets and enrolments; certificates keep what was issued, so that it can be handed out again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enrol_tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrol_tickets")),
        sa.UniqueConstraint("code", name=op.f("uq_enrol_tickets_code")),
    )
    with op.batch_alter_table("enrol_tickets") as batch:
        batch.create_index(batch.f("ix_enrol_tickets_area"), ["area"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("board", sa.String(length=80), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("has_rtc", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("spare", sa.Boolean(), nullable=False),
        sa.Column("csr", sa.Text(), nullable=False),
        sa.Column("broker_hash", sa.String(length=200), nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("placement_n", sa.BigInteger(), nullable=False),
        sa.Column("ticket", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("admitted_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["cluster"], ["clusters.id"], name=op.f("fk_enrolments_cluster_clusters")),
        sa.ForeignKeyConstraint(["ticket"], ["enrol_tickets.id"], name=op.f("fk_enrolments_ticket_enrol_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
    )
    with op.batch_alter_table("enrolments") as batch:
        batch.create_index(batch.f("ix_enrolments_area"), ["area"], unique=False)
        batch.create_index(batch.f("ix_enrolments_device"), ["device"], unique=False)
        batch.create_index(batch.f("ix_enrolments_ticket"), ["ticket"], unique=False)
    with op.batch_alter_table("certificates") as batch:
        batch.add_column(sa.Column("pem", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("certificates") as batch:
        batch.drop_column("pem")
    op.drop_table("enrolments")
    op.drop_table("enrol_tickets")
