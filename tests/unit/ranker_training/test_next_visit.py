import numpy as np
import pytest

from services.features.definitions.observation import Observation
from services.ranker.training.examples.next_visit import NextVisits, Visit
from tests.support.training_shop import DAY, END, event_table, training_catalog
from vitrine.events.v1 import event_pb2 as e

MINUTE = 60_000


def visit_after(*events: tuple[int, int, int], cut: int = END, window: int = 7 * DAY) -> Visit | None:
    catalog = training_catalog()
    log = [("u:0", Observation(kind, item, END + delay, f"{n}")) for n, (kind, item, delay) in enumerate(events)]
    log.append(("u:1", Observation(e.EVENT_TYPE_PURCHASE, 9, END + 1, "other")))
    return NextVisits(event_table(log, catalog)).after(0, cut, window)


def test_a_visit_ends_with_half_an_hour_of_silence() -> None:
    buy = e.EVENT_TYPE_PURCHASE
    visit = visit_after((buy, 1, -1), (buy, 5, 0), (buy, 4, 29 * MINUTE), (buy, 6, 90 * MINUTE))
    assert visit is not None
    assert visit.item_nos.tolist() == [4, 5]


def test_a_visit_beyond_the_window_is_none() -> None:
    assert visit_after((e.EVENT_TYPE_PURCHASE, 1, 7 * DAY)) is None
    assert visit_after((e.EVENT_TYPE_PURCHASE, 1, -1)) is None


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        (e.EVENT_TYPE_VIEW, [1, 0, 0, 0]),
        (e.EVENT_TYPE_FAVORITE, [1, 1, 0, 0]),
        (e.EVENT_TYPE_ADD_TO_CART, [1, 0, 1, 0]),
        (e.EVENT_TYPE_PURCHASE, [1, 0, 1, 1]),
    ],
)
def test_who_goes_further_has_come_all_the_way(kind: int, labels: list[int]) -> None:
    visit = visit_after((kind, 1, 5))
    assert visit is not None
    assert visit.labels.tolist() == [labels]


def test_actions_on_one_item_add_up() -> None:
    visit = visit_after((e.EVENT_TYPE_FAVORITE, 1, 5), (e.EVENT_TYPE_ADD_TO_CART, 1, 9))
    assert visit is not None
    assert visit.labels.tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize(
    "kind", [e.EVENT_TYPE_IMPRESSION, e.EVENT_TYPE_REFUND, e.EVENT_TYPE_DISLIKE, e.EVENT_TYPE_REMOVE_FROM_CART]
)
def test_what_is_no_success_is_no_label(kind: int) -> None:
    assert visit_after((kind, 1, 5)) is None


def test_items_are_ascending_and_once() -> None:
    buy = e.EVENT_TYPE_PURCHASE
    visit = visit_after((buy, 8, 0), (buy, 2, 1), (buy, 8, 2))
    assert visit is not None
    assert np.array_equal(visit.item_nos, [2, 8])
