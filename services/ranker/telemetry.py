"""The ranker's metrics."""

from typing import Final

from services.common.telemetry.declarations import Metric

SCORED_LISTS: Final = Metric(
    "scored_lists",
    "counter",
    "Lists scored, by scorer and by why not the model.",
    ("scorer", "reason"),
    service="ranker",
)
NON_FINITE_SCORES: Final = Metric(
    "non_finite_scores", "counter", "Candidates whose score was not finite.", service="ranker"
)
