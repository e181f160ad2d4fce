"""Programs in all of Telegram's orders, a reading of its lists beside the next.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table more; the only order there was is read anew within minutes."""
    op.create_table(
        "listed",
        sa.Column("crawl", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("rank_profit", sa.Integer(), nullable=True),
        sa.Column("rank_revenue", sa.Integer(), nullable=True),
        sa.Column("rank_date", sa.Integer(), nullable=True),
        sa.Column("commission_permille", sa.Integer(), nullable=False),
        sa.Column("duration_months", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["bot_id"], ["program.bot_id"]),
        sa.PrimaryKeyConstraint("crawl", "bot_id"),
    )
    op.drop_index("ix_program_rank_profit", "program")
    with op.batch_alter_table("program") as program:
        program.drop_column("rank_profit")
