import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from services.candidates.eligibility import Eligibility
from services.candidates.vectors import vector_index
from services.candidates.vectors.named_vectors import MOST_BLOCKS, NamedVectors
from services.candidates.vectors.vector_block import VectorBlock
from services.common.direction import VectorFault
from tests.support.eligibility import those_of
from vitrine.features.v1.item_pb2 import Item

CAPACITY = 40_000


def item(**vectors: Sequence[float]) -> Item:
    made = Item()
    for name, values in vectors.items():
        made.vectors[name].values.extend(values)
    return made


def everything(excluded: Sequence[int] = (), mask: NDArray[np.bool_] | None = None) -> Eligibility:
    """Returns an eligibility that lets every number from 1 on pass, or those of the mask."""
    admitted = np.ones(CAPACITY, np.bool_) if mask is None else mask.copy()
    admitted[0] = False
    return those_of(admitted, excluded, filtered=mask is not None)


def half(values: NDArray[np.floating]) -> NDArray[np.float16]:
    return (values / np.linalg.norm(values)).astype(np.float16)


def merge(block: VectorBlock) -> None:
    block.finish_merge(*block.begin_merge().run())


def _wants_merge(block: VectorBlock) -> bool:
    return block.wants_merge


def nearest(block: VectorBlock, vector: NDArray[np.floating], count: int, eligibility: Eligibility) -> set[int]:
    return set(block.search.nearest(vector.astype(np.float32), count, eligibility).tolist())


@pytest.mark.parametrize("exact_up_to", [200_000, 100])
def test_what_is_found_is_what_is_there_whatever_was_merged_meanwhile(
    monkeypatch: pytest.MonkeyPatch, exact_up_to: int
) -> None:
    """Against a dictionary: random changes, with merges that begin and end in between."""
    monkeypatch.setattr(vector_index.vector_index, "__defaults__", (exact_up_to,))
    pick, draw = random.Random(3), np.random.default_rng(3)
    block, held = VectorBlock(4), dict[int, NDArray[np.float16]]()
    merges: list[object] = []
    for step in range(6_000):
        item_no = pick.randrange(1, 3_000)
        if pick.random() < 0.2:
            block.remove(item_no)
            held.pop(item_no, None)
        else:
            held[item_no] = half(draw.normal(size=4))
            block.put(item_no, held[item_no])
        if step % 1_000 == 300:
            merges.append(block.begin_merge())
        if step % 1_000 == 700:
            block.finish_merge(*merges.pop().run())  # type: ignore[attr-defined]  # a merge that began before
    block.refresh()
    assert len(block) == len(held)
    for _ in range(20):
        query = half(draw.normal(size=4)).astype(np.float32)
        scores = {item_no: float(row.astype(np.float32) @ query) for item_no, row in held.items()}
        best = sorted(scores, key=lambda item_no: -scores[item_no])[:30]
        found = nearest(block, query, 60, everything())
        assert len(found & set(best)) >= 29
        assert found <= held.keys()
    numbers = np.array([*sorted(held)[:50], 3_500, CAPACITY * 10], np.uint32)
    units = block.units_of(numbers)
    for row, item_no in zip(units, numbers.tolist(), strict=True):
        assert row.tolist() == pytest.approx(held.get(item_no, np.zeros(4)).tolist(), abs=1e-3)


def test_few_that_may_be_answered_with_are_found_among_many_nearer_ones() -> None:
    block, draw = VectorBlock(8), np.random.default_rng(0)
    for item_no in range(1, 2_001):
        block.put(item_no, half(np.eye(8)[0] + 0.01 * draw.normal(size=8)))
    for item_no in range(2_001, 2_011):
        block.put(item_no, half(np.eye(8)[1]))
    merge(block)
    assert nearest(block, np.eye(8)[0], 10, everything(range(1, 2_001))) == set(range(2_001, 2_011))
    mask = np.zeros(CAPACITY, np.bool_)
    mask[2_005:2_100] = True
    assert nearest(block, np.eye(8)[0], 10, everything(mask=mask)) == set(range(2_005, 2_011))
    assert nearest(block, np.eye(8)[0], 10, everything(mask=np.zeros(CAPACITY, np.bool_))) == set()
    block.put(3_000, half(np.eye(8)[0]))
    block.refresh()
    assert 3_000 in nearest(block, np.eye(8)[0], 10, everything(range(1, 2_001)))


