"""Flow control over all partitions and workers: since when a circuit is open, calls in flight and waited for, calls by time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("system", sa.Column("down_since", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("window", sa.Column("calls", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("partition", sa.Column("waits_since", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("partition", sa.Column("waits_until", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "quota",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("called", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("today", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_quota")),
    )


def downgrade() -> None:
    op.drop_table("quota")
    op.drop_column("partition", "waits_until")
    op.drop_column("partition", "waits_since")
    op.drop_column("window", "calls")
    op.drop_column("system", "down_since")
