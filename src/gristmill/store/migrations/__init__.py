"""Alembic's migrations, written by hand, one tree for both databases."""
