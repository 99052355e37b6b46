from services.common.database import Database
from services.events.storage.log_writer import LogWriter
from services.events.storage.operations import AppendEvents
from services.events.storage.quarantine_reader import QuarantineReader
from tests.contract.events.rows import rejection


def test_the_oldest_come_first_page_by_page(writer: LogWriter, database: Database) -> None:
    ages = [3, 1, 2, 2, 2]
    writer.apply([AppendEvents([], [rejection(f"{each}", ingest_millis=age) for each, age in enumerate(ages)])])
    reader = QuarantineReader(database)
    listed: list[bytes] = []
    after = None
    while found := reader.list("", 2, after):
        listed += [each.payload for each in found]
        after = found[-1].ingest_millis, found[-1].rejection_key
    assert listed == [b"1", b"2", b"3", b"4", b"0"]


def test_one_reason_alone(writer: LogWriter, database: Database) -> None:
    other = rejection("b")._replace(reason="OTHER")
    writer.apply([AppendEvents([], [rejection("a"), other, rejection("c")])])
    reader = QuarantineReader(database)
    assert [each.payload for each in reader.list("BAD", 10)] == [b"a", b"c"]
    assert [each.payload for each in reader.list("OTHER", 10)] == [b"b"]
    assert reader.list("bad", 10) == [], "reasons are compared as they are written"
