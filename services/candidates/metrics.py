from services.common.telemetry.declarations import CANDIDATES_SOURCE_SECONDS, CANDIDATES_WAITING_VECTORS
from services.common.telemetry.metrics import Metrics


class CandidateMetrics:
    """What the candidates service counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.histogram(CANDIDATES_SOURCE_SECONDS)
        self._waiting = metrics.gauge(CANDIDATES_WAITING_VECTORS)

    def source_asked(self, source: str, status: str, seconds: float) -> None:
        """Notes how one source fared; `status` without its prefix."""
        self._seconds.labels(source, status).observe(seconds)

    def vectors_waiting(self, count: int) -> None:
        """Notes how many items wait to be encoded."""
        self._waiting.set(count)
