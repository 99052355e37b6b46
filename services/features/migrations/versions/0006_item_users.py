"""Of each item it is known how many users are behind its statistics. Of what was counted before only the buyers are: a
rebuild counts all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the column."""
    op.add_column("item_statistics", sa.Column("users", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE item_statistics SET users = buyers"))


def downgrade() -> None:
    """Takes it away."""
    op.drop_column("item_statistics", "users")
