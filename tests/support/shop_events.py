"""Events in columns, by hand."""

from collections.abc import Sequence

import numpy as np

from services.candidates.jobs.events import Events


def events_of(rows: Sequence[tuple[int, int, int]], *, orders: Sequence[int] = (), bought: bool = True) -> Events:
    """Returns events of (user, item, millis), all of strength 5; `orders` has the number of each one's order."""
    users, items, millis = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    return Events(
        users=users.astype(np.uint32),
        items=items.astype(np.uint32),
        strengths=np.full(len(rows), 5.0, np.float32),
        millis=millis.astype(np.int64),
        orders=np.array(orders or [0] * len(rows), np.uint32),
        bought=np.full(len(rows), bought),
    )
