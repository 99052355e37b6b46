import numpy as np
import pytest

from services.features.definitions.user_state import UserState
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.training.examples.candidate_draw import CandidateDraw, DrawSizes
from tests.support.training_shop import DAY, END, catalog_change, purchase, training_catalog

ALL = np.arange(1, 601)
OWN = list(range(1, 101))


@pytest.fixture
def user() -> UserColumns:
    state = UserState()
    for item in OWN:
        state.apply(purchase(item, END - item * DAY))
    return UserColumns.from_proto(state.features(END))


def draw_of(sizes: DrawSizes, seed: int = 1) -> CandidateDraw:
    items = training_catalog(600).items
    popular = np.arange(90, 141)
    counts = [float(200 - number) for number in range(len(popular))]
    items.set_statistics(popular, END, {"decayed_30d": counts})
    return CandidateDraw(items, ALL, END, sizes, seed)


SIZES = DrawSizes(slots=60, own=20, popular=10, rest=15, popular_pool=50)


def test_positives_come_first_and_nothing_comes_twice(user: UserColumns) -> None:
    positives = np.array([3, 120, 500])
    drawn = draw_of(SIZES).training(user, positives)
    assert drawn.item_nos[:3].tolist() == positives.tolist()
    assert len(np.unique(drawn.item_nos)) == len(drawn.item_nos) <= SIZES.slots


def test_the_kept_negatives_stand_for_their_whole_layer(user: UserColumns) -> None:
    positives = np.array([3, 120, 500])
    drawn = draw_of(SIZES).training(user, positives)
    stood_for = np.exp(drawn.offsets[3:]).sum()
    assert stood_for == pytest.approx(len(ALL) - len(positives), rel=1e-5)


def test_the_offset_belongs_to_the_layer_and_not_to_the_label(user: UserColumns) -> None:
    drawn = draw_of(SIZES).training(user, np.array([3, 120, 500]))
    own = np.isin(drawn.item_nos, OWN)
    assert len(np.unique(drawn.offsets[own])) == 1
    assert drawn.offsets[own][0] == pytest.approx(np.log(99 / 20))


def test_a_visit_larger_than_the_slots_is_cut(user: UserColumns) -> None:
    drawn = draw_of(SIZES).training(user, np.arange(1, 101))
    assert len(drawn.item_nos) == SIZES.slots
    assert np.isfinite(drawn.offsets).all()


def test_what_is_not_there_at_the_cut_is_no_candidate(user: UserColumns) -> None:
    catalog = training_catalog(600)
    late = catalog_change(50)
    late.item.available_from_time.FromMilliseconds(END + DAY)
    catalog.apply([late, catalog_change(51, hidden=True), catalog_change(52, price=None)])
    draw = CandidateDraw(catalog.items, catalog.shown_item_nos(), END, SIZES, 1)
    assert draw.allowed(np.array([50, 51, 52, 53, 4_000_000_000])).tolist() == [False, False, False, True, False]
    assert not np.isin([50, 51, 52], draw.ranking(user, 200, 50)).any()


def test_a_ranking_has_the_last_items_and_then_popular_ones(user: UserColumns) -> None:
    ranked = draw_of(SIZES).ranking(user, 40, 10)
    assert sorted(ranked[:30].tolist()) == OWN[:30]
    assert ranked[30:].tolist() == list(range(90, 100))


def test_the_same_seed_draws_the_same(user: UserColumns) -> None:
    positives = np.array([3])
    one, other = (draw_of(SIZES, seed=4).training(user, positives) for _ in range(2))
    assert np.array_equal(one.item_nos, other.item_nos)


def test_what_was_shown_in_vain_is_a_negative_that_stands_for_itself(user: UserColumns) -> None:
    positives, shown = np.array([3, 120, 500]), np.array([2, 120, 130, 400, 599, 70_000])
    drawn = draw_of(SIZES).training(user, positives, shown)
    assert drawn.item_nos[3:7].tolist() == [2, 130, 400, 599]
    assert drawn.offsets[np.isin(drawn.item_nos, shown)].tolist() == [0.0] * 5
    assert len(np.unique(drawn.item_nos)) == len(drawn.item_nos)
    assert np.exp(drawn.offsets[3:]).sum() == pytest.approx(len(ALL) - len(positives), rel=1e-5)


def test_of_a_wall_of_cards_a_part_stands_for_all(user: UserColumns) -> None:
    shown = np.arange(300, 500)
    drawn = draw_of(DrawSizes(slots=60, own=20, shown=10, popular=10, rest=15, popular_pool=50)).training(
        user, np.array([3]), shown
    )
    of_shown = np.isin(drawn.item_nos, shown)
    assert of_shown.sum() == 10
    assert drawn.offsets[of_shown] == pytest.approx(np.log(200 / 10))
    assert np.exp(drawn.offsets[1:]).sum() == pytest.approx(len(ALL) - 1, rel=1e-5)


def test_what_was_shown_changes_no_later_draw(user: UserColumns) -> None:
    draw, fresh = draw_of(SIZES), draw_of(SIZES)
    draw.training(user, np.array([3]), np.array([2, 130, 400]))
    assert np.array_equal(draw._layers, fresh._layers)
