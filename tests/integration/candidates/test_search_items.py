"""SearchItems over real gRPC, and what the same index gives to other calls."""

from pathlib import Path

import grpc
import pytest

from services.common.errors import InvalidArgumentError
from services.common.rpc_status import from_rpc_error
from tests.integration.candidates.test_candidates_service import AWKWARD, Service, change, service, until
from tests.support.candidates_shop import NOW
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures


async def search(shop: Service, text: str = "", **fields: object) -> pb.SearchItemsResponse:
    request = pb.SearchItemsRequest(text=text, **fields)  # type: ignore[arg-type]  # whatever a test wants
    request.query_time.FromMilliseconds(NOW)
    response: pb.SearchItemsResponse = await shop.stub.SearchItems(request, timeout=5)
    return response


def in_category(*names: str) -> ItemFilter:
    wanted = ItemFilter()
    wanted.categories.add(names=names)
    return wanted


CUPS = [change(number, f"red cup {number}", "kitchen", "cups", brand="Hill") for number in range(1, 31)]
OTHERS = [
    change(31, "blue plate", "kitchen", "plates", brand="Dale"),
    change(32, "garden hose", "garden", brand="Dale"),
    change(33, "red hidden cup", "kitchen", "cups", hidden=True),
]


async def test_pages_of_a_search_hold_every_item_once(tmp_path: Path) -> None:
    async with service(tmp_path, *CUPS, *OTHERS) as shop:
        pages: list[list[int]] = []
        token = ""
        while not pages or token:
            page = await search(shop, "red cup", page_size=7, page_token=token)
            assert page.total_count == 30
            pages.append(list(page.item_nos))
            token = page.next_page_token
        assert [len(page) for page in pages] == [7, 7, 7, 7, 2]
        assert sorted(item_no for page in pages for item_no in page) == list(range(1, 31))


async def test_a_category_page_counts_the_next_level_and_brands(tmp_path: Path) -> None:
    async with service(tmp_path, *CUPS, *OTHERS) as shop:
        page = await search(shop, filter=in_category("kitchen"), facets=["category", "brand", "attribute:none"])
        assert page.total_count == 31
        assert not any(page.scores)
        categories, brands, nothing = page.facets
        assert [(list(value.category.names), value.count) for value in categories.values] == [
            (["kitchen", "cups"], 30),
            (["kitchen", "plates"], 1),
        ]
        assert [(value.text, value.count) for value in brands.values] == [("Hill", 30), ("Dale", 1)]
        assert list(nothing.values) == []
        roots = await search(shop, facets=["category"])
        assert [(list(value.category.names), value.count) for value in roots.facets[0].values] == [
            (["kitchen"], 31),
            (["garden"], 1),
        ]


@pytest.mark.parametrize("text", ["", "kitchen"])
async def test_a_facet_counts_what_could_be_chosen_beside_its_own_choice(tmp_path: Path, text: str) -> None:
    wanted = in_category("kitchen")
    wanted.brands.append("Dale")
    async with service(tmp_path, *CUPS, *OTHERS) as shop:
        page = await search(shop, text, filter=wanted, facets=["brand", "category"])
        assert list(page.item_nos) == [31]
        brands, categories = page.facets
        assert [(value.text, value.count) for value in brands.values] == [("Hill", 30), ("Dale", 1)]
        assert [(value.category.names[-1], value.count) for value in categories.values] == [("plates", 1)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (pb.SEARCH_SORT_PRICE_ASCENDING, [2, 3, 1]),
        (pb.SEARCH_SORT_PRICE_DESCENDING, [1, 3, 2]),
        (pb.SEARCH_SORT_DISCOUNT, [2, 1, 3]),
        (pb.SEARCH_SORT_POPULAR, [1, 2, 3]),
        (pb.SEARCH_SORT_UNSPECIFIED, [1, 2, 3]),
    ],
)
async def test_orders(tmp_path: Path, sort: pb.SearchSort.ValueType, expected: list[int]) -> None:
    items = [change(1, "cup"), change(2, "cup"), change(3, "cup")]
    for made, price, list_price in zip(items, (9.0, 2.0, 5.0), (10.0, 8.0, 5.0), strict=True):
        made.item.price, made.item.list_price = price, list_price
    async with service(tmp_path, *items) as shop:
        page = await search(shop, sort=sort)
        assert list(page.item_nos) == expected
        again = await search(shop, sort=sort, page_size=2)
        rest = await search(shop, sort=sort, page_token=again.next_page_token)
        assert [*again.item_nos, *rest.item_nos] == expected
        assert not rest.next_page_token


async def test_a_new_item_is_found_within_a_second_and_a_hidden_one_is_gone(tmp_path: Path) -> None:
    async with service(tmp_path, change(1, "green tea")) as shop:
        await shop.catalog.put(change(2, "black tea", item_id=AWKWARD))

        async def found() -> bool:
            return 2 in (await search(shop, "tea")).item_nos

        assert await until(found) < 1
        await shop.catalog.put(change(2, "black tea", item_id=AWKWARD, hidden=True))

        async def gone() -> bool:
            return not await found()

        await until(gone)


async def test_what_was_searched_for_is_proposed(tmp_path: Path) -> None:
    async with service(tmp_path, *CUPS, *OTHERS) as shop:
        response = await shop.retrieve(UserFeatures(known=True, search_texts=["hose", "!", "plate"]))
        outcome = next(one for one in response.outcomes if one.source == "search_history")
        assert outcome.status == pb.SOURCE_STATUS_OK
        columns = next(one for one in response.sources if one.source == "search_history")
        assert [response.item_nos[place] for place in columns.positions] == [32, 31]


async def test_filters_and_exclusions_hold(tmp_path: Path) -> None:
    async with service(tmp_path, *CUPS, *OTHERS) as shop:
        nothing = await search(shop, "red", filter=in_category("nowhere"))
        assert (list(nothing.item_nos), nothing.total_count, nothing.next_page_token) == ([], 0, "")
        page = await search(shop, "red", excluded_item_nos=[*range(3, 10_000)])
        assert sorted(page.item_nos) == [1, 2]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"page_size": -1}, "OUT_OF_RANGE"),
        ({"text": "x" * 501}, "TEXT_TOO_LONG"),
        ({"sort": 99}, "UNKNOWN_SORT"),
        ({"facets": ["color"]}, "UNKNOWN_FACET"),
        ({"page_token": "nonsense"}, "PAGE_TOKEN_INVALID"),
        ({"excluded_item_nos": range(10_001)}, ""),
    ],
)
async def test_a_wrong_search_is_refused(tmp_path: Path, fields: dict[str, object], reason: str) -> None:
    async with service(tmp_path) as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await search(shop, **fields)  # type: ignore[arg-type]
        error = from_rpc_error(caught.value)
        assert isinstance(error, InvalidArgumentError)
        assert not reason or reason in {error.reason, *(violation.reason for violation in error.violations)}


async def test_a_token_is_of_one_search(tmp_path: Path) -> None:
    async with service(tmp_path, *CUPS) as shop:
        page = await search(shop, "red", page_size=5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await search(shop, "cup", page_token=page.next_page_token)
        assert from_rpc_error(caught.value).reason == "PAGE_TOKEN_INVALID"
