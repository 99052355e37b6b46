from collections.abc import Iterable, Mapping
from typing import Any, Self

from services.candidates.elastic.document import keyword
from services.candidates.elastic.indexes import Indexes
from services.candidates.elastic.vector_field import VectorField
from services.candidates.vectors.named_vectors import MOST_BLOCKS
from services.common.direction import VectorFault, direction
from vitrine.features.v1.item_pb2 import Item


class VectorWriter:
    """The items' named vectors as parts of their documents in one index, which gets a field for each name and length
    as it comes. What weighs 0 is left out.
    """

    def __init__(
        self, indexes: Indexes, index: str, fields: Iterable[VectorField], weights: Mapping[str, float]
    ) -> None:
        self._indexes = indexes
        self._index = index
        self._fields = set(fields)
        self._weights = weights

    @classmethod
    async def of(cls, indexes: Indexes, index: str, weights: Mapping[str, float]) -> Self:
        """Reads which fields the index has. Errors: UnavailableError."""
        return cls(indexes, index, await indexes.vector_fields(index), weights)

    async def prepare(self, items: Iterable[Item]) -> None:
        """Lets the index have the fields that these items need, up to MOST_BLOCKS. Errors: UnavailableError."""
        wanted = {field for item in items for field in self._wanted(item)} - self._fields
        ordered = sorted(wanted, key=lambda field: (field.name, field.dimensions))
        if new := ordered[: MOST_BLOCKS - len(self._fields)]:
            await self._indexes.add_vector_fields(self._index, new)
            self._fields.update(new)

    def parts(self, item: Item) -> dict[str, Any]:
        """Returns the item's part of its document: its vectors, and what is left out of them, and why."""
        parts: dict[str, Any] = {}
        faults = []
        for field in self._wanted(item):
            made = direction(item.vectors[field.name].values)
            if isinstance(made, VectorFault):
                faults.append((field.name, made))
            elif field not in self._fields:
                faults.append((field.name, VectorFault.NO_ROOM))
            else:
                parts |= field.document(made)
        return parts | ({"left_out_vectors": sorted(map(keyword, faults))} if faults else {})

    def _wanted(self, item: Item) -> list[VectorField]:
        return [
            VectorField(name, len(vector.values))
            for name, vector in item.vectors.items()
            if self._weights.get(name, 1.0) > 0 and len(vector.values)
        ]
