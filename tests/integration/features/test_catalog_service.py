import asyncio
import unicodedata
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.clock import FixedClock
from services.features.settings import FeaturesSettings
from tests.integration.features.shop import Shop, item, refusal, shop
from vitrine.features.v1 import catalog_service_pb2 as pb
from vitrine.features.v1.item_pb2 import ITEM_KIND_POST, Item


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=1_700_000_000 + seconds)


async def deleted(features: Shop, *item_ids: str, when: Timestamp | None = None) -> list[pb.ItemResult]:
    request = pb.DeleteItemsRequest(item_ids=item_ids, delete_time=when)
    return list((await features.catalog.DeleteItems(request)).results)


async def changes(features: Shop, after: int = 0, **request: bool | int) -> list[pb.CatalogChange]:
    tail = features.catalog.TailCatalog(pb.TailCatalogRequest(after_version=after, **request))  # type: ignore[arg-type]
    return [change async for response in tail for change in response.changes]


async def test_odd_ids_are_different_items(features: Shop) -> None:
    ids = [
        "A",
        "a",
        unicodedata.normalize("NFC", "é"),
        unicodedata.normalize("NFD", "é"),
        "\U0001f375/;,| x",
        "x" * 256,
    ]
    results = await features.upsert(*(item(i, title=f"<{i}>") for i in ids))
    assert [result.status for result in results] == [pb.ITEM_STATUS_CREATED] * len(ids)
    assert len({result.item_no for result in results}) == len(ids)
    assert [found.item.title for found in await features.lookup(*ids)] == [f"<{i}>" for i in ids]


async def test_a_bad_item_never_loses_its_neighbors(features: Shop) -> None:
    results = await features.upsert(
        item("good"),
        item("nan", price=float("nan")),
        Item(item_id="bare"),
        item(""),
        item("x" * 257),
        item("late", update_time=Timestamp(seconds=253_402_300_799)),
        item("also good"),
    )
    assert [(result.reason, result.field) for result in results] == [
        ("", ""),
        ("PRICE_NOT_FINITE", "updates[1].item.price"),
        ("TITLE_REQUIRED", "updates[2].item.title"),
        ("ID_EMPTY", "updates[3].item.item_id"),
        ("ID_TOO_LONG", "updates[4].item.item_id"),
        ("UPDATE_TIME_IN_FUTURE", "updates[5].item.update_time"),
        ("", ""),
    ]
    assert all(result.description for result in results if result.reason)
    assert len(await features.lookup("good", "nan", "bare", "late", "also good")) == 2


async def test_only_newer_updates_win_in_any_order(features: Shop) -> None:
    first = await features.upsert(item("x", title="new", update_time=at(10)))
    again = await features.upsert(item("x", title="new", update_time=at(10)))
    older = await features.upsert(item("x", title="old", update_time=at(9)))
    same_time = await features.upsert(item("x", title="other", update_time=at(10)))
    newer = await features.upsert(item("x", title="newest", update_time=at(11)), item("x", title="last"))
    statuses = [result.status for result in first + again + older + same_time + newer]
    assert statuses == [
        pb.ITEM_STATUS_CREATED,
        pb.ITEM_STATUS_UNCHANGED,
        pb.ITEM_STATUS_OUTDATED,
        pb.ITEM_STATUS_OUTDATED,
        pb.ITEM_STATUS_UPDATED,
        pb.ITEM_STATUS_UPDATED,
    ]
    assert (await features.lookup("x"))[0].item.title == "last"


async def test_without_times_the_order_of_the_batch_holds(features: Shop) -> None:
    results = await features.upsert(item("x", price=1.0), item("x", price=2.0), item("x", price=2.0))
    assert [result.status for result in results] == [
        pb.ITEM_STATUS_CREATED,
        pb.ITEM_STATUS_UPDATED,
        pb.ITEM_STATUS_UNCHANGED,
    ]
    assert len({result.item_no for result in results}) == 1
    assert len(await changes(features)) == 1


