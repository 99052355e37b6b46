"""Alembic revisions of the feature store's schema."""
