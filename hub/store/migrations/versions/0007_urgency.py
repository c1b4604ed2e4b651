"""What was promised for a day goes first: a rank for each delivery of a system that is emptied by urgency, and its index."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RANKED = sa.text("rank IS NOT NULL AND state = 'pending'")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("rank", sa.BigInteger(), nullable=True))
    columns = ["system", "partition", "rank", "id"]
    op.create_index("ix_delivery_rank", "delivery", columns, sqlite_where=RANKED, postgresql_where=RANKED)


def downgrade() -> None:
    op.drop_index("ix_delivery_rank", table_name="delivery")
    op.drop_column("delivery", "rank")