def test_an_empty_block_finds_nothing_and_takes_its_merges() -> None:
    block = VectorBlock(3)
    merge(block)
    assert nearest(block, np.ones(3), 5, everything()) == set()
    block.put(1, half(np.ones(3)))
    block.remove(1)
    merge(block)
    assert not nearest(block, np.ones(3), 5, everything())
    assert not len(block)


def test_the_same_again_costs_no_row_and_no_merge() -> None:
    block, draw = VectorBlock(3), np.random.default_rng(0)
    rows = [half(draw.normal(size=3)) for _ in range(600)]
    for item_no, row in enumerate(rows, start=1):
        block.put(item_no, row)
    assert _wants_merge(block)
    merge(block)
    for _ in range(3):
        for item_no, row in enumerate(rows, start=1):
            block.put(item_no, row)
    block.refresh()
    assert not _wants_merge(block)
    assert len(block.search.recent) == 0
    for item_no in range(1, 501):
        block.remove(item_no)
    assert _wants_merge(block)


def test_a_search_under_way_goes_on_with_what_it_began_with() -> None:
    block = VectorBlock(2)
    for item_no in range(1, 1_001):
        block.put(item_no, half(np.array([1.0, item_no / 1_000])))
    merge(block)
    search = block.search
    for item_no in range(1, 901):
        block.remove(item_no)
    merge(block)
    assert len(search.item_nos) == 1_000
    assert set(search.nearest(np.array([1.0, 0.0], np.float32), 5, everything()).tolist()) <= set(range(1, 1_001))
    found = nearest(block, np.array([1.0, 0.0]), 5, everything())
    assert len(found) == 5
    assert found <= set(range(901, 911))


def test_names_and_lengths_are_bounded() -> None:
    vectors = NamedVectors({}, 100)
    for number in range(MOST_BLOCKS):
        vectors.put(number + 1, item(**{f"name {number}": [1.0]}))
    vectors.put(500, item(**{"one more": [1.0], "name 0": [1.0]}))
    vectors.refresh()
    statuses = {status.name: status for status in vectors.statuses()}
    assert len(vectors.blocks) == MOST_BLOCKS
    assert statuses["one more"].left_out == {VectorFault.NO_ROOM: 1}
    assert statuses["one more"].dimensions == 0
    assert statuses["name 0"].item_count == 2
    vectors.remove(500)
    vectors.refresh()
    assert "one more" not in {status.name for status in vectors.statuses() if status.left_out}


def test_memory_is_bounded() -> None:
    vectors = NamedVectors({}, 1)  # 2^20 bytes: 262,144 numbers
    for item_no in range(1, 301):
        vectors.put(item_no, item(text=np.ones(1_024).tolist()))
    vectors.refresh()
    (status,) = vectors.statuses()
    assert (status.item_count, status.left_out) == (256, {VectorFault.NO_ROOM: 44})
    vectors.remove(1)
    vectors.put(300, item(text=np.ones(1_024).tolist()))
    vectors.refresh()
    (status,) = vectors.statuses()
    assert (status.item_count, status.left_out) == (256, {VectorFault.NO_ROOM: 43})
    for values in (np.ones(1_024), np.arange(1_024)):  # those that are in may come again, and change
        vectors.put(5, item(text=values.tolist()))
    vectors.refresh()
    (status,) = vectors.statuses()
    assert (status.item_count, status.left_out) == (256, {VectorFault.NO_ROOM: 43})
    unit = vectors.used[0].block.units_of(np.array([5], np.uint32))[0]
    assert unit[0] == 0 < unit[1] < unit[-1]


def test_a_name_that_weighs_nothing_is_not_kept() -> None:
    vectors = NamedVectors({"image": 0.0, "text": 2.5}, 100)
    vectors.put(1, item(image=[1.0, 2.0], text=[1.0], own=[1.0]))
    vectors.refresh()
    assert [(status.name, status.weight) for status in vectors.statuses()] == [("own", 1.0), ("text", 2.5)]
    assert len(vectors.blocks) == 2


def test_of_as_many_the_longer_ones_are_compared_whatever_came_first() -> None:
    for order in ([2, 3], [3, 2]):
        vectors = NamedVectors({}, 100)
        for item_no, dimensions in enumerate(order, start=1):
            vectors.put(item_no, item(text=[1.0] * dimensions))
        vectors.refresh()
        assert vectors.used[0].block.dimensions == 3