async def test_a_masked_update_touches_nothing_else(features: Shop) -> None:
    whole = item("x", brand="Acme", stock=5, update_time=at(1))
    whole.attributes["color"].text = "red"
    whole.attributes["size"].number = 4
    await features.upsert(whole)
    part = Item(item_id="x", price=9.5, title="ignored", update_time=at(3))
    part.attributes["color"].text = "blue"
    await features.upsert(part, mask=["price", "stock", "attributes.color"])
    # The whole item as it was before the price changed arrives late: the newer price stays.
    late = item("x", brand="Late", price=1.0, update_time=at(2))
    assert (await features.upsert(late))[0].status == pb.ITEM_STATUS_UPDATED
    stored = (await features.lookup("x"))[0].item
    assert (stored.title, stored.brand, stored.price, stored.HasField("stock")) == ("Title of x", "Late", 9.5, False)
    assert stored.attributes["color"].text == "blue"
    assert stored.update_time == at(3)


@pytest.mark.parametrize("path", ["prise", "item_id", "update_time", "price.x", "attributes."])
async def test_masks_name_fields(features: Shop, path: str) -> None:
    await features.upsert(item("x"))
    result = (await features.upsert(Item(item_id="x"), mask=[path]))[0]
    assert (result.reason, result.field) == ("FIELD_UNKNOWN", "updates[0].update_mask")


async def test_a_masked_update_of_an_unknown_item_must_make_a_whole_one(features: Shop) -> None:
    result = (await features.upsert(Item(item_id="new", price=1.0), mask=["price"]))[0]
    assert (result.status, result.reason) == (pb.ITEM_STATUS_REJECTED, "ITEM_UNKNOWN")
    wrong = (await features.upsert(item("new", price=float("nan")), mask=["title", "category_paths", "price"]))[0]
    assert (wrong.reason, wrong.field) == ("PRICE_NOT_FINITE", "updates[0].item.price")
    made = await features.upsert(item("new"), mask=["title", "category_paths"])
    assert made[0].status == pb.ITEM_STATUS_CREATED
    assert not (await features.lookup("new"))[0].item.HasField("price")


async def test_a_late_update_does_not_bring_a_deleted_item_back(features: Shop) -> None:
    number = (await features.upsert(item("x", update_time=at(1))))[0].item_no
    assert (await deleted(features, "x", when=at(0)))[0].status == pb.ITEM_STATUS_OUTDATED
    assert (await deleted(features, "x", when=at(5)))[0].status == pb.ITEM_STATUS_DELETED
    assert (await features.upsert(item("x", update_time=at(5))))[0].status == pb.ITEM_STATUS_OUTDATED
    assert not await features.lookup("x")
    assert list((await features.states(number)).flags) == [0]
    gone = (await changes(features))[-1]
    assert (gone.item_id, gone.HasField("item")) == ("x", False)
    back = (await features.upsert(item("x", update_time=at(6))))[0]
    assert (back.status, back.item_no) == (pb.ITEM_STATUS_CREATED, number)


async def test_a_deletion_that_overtakes_the_item_holds(features: Shop) -> None:
    assert (await deleted(features, "x", when=at(5)))[0].status == pb.ITEM_STATUS_NOT_FOUND
    assert (await features.upsert(item("x", update_time=at(4))))[0].status == pb.ITEM_STATUS_OUTDATED
    assert not await changes(features)


async def test_deletions_answer_per_id(features: Shop) -> None:
    await features.upsert(item("x"))
    results = await deleted(features, "", "x", "y")
    assert [result.status for result in results] == [
        pb.ITEM_STATUS_REJECTED,
        pb.ITEM_STATUS_DELETED,
        pb.ITEM_STATUS_NOT_FOUND,
    ]
    assert results[0].field == "item_ids[0]"


