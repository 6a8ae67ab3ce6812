"""Who sees a port."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ports",
        sa.Column("project_id", sa.String(32), sa.ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("port", sa.Integer, primary_key=True),
        sa.Column("visibility", sa.String(16), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("ports")
