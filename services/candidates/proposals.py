from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Proposals:
    """What one source proposes, in columns, the best first and no item twice.

    `scores` are finite and comparable inside the source only. `evidence_item_nos` names the item of the history that
    led to each proposal (0: none did, or too few users say so); None: none did for any. `note` is for the outcome: what
    went less well than it could.
    """

    item_nos: NDArray[np.uint32]
    scores: NDArray[np.float32]
    evidence_item_nos: NDArray[np.uint32] | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.item_nos)


def nothing(note: str = "") -> Proposals:
    """Returns no proposals."""
    return Proposals(np.zeros(0, np.uint32), np.zeros(0, np.float32), note=note)


def best(
    item_nos: NDArray[np.integer],
    scores: NDArray[np.floating],
    quota: int,
    evidence_item_nos: NDArray[np.integer] | None = None,
) -> Proposals:
    """Returns the `quota` items of the highest finite score; equal ones in the order given.

    The items are distinct and may all be proposed.
    """
    narrowed = np.asarray(scores, np.float32)
    sound = np.flatnonzero(np.isfinite(narrowed))
    order = sound[np.argsort(-narrowed[sound], kind="stable")[:quota]]
    return Proposals(
        item_nos[order].astype(np.uint32),
        narrowed[order],
        None if evidence_item_nos is None else evidence_item_nos[order].astype(np.uint32),
    )
