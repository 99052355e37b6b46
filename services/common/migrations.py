"""Schema migrations, run at startup: Alembic, under a lock, with a folder of revisions per service.

A service keeps its revisions in `migrations/versions/NNNN_name.py`, numbered from 0001, each with `upgrade` and
`downgrade`; its `migrations/env.py` calls `run_in_environment` with its tables. `scripts/new_migration.py` writes the
next one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, MetaData, column, inspect, select, table, text

from services.common.database import Database
from services.common.errors import FailedPreconditionError, UnavailableError

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION_TABLE: Final = "alembic_version"
_LOCK_SECONDS: Final = 300


class Migrations:
    """The revisions of one service's store. Calls block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def head(self) -> str:
        """The newest revision's number."""
        return max(path.name[:4] for path in (self.folder / "versions").glob("[0-9]*.py"))

    def upgrade(self, database: Database, revision: str = "head") -> None:
        """Upgrades the store to `revision`, one process at a time; does nothing if it's up to date.

        Raises FailedPreconditionError if the store is of a newer version than this program, UnavailableError if another
        process holds the lock for too long.
        """
        if revision == "head" and self._current(database) == self.head:
            return  # nearly every start: no need to import Alembic
        with self._locked(database) as connection:
            self._refuse_newer(connection)
            from alembic import command

            command.upgrade(self.config(connection), revision)

    def downgrade(self, database: Database, revision: str = "base") -> None:
        """Downgrades the store to `revision`. Data that only newer revisions can hold is lost."""
        with self._locked(database) as connection:
            from alembic import command

            command.downgrade(self.config(connection), revision)

    def differences(self, database: Database, metadata: MetaData) -> list[Any]:
        """Returns what Alembic would change to make the store match `metadata`: nothing, at the head."""
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        with database.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return list(compare_metadata(context, metadata))

    def config(self, connection: Connection) -> "Config":
        """Returns the configuration for Alembic's commands to use `connection`."""
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        return config

    def _current(self, database: Database) -> str | None:
        with database.connect() as connection:
            return _version(connection)

    def _refuse_newer(self, connection: Connection) -> None:
        version = _version(connection)
        if version is not None and version > self.head:
            raise FailedPreconditionError(
                f"the store's schema is of revision {version}, and this program knows revisions up to {self.head}; "
                "run the newer program, or downgrade the store with it first",
                reason="SCHEMA_TOO_NEW",
                metadata={"revision": version},
            )

    @contextmanager
    def _locked(self, database: Database) -> Iterator[Connection]:
        """A transaction that locks out other processes. On SQLite, it's the lock itself."""
        with database.maintenance() as connection:
            if connection.dialect.name == "sqlite":
                with connection.begin():
                    yield connection
                return
            # Locks are shared by all databases of a server; their names have at most 64 characters.
            name = f"vitrine-{hashlib.blake2b(repr(database.engine.url.database).encode(), digest_size=16).hexdigest()}"
            held = connection.scalar(text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": _LOCK_SECONDS})
            connection.rollback()
            if held != 1:
                raise UnavailableError(
                    f"another process has been migrating the store for {_LOCK_SECONDS} s; wait for it, and look at its "
                    "log",
                    reason="SCHEMA_LOCKED",
                )
            with connection.begin():
                yield connection
            # Closing the connection releases the lock.


def run_in_environment(metadata: MetaData) -> None:
    """Runs revisions on the connection of `Migrations`; called by a service's `migrations/env.py`."""
    from alembic import context

    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True, render_as_batch=True)
    context.run_migrations()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    version: str | None = connection.scalar(select(column("version_num")).select_from(table(_VERSION_TABLE)))
    return version
