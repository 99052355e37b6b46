"""What was erased is not to be found in SQLite's files. MySQL and MariaDB purge by themselves: see docs/privacy.md."""

from pathlib import Path

import pytest

from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents, AppendPages, Operation
from tests.contract.events.rows import ANNA, BERT, erasure, event, page, refusal, rejection

SECRET = b"what Anna did".ljust(3_000, b"!")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.mark.parametrize("wish", [erasure(), refusal()], ids=["erased", "refused"])
def test_erased_bytes_are_gone_from_the_files(writer: LogWriter, tmp_path: Path, wish: Operation[object]) -> None:
    mine = [event(f"a{each}")._replace(payload=SECRET) for each in range(40)]
    theirs = [event(f"b{each}", visitor=BERT)._replace(payload=b"what Bert did") for each in range(40)]
    writer.apply([AppendEvents([*mine, *theirs], [rejection("r")._replace(payload=SECRET)])])
    writer.apply([AppendPages([page("p")._replace(payload=SECRET, visitor_key=ANNA)])])
    writer.apply([wish])
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SECRET[:13] not in kept
    assert b"what Bert did" in kept
