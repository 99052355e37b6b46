"""Alembic runs this file to run revisions."""

from services.common.migrations import run_in_environment
from services.features.store.tables import METADATA

run_in_environment(METADATA)
