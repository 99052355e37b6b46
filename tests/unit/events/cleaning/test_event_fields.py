from collections.abc import Callable
from typing import Any

import pytest

from services.events.cleaning.event_fields import find_fault
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import Event, EventType, Subject, SubjectKind

ITEM_TYPES = sorted(
    set(EventType.keys()) - {"EVENT_TYPE_UNSPECIFIED", "EVENT_TYPE_FOLLOW", "EVENT_TYPE_UNFOLLOW", "EVENT_TYPE_SEARCH"}
)


def view(**fields: Any) -> Event:
    event = Event(event_id="e1", type=EventType.EVENT_TYPE_VIEW, item_id="item-1")
    event.visitor.user_id = "user-1"
    event.MergeFrom(Event(**fields))
    return event


def follow(**fields: Any) -> Event:
    event = view(type=EventType.EVENT_TYPE_FOLLOW)
    event.subject.kind, event.subject.subject_id = SubjectKind.SUBJECT_KIND_BRAND, "brand-1"
    event.subject.MergeFrom(Subject(**fields))
    return event


def search(text: str) -> Event:
    event = view(type=EventType.EVENT_TYPE_SEARCH, search_text=text)
    event.ClearField("target")
    return event


def changed(change: Callable[[Event], Any], event: Event | None = None) -> Event:
    event = event or view()
    change(event)
    return event


@pytest.mark.parametrize("name", ITEM_TYPES)
def test_every_type_that_is_done_to_an_item_is_welcome(name: str) -> None:
    assert find_fault(view(type=EventType.Value(name))) is None


@pytest.mark.parametrize(
    "event",
    [
        view(event_id="a/b;c,d|e f"),
        view(event_id="🧀" * 64),
        view(item_id="e\u0301"),
        view(item_id="👩\u200d🍳"),
        view(item_id="x" * 256),
        view(event_id=""),
        changed(lambda e: e.visitor.CopyFrom(Visitor(anonymous_id="device"))),
        view(visitor={"anonymous_id": "device"}),
        view(quantity=0.001),
        view(quantity=1_000_000),
        view(unit_price=0),
        view(unit_price=1e12),
        view(watched_fraction=0),
        view(watched_fraction=1),
        view(currency_code="EUR"),
        view(currency_code="eur"),
        view(order_id="ü" * 128),
        view(tracking_token="anything at all"),
        view(context={"k" * 64: "v" * 1024}),
        view(context={str(each): "" for each in range(32)}),
        follow(),
        search("x"),
        search("ü" * 512),
        search("line\nbreak"),
    ],
)
def test_what_the_contract_allows_is_welcome(event: Event) -> None:
    assert find_fault(event) is None


@pytest.mark.parametrize(
    ("event", "reason", "field"),
    [
        (view(event_id="x" * 257), "ID_TOO_LONG", "event_id"),
        (view(event_id="🧀" * 65), "ID_TOO_LONG", "event_id"),
        (view(event_id="a\nb"), "ID_CONTROL_CHARACTER", "event_id"),
        (view(event_id="a\x00b"), "ID_CONTROL_CHARACTER", "event_id"),
        (changed(lambda e: e.ClearField("visitor")), "VISITOR_REQUIRED", "visitor"),
        (view(visitor={"user_id": "u\x7f"}), "ID_CONTROL_CHARACTER", "visitor.user_id"),
        (view(visitor={"user_id": "u" * 257}), "ID_TOO_LONG", "visitor.user_id"),
        (view(visitor={"anonymous_id": "a\t"}), "ID_CONTROL_CHARACTER", "visitor.anonymous_id"),
        (changed(lambda e: e.ClearField("type")), "TYPE_UNKNOWN", "type"),
        (view(type=99), "TYPE_UNKNOWN", "type"),
        (view(type=-1), "TYPE_UNKNOWN", "type"),
        (changed(lambda e: e.ClearField("target")), "ID_EMPTY", "item_id"),
        (view(item_id="x" * 257), "ID_TOO_LONG", "item_id"),
        (view(item_id="a\u0085b"), "ID_CONTROL_CHARACTER", "item_id"),
        (view(subject={"kind": 1, "subject_id": "c"}), "TARGET_MISMATCH", "subject"),
        (view(type=EventType.EVENT_TYPE_FOLLOW), "TARGET_MISMATCH", "item_id"),
        (view(type=EventType.EVENT_TYPE_UNFOLLOW), "TARGET_MISMATCH", "item_id"),
        (changed(lambda e: e.subject.ClearField("kind"), follow()), "SUBJECT_KIND_UNKNOWN", "subject.kind"),
        (follow(kind=77), "SUBJECT_KIND_UNKNOWN", "subject.kind"),
        (changed(lambda e: e.subject.ClearField("subject_id"), follow()), "ID_EMPTY", "subject.subject_id"),
        (follow(subject_id="x" * 257), "ID_TOO_LONG", "subject.subject_id"),
        (view(type=EventType.EVENT_TYPE_SEARCH, search_text="x"), "TARGET_MISMATCH", "item_id"),
        (search(""), "SEARCH_TEXT_REQUIRED", "search_text"),
        (search("ü" * 513), "TEXT_TOO_LONG", "search_text"),
        (view(quantity=0), "OUT_OF_RANGE", "quantity"),
        (view(quantity=-1), "OUT_OF_RANGE", "quantity"),
        (view(quantity=1_000_000.5), "OUT_OF_RANGE", "quantity"),
        (view(quantity=float("nan")), "NOT_FINITE", "quantity"),
        (view(unit_price=-0.01), "OUT_OF_RANGE", "unit_price"),
        (view(unit_price=1e308), "OUT_OF_RANGE", "unit_price"),
        (view(unit_price=float("nan")), "NOT_FINITE", "unit_price"),
        (view(unit_price=float("inf")), "NOT_FINITE", "unit_price"),
        (view(watched_fraction=1.01), "OUT_OF_RANGE", "watched_fraction"),
        (view(watched_fraction=float("-inf")), "NOT_FINITE", "watched_fraction"),
        (view(order_id="o" * 257), "ID_TOO_LONG", "order_id"),
        (view(order_id="o\r"), "ID_CONTROL_CHARACTER", "order_id"),
        (view(context={str(each): "" for each in range(33)}), "TOO_MANY", "context"),
        (view(context={"k" * 65: "v"}), "TEXT_TOO_LONG", "context"),
        (view(context={"device": "v" * 1025}), "TEXT_TOO_LONG", "context[device]"),
    ],
)
def test_what_it_does_not_allow_is_named_with_its_remedy(event: Event, reason: str, field: str) -> None:
    fault = find_fault(event)
    assert fault is not None
    assert (fault.reason, fault.field) == (reason, field)
    assert ";" in fault.description, "the description says what to do"
