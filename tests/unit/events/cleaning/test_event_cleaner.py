from collections import Counter
from typing import Any

import pytest

from services.common.signing import Signer
from services.common.tracking import seal_tracking
from services.common.visitors import partition_of
from services.events.cleaning.attributor import MAX_TOKEN_BYTES, Attributor
from services.events.cleaning.currencies import Currencies
from services.events.cleaning.event_cleaner import EventCleaner, rejection
from services.events.cleaning.event_clock import EventClock
from services.events.cleaning.event_fields import Fault
from services.events.cleaning.flagging import Flagger
from services.events.storage.records import NewEvent
from vitrine.common.v1.tracking_pb2 import TrackingPayload
from vitrine.events.v1.event_pb2 import Attribution, Event, EventType

NOW = 1_764_000_000_000
DAY = 24 * 3600 * 1000
PARTITIONS = 8
SIGNER = Signer(b"k" * 32)
PLACE = TrackingPayload(
    page_id="p1",
    shelf_id="picked",
    position=4,
    item_id="other",
    model_version="m7",
    experiments=["layout=b"],
    serve_time_millis=NOW - DAY,
)


class Cleaning:
    def __init__(self) -> None:
        self.unattributed: Counter[str] = Counter()
        attributor = Attributor(SIGNER, 30, lambda cause: self.unattributed.update([cause]))
        self._cleaner = EventCleaner(PARTITIONS, attributor, Currencies(), Flagger([], lambda _: None))

    def __call__(self, event: Event, now: int = NOW) -> NewEvent:
        record = self._cleaner.clean(event, EventClock(now))
        assert isinstance(record, NewEvent), record
        return record

    def fault(self, event: Event) -> Fault:
        fault = self._cleaner.clean(event, EventClock(NOW))
        assert isinstance(fault, Fault)
        return fault


@pytest.fixture
def clean() -> Cleaning:
    return Cleaning()


def view(**fields: Any) -> Event:
    event = Event(type=EventType.EVENT_TYPE_VIEW, item_id="item-1")
    event.visitor.user_id = "user-1"
    event.MergeFrom(Event(**fields))
    return event


def kept(record: NewEvent) -> Event:
    return Event.FromString(record.payload)


def test_a_cleaned_event_has_id_time_and_quantity(clean: Cleaning) -> None:
    event = kept(clean(view()))
    assert event.event_id.startswith("derived-")
    assert event.event_time.ToMilliseconds() == NOW
    assert event.quantity == 1


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("ADD_TO_CART", 3), ("REMOVE_FROM_CART", 3), ("PURCHASE", 3), ("REFUND", 3), ("VIEW", 1), ("WATCH", 1)],
)
def test_only_carts_purchases_and_refunds_have_a_quantity(clean: Cleaning, name: str, quantity: float) -> None:
    assert kept(clean(view(type=EventType.Value(f"EVENT_TYPE_{name}"), quantity=3))).quantity == quantity


def test_currencies_are_written_in_capitals(clean: Cleaning) -> None:
    assert kept(clean(view(currency_code="eUr"))).currency_code == "EUR"


def test_a_visitors_events_are_in_one_partition_whatever_they_are(clean: Cleaning) -> None:
    records = [clean(view(item_id=f"item-{each}")) for each in range(20)]
    assert {record.partition for record in records} == {partition_of("u:user-1", PARTITIONS)}
    assert len({record.event_key for record in records}) == 20


def test_a_user_and_an_anonymous_visitor_of_one_id_are_two(clean: Cleaning) -> None:
    user, anonymous = view(event_id="e"), view(event_id="e")
    anonymous.visitor.user_id, anonymous.visitor.anonymous_id = "", "user-1"
    first, second = clean(user), clean(anonymous)
    assert first.visitor_key != second.visitor_key
    assert first.event_key != second.event_key


def test_beside_a_user_id_the_anonymous_id_is_context(clean: Cleaning) -> None:
    signed_in = clean(view(visitor={"anonymous_id": "device"}))
    assert signed_in.visitor_key == clean(view()).visitor_key
    assert kept(signed_in).visitor.anonymous_id == "device"


def test_ids_that_differ_in_case_or_unicode_form_are_different(clean: Cleaning) -> None:
    ids = ["a", "A", "\u00e9", "e\u0301"]
    assert len({clean(view(event_id=each)).event_key for each in ids}) == 4
    assert len({clean(view(visitor={"user_id": each})).visitor_key for each in ids}) == 4


