from typing import Any, Final, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

EXACT_UP_TO: Final = 200_000
"""Vectors that are searched one by one: some 1.5 ms for 64 numbers each."""

_SPARE: Final = 50
_LINKS: Final = 48
_BUILD_BREADTH: Final = 120
_SEARCH_BREADTH: Final = 512
_FILTERED_BREADTH: Final = 1024
# With fewer allowed than this part the graph leads through too many that are not.
_FEW: Final = 0.1


class VectorIndex(Protocol):
    """Finds the vectors of the greatest inner product."""

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns rows and inner products, the greatest first; only rows that `allowed` (None: all) says yes to."""
        ...


class ExactIndex:
    """Looks at every vector (faiss), at half precision: the time goes into reading them. Scores are exact, those of the
    best by half the digits, of which some more than are wanted are looked at.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._index = faiss.IndexScalarQuantizer(
            vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        # Half precision ends at 65,504.
        self._index.add(vectors / max(1.0, float(np.abs(vectors).max(initial=0.0))))

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        parameters = None if allowed is None else faiss.SearchParameters(sel=_selector(allowed))  # type: ignore[call-arg]  # it is generated
        looked_at = min(count + _SPARE, self._index.ntotal)
        _, rows = self._index.search(vector[None, :], looked_at, params=parameters)
        return _scored(self._vectors, rows[0][rows[0] >= 0], vector, count)


class GraphIndex:
    """Follows a graph of neighbours (HNSW, Malkov and Yashunin 2016, by faiss): fast, and misses one in a hundred.

    By inner product itself: with the vectors lengthened to be searched by distance, as for the exact reduction of the
    one to the other (Bachrach and others, RecSys 2014), the same graph found 60 in a hundred. Scores are exact.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = _BUILD_BREADTH
        self._index.add(vectors)

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return _scored(self._vectors, self._rows(vector, count, allowed), vector, count)

    def _rows(self, vector: NDArray[np.float32], count: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        if allowed is not None and np.count_nonzero(allowed) < max(count, _FEW * len(allowed)):
            return np.flatnonzero(allowed)
        breadth = _SEARCH_BREADTH if allowed is None else _FILTERED_BREADTH
        parameters: Any = faiss.SearchParametersHNSW(efSearch=max(breadth, 2 * count))  # type: ignore[attr-defined]  # it is generated
        selector = None if allowed is None else _selector(allowed)
        if selector is not None:
            parameters.sel = selector
        _, rows = self._index.search(vector[None, :], min(count, len(self._vectors)), params=parameters)
        found: NDArray[np.int64] = rows[0][rows[0] >= 0]
        return found


def _scored(
    vectors: NDArray[np.float32], rows: NDArray[np.int64], vector: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the `count` of the rows with the greatest inner product, the greatest first."""
    scores = vectors[rows] @ vector
    order = np.argsort(-scores, kind="stable")[:count]
    return rows[order], scores[order]


def vector_index(vectors: NDArray[np.float32], exact_up_to: int = EXACT_UP_TO) -> VectorIndex:
    """Returns what searches so many vectors best."""
    # One search is too short to be shared: OpenMP's threads, waiting for one another, made it ten times slower on a
    # busy machine. The setting belongs to the calling thread.
    faiss.omp_set_num_threads(1)
    return ExactIndex(vectors) if len(vectors) <= exact_up_to else GraphIndex(vectors)


def _selector(allowed: NDArray[np.bool_]) -> Any:
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))  # type: ignore[call-arg, arg-type]  # it is generated
