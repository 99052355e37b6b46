"""What the kit promises of a real MySQL or MariaDB."""

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, OperationalError

from services.common.column_types import OpaqueId
from services.common.database import Database, create_engine, new_metadata
from services.common.engines.mysql import TABLE_OPTIONS

pytestmark = pytest.mark.real

METADATA = new_metadata()
ITEMS = sa.Table(
    "items",
    METADATA,
    sa.Column("item_id", OpaqueId(), primary_key=True),
    sa.Column("title", sa.String(8), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    **TABLE_OPTIONS,
)


@pytest.fixture
def database(mysql_url: URL) -> Iterator[Database]:
    database = Database(create_engine(mysql_url))
    database.create_tables(METADATA)
    database.write(lambda connection: put_all(connection, "a", "b"))
    yield database
    database.dispose()


def put_all(connection: sa.Connection, *item_ids: str) -> None:
    for item_id in item_ids:
        put(connection, item_id, title=item_id[:8])


def put(connection: sa.Connection, item_id: str, title: str = "", count: int = 0) -> None:
    connection.execute(ITEMS.insert().values(item_id=item_id, title=title, count=count))


def add_one(connection: sa.Connection, item_id: str) -> None:
    connection.execute(ITEMS.update().where(ITEMS.c.item_id == item_id).values(count=ITEMS.c.count + 1))


def counts(database: Database) -> dict[str, int]:
    statement = sa.select(ITEMS.c.item_id, ITEMS.c.count)
    return database.read(lambda connection: dict(connection.execute(statement).all()))


def test_ids_and_texts_are_compared_byte_by_byte(database: Database) -> None:
    """The database's own collation is one that folds."""
    different = ["A", "é", "e\u0301", "E\u0301", "a ", "a\u200b", "🛍", "🛒", "x" * 256]
    database.write(lambda connection: put_all(connection, *different))
    assert set(counts(database)) == {"a", "b", *different}
    for each in different:
        # A collation pads texts with spaces; an id is bytes.
        column = ITEMS.c.item_id if each.endswith(" ") else ITEMS.c.title
        statement = sa.select(ITEMS.c.item_id).where(column == each[:8])
        with database.connect() as connection:
            assert connection.scalars(statement).all() == [each]


def test_a_deadlock_is_tried_again(database: Database) -> None:
    met = threading.Barrier(2)
    tries: list[str] = []

    def take(first: str, second: str) -> None:
        def work(connection: sa.Connection) -> None:
            tries.append(first)
            add_one(connection, first)
            if len(tries) <= 2:
                met.wait(5)
            add_one(connection, second)

        database.write(work)

    threads = [threading.Thread(target=take, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(database) == {"a": 2, "b": 2}
    assert len(tries) == 3, "one of the two was given up once"


def test_a_lock_that_is_held_too_long_is_waited_for_again(database: Database) -> None:
    tries = 0
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.begin() as connection:
            add_one(connection, "a")
            held.set()
            done.wait(10)

    def work(connection: sa.Connection) -> None:
        nonlocal tries
        tries += 1
        connection.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 1")
        if tries == 2:
            done.set()
        add_one(connection, "a")

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    database.write(work)
    thread.join()
    assert counts(database)["a"] == 2
    assert tries == 2


def test_a_connection_that_is_lost_half_way_is_replaced(database: Database) -> None:
    tries = 0

    def work(connection: sa.Connection) -> None:
        nonlocal tries
        tries += 1
        add_one(connection, "a")
        if tries == 1:
            connection.exec_driver_sql("KILL CONNECTION_ID()")
        add_one(connection, "b")

    database.write(work)
    assert counts(database) == {"a": 1, "b": 1}
    assert tries == 2


def test_an_idle_connection_that_is_lost_is_replaced(database: Database) -> None:
    with database.connect() as connection:
        number = connection.scalar(sa.text("SELECT CONNECTION_ID()"))
    killer = Database(create_engine(database.engine.url))
    with killer.connect() as connection:
        connection.exec_driver_sql(f"KILL {number}")
    killer.dispose()
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT CONNECTION_ID()")) != number


def test_what_fails_for_good_is_not_tried_again(database: Database) -> None:
    tries = 0

    def work(connection: sa.Connection) -> None:
        nonlocal tries
        tries += 1
        connection.exec_driver_sql("SELECT nothing FROM nowhere")

    with pytest.raises(sa.exc.ProgrammingError):
        database.write(work)
    assert tries == 1


def test_a_key_that_another_process_inserts_first_is_looked_for_again(database: Database) -> None:
    both_looked = threading.Barrier(2)
    looks: list[bool] = []

    def put_if_absent(connection: sa.Connection) -> None:
        found = connection.scalar(sa.select(ITEMS.c.item_id).where(ITEMS.c.item_id == "c")) is not None
        looks.append(found)
        if not found:
            both_looked.wait(5)
            put(connection, "c")

    threads = [threading.Thread(target=database.write, args=(put_if_absent,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looks == [False, False, True]
    assert "c" in counts(database)


def test_a_server_that_is_gone_is_an_operational_error(mysql_url: URL) -> None:
    database = Database(create_engine(mysql_url.set(port=1)))
    with pytest.raises(OperationalError):
        database.read(lambda connection: connection.exec_driver_sql("SELECT 1"))


def test_a_value_that_does_not_fit_is_refused_not_cut(database: Database) -> None:
    with pytest.raises(DataError):
        database.write(lambda connection: put(connection, "c", title="x" * 9))


def test_a_reader_sees_one_moment(database: Database) -> None:
    statement = sa.select(ITEMS.c.count).where(ITEMS.c.item_id == "a")
    with database.connect() as reader:
        before = reader.scalar(statement)
        database.write(lambda connection: add_one(connection, "a"))
        assert reader.scalar(statement) == before
    assert counts(database)["a"] == 1


def test_a_writer_sees_what_is_committed_when_it_looks(database: Database) -> None:
    statement = sa.select(ITEMS.c.count).where(ITEMS.c.item_id == "a")
    with database.begin() as writer:
        assert writer.scalar(statement) == 0
        database.write(lambda connection: add_one(connection, "a"))
        assert writer.scalar(statement) == 1


def test_connections_are_bounded(mysql_url: URL) -> None:
    database = Database(create_engine(mysql_url, pool_size=1, busy_timeout_seconds=0.1))
    with database.connect(), pytest.raises(sa.exc.TimeoutError), database.connect():
        pass
    database.dispose()


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mariadb+pymysql", "mysql+pymysql"])
def test_urls_may_be_written_in_any_usual_way(mysql_url: URL, scheme: str) -> None:
    database = Database(create_engine(mysql_url.set(drivername=scheme)))
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT 1")) == 1
    assert database.dialect == "mysql"
    database.dispose()
