"""What a request allocates does not grow with the catalog."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.catalog.filter_masks import FilterMasks
from services.candidates.eligibility import Eligibility
from services.candidates.sources.embedding import Embedding
from services.candidates.vectors.vector_block import VectorBlock
from tests.support.candidates_shop import NOW, Shop
from vitrine.common.v1.item_filter_pb2 import ItemFilter

ITEMS = 2**18
# A fifth of the smallest column, which has one byte per item.
BOUND = ITEMS // 5
CHEAP = ItemFilter(maximum_price=2.0)


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A catalog of which one item was sent, and the columns that matter here are filled in for the others."""
    shop = Shop()
    shop.put(ITEMS - 1)
    columns = shop.inputs.columns
    columns.prices[:] = 1.0
    columns.eligible.allowed[1:] = True
    columns.eligible.bits[:] = np.packbits(columns.eligible.allowed, bitorder="little")
    numbers = np.arange(1, ITEMS, dtype=np.uint32)
    vectors = np.stack([numbers % 7, numbers % 11], axis=1).astype(np.float32)
    shop.inputs.embeddings.put("1", Embeddings(numbers, vectors, "m1"))
    return shop


def eligible(shop: Shop, masks: FilterMasks, excluded: Sequence[int]) -> Eligibility:
    return Eligibility(shop.inputs.columns, masks.mask(CHEAP), np.array(excluded, np.uint32), NOW, filtered=True)


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_mask_follows_a_change_without_being_made_again(shop: Shop, peak: Callable[[], int]) -> None:
    masks = FilterMasks(shop.inputs.columns)
    assert masks.mask(CHEAP).allowed[7]
    shop.put(7, price=3.0)
    tracemalloc.reset_peak()
    before = peak()
    assert not masks.mask(CHEAP).allowed[7]
    assert peak() - before < BOUND
    shop.put(7)


@pytest.mark.parametrize("excluded", [(), (3, 5)])
async def test_a_filtered_search_by_vector_copies_nothing_as_long_as_the_catalog(
    shop: Shop, peak: Callable[[], int], excluded: tuple[int, ...]
) -> None:
    embedding, masks = Embedding(shop.inputs), FilterMasks(shop.inputs.columns)

    def ask() -> Awaitable[object]:
        return embedding.propose(replace(shop.query(vector=(1, 1)), eligibility=eligible(shop, masks, excluded)), 50)

    await ask()
    await asyncio.to_thread(int)  # the threads that search are there
    tracemalloc.reset_peak()
    before = peak()
    assert await ask()
    assert peak() - before < BOUND


def test_named_vectors_are_searched_without_a_copy_as_long_as_the_catalog(shop: Shop, peak: Callable[[], int]) -> None:
    block = VectorBlock(2)
    directions = np.random.default_rng(0).normal(size=(ITEMS // 8, 2)).astype(np.float16)
    for item_no, direction in enumerate(directions, start=1):
        block.put(item_no, direction)
    block.finish_merge(*block.begin_merge().run())
    eligibility = eligible(shop, FilterMasks(shop.inputs.columns), (3, 5))
    block.search.nearest(np.ones(2, np.float32), 50, eligibility)
    tracemalloc.reset_peak()
    before = peak()
    assert len(block.search.nearest(np.ones(2, np.float32), 50, eligibility)) == 50
    assert peak() - before < BOUND
