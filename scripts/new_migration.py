"""Writes the next revision of a service's schema: `python -m scripts.new_migration events "what changes"`.

Alembic compares the service's tables with those that its revisions make, in an empty SQLite store; what it writes is a
draft: read it, give constraints their names, and run tests/contract/database.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command

from services.common.database import Database, create_engine, sqlite_url
from services.common.migrations import Migrations

ARGUMENTS = 2


def main(arguments: list[str]) -> int:
    """Writes the revision; returns the exit code."""
    if len(arguments) != ARGUMENTS:
        print(__doc__)
        return 2
    service, message = arguments
    migrations = Migrations(Path("services") / service / "migrations")
    number = f"{int(migrations.head) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(create_engine(sqlite_url(Path(folder) / "store.db")))
        migrations.upgrade(database)
        with database.maintenance() as connection, connection.begin():
            command.revision(
                migrations.config(connection), message, autogenerate=True, rev_id=number, head=migrations.head
            )
        database.dispose()
    [written] = (migrations.folder / "versions").glob(f"{number}_*.py")
    print(f"{written}: read it, and run tests/contract/database")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
