from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.proposals import Proposals, best, nothing
from services.candidates.query import Query
from services.candidates.sources.inputs import Inputs
from services.common.sorted_lookup import contained, grouped


class Demographic:
    """What users of the visitor's groups (region, age band, gender, …) interact with more than all users do.

    score(j) = mean over the groups g of share(g, j) × ln lift(g, j), both smoothed towards all users: see the groups
    job. The product is the item's part in how the group's taste differs from that of all; a lift alone would only find
    rarities. What the visitor already dealt with is left to other sources.
    """

    name: ClassVar[str] = "demographic"
    quota: ClassVar[int] = 60
    weight: ClassVar[float] = 0.4

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def unready(self) -> str:
        return "" if self._inputs.group_tastes.value is not None else "no groups' tastes are loaded; run the build"

    def applies(self, query: Query) -> bool:
        return len(query.groups) > 0

    async def propose(self, query: Query, quota: int) -> Proposals:
        tastes = self._inputs.group_tastes.value
        if tastes is None:
            return nothing()
        found, scores = leanings_of(tastes, query.groups)
        fit = query.eligibility.admits(found) & ~contained(found, query.history.item_nos)
        return best(found[fit], scores[fit], quota)


def leanings_of(tastes: GroupTastes, groups: tuple[Group, ...]) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Returns what at least one of these groups interacts with more than all do, by number, and scores above 0."""
    _, positions = tastes.of(groups)
    leanings = tastes.shares[positions] * np.log(np.maximum(tastes.lifts[positions], 1e-9))
    items, order, starts = grouped(tastes.items[positions])
    scores = np.add.reduceat(leanings[order].astype(np.float64), starts) / len(groups)
    return tastes.item_nos[items[scores > 0]], scores[scores > 0]
