from typing import Any, Final, Protocol, TypeAlias

import faiss
import numpy as np
from numpy.typing import NDArray

from services.candidates.vectors.row_filter import RowFilter

Vectors: TypeAlias = "NDArray[np.float32] | NDArray[np.float16]"
"""A vector a row; they are kept as they come."""

EXACT_UP_TO: Final = 200_000
"""Vectors that are searched one by one: some 1.5 ms for 64 numbers each."""

LEAST_RECALL: Final = 0.985
"""Part of the exact answer that must be found where not every vector is looked at."""

_SPARE: Final = 50
_FEWEST_IN_PART: Final = 40
# What is searched for is an item's vector, or the mean of a visitor's: of a few, or of as many as `content` compares.
_TRIED_MEANS: Final = (1, 3, 10)
_TRIED_OF_EACH: Final = 20
_TRIED_COUNT: Final = 480
# What two sums of the same products may differ by, as a part of the lengths' product.
_ROUNDING: Final = 1e-6
# With fewer allowed than this part it's quicker to score those one by one.
_FEW: Final = 0.1


class VectorIndex(Protocol):
    """Finds the vectors of the greatest inner product."""

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: RowFilter | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns rows and inner products, the greatest first; only rows that `allowed` (None: all) lets pass."""
        ...


class ExactIndex:
    """Looks at every vector (faiss), at half precision: the time goes into reading them. Scores are exact, those of the
    best by half the digits, of which some more than are wanted are looked at.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._index = faiss.IndexScalarQuantizer(
            vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._index.add(vectors / _scale(vectors))

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: RowFilter | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if allowed is None:
            return _nearest(self._index, self._vectors, vector, count, None)
        if allowed.share < _FEW:
            return _scored(self._vectors, allowed.rows(), vector, count)
        parameters = faiss.SearchParameters(sel=allowed.selector())  # type: ignore[call-arg]  # it is generated
        return _nearest(self._index, self._vectors, vector, count, parameters)


class PartitionIndex:
    """Looks at those parts of the vectors that lie nearest (inverted lists, by faiss), at half precision.

    How many parts is found out when it is made: as many as bring back at least `LEAST_RECALL` of what looking at all of
    them does, on searches by single vectors and by means of some, as users' are. Scores are exact.
    """

    def __init__(self, vectors: Vectors) -> None:
        count, dimensions = vectors.shape
        self._vectors = vectors
        self._parts = max(1, min(int(4 * count**0.5), count // _FEWEST_IN_PART))
        self._nearest = faiss.IndexFlatIP(dimensions)
        self._index = faiss.IndexIVFScalarQuantizer(
            self._nearest,
            dimensions,
            self._parts,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,  # not by residual
        )
        exact, scale = np.asarray(vectors, np.float32), _scale(vectors)
        halves = exact if scale == 1 else exact / scale  # a million may be copied once less
        random = np.random.default_rng(0)
        taught = random.choice(count, min(count, self._parts * _FEWEST_IN_PART), replace=False)
        self._index.train(halves[taught])
        self._index.add(halves)
        self.recall, self._breadth = self._broad_enough(exact, random)

    def search(
        self, vector: NDArray[np.float32], count: int, allowed: RowFilter | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if allowed is None:
            return self._search(vector, count, self._breadth, None)
        part = allowed.share
        if part * len(self._vectors) < max(count, _FEW * len(self._vectors)):
            return _scored(self._vectors, allowed.rows(), vector, count)
        # The best of a tenth are among the best of all as many times as deep.
        return self._search(vector, count, min(self._parts, int(self._breadth / part)), allowed.selector())

    def _search(
        self, vector: NDArray[np.float32], count: int, breadth: int, selector: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        parameters: Any = faiss.SearchParametersIVF(nprobe=breadth)  # type: ignore[call-arg]  # it is generated
        if selector is not None:
            parameters.sel = selector
        return _nearest(self._index, self._vectors, vector, count, parameters)

    def _broad_enough(self, exact: NDArray[np.float32], random: np.random.Generator) -> tuple[float, int]:
        """Returns the recall, of the kind of searches that has the least, at the least breadth, doubled from a 64th of
        the parts on, that is enough; and that breadth.
        """
        drawn = [random.integers(0, len(exact), items) for items in _TRIED_MEANS for _ in range(_TRIED_OF_EACH)]
        queries = [exact[rows].mean(axis=0) for rows in drawn]
        count = min(_TRIED_COUNT, len(exact))
        longest = float(np.linalg.norm(exact, axis=1).max())
        least = [
            np.partition(exact @ query, -count)[-count] - _ROUNDING * longest * np.linalg.norm(query)
            for query in queries
        ]
        breadth = max(1, self._parts // 64)
        while True:
            found = [self._search(query, count, breadth, None)[1] for query in queries]
            # By scores: which of equal ones are found says nothing.
            pairs = zip(found, least, strict=True)
            recalls = np.array([np.count_nonzero(own >= worst) / count for own, worst in pairs])
            recall = float(recalls.reshape(len(_TRIED_MEANS), _TRIED_OF_EACH).mean(axis=1).min())
            if recall >= LEAST_RECALL or breadth >= self._parts:
                return recall, breadth
            breadth = min(self._parts, 2 * breadth)


def _scale(vectors: Vectors) -> np.float32:
    """Returns what the vectors are divided by: half precision ends at 65,504."""
    return np.float32(max(1.0, float(np.abs(vectors).max(initial=0.0))))


def _nearest(
    index: faiss.Index, vectors: Vectors, vector: NDArray[np.float32], count: int, parameters: Any
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Asks an index of half precision for some more than are wanted, and scores those."""
    looked_at = min(count + _SPARE, len(vectors))
    _, rows = index.search(vector[None, :], looked_at, params=parameters)
    return _scored(vectors, rows[0][rows[0] >= 0], vector, count)


def _scored(
    vectors: Vectors, rows: NDArray[np.int64], vector: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Returns the `count` of the rows with the greatest inner product, the greatest first."""
    scores = vectors[rows] @ vector
    order = np.argsort(-scores, kind="stable")[:count]
    return rows[order], scores[order]


def vector_index(vectors: Vectors, exact_up_to: int = EXACT_UP_TO) -> VectorIndex:
    """Returns what searches so many vectors best."""
    # One search is too short to be shared: OpenMP's threads, waiting for one another, made it ten times slower on a
    # busy machine. The setting belongs to the calling thread.
    faiss.omp_set_num_threads(1)
    return ExactIndex(vectors) if len(vectors) <= exact_up_to else PartitionIndex(vectors)
