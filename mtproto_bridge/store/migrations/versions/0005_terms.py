"""Which terms people accepted, and when.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has accepted any yet: everybody is asked before their next join."""
    op.add_column("person", sa.Column("terms_version", sa.Integer(), nullable=True))
    op.add_column("person", sa.Column("terms_accepted_at", sa.DateTime(timezone=True), nullable=True))
