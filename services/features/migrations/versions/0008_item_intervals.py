"""Of each item it is known after how long it is bought again. What was bought before is not looked at: a rebuild counts
all.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds the columns."""
    for name in ("intervals", "interval_millis"):
        op.add_column("item_statistics", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Takes them away."""
    for name in ("interval_millis", "intervals"):
        op.drop_column("item_statistics", name)
