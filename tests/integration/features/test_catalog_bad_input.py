"""Odd updates about items, as a shop's backend sends them: each has a clear answer, and none harms its neighbors."""

import math
from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.clock import FixedClock
from tests.integration.features.shop import Shop, event, item, refusal
from tests.support.fake_event_service import FakeEventService
from vitrine.common.v1.visitor_pb2 import Visitor
from vitrine.events.v1.event_pb2 import EVENT_TYPE_PURCHASE
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

YEAR_1, YEAR_1970, YEAR_9999 = -62_135_596_800, 0, 253_402_300_799
CREATED, REJECTED = pb.ITEM_STATUS_CREATED, pb.ITEM_STATUS_REJECTED


def on_path(*names: str) -> Callable[[Item], object]:
    return lambda made: made.category_paths.add().names.extend(names)


UPDATES: list[tuple[str, Callable[[Item], object], str]] = [
    ("price 1e308", lambda made: setattr(made, "price", 1e308), "PRICE_OUT_OF_RANGE"),
    ("price NaN", lambda made: setattr(made, "price", math.nan), "PRICE_NOT_FINITE"),
    ("price below 0", lambda made: setattr(made, "price", -5.0), "PRICE_OUT_OF_RANGE"),
    ("price -0", lambda made: setattr(made, "price", -0.0), ""),
    ("price too small to tell from 0", lambda made: setattr(made, "price", 5e-324), ""),
    ("stock below 0", lambda made: setattr(made, "stock", -1), "STOCK_OUT_OF_RANGE"),
    ("unknown currency", lambda made: setattr(made, "currency_code", "XYZ"), "CURRENCY_INVALID"),
    ("path of depth 50", on_path(*map(str, range(50))), "CATEGORY_DEPTH"),
    ("cyclic category", on_path("Tea", "Green", "Tea", "Green"), "CATEGORY_CYCLE"),
    ("a name again below itself", on_path("Tea", "Green", "Tea"), ""),
    ("invisible title", lambda made: setattr(made, "title", "\u200b"), "TITLE_INVISIBLE"),
    ("SQL for a title", lambda made: setattr(made, "title", "'); DROP TABLE items; --"), ""),
    ("updated in the year 1", lambda made: made.update_time.FromSeconds(YEAR_1), ""),
    ("updated in 1970", lambda made: made.update_time.FromSeconds(YEAR_1970), ""),
    ("updated in 9999", lambda made: made.update_time.FromSeconds(YEAR_9999), "UPDATE_TIME_IN_FUTURE"),
    ("updated after 9999", lambda made: setattr(made.update_time, "seconds", YEAR_9999 + 1), "TIME_OUT_OF_RANGE"),
    ("from 1970", lambda made: made.available_from_time.FromSeconds(YEAR_1970), ""),
    ("until 9999", lambda made: made.available_until_time.FromSeconds(YEAR_9999), ""),
    ("from after 9999", lambda made: setattr(made.available_from_time, "seconds", 2**60), "TIME_OUT_OF_RANGE"),
]


async def test_each_odd_update_has_a_clear_answer(features: Shop) -> None:
    odd = {name: item(name) for name, _, _ in UPDATES}
    for name, update, _ in UPDATES:
        update(odd[name])
    before, *answers, after = await features.upsert(item("before"), *odd.values(), item("after"))
    assert (before.status, after.status) == (CREATED, CREATED)
    for place, ((name, _, reason), answer) in enumerate(zip(UPDATES, answers, strict=True), 1):
        assert (answer.status, answer.reason) == (REJECTED if reason else CREATED, reason), name
        assert bool(answer.field.startswith(f"updates[{place}].item.") and answer.description) == bool(reason), name
    found = await features.lookup(*odd)
    taken = [name for name, _, reason in UPDATES if not reason]
    assert [each.item.title for each in found] == [odd[name].title for name in taken]
    for price in (await features.states(*(each.item_no for each in found))).prices:
        assert math.isfinite(price)
        assert math.copysign(1.0, price) > 0.0