def test_the_same_event_sent_twice_derives_one_id(clean: Cleaning) -> None:
    sent = view(event_time={"seconds": NOW // 1000 - 60})
    again = Event.FromString(sent.SerializeToString())
    assert clean(sent).event_key == clean(again, NOW + 5000).event_key


def test_a_clock_that_is_ahead_does_not_change_the_derived_id(clean: Cleaning) -> None:
    sent = view(event_time={"seconds": NOW // 1000 + 600})
    again = Event.FromString(sent.SerializeToString())
    assert clean(sent).event_key == clean(again, NOW + 5000).event_key


def test_without_a_time_two_arrivals_are_two_events(clean: Cleaning) -> None:
    assert clean(view()).event_key != clean(view(), NOW + 1).event_key
    assert clean(view()).event_key == clean(view()).event_key


@pytest.mark.parametrize(
    "fields",
    [
        {"visitor": {"user_id": "user-2"}},
        {"type": EventType.EVENT_TYPE_CLICK},
        {"item_id": "item-2"},
        {"event_time": {"seconds": 1, "nanos": 1}},
        {"order_id": "o"},
    ],
)
def test_another_visitor_type_target_time_or_order_derives_another_id(clean: Cleaning, fields: dict[str, Any]) -> None:
    base = view(event_time={"seconds": 1})
    other = view(**{"event_time": {"seconds": 1}, **fields})
    assert clean(base).event_key != clean(other).event_key


def test_another_search_derives_another_id(clean: Cleaning) -> None:
    def search(text: str) -> Event:
        event = Event(type=EventType.EVENT_TYPE_SEARCH, search_text=text)
        event.visitor.user_id = "user-1"
        return event

    assert clean(search("cheese")).event_key != clean(search("bread")).event_key


def test_a_token_says_where_the_event_began(clean: Cleaning) -> None:
    record = clean(view(tracking_token=seal_tracking(SIGNER, PLACE)))
    assert record.attribution is not None
    assert Attribution.FromString(record.attribution) == Attribution(
        page_id="p1", shelf_id="picked", position=4, model_version="m7", experiments=["layout=b"]
    )
    assert not clean.unattributed


def test_a_token_of_position_0_with_nothing_else_still_attributes(clean: Cleaning) -> None:
    token = seal_tracking(SIGNER, TrackingPayload(serve_time_millis=NOW))
    assert clean(view(tracking_token=token)).attribution is not None


def test_a_forged_token_leaves_the_event_unattributed_and_is_counted(clean: Cleaning) -> None:
    forged = seal_tracking(Signer(b"f" * 32), PLACE)
    record = clean(view(tracking_token=forged))
    assert record.attribution is None
    assert kept(record).tracking_token == forged
    assert clean.unattributed == {"FORGED": 1}


def test_a_token_of_30_days_holds_and_an_older_one_does_not(clean: Cleaning) -> None:
    for age, held in ((30 * DAY, True), (30 * DAY + 1, False)):
        token = seal_tracking(SIGNER, TrackingPayload(page_id="p", serve_time_millis=NOW - age))
        assert (clean(view(tracking_token=token)).attribution is not None) is held
    assert clean.unattributed == {"EXPIRED": 1}


def test_a_huge_token_is_not_kept(clean: Cleaning) -> None:
    record = clean(view(tracking_token="x" * (MAX_TOKEN_BYTES + 1)))
    assert record.attribution is None
    assert kept(record).tracking_token == ""
    assert clean.unattributed == {"FORGED": 1}


def test_a_rejected_event_is_kept_as_it_was_sent(clean: Cleaning) -> None:
    sent = view(event_id="e", currency_code="eur", quantity=float("nan"))
    record = rejection(sent, clean.fault(sent), NOW)
    as_sent = Event.FromString(record.payload)
    assert (as_sent.currency_code, as_sent.event_id, as_sent.HasField("event_time")) == ("eur", "e", False)
    assert (record.reason, record.field) == ("NOT_FINITE", "quantity")
    assert record.visitor_key == clean(view()).visitor_key


def test_a_rejected_event_without_a_visitor_belongs_to_nobody(clean: Cleaning) -> None:
    sent = Event(type=EventType.EVENT_TYPE_VIEW, item_id="x")
    assert rejection(sent, clean.fault(sent), NOW).visitor_key is None


def test_the_same_rejected_event_has_one_place_in_quarantine(clean: Cleaning) -> None:
    def sent() -> Event:
        return view(quantity=-1, context={str(each): "v" for each in range(10)})

    first, second = (rejection(each, clean.fault(each), NOW + shift) for shift, each in enumerate((sent(), sent())))
    assert first.rejection_key == second.rejection_key
