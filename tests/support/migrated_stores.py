"""Stores that are migrated already: each schema is made once on this machine, and its SQLite file copied.

A copy takes 2 ms; running the migrations takes 30 to 200 ms, and importing Alembic half a second more in every process.
The tests of the migrations themselves, in tests/contract/database, run them for real.
"""

import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from services.common.database import Database, create_engine, sqlite_url
from services.common.migrations import Migrations
from services.events.storage.schema import MIGRATIONS as EVENTS
from services.features.store.store import MIGRATIONS as FEATURES

# In pytest's own cache, which `make clean` removes.
_CACHE: Final = Path(__file__).parents[2] / ".pytest_cache" / "stores"


def lay_events_store(url: str) -> str:
    """Puts a migrated event log, still without partitions, where `url` says, if that is SQLite; returns `url`."""
    return _lay(EVENTS, url)


def lay_features_store(url: str) -> str:
    """Puts a migrated, empty feature store where `url` says, if that is SQLite; returns `url`."""
    return _lay(FEATURES, url)


def lay_stores(state_directory: Path) -> None:
    """Puts both stores into a state directory that has none yet, for services that start there."""
    lay_events_store(f"sqlite:///{state_directory / 'events.db'}")
    lay_features_store(f"sqlite:///{state_directory / 'features.db'}")


def _lay(migrations: Migrations, url: str) -> str:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(str(parsed.database))
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_template(migrations.folder), file)
    return url


@cache
def _template(folder: Path) -> Path:
    """Returns the migrated store of a service, made if there is none of these revisions yet.

    Processes that make it at once make it twice: each renames a complete file into place.
    """
    digest = hashlib.sha256()
    for path in (*sorted((folder / "versions").glob("*.py")), folder / "env.py"):
        digest.update(path.read_bytes())
    template = _CACHE / f"{folder.parent.name}-{digest.hexdigest()[:16]}.db"
    if not template.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            made = Path(scratch) / "store.db"
            database = Database(create_engine(sqlite_url(made)))
            Migrations(folder).upgrade(database)
            database.dispose()  # the last connection takes the write-ahead log into the file
            made.replace(template)
    return template
