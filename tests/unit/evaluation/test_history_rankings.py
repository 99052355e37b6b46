"""The learned rankings against dense transcriptions of their formulas."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.ease_weights import ease_weights
from cli.evaluation.rankings import tifu_knn
from cli.evaluation.rankings.ease import Ease
from cli.evaluation.rankings.item_knn import SHRINKAGE, ItemKnn
from cli.evaluation.rankings.learned import HistoryScorer, Learned
from cli.evaluation.rankings.purchase_history import Purchase, PurchaseHistory, gather
from cli.evaluation.rankings.tifu_knn import TifuKnn, user_vectors
from cli.evaluation.rankings.up_cf import ASYMMETRY, LOCALITY, UpCf
from cli.evaluation.shop_view import ShopView
from services.common.progress import NoProgress
from services.ranker.training.shop.catalog import TrainingCatalog
from vitrine.features.v1.catalog_service_pb2 import CatalogChange

DAY = 86_400_000
USERS, ITEMS = 12, 9
SCORERS = (ItemKnn, Ease, TifuKnn, UpCf)


def some_history() -> PurchaseHistory:
    random = np.random.default_rng(11)
    purchases = [
        Purchase(f"user {user}", 10 * (1 + int(item)), day * DAY, f"{user}-{day}")
        for user in range(USERS)
        for day in range(int(random.integers(1, 20)))
        for item in random.choice(ITEMS, random.integers(1, 5), replace=False)
    ]
    return gather(purchases)


def dense(history: PurchaseHistory) -> list[NDArray[np.float64]]:
    """Every user's baskets as rows of 0 and 1, (baskets, items)."""
    users = []
    for baskets in history.baskets:
        rows = np.zeros((len(baskets), len(history.item_nos)))
        for place, basket in enumerate(baskets):
            rows[place, basket] = 1.0
        users.append(rows)
    return users


def item_knn(history: PurchaseHistory) -> NDArray[np.float64]:
    bought = np.array([rows.max(axis=0) for rows in dense(history)])
    common = bought.T @ bought
    sizes = np.diag(common)
    alike = common / np.sqrt(np.outer(sizes, sizes)) * common / (common + SHRINKAGE)
    return np.asarray(bought @ alike)


def ease(history: PurchaseHistory) -> NDArray[np.float64]:
    bought = np.array([rows.max(axis=0) for rows in dense(history)])
    return np.asarray(bought @ ease_weights(bought.T @ bought, 200.0))


def tifu(history: PurchaseHistory) -> NDArray[np.float64]:
    vectors = []
    for rows in dense(history):
        newest_first = rows[::-1]
        groups = []
        for begin in range(0, len(rows), 7):
            group = newest_first[begin : begin + 7]
            groups.append((group * 0.9 ** np.arange(len(group))[:, None]).mean(axis=0))
        vectors.append((np.array(groups) * 0.7 ** np.arange(len(groups))[:, None]).mean(axis=0))
    own = np.array(vectors)
    others = (own.sum(axis=0) - own) / (len(own) - 1)  # fewer than 300 users: all of them are near
    return np.asarray(0.7 * own + 0.3 * others)


def up_cf(history: PurchaseHistory) -> NDArray[np.float64]:
    users = dense(history)
    bought = np.array([rows.max(axis=0) for rows in users])
    popularity = np.array([rows[-25:].mean(axis=0) for rows in users])
    sizes = bought.sum(axis=1)
    alike = bought @ bought.T / np.outer(sizes**ASYMMETRY, sizes ** (1 - ASYMMETRY))
    return np.asarray(alike**LOCALITY @ popularity)


@pytest.mark.parametrize(("scorer", "formula"), [(ItemKnn, item_knn), (Ease, ease), (TifuKnn, tifu), (UpCf, up_cf)])
def test_is_what_its_formula_says(
    scorer: type[HistoryScorer], formula: Callable[[PurchaseHistory], NDArray[np.float64]]
) -> None:
    history = some_history()
    rows = np.array([3, 0, 7])
    scores = scorer(history).scores(rows)  # type: ignore[call-arg]  # a protocol says nothing of how it is made
    np.testing.assert_allclose(scores, formula(history)[rows], atol=1e-12)


def test_ease_minimizes_its_loss_with_a_diagonal_of_zero() -> None:
    bought = (np.random.default_rng(2).random((40, 6)) < 0.4).astype(np.float64)
    weights = ease_weights(bought.T @ bought, 5.0)
    assert np.diag(weights).tolist() == [0.0] * 6
    gradient = bought.T @ (bought @ weights - bought) + 5.0 * weights
    np.testing.assert_allclose(gradient - np.diag(np.diag(gradient)), 0.0, atol=1e-10)


def test_tifu_takes_the_nearest_users_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tifu_knn, "NEIGHBORS", 2)
    history = some_history()
    vectors = user_vectors(history).toarray()
    distances = np.linalg.norm(vectors - vectors[0], axis=1)
    distances[0] = np.inf
    nearest = np.argsort(distances)[:2]
    expected = 0.7 * vectors[0] + 0.3 * vectors[nearest].mean(axis=0)
    np.testing.assert_allclose(TifuKnn(history).scores(np.array([0]))[0], expected, atol=1e-12)


def test_lines_of_an_order_are_a_basket_and_those_without_one_a_days() -> None:
    history = gather(
        [
            Purchase("a", 7, 3 * DAY, ""),
            Purchase("a", 5, 3 * DAY + 1, ""),
            Purchase("a", 5, DAY, "one"),
            Purchase("a", 9, DAY + 5, "one"),
            Purchase("a", 9, DAY + 6, "one"),
            Purchase("a", 7, 2 * DAY, ""),
        ]
    )
    assert history.item_nos.tolist() == [5, 7, 9]
    assert [basket.tolist() for basket in history.baskets[0]] == [[0, 2], [1], [0, 1]]
    assert history.counts(None).toarray().tolist() == [[2, 2, 1]]
    assert history.counts(2).toarray().tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("scorer", SCORERS)
async def test_users_without_purchases_and_a_log_without_any_get_what_is_popular(scorer: type[HistoryScorer]) -> None:
    history = gather([Purchase("only", 2, DAY, "one")])
    shop = a_shop()
    for known in (history, gather([])):
        ranking = Learned(scorer(known), known, shop)  # type: ignore[call-arg]  # the same
        ranked = await ranking.rank(["nobody", "only"], NoProgress())
        assert ranked["nobody"].tolist() == [3, 2]
    assert (await Learned(scorer(history), history, shop).rank(["only"], NoProgress()))["only"].tolist() == [2]  # type: ignore[call-arg]


async def test_what_a_page_may_not_show_is_not_ranked() -> None:
    history = gather([Purchase("a", 1, DAY, "one"), Purchase("a", 2, DAY, "one")])
    ranked = await Learned(UpCf(history), history, a_shop()).rank(["a"], NoProgress())
    assert ranked["a"].tolist() == [2]


def a_shop() -> ShopView:
    """Items 1 (hidden), 2 and 3; 3 is bought most."""
    catalog = TrainingCatalog()
    for item_no in (1, 2, 3):
        change = CatalogChange(version=item_no, item_no=item_no, item_id=f"item {item_no}")
        change.item.price = 1.0
        change.item.hidden = item_no == 1
        catalog.apply([change])
    catalog.items.set_statistics(np.array([1, 2, 3]), 0, {"purchase_counts": [9, 1, 5], "buyer_counts": [3, 1, 2]})
    return ShopView(catalog, {})
