"""Bulletins with their sounds, and programmes as they are drafted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_changes")),
    )
    with op.batch_alter_table("draft_changes", schema=None) as batch_op:
        batch_op.create_index("ix_draft_changes_area_at", ["area", "at"], unique=False)
    op.create_table(
        "draft_series",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_series")),
    )
    with op.batch_alter_table("draft_series", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_draft_series_area"), ["area"], unique=False)
    op.create_table(
        "draft_settings",
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("area", name=op.f("pk_draft_settings")),
    )
    op.create_table(
        "draft_slots",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_slots")),
    )
    with op.batch_alter_table("draft_slots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_draft_slots_area"), ["area"], unique=False)
    op.create_table(
        "items",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("area", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("sort", sa.String(length=20), nullable=False),
        sa.Column("field", sa.Integer(), nullable=False),
        sa.Column("essential", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.String(length=10), nullable=False),
        sa.Column("valid_until", sa.String(length=10), nullable=False),
        sa.Column("searched", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_items_area"), ["area"], unique=False)
    op.create_table(
        "draft_series_items",
        sa.Column("series", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series"], ["draft_series.id"], name=op.f("fk_draft_series_items_series_draft_series"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("series", "item", name=op.f("pk_draft_series_items")),
    )
    op.create_table(
        "item_sounds",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("loudness_mlufs", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_item_sounds_item_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_sounds")),
    )
    with op.batch_alter_table("item_sounds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_sounds_item"), ["item"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_sounds_sha256"), ["sha256"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_item_versions_item_items")),
        sa.PrimaryKeyConstraint("item", "version", name=op.f("pk_item_versions")),
    )
    op.create_table(
        "sound_jobs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_sound_jobs_item_items")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sound_jobs")),
    )
    with op.batch_alter_table("sound_jobs", schema=None) as batch_op:
        batch_op.create_index("ix_sound_jobs_item_at", ["item", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("sound_jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_sound_jobs_item_at")
    op.drop_table("sound_jobs")
    op.drop_table("item_versions")
    with op.batch_alter_table("item_sounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_sounds_sha256"))
        batch_op.drop_index(batch_op.f("ix_item_sounds_item"))
    op.drop_table("item_sounds")
    op.drop_table("draft_series_items")
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_items_area"))
    op.drop_table("items")
    with op.batch_alter_table("draft_slots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_draft_slots_area"))
    op.drop_table("draft_slots")
    op.drop_table("draft_settings")
    with op.batch_alter_table("draft_series", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_draft_series_area"))
    op.drop_table("draft_series")
    with op.batch_alter_table("draft_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_draft_changes_area_at")
    op.drop_table("draft_changes")