async def test_states_in_columns(features: Shop) -> None:
    results = await features.upsert(
        item("plain", "Food", "Tea", brand="Acme", group_id="g"),
        item("reduced", "Food", "Tea", "Green", brand="Acme", group_id="g", list_price=3.0, stock=0, hidden=True),
        unpriced("post", "Blog", kind=ITEM_KIND_POST, minimum_age=18),
        unpriced("product", "Food"),
        item("window", "Food", available_from_time=at(1), available_until_time=at(2)),
    )
    states = await features.states(*(result.item_no for result in results), 4_000_000_000, 0)
    assert list(states.flags) == [1 + 4 + 8, 1 + 2 + 8 + 16, 1 + 4 + 8, 1 + 4, 1 + 4 + 8, 0, 0]
    assert states.group_nos[0] == states.group_nos[1]
    assert len(set(states.group_nos[1:5])) == 4
    assert list(states.category_nos[:5]) == [2, 3, 4, 1, 1]  # Food is 1
    assert states.brand_nos[0] == states.brand_nos[1] != 0 == states.brand_nos[2]
    assert list(states.prices[:4]) == [2.0, 2.0, -1.0, -1.0]
    assert list(states.minimum_ages) == [0, 0, 18, 0, 0, 0, 0]
    assert states.available_from_millis[4] == 1_700_000_001_000
    assert states.available_until_millis[4] == 1_700_000_002_000
    assert states.catalog_version == 5


def unpriced(item_id: str, *path: str, **fields: Any) -> Item:
    made = item(item_id, *path, **fields)
    made.ClearField("price")
    return made


async def test_lookups_say_what_is_missing_and_read_by_mask(features: Shop) -> None:
    made = item("x", brand="Acme")
    made.vectors["text"].values.extend([0.5, 1.0])
    made.attributes["a.b"].flag = True
    number = (await features.upsert(made))[0].item_no
    request = pb.LookupItemsRequest(item_ids=["nobody", "x"], item_nos=[99, number])
    response = await features.catalog.LookupItems(request)
    assert [found.item_no for found in response.items] == [number, number]
    assert (list(response.missing_item_ids), list(response.missing_item_nos)) == (["nobody"], [99])
    assert not response.items[0].item.vectors
    request = pb.LookupItemsRequest(item_ids=["x"], read_mask=FieldMask(paths=["vectors", "brand", "attributes.a.b"]))
    masked = (await features.catalog.LookupItems(request)).items[0].item
    assert (list(masked.vectors["text"].values), masked.brand, masked.title) == ([0.5, 1.0], "Acme", "")
    assert masked.attributes["a.b"].flag
    request = pb.LookupItemsRequest(item_ids=["x"], read_mask=FieldMask(paths=["nothing"]))
    assert await refusal(features.catalog.LookupItems(request)) == (
        "INVALID_ARGUMENT",
        "FIELD_UNKNOWN",
        ["read_mask"],
    )


async def test_categories_with_the_counts_of_their_branches(features: Shop) -> None:
    await features.upsert(
        item("1", "Food", "Tea", "Green"), item("2", "Food", "Tea"), item("3", "Food", "Bread"), item("4", "Books")
    )
    await deleted(features, "4")
    names, token = [], ""
    while True:
        page = await features.catalog.ListCategories(pb.ListCategoriesRequest(page_size=2, page_token=token))
        names += [("/".join(category.path.names), category.item_count) for category in page.categories]
        token = page.next_page_token
        if not token:
            break
    assert names == [("Books", 0), ("Food", 3), ("Food/Bread", 1), ("Food/Tea", 2), ("Food/Tea/Green", 1)]
    request = pb.ListCategoriesRequest()
    request.parent.names.extend(["Food", "Tea"])
    below = (await features.catalog.ListCategories(request)).categories
    assert [list(category.path.names) for category in below] == [["Food", "Tea", "Green"]]
    request.page_token = "???"
    assert (await refusal(features.catalog.ListCategories(request)))[1] == "PAGE_TOKEN_INVALID"


