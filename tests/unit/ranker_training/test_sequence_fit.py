import numpy as np

from services.ranker.model.config import BehaviorModelConfig
from services.ranker.training.sequence_fit import SequenceItems, SequenceModel
from services.ranker.training.sequence_plan import SequencePlan

ITEMS = 40


def test_before_it_is_trained_a_user_is_near_what_has_the_content_of_the_history() -> None:
    halves = np.array([0] + [1 + item % 2 for item in range(ITEMS)])
    content = halves[:, None].astype(np.int32)
    plan = SequencePlan(model=BehaviorModelConfig(width=32, layers=1, minimum_item_events=1, history_length=8))
    histories = [np.array([1 + user % ITEMS, 1 + (user + 2) % ITEMS]) for user in range(ITEMS)]
    model = SequenceModel(histories, SequenceItems([content]), plan, seed=1)
    scores = model.user_vectors(histories) @ model.item_vectors().T
    alike = np.array([halves[history[-1]] for history in histories])[:, None] == halves[None, 1:]
    assert scores[alike].mean() > scores[~alike].mean() + 0.2
