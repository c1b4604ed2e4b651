"""Expected feeds are counted day by day, and a run knows which records it wrote."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", "day", name=op.f("pk_intake")),
    )
    op.add_column("run", sa.Column("first_record", sa.BigInteger(), nullable=True))
    op.add_column("run", sa.Column("next_record", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("run", "next_record")
    op.drop_column("run", "first_record")
    op.drop_table("intake")
