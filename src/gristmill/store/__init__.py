"""Metadata. The only importer of SQLAlchemy and Alembic; functions take a connection and return domain types."""
