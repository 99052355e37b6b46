import numpy as np
import pandas as pd

LEAST_PURCHASES = 300


def plainly_different(events: pd.DataFrame, items: pd.DataFrame, count: int) -> list[str]:
    """Users whose tastes are far apart: each next one is the farthest from those chosen already, by the cosine of
    their shares of the shop's categories, rare categories weighing more (as in tf-idf). The first is the one farthest
    from the average.

    Args:
        events: purchases, with `user_id` and `item_id`.
        items: with `item_id` and `category`.
        count: how many users.
    """
    category = events.item_id.map(items.set_index("item_id").category)
    counts = pd.crosstab(events.user_id, category)
    counts = counts[counts.sum(axis=1) >= LEAST_PURCHASES]
    shares = counts.div(counts.sum(axis=1), axis=0).to_numpy()
    weights = np.log(len(counts) / (1 + (counts > 0).sum(axis=0).to_numpy()))
    tastes = np.sqrt(shares) * np.maximum(weights, 0)
    tastes /= np.maximum(np.linalg.norm(tastes, axis=1, keepdims=True), 1e-12)
    mean = tastes.mean(axis=0)
    nearest = tastes @ (mean / np.linalg.norm(mean))
    chosen: list[int] = []
    for _ in range(min(count, len(counts))):
        # What was chosen is nearest to itself, so it is never chosen again.
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, tastes @ tastes[chosen[-1]])
    return [str(counts.index[place]) for place in chosen]
