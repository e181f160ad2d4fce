"""Registering channels: who asks, how far it came, how accounts and channels fare, and what people are to be told.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and make the tables.

    One column after the other: Alembic's batches would make SQLite's tables anew, and dropping the old one takes
    along what refers to it.
    """
    for column in (
        sa.Column("premium", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("may_connect", sa.Boolean(), nullable=True),
        sa.Column("full_at", Moment, nullable=True),
        sa.Column("checked_at", Moment, nullable=True),
        sa.Column("started_bot", sa.BigInteger(), nullable=True),
        sa.Column("updates", sa.Text(), nullable=True),
    ):
        op.add_column("account", column)
    for column in (
        sa.Column("health", sa.String(length=16), nullable=False, server_default="ok"),
        sa.Column("health_at", Moment, nullable=True),
        sa.Column("registered_by", sa.BigInteger(), nullable=True),
        sa.Column("used_at", Moment, nullable=True),
        sa.Column("idle_told_at", Moment, nullable=True),
    ):
        op.add_column("balance", column)
    op.create_index("ix_balance_registered_by", "balance", ["registered_by"])
    op.create_index("ix_balance_account_id", "balance", ["account_id"])
    _create_person()
    _create_registration()
    _create_watched()
    op.create_table(
        "outbox",
        sa.Column("id", RowId, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("banned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _create_registration() -> None:
    op.create_table(
        "registration",
        sa.Column("id", RowId, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("balance_id", RowId, nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["balance_id"], ["balance.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "channel_id"),
    )
    op.create_index("ix_registration_account_id", "registration", ["account_id"])
    op.create_index("ix_registration_channel_id", "registration", ["channel_id"])
    op.create_index("ix_registration_state", "registration", ["state"])


def _create_watched() -> None:
    op.create_table(
        "watched",
        sa.Column("id", RowId, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("bot_username", sa.String(length=64), nullable=False),
        sa.Column("bot_title", sa.String(length=255), nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.Column("checked_at", Moment, nullable=False),
        sa.Column("added_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("person_id", "url"),
    )
