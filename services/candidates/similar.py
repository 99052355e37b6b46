from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.content_index import SimilarItems
from services.candidates.eligibility import Eligibility
from services.candidates.proposals import best
from services.candidates.sources.inputs import Inputs
from services.common.errors import VitrineError

# More than the limit, since some may not be shown.
_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Similar:
    """Items like one, the most alike first; `by_content` says which similarity was the greater.

    `failed` names the similarity that could not be had, and why.
    """

    item_nos: NDArray[np.uint32]
    scores: NDArray[np.float32]
    by_content: NDArray[np.bool_]
    failed: str = ""


async def similar_items(inputs: Inputs, item_no: int, eligibility: Eligibility, limit: int) -> Similar:
    """Returns the `limit` items most like `item_no`, by the greater of content and co-interaction similarity, 0 to 1.

    Never the item itself nor a variant of it.
    """
    wanted = np.array([item_no], np.uint32)
    failed = ""
    try:
        alike = await inputs.content.similar(wanted, np.ones(1), _LOOKED_AT, eligibility)
    except VitrineError as error:
        alike, failed = SimilarItems.nothing(1), f"content: {error.reason}"
    found, similarities = alike.item_nos, alike.similarities[:, 0]
    by_content = np.ones(len(found), np.bool_)
    neighbors = inputs.neighbors.value
    if neighbors is not None:
        _, positions = neighbors.positions_of(wanted, inputs.settings.minimum_users)
        found = np.concatenate([found, neighbors.neighbors[positions]])
        similarities = np.concatenate([similarities, neighbors.similarities[positions]])
        by_content = np.concatenate([by_content, np.zeros(len(positions), np.bool_)])
    # The greater similarity of an item comes first and is the one that unique keeps.
    order = np.argsort(-similarities, kind="stable")
    distinct, first = np.unique(found[order], return_index=True)
    chosen = order[first]
    columns = inputs.columns
    fit = eligibility.admits(distinct) & (similarities[chosen] > 0) & (distinct != item_no)
    group_no = columns.group_nos[item_no]
    if group_no:
        fit &= columns.group_nos[np.where(fit, distinct, 0)] != group_no
    made = best(distinct[fit], np.minimum(similarities[chosen][fit], 1.0), limit)
    kinds = by_content[chosen][np.searchsorted(distinct, made.item_nos)]
    return Similar(made.item_nos, made.scores, kinds, failed)
