from pathlib import Path

import numpy as np
import pytest

from services.candidates.artifacts.checked_arrays import ArtifactRefusedError
from services.candidates.artifacts.repeats import Repeats
from services.candidates.jobs.repeats import repeats
from tests.support.candidates_shop import Shop
from tests.support.shop_events import events_of

DAY = 86_400_000
DIGESTS = {number: number for number in range(10)}


def test_intervals_and_rates_are_the_items_own_drawn_towards_the_shops() -> None:
    rows = [(1, 1, day * DAY) for day in (0, 10, 40)]  # gaps of 10 and 30 days
    rows += [(2, 1, 0), (2, 1, 20 * DAY)]  # 20
    rows += [(3, 2, 0), (3, 2, 20 * DAY), (3, 3, 0)]  # 20, and one of which nobody bought a second
    table = repeats(events_of(rows), DIGESTS)
    assert table is not None
    assert table.item_nos.tolist() == [1, 2, 3]
    assert table.supports.tolist() == [2, 1, 1]
    assert table.intervals == pytest.approx([20.0, 20.0, 20.0])
    base = 3 / 4
    assert table.rates == pytest.approx([(2 + 10 * base) / 12, (1 + 10 * base) / 11, 10 * base / 11])


def test_an_even_number_of_gaps_has_its_middle_between_two() -> None:
    rows = [(1, 1, day * DAY) for day in (0, 2, 12)] + [(2, 2, 0), (2, 2, 50 * DAY)]
    table = repeats(events_of(rows), DIGESTS)
    assert table is not None
    assert table.intervals == pytest.approx([(2 * 6 + 5 * 10) / 7, (50 + 5 * 10) / 6])


@pytest.mark.parametrize("rows", [[], [(1, 1, 0)], [(1, 1, 0), (1, 1, 60_000)], [(1, 1, 0), (2, 1, DAY)]])
def test_what_nobody_bought_again_has_no_interval(rows: list[tuple[int, int, int]]) -> None:
    assert repeats(events_of(rows), DIGESTS) is None


def test_an_unknown_item_is_bought_again_as_the_middle_one(tmp_path: Path) -> None:
    shop = Shop()
    for item_no in range(1, 5):
        shop.put(item_no)
    numbers = np.array([1, 2, 3], np.uint32)
    table = Repeats(
        numbers,
        shop.inputs.columns.digests[numbers],
        np.array([5, 10, 20], np.float32),
        np.array([0.1, 0.2, 0.9], np.float32),
        np.array([7, 8, 9], np.uint32),
    )
    table.save(tmp_path)
    intervals, rates = Repeats.load(tmp_path, shop.inputs.columns).of(np.array([3, 4], np.uint32))
    assert intervals.tolist() == [20.0, 10.0]
    assert rates == pytest.approx([0.9, 0.2])
    np.save(tmp_path / "intervals.npy", np.array([5, 0, 20], np.float32))
    with pytest.raises(ArtifactRefusedError, match="not above 0"):
        Repeats.load(tmp_path, shop.inputs.columns)
