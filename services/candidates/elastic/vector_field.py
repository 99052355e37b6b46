import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HALVES = np.dtype("<f2")


@dataclass(frozen=True, slots=True)
class VectorField:
    """What an index has for the vectors of one name and one length: `searched`, which `knn` goes by, and `kept`, the
    directions as they come back with what is found. A name may be any text: the fields have its digest.
    """

    name: str
    dimensions: int

    @property
    def searched(self) -> str:
        return f"vector_{self._key}"

    @property
    def kept(self) -> str:
        return f"direction_{self._key}"

    @property
    def digest(self) -> str:
        """What stands for the name in the fields' names."""
        return hashlib.blake2b(self.name.encode(), digest_size=8).hexdigest()

    @property
    def _key(self) -> str:
        return f"{self.digest}_{self.dimensions}"

    def mapping(self) -> dict[str, Any]:
        """Returns the properties of both."""
        return {
            self.searched: {
                "type": "dense_vector",
                "dims": self.dimensions,
                "index": True,
                "similarity": "cosine",
                "index_options": {"type": "int8_hnsw"},
            },
            self.kept: {"type": "binary", "doc_values": True},
        }

    def document(self, direction: NDArray[np.float16]) -> dict[str, Any]:
        """Returns an item's part of its document."""
        return {
            self.searched: direction.astype(np.float64).round(6).tolist(),
            self.kept: base64.b64encode(direction.astype(_HALVES).tobytes()).decode(),
        }

    def directions(self, documents: Sequence[Mapping[str, Any]]) -> NDArray[np.float16]:
        """Returns float16[documents, dimensions] of sources or of fields that came back; zeros where one has none."""
        rows = np.zeros((len(documents), self.dimensions), np.float16)
        for place, document in enumerate(documents):
            if text := document.get(self.kept):
                halves = base64.b64decode(text if isinstance(text, str) else text[0])
                rows[place] = np.frombuffer(halves, _HALVES)
        return rows


def fields_in(properties: Mapping[str, Any], names: Mapping[str, str]) -> tuple[VectorField, ...]:
    """Returns those that a mapping has; `names` are the names by digest."""
    fields = (
        VectorField(names[digest], told["dims"])
        for key, told in properties.items()
        if told.get("type") == "dense_vector" and (digest := key.split("_")[1]) in names
    )
    return tuple(fields)
