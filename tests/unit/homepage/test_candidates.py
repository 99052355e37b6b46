import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.homepage.pipeline.candidates import merge
from tests.unit.homepage.columns import candidates

Part = list[int]
parts = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=12), max_size=4)


@given(parts)
def test_merging_keeps_each_item_once_in_the_order_of_first_appearance(lists: list[Part]) -> None:
    merged = merge([candidates(part, sources={f"s{place}": part}) for place, part in enumerate(lists)])
    assert merged.item_nos.tolist() == list(dict.fromkeys(number for part in lists for number in part))
    for place, part in enumerate(lists):
        if part:
            proposed = merged.sources[f"s{place}"]
            assert merged.item_nos[proposed.indexes].tolist() == part


def test_an_item_keeps_the_fused_score_of_the_first_that_has_it() -> None:
    first, second = candidates([1, 2]), candidates([2, 3])
    second.fused_scores = second.values = np.zeros(2, np.float32)
    merged = merge([first, second])
    assert merged.fused_scores.tolist() == [*first.fused_scores.tolist(), 0.0]


def test_the_first_filter_that_removes_a_candidate_is_the_one_that_counts() -> None:
    found = candidates([1, 2])
    found.remove(np.array([True, False]), "A", "X")
    found.remove(np.array([True, True]), "B", "Y")
    assert [found.removed_by(0), found.removed_by(1)] == [("A", "X"), ("B", "Y")]
    assert not found.kept.any()
