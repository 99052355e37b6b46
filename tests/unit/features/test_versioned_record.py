import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.features.store.versioned_record import (
    VersionedRecord,
    apply_fields,
    apply_update,
    times_from_bytes,
    times_to_bytes,
)
from tests.unit.features.strategies import quick
from vitrine.features.v1.item_pb2 import Item

PATHS = ["price", "stock", "title", "attributes", "attributes.a", "attributes.b", "badges", "available_from_time"]


def item(number: int) -> Item:
    """An item whose every field says which update it came from; some updates leave some fields out."""
    made = Item(item_id="x", title=f"t{number}", badges=[f"b{number}"])
    if number % 3:
        made.price = number
        made.attributes["a"].number = number
        made.available_from_time.seconds = number
    if number % 2:
        made.stock = number
        made.attributes["b"].text = f"v{number}"
    return made


def apply_all(updates: list[tuple[int, list[str]]]) -> VersionedRecord[Item]:
    known: VersionedRecord[Item] = VersionedRecord(item(0), 0)
    for micros, paths in updates:
        update = item(micros)
        learned = apply_fields(known, update, paths, micros) if paths else apply_update(known, update, micros)
        known = learned or known
    return known


updates_of_shops = st.lists(st.lists(st.sampled_from(PATHS), max_size=3, unique=True), max_size=8).map(
    lambda masks: [(place + 1, paths) for place, paths in enumerate(masks)]
)


@quick
@given(updates_of_shops, st.randoms(use_true_random=False))
def test_updates_in_any_order_leave_the_same_item(
    updates: list[tuple[int, list[str]]], shuffler: random.Random
) -> None:
    shuffled = list(updates)
    shuffler.shuffle(shuffled)
    assert apply_all(shuffled).message == apply_all(updates).message


def test_a_field_that_is_absent_is_cleared_and_others_stay() -> None:
    known = VersionedRecord(item(1), 1)
    learned = apply_fields(known, Item(), ["price", "attributes.a"], 2)
    assert learned is not None
    assert not learned.message.HasField("price")
    assert set(learned.message.attributes) == {"b"}
    assert learned.message.title == "t1"
    assert known.message.price == 1


def test_old_updates_say_nothing() -> None:
    known = VersionedRecord(item(1), 5, {"price": 9})
    assert apply_update(known, item(2), 5) is None
    assert apply_fields(known, item(2), ["price"], 9) is None
    assert apply_fields(known, item(2), ["stock"], 5) is None


def test_field_times_survive_storage() -> None:
    times: dict[str, Any] = {"attributes.größe": 5, "price": 2**60}
    assert times_from_bytes(times_to_bytes(times)) == times
    assert times_from_bytes(times_to_bytes({})) == {}
