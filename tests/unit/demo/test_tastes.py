import pandas as pd
import pytest

from demo import tastes
from demo.tastes import plainly_different


def test_users_of_other_categories_are_chosen_before_users_of_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tastes, "LEAST_PURCHASES", 4)
    items = pd.DataFrame({"item_id": ["m", "d", "b"], "category": ["Milk", "Dog foods", "Baby foods"]})
    bought = {"one": "mmmm", "two": "mmmm", "dog": "dddd", "baby": "bbbb", "few": "d"}
    events = pd.DataFrame(
        [(user, item) for user, list_ in bought.items() for item in list_], columns=["user_id", "item_id"]
    )
    chosen = plainly_different(events, items, 3)
    assert len(set(chosen)) == 3
    assert {"dog", "baby"} < set(chosen)
    assert "few" not in chosen
