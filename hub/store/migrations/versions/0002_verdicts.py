"""Late refusals get rows of their own: a delivery tried again keeps their story, and when its body was made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verdict",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("told", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_delivery_id"), "verdict", ["delivery_id"])
    op.add_column("delivery", sa.Column("remade_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("delivery", "remade_at")
    op.drop_index(op.f("ix_verdict_delivery_id"), table_name="verdict")
    op.drop_table("verdict")