async def test_the_tail_resumes_and_follows(features: Shop) -> None:
    await features.upsert(*(item(str(n)) for n in range(5)))
    first = [change.item_id for change in await changes(features, batch_size=2)]
    assert first == ["0", "1", "2", "3", "4"]
    assert [change.item_id for change in await changes(features, after=3)] == ["3", "4"]
    tail = features.catalog.TailCatalog(pb.TailCatalogRequest(after_version=5, follow=True))
    caught_up: Any = await tail.read()
    assert (caught_up.caught_up, caught_up.version, len(caught_up.changes)) == (True, 5, 0)
    await features.upsert(item("new", "Food", "Tea", brand="Acme"), item("1", price=7.0))
    async with asyncio.timeout(5):
        grown: Any = await tail.read()
    assert [(change.item_id, change.version) for change in grown.changes] == [("new", 6), ("1", 7)]
    assert list(grown.changes[0].category_nos) == [1, 2]
    assert grown.changes[0].brand_no == 1
    tail.cancel()


async def test_a_tail_ahead_of_the_catalog_is_told(features: Shop) -> None:
    tail = features.catalog.TailCatalog(pb.TailCatalogRequest(after_version=7))
    assert (await refusal(tail.read()))[:2] == ("OUT_OF_RANGE", "VERSION_UNKNOWN")


async def test_brief_tails_leave_the_heavy_parts_out(features: Shop) -> None:
    heavy = item("x", description="d" * 1_000)
    heavy.vectors["text"].values.append(1.0)
    await features.upsert(heavy)
    assert (await changes(features))[0].item.vectors
    brief = (await changes(features, brief=True))[0].item
    assert (brief.description, len(brief.vectors), brief.title) == ("", 0, "Title of x")
    with_vectors = (await changes(features, brief=True, vectors=True))[0].item
    assert (with_vectors.description, list(with_vectors.vectors["text"].values)) == ("", [1.0])


async def test_a_vector_of_zeros_is_refused_and_its_neighbors_are_not(features: Shop) -> None:
    nowhere, good = item("x"), item("y")
    nowhere.vectors["text"].values.extend([0.0, -0.0])
    good.vectors["text"].values.extend([0.0, 1.0])
    refused, stored = await features.upsert(nowhere, good)
    assert (refused.status, refused.reason) == (pb.ITEM_STATUS_REJECTED, "VECTOR_ZERO")
    assert refused.field == "updates[0].item.vectors.text"
    assert stored.status == pb.ITEM_STATUS_CREATED


async def test_batches_have_bounds(features: Shop) -> None:
    too_many = pb.UpsertItemsRequest(updates=[pb.ItemUpdate()] * 1_001)
    assert await refusal(features.catalog.UpsertItems(too_many)) == ("INVALID_ARGUMENT", "BATCH_TOO_LARGE", ["updates"])
    assert (await refusal(features.catalog.UpsertItems(pb.UpsertItemsRequest())))[1] == "EMPTY_BATCH"
    assert (await refusal(features.catalog.LookupItems(pb.LookupItemsRequest())))[1] == "EMPTY_BATCH"
    negative = pb.ListCategoriesRequest(page_size=-1)
    assert (await refusal(features.catalog.ListCategories(negative)))[1] == "OUT_OF_RANGE"
    assert not (await features.catalog.ListCategories(pb.ListCategoriesRequest(page_size=10_000))).categories


async def test_everything_is_there_after_a_restart(settings: FeaturesSettings, clock: FixedClock) -> None:
    async with shop(settings, clock) as before:
        await before.upsert(item("a", "Food", "Tea", brand="Acme", group_id="g"), item("b", "Books"), item("c"))
        await deleted(before, "b")
        numbers = [found.item_no for found in await before.lookup("a", "c")]
        states = await before.states(1, 2, 3)
        stored = await changes(before)
    async with shop(settings, clock) as after:
        assert [found.item_no for found in await after.lookup("a", "c")] == numbers
        assert await after.states(1, 2, 3) == states
        assert await changes(after) == stored
        new = (await after.upsert(item("d", "Food", "Tea", brand="Acme", group_id="g")))[0].item_no
        assert new == 4
        assert (await after.states(new)).group_nos[0] == states.group_nos[0]
        assert (await after.states(new)).category_nos[0] == states.category_nos[0]
