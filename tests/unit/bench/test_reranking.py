import numpy as np
import pytest
from numpy.typing import NDArray

from bench.sequences.leave_one_out import HeldOut, Histories, Score
from bench.sequences.reranking import learn_reranking
from bench.sequences.shortlist import shortlist, shortlist_of

ITEMS = 90


def scores_of(table: NDArray[np.float32]) -> Score:
    """A part that scores by the last item of a history: a row of the table."""
    return lambda histories: table[[int(history[-1]) for history in histories]]


def walkers(users: int, seed: int = 3) -> HeldOut:
    """Users whose next item is the one after their last, by number."""
    last = np.random.default_rng(seed).integers(1, ITEMS, users)
    return HeldOut([np.array([ITEMS, number]) for number in last.tolist()], last + 1, ITEMS)


def noise(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(ITEMS + 1, ITEMS)).astype(np.float32)


def following() -> NDArray[np.float32]:
    """What counting knows of the walkers: which item comes after which."""
    table = np.zeros((ITEMS + 1, ITEMS), np.float32)
    numbers = np.arange(1, ITEMS)
    table[numbers, numbers] = 5.0  # column n is item n + 1
    return table


TAKEN = np.ones(ITEMS + 1, np.int64)


def test_a_shortlist_has_the_best_of_each_part_once_and_nothing_of_the_history() -> None:
    one = np.tile(np.arange(200, dtype=np.float32), (2, 1))
    other = one[:, ::-1].copy()
    histories: Histories = [np.array([200]), np.array([1, 2, 3])]
    found = shortlist([one, other, one], histories)
    assert found.item_nos[0, :120].tolist() == [*range(1, 61), *range(140, 200)]
    assert found.item_nos[1, :120].tolist() == [*range(4, 64), *range(141, 201)]
    assert found.scores[0, :2].tolist() == [[0.0, 199.0, 0.0], [1.0, 198.0, 1.0]]
    assert found.lengths.tolist() == [1, 3]


def test_users_with_fewer_items_than_others_are_filled_up_with_none() -> None:
    scores = np.ones((2, 3), np.float32)
    found = shortlist([scores], [np.array([1, 2]), np.array([3])])
    assert found.item_nos.tolist() == [[3, 0], [1, 2]]
    nothing = shortlist([scores], [np.array([1, 2, 3]), np.array([2, 3, 1])])
    assert nothing.item_nos.tolist() == [[0], [0]]


def test_a_shortlist_in_chunks_is_that_of_all_users(monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = walkers(50)
    parts = [scores_of(noise(1)), scores_of(following())]
    whole = shortlist_of(parts, held_out)
    monkeypatch.setattr("bench.sequences.leave_one_out._CELLS", 7 * ITEMS)
    chunked = shortlist_of(parts, held_out)
    width = chunked.item_nos.shape[1]
    assert np.array_equal(chunked.item_nos, whole.item_nos[:, :width])
    assert not whole.item_nos[:, width:].any()
    assert np.array_equal(chunked.scores, whole.scores[:, :width])


def test_counting_that_tells_more_than_the_model_leads() -> None:
    model, counted = scores_of(noise(1)), scores_of(following())
    reranking = learn_reranking(model, [counted], walkers(4_000), TAKEN, seed=1)
    assert walkers(500, seed=4).scores(model).ndcg < 0.1
    assert reranking.base == 1
    assert reranking.validation.ndcg > 0.9
    assert walkers(500, seed=4).scores(reranking.scores).ndcg > 0.9


def test_what_says_nothing_changes_nothing() -> None:
    table = noise(1) + 9 * following()
    reranking = learn_reranking(scores_of(table), [scores_of(np.abs(noise(2)))], walkers(300), TAKEN, seed=1)
    assert (reranking.base, reranking.network) == (0, None)
    histories = walkers(5).histories
    assert np.array_equal(reranking.scores(histories), scores_of(table)(histories))


def test_a_model_that_learned_nothing_takes_nothing_from_counting() -> None:
    counted = following() * np.linspace(0.0, 1.0, ITEMS + 1, dtype=np.float32)[:, None] + np.abs(noise(2))
    model, asked = scores_of(100 * noise(1)), walkers(500, seed=4)
    reranking = learn_reranking(model, [scores_of(counted)], walkers(4_000), TAKEN, seed=1)
    assert asked.scores(reranking.scores).ndcg >= asked.scores(scores_of(counted)).ndcg > 0.5


def test_items_that_do_not_compete_stay_behind_in_the_order_of_the_best_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.sequences.shortlist.BEST", 5)
    known = np.arange(ITEMS + 1)[:, None]
    model = scores_of(noise(1) + np.float32(9) * following() * (known <= 60))
    counted, held_out = scores_of(following() * (known > 45)), walkers(2_000)
    reranking = learn_reranking(model, [counted], held_out, TAKEN, seed=1)
    assert reranking.base == 0
    assert reranking.network is not None
    histories = held_out.histories[:3]
    alone, together = model(histories), reranking.scores(histories)
    competing = shortlist([alone, counted(histories)], histories).item_nos
    for row in range(3):
        within = competing[row][competing[row] > 0] - 1
        rest = np.setdiff1d(np.arange(ITEMS), within)
        assert together[row, within].min() > together[row, rest].max()
        assert np.array_equal(np.argsort(together[row, rest]), np.argsort(alone[row, rest]))


def test_one_user_teaches_nothing() -> None:
    reranking = learn_reranking(scores_of(noise(1)), [scores_of(following())], walkers(1), TAKEN, seed=1)
    assert reranking.network is None
