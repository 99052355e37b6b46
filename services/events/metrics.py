from services.common.telemetry.declarations import (
    EVENTS_COMMITTED_ROWS,
    EVENTS_RECEIVED,
    EVENTS_UNATTRIBUTED,
)
from services.common.telemetry.metrics import Metrics


class EventMetrics:
    """What the log counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._received = metrics.counter(EVENTS_RECEIVED)
        self._unattributed = metrics.counter(EVENTS_UNATTRIBUTED)
        self._committed = metrics.histogram(EVENTS_COMMITTED_ROWS)

    def received(self, status: str, count: int) -> None:
        """Counts events by what became of them."""
        self._received.labels(status).inc(count)

    def unattributed(self, cause: str) -> None:
        """Counts an event whose tracking token did not hold."""
        self._unattributed.labels(cause).inc()

    def committed(self, rows: int) -> None:
        """Notes the size of a committed group."""
        self._committed.observe(rows)
