"""The tables. One SQLite file by default; any database that SQLAlchemy speaks."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("question", sa.JSON, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("fraction", sa.Float, nullable=False, default=0.0),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, default=False),
    # Of this attempt: when it began, and how far earlier attempts had come by then.
    sa.Column("attempt_at", sa.Float),
    sa.Column("attempt_fraction", sa.Float, nullable=False, default=0.0),
    sa.Column("beat_at", sa.Float),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False, default=0.0),
    sa.Column("result", sa.JSON),
)

pieces = sa.Table(
    "measured_pieces",
    metadata,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("bits", sa.Integer, primary_key=True),
    # 0 where inputs are not concerned: a key cannot be empty.
    sa.Column("activation_bits", sa.Integer, primary_key=True),
    sa.Column("chunk", sa.Integer, primary_key=True),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
    sa.Column("total_squares", sa.Float, nullable=False),
    sa.Column("written_at", sa.Float, nullable=False),
)

# What a job keeps that is no row: projections, sums over kernels. Bytes of a safetensors file.
arrays = sa.Table(
    "job_arrays",
    metadata,
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# Begun since the job was last asked, with the pieces that were there then: a job that ends its
# worker again and again at the same place must not do so for ever.
attempts = sa.Table(
    "job_attempts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), nullable=False),
    sa.Column("begun_at", sa.Float, nullable=False),
    sa.Column("pieces", sa.Integer, nullable=False),
)
