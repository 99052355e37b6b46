from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import capacity_for, grown
from services.candidates.vectors.vector_block import VectorBlock
from services.common.direction import VectorFault, direction
from vitrine.features.v1.item_pb2 import Item


@dataclass(frozen=True, slots=True)
class VectorStatus:
    """The vectors of one name in the content index: how many items are compared by them, and why others are not."""

    name: str
    dimensions: int
    weight: float
    item_count: int
    left_out: Mapping[VectorFault, int]


MOST_BLOCKS: Final = 64
"""Names and lengths of vectors that are told apart; more than these are left out."""

_CODES: Final = ("", *VectorFault)
# A direction and its copy in the index, at half precision.
_BYTES_PER_NUMBER: Final = 4


@dataclass(frozen=True, slots=True)
class UsedBlock:
    """The vectors that items are compared by under one name."""

    name: str
    weight: float
    block: VectorBlock


class NamedVectors:
    """The items' named vectors in memory. Of each name those of one length are compared: the one that most items have.

    So an encoder may be changed while the shop is open, and the order in which vectors arrive does not matter.
    `weights` says what a name weighs where that is not 1; what weighs 0 is not kept. No more than `megabytes` of
    vectors are.
    """

    def __init__(self, weights: Mapping[str, float], megabytes: float) -> None:
        self._weights = weights
        self._most_bytes = megabytes * 2**20
        self._blocks: dict[tuple[str, int], VectorBlock] = {}
        self._faults: dict[str, NDArray[np.uint8]] = {}  # by name: a place in _CODES by item_no
        self.used: Sequence[UsedBlock] = ()

    @property
    def version(self) -> int:
        """Changes when what is found does."""
        return sum(block.version for block in self._blocks.values())

    @property
    def blocks(self) -> Sequence[VectorBlock]:
        """All that there are, used or not."""
        return list(self._blocks.values())

    def put(self, item_no: int, item: Item) -> None:
        """Adds or changes an item's vectors; found after `refresh`."""
        kept, faults = set(), {}
        for name, vector in item.vectors.items():
            if self._weights.get(name, 1.0) > 0:
                made = direction(vector.values)
                key = name, len(vector.values)
                if not isinstance(made, VectorFault) and (block := self._block(key, item_no)) is not None:
                    block.put(item_no, made)
                    kept.add(key)
                else:
                    faults[name] = made if isinstance(made, VectorFault) else VectorFault.NO_ROOM
        self._forget(item_no, kept)
        for name in {*self._faults, *faults}:
            self._note(name, item_no, faults.get(name))

    def remove(self, item_no: int) -> None:
        """Takes an item out."""
        self._forget(item_no, set())
        for name in self._faults:
            self._note(name, item_no, None)

    def refresh(self) -> None:
        """Makes what was put since the last time findable, and sees which lengths most items have."""
        most: dict[str, VectorBlock] = {}
        for (name, dimensions), block in self._blocks.items():
            block.refresh()
            former = most.get(name)
            if former is None or (len(block), dimensions) > (len(former), former.dimensions):
                most[name] = block
        self.used = [UsedBlock(name, self._weights.get(name, 1.0), block) for name, block in most.items() if len(block)]

    def statuses(self) -> list[VectorStatus]:
        """Returns what is known of each name, in order."""
        used = {one.name: one for one in self.used}
        return [self._status(name, used.get(name)) for name in sorted({*used, *self._faults})]

    def _status(self, name: str, used: UsedBlock | None) -> VectorStatus:
        codes = np.bincount(self._faults.get(name, np.zeros(0, np.uint8)), minlength=len(_CODES))
        left_out = {fault: int(count) for fault, count in zip(VectorFault, codes[1:], strict=True)}
        count = sum(len(block) for (other, _), block in self._blocks.items() if other == name)
        left_out[VectorFault.ANOTHER_LENGTH] = count - (len(used.block) if used else 0)
        return VectorStatus(
            name,
            used.block.dimensions if used else 0,
            self._weights.get(name, 1.0),
            len(used.block) if used else 0,
            {fault: count for fault, count in left_out.items() if count},
        )

    def _block(self, key: tuple[str, int], item_no: int) -> VectorBlock | None:
        """Returns what takes a vector of this name and length; None: there is no room for one more."""
        block = self._blocks.get(key)
        if block is not None and item_no in block:
            return block
        size = sum(len(other) * other.dimensions for other in self._blocks.values()) + key[1]
        if size * _BYTES_PER_NUMBER > self._most_bytes:
            return None
        if block is None and len(self._blocks) < MOST_BLOCKS:
            block = self._blocks[key] = VectorBlock(key[1])
        return block

    def _forget(self, item_no: int, kept: set[tuple[str, int]]) -> None:
        for key, block in self._blocks.items():
            if key not in kept:
                block.remove(item_no)

    def _note(self, name: str, item_no: int, fault: VectorFault | None) -> None:
        column = self._faults.get(name)
        if column is None:
            if fault is None or len(self._faults) >= MOST_BLOCKS:
                return
            column = np.zeros(capacity_for(item_no), np.uint8)
        if item_no >= len(column):
            column = grown(column, capacity_for(item_no))
        column[item_no] = _CODES.index(fault or "")
        self._faults[name] = column
