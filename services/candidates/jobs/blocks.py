from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def blocks(costs: NDArray[np.integer], most: int) -> Iterator[slice]:
    """Cuts rows into stretches of one or more that cost at most `most` together: memory is bounded."""
    total = np.concatenate([[0], np.cumsum(costs, dtype=np.int64)])
    begin = 0
    while begin < len(costs):
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + most, side="right")) - 1)
        yield slice(begin, end)
        begin = end
