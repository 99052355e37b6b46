"""Alembic runs this file to run revisions."""

from services.common.migrations import run_in_environment
from services.events.storage.tables import metadata

run_in_environment(metadata)