async def test_an_attribute_has_the_type_of_its_first_value(features: Shop) -> None:
    def sized(item_id: str, **value: float | str | bool) -> Item:
        made = item(item_id)
        for name, each in value.items():
            setattr(made.attributes["größe/'%"], name, each)
        return made

    results = await features.upsert(sized("a", number=4.0), sized("b", text="XL"), sized("c", number=5.0), sized("b"))
    assert [result.status for result in results] == [CREATED, REJECTED, CREATED, CREATED]
    assert (results[1].reason, results[1].field) == ("ATTRIBUTE_TYPE_CHANGED", "updates[1].item.attributes.größe/'%")
    assert "number" in results[1].description
    changed = sized("a", flag=True)
    assert (await features.upsert(changed, mask=["attributes.größe/'%"]))[0].reason == "ATTRIBUTE_TYPE_CHANGED"
    assert (await features.upsert(changed, mask=["price"]))[0].status == pb.ITEM_STATUS_UNCHANGED
    rejected = sized("d", number=1.0)
    rejected.attributes["new"].text, rejected.price = "x", -1.0
    number = item("e")
    number.attributes["new"].number = 1.0
    results = await features.upsert(rejected, number)
    assert [result.reason for result in results] == ["PRICE_OUT_OF_RANGE", ""], "what is refused declares nothing"


@pytest.mark.parametrize(
    ("seconds", "answer"),
    [
        (YEAR_1, "OUTDATED"),
        (YEAR_1970, "OUTDATED"),
        (YEAR_9999, "UPDATE_TIME_IN_FUTURE"),
        (YEAR_9999 + 1, "TIME_OUT_OF_RANGE"),
    ],
)
async def test_a_deletion_of_odd_times(features: Shop, seconds: int, answer: str) -> None:
    await features.upsert(item("x"))
    call = features.catalog.DeleteItems(pb.DeleteItemsRequest(item_ids=["x"], delete_time=Timestamp(seconds=seconds)))
    if answer == "OUTDATED":
        assert (await call).results[0].status == pb.ITEM_STATUS_OUTDATED
    else:
        assert await refusal(call) == ("INVALID_ARGUMENT", answer, ["delete_time"])
    assert len(await features.lookup("x")) == 1


async def test_an_item_of_1970_is_superseded_by_any_newer_update(features: Shop) -> None:
    old, newer = item("x", title="old"), item("x", title="newer")
    old.update_time.FromSeconds(YEAR_1970)
    newer.update_time.FromMicroseconds(1)
    await features.upsert(newer, old)
    assert [found.item.title for found in await features.lookup("x")] == ["newer"]
    request = pb.DeleteItemsRequest(item_ids=["x"], delete_time=Timestamp(nanos=2_000))
    assert (await features.catalog.DeleteItems(request)).results[0].status == pb.ITEM_STATUS_DELETED
    assert (await features.upsert(newer))[0].status == pb.ITEM_STATUS_OUTDATED


async def test_events_of_a_deleted_item_count_and_do_not_bring_it_back(
    features: Shop, log: FakeEventService, clock: FixedClock
) -> None:
    [made] = await features.upsert(item("gone"))
    await features.catalog.DeleteItems(pb.DeleteItemsRequest(item_ids=["gone"]))
    visitor = Visitor(user_id="anna")
    log.append(event("1", visitor, EVENT_TYPE_PURCHASE, "gone"))
    log.append(event("2", visitor, EVENT_TYPE_PURCHASE, "never seen"))
    await features.applied(2)
    known = await features.user(visitor)
    assert list(known.counters.item_nos) == [made.item_no, made.item_no + 1]
    assert await features.lookup("gone", "never seen") == []
    assert list((await features.states(made.item_no, made.item_no + 1)).flags) == [0, 0]
    [joined] = await features.upsert(item("never seen"))
    assert joined.item_no == made.item_no + 1, "an item that arrives after its events is the one they were about"
