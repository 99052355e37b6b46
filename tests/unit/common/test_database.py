import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError

from services.common.column_types import OpaqueId
from services.common.database import Database, create_engine, new_metadata, sqlite_url
from services.common.engines import sqlite_traces

METADATA = new_metadata()
ITEMS = sa.Table(
    "items",
    METADATA,
    sa.Column("item_id", OpaqueId(), primary_key=True),
    sa.Column("count", sa.Integer, sa.CheckConstraint("count >= 0", name="not_negative"), nullable=False),
)
CARDS = sa.Table(
    "cards",
    METADATA,
    sa.Column("card_no", sa.Integer, primary_key=True),
    sa.Column("item_id", OpaqueId(), sa.ForeignKey("items.item_id"), index=True),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(create_engine(sqlite_url(tmp_path / "a folder?#" / "shop.db"), busy_timeout_seconds=0.2))
    made.create_tables(METADATA)
    yield made
    made.dispose()


def put(connection: sa.Connection, item_id: str, count: int = 1) -> None:
    connection.execute(ITEMS.insert().values(item_id=item_id, count=count))


def ids(database: Database) -> list[str]:
    with database.connect() as connection:
        return list(connection.scalars(sa.select(ITEMS.c.item_id).order_by(ITEMS.c.item_id)))


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_sqlite_is_set_up_to_survive(tmp_path: Path, durable: bool, level: int) -> None:
    database = Database(create_engine(sqlite_url(tmp_path / "shop.db"), durable=durable))
    with database.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    database.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": level, "foreign_keys": 1, "busy_timeout": 10_000}


def test_ids_stay_what_they_are(database: Database) -> None:
    different = ["A", "a", "é", "e\u0301", "a ", "a/b", "🛍", "x" * 256]
    with database.begin() as connection:
        for item_id in different:
            put(connection, item_id)
    assert ids(database) == sorted(different, key=str.encode)
    with database.connect() as connection:
        found = connection.scalar(sa.select(ITEMS.c.item_id).where(ITEMS.c.item_id == "e\u0301"))
    assert found == "e\u0301"


def test_ids_are_binary_in_every_database() -> None:
    assert str(sa.schema.CreateColumn(ITEMS.c.item_id).compile(dialect=mysql.dialect())).startswith(
        "item_id VARBINARY(256)"
    )
    assert str(sa.schema.CreateColumn(ITEMS.c.item_id).compile(dialect=sqlite.dialect())).startswith("item_id BLOB")


def test_no_id_stays_no_id(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(CARDS.insert().values(card_no=1, item_id=None))
        assert connection.scalar(sa.select(CARDS.c.item_id)) is None


def test_an_exception_takes_everything_back(database: Database) -> None:
    def fail_halfway() -> None:
        with database.begin() as connection:
            put(connection, "a")
            raise KeyError("a bug")

    with pytest.raises(KeyError):
        fail_halfway()
    assert ids(database) == []


def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    with database.connect() as connection:
        put(connection, "a")
    assert ids(database) == []


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.connect() as reader:
        assert reader.scalar(sa.select(sa.func.count()).select_from(ITEMS)) == 0
        with database.begin() as writer:
            put(writer, "a")
        assert reader.scalar(sa.select(sa.func.count()).select_from(ITEMS)) == 0
    assert ids(database) == ["a"]


def test_writers_that_read_first_take_turns(tmp_path: Path) -> None:
    database = Database(create_engine(sqlite_url(tmp_path / "shop.db"), durable=False))
    database.create_tables(METADATA)
    with database.begin() as connection:
        put(connection, "a", 0)
    failures: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(25):
                with database.begin() as connection:
                    count = connection.scalar(sa.select(ITEMS.c.count)) or 0
                    connection.execute(ITEMS.update().values(count=count + 1))
        except OperationalError as error:
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect() as connection:
        assert connection.scalar(sa.select(ITEMS.c.count)) == 100
    assert failures == []
    database.dispose()


def test_a_writer_that_waits_too_long_gives_up(database: Database) -> None:
    def write() -> None:
        with database.begin() as second:
            put(second, "b")

    with database.begin() as first:
        put(first, "a")
        with pytest.raises(OperationalError, match="locked"):
            write()
    assert ids(database) == ["a"]


def test_errors_name_the_constraint_and_hide_the_values(database: Database) -> None:
    def insert(count: int) -> None:
        with database.begin() as connection:
            put(connection, "a secret id", count)

    with pytest.raises(IntegrityError, match="ck_items_not_negative") as caught:
        insert(-1)
    assert "secret" not in str(caught.value)


def test_a_key_that_another_process_inserted_first_is_looked_for_again(database: Database) -> None:
    def put_if_absent(connection: sa.Connection) -> bool:
        looks.append(connection)
        found = connection.scalar(sa.select(ITEMS.c.count).where(ITEMS.c.item_id == "a")) is not None
        if len(looks) == 1:  # SQLite's writers take turns; elsewhere another one may insert here
            put(connection, "a")
        if not found:
            put(connection, "a")
        return not found

    looks: list[sa.Connection] = []
    assert database.write(put_if_absent)
    assert (len(looks), ids(database)) == (2, ["a"])


def test_a_value_that_breaks_a_rule_is_not_tried_again(database: Database) -> None:
    tries = 0

    def work(connection: sa.Connection) -> None:
        nonlocal tries
        tries += 1
        put(connection, "a", -1)

    with pytest.raises(IntegrityError, match="ck_items_not_negative"):
        database.write(work)
    assert tries == 1


def test_foreign_keys_hold(database: Database) -> None:
    def insert() -> None:
        with database.begin() as connection:
            connection.execute(CARDS.insert().values(card_no=1, item_id="nowhere"))

    with pytest.raises(IntegrityError):
        insert()


def test_constraints_have_names() -> None:
    assert [index.name for index in CARDS.indexes] == ["ix_cards_item_id"]
    assert {constraint.name for constraint in CARDS.foreign_key_constraints} == {"fk_cards_item_id_items"}
    assert ITEMS.primary_key.name == "pk_items"


def test_a_database_in_memory_is_one_for_all_threads() -> None:
    database = Database(create_engine("sqlite://"))
    database.create_tables(METADATA)

    def write() -> None:
        with database.begin() as connection:
            put(connection, "a")

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert ids(database) == ["a"]
    assert database.dialect == "sqlite"
    database.dispose()


def everything_on_disk(database: Database) -> bytes:
    path = Path(str(database.engine.url.database))
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def crowd(database: Database) -> None:
    """Rows of two kinds, written in an order that splits pages: copies stay behind in the old ones."""
    with database.begin() as connection:
        for number in range(400):
            name = "someone" if number % 3 else "another"
            put(connection, f"{number * 7919 % 400:03}-{name}-{'x' * 300}")


def erase_someone(database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM items WHERE instr(item_id, CAST('someone' AS BLOB)) > 0")


def test_what_is_erased_is_gone_from_the_files(database: Database) -> None:
    crowd(database)
    assert b"someone" in everything_on_disk(database)
    erase_someone(database)
    assert database.erase_traces()
    assert b"someone" not in everything_on_disk(database)
    assert len(ids(database)) == 134


def test_a_large_file_is_written_anew_when_there_is_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(database)
    monkeypatch.setattr(sqlite_traces, "AT_ONCE_BYTES", 0)
    erase_someone(database)
    assert not database.erase_traces()
    assert database.erase_traces_left()
    assert b"someone" not in everything_on_disk(database)
    assert len(ids(database)) == 134


def test_traces_wait_for_who_still_reads_them(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_traces, "PATIENCE_MILLIS", 50)
    crowd(database)
    with database.connect() as reader:
        reader.execute(sa.select(ITEMS)).all()
        erase_someone(database)
        assert not database.erase_traces()
        assert not database.erase_traces_left()
    assert database.erase_traces_left()
    assert b"someone" not in everything_on_disk(database)


def test_nothing_is_written_anew_where_nothing_was_erased(database: Database) -> None:
    crowd(database)
    file = Path(str(database.engine.url.database))
    before = file.read_bytes()
    assert database.erase_traces_left()
    assert file.read_bytes() == before
