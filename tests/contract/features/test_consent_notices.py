"""What the event log has yet to be told of consent."""

from functools import partial

from services.common.database import Database
from services.features.users import consent_outbox
from vitrine.common.v1.visitor_pb2 import CONSENT_NONE, CONSENT_PERSONAL, Consent


def post(database: Database, version: int, **consents: Consent.ValueType) -> None:
    database.write(lambda c: consent_outbox.post(c, consents, version))


def waiting(database: Database, limit: int = 10) -> list[tuple[str, int, int]]:
    return [
        (row.visitor_key, row.consent, row.version) for row in database.read(lambda c: consent_outbox.read(c, limit))
    ]


def test_notices_wait_oldest_first(database: Database) -> None:
    post(database, 3, anna=CONSENT_NONE)
    post(database, 1, bert=CONSENT_PERSONAL)
    post(database, 2)
    assert waiting(database) == [("bert", CONSENT_PERSONAL, 1), ("anna", CONSENT_NONE, 3)]
    assert waiting(database, limit=1) == [("bert", CONSENT_PERSONAL, 1)]


def test_the_newest_notice_replaces_those_before(database: Database) -> None:
    post(database, 1, anna=CONSENT_NONE)
    post(database, 2, anna=CONSENT_PERSONAL)
    assert waiting(database) == [("anna", CONSENT_PERSONAL, 2)]


def test_a_notice_goes_once_the_log_has_it_and_no_newer_one_with_it(database: Database) -> None:
    post(database, 1, anna=CONSENT_NONE, bert=CONSENT_NONE)
    on_its_way = database.read(lambda c: consent_outbox.read(c, 10))
    post(database, 2, anna=CONSENT_PERSONAL)
    for _ in range(2):  # two processes tell the log, or one does so again
        for notice in on_its_way:
            database.write(partial(consent_outbox.remove, notice=notice))
    assert waiting(database) == [("anna", CONSENT_PERSONAL, 2)]
