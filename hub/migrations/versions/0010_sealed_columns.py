"""Names of persons, notes on clusters and details of the audit are sealed; login addresses become keyed hashes."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from hub.secrets.columns import keys_of
from hub.secrets.keyring import Keyring

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SEALED = (("persons", "username", "name"), ("clusters", "id", "note"), ("audit", "id", "detail"))
"""(table, its key, the column)"""


def upgrade() -> None:
    with op.batch_alter_table("persons") as batch:
        batch.alter_column("name", existing_type=sa.String(length=200), type_=sa.Text(), existing_nullable=False)
    keys = _keys()
    for table, key, column in SEALED:
        _rewrite(table, key, column, lambda text, label: keys.seal(text.encode(), label))
    _forget_addresses()


def downgrade() -> None:
    keys = _keys()
    for table, key, column in SEALED:
        _rewrite(table, key, column, lambda text, label: keys.open(text, label).decode())
    _forget_addresses()
    with op.batch_alter_table("persons") as batch:
        batch.alter_column("name", existing_type=sa.Text(), type_=sa.String(length=200), existing_nullable=False)


def _keys() -> Keyring:
    return keys_of(op.get_bind().dialect)


def _rewrite(table: str, key: str, column: str, change: Callable[[str, str], str]) -> None:
    conn = op.get_bind()
    rows = sa.table(table, sa.column(key), sa.column(column))
    ident, value = rows.c[key], rows.c[column]
    for found, text in conn.execute(sa.select(ident, value).where(value != "")).all():
        conn.execute(sa.update(rows).where(ident == found).values({column: change(text, f"{table}.{column}")}))


def _forget_addresses() -> None:
    """They cannot be looked up in the other form. An account's machine counts as its own again after one login."""
    op.get_bind().execute(sa.delete(sa.table("login_origins")))
