from services.common.telemetry.declarations import (
    EVENTS_COMMITTED_ROWS,
    EVENTS_DROPPED_ROWS,
    EVENTS_FLAGGED,
    EVENTS_RECEIVED,
    EVENTS_UNATTRIBUTED,
)
from services.common.telemetry.metrics import Metrics


class EventMetrics:
    """What the log counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._received = metrics.counter(EVENTS_RECEIVED)
        self._unattributed = metrics.counter(EVENTS_UNATTRIBUTED)
        self._flagged = metrics.counter(EVENTS_FLAGGED)
        self._dropped = metrics.counter(EVENTS_DROPPED_ROWS)
        self._committed = metrics.histogram(EVENTS_COMMITTED_ROWS)

    def received(self, status: str, count: int) -> None:
        """Counts events by what became of them."""
        self._received.labels(status).inc(count)

    def unattributed(self, cause: str) -> None:
        """Counts an event whose tracking token did not hold."""
        self._unattributed.labels(cause).inc()

    def flagged(self, flag: str) -> None:
        """Counts an event that bears a sign of a robot or a burst."""
        self._flagged.labels(flag).inc()

    def dropped(self, kind: str, rows: int) -> None:
        """Counts rows that were dropped because of their age."""
        self._dropped.labels(kind).inc(rows)

    def committed(self, rows: int) -> None:
        """Notes the size of a committed group."""
        self._committed.observe(rows)
