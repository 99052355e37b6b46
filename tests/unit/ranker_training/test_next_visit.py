import numpy as np
import pytest

from services.features.definitions.observation import Observation
from services.ranker.inputs.exposures import NOT_SHOWN, SHOWN_SOMEWHERE, exposure_at
from services.ranker.training.examples.next_visit import NextVisits, Visit
from services.ranker.training.shop.event_table import EventTableBuilder
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


def visit_with(*shown: tuple[int, int, int | None]) -> Visit:
    """The visit of who bought item 1 at the cut and item 2 ten minutes later, with (item, delay, place) shown."""
    builder = EventTableBuilder({})
    for item, delay in ((1, 0), (2, 10 * MINUTE)):
        builder.add_observation("u:0", Observation(e.EVENT_TYPE_PURCHASE, item, END + delay, f"{item}"), position=0)
    for number, (item, delay, place) in enumerate(shown):
        builder.add_observation("u:0", Observation(e.EVENT_TYPE_IMPRESSION, item, END + delay, f"s{number}"), place)
    builder.add_observation("u:1", Observation(e.EVENT_TYPE_IMPRESSION, 9, END, "other"), 0)
    visit = NextVisits(builder.build()).after(0, END, DAY)
    assert visit is not None
    return visit


def test_what_was_shown_meanwhile_is_known_with_its_place() -> None:
    shown = visit_with((7, 5, 2), (2, 6, 0), (5, 39 * MINUTE, None)).shown
    assert shown.item_nos.tolist() == [2, 5, 7]
    assert shown.of(np.array([7, 1, 2, 5, 9])).tolist() == [3, NOT_SHOWN, 1, SHOWN_SOMEWHERE, NOT_SHOWN]


def test_what_was_shown_before_the_cut_or_long_after_is_of_another_time() -> None:
    assert visit_with((7, -1, 2), (5, 41 * MINUTE, 0)).shown.item_nos.tolist() == []


def test_of_several_places_the_first_one_counts() -> None:
    shown = visit_with((7, 5, None), (7, 6, 4), (7, 7, 9), (8, 1, 3), (8, 2, None)).shown
    assert shown.exposures.tolist() == [5, 4]


def test_places_far_on_are_one_and_not_the_unknown_one() -> None:
    assert exposure_at(28) == exposure_at(29) - 1
    assert exposure_at(29) == exposure_at(5_000) == SHOWN_SOMEWHERE - 1


def test_a_visit_in_a_log_without_impressions_was_shown_nothing() -> None:
    visit = visit_after((e.EVENT_TYPE_PURCHASE, 1, 0))
    assert visit is not None
    assert len(visit.shown.item_nos) == 0
    assert visit.shown.of(np.array([1, 2])).tolist() == [0, 0]
