from services.common.telemetry.declarations import (
    EVENTS_COMMITTED_ROWS,
    EVENTS_DROPPED_ROWS,
    EVENTS_FLAGGED,
    EVENTS_RECEIVED,
    EVENTS_UNATTRIBUTED,
)
from services.common.telemetry.metrics import Metrics


class EventMetrics:
    """The metrics of the event log."""

    def __init__(self, metrics: Metrics) -> None:
        self._received = metrics.counter(EVENTS_RECEIVED)
        self._unattributed = metrics.counter(EVENTS_UNATTRIBUTED)
        self._flagged = metrics.counter(EVENTS_FLAGGED)
        self._dropped = metrics.counter(EVENTS_DROPPED_ROWS)
        self._committed = metrics.histogram(EVENTS_COMMITTED_ROWS)

    def received(self, status: str, count: int) -> None:
        """Counts events by status."""
        self._received.labels(status).inc(count)

    def unattributed(self, cause: str) -> None:
        """Counts an event with an invalid tracking token."""
        self._unattributed.labels(cause).inc()

    def flagged(self, flag: str) -> None:
        """Counts an event flagged as a bot's or as part of a burst."""
        self._flagged.labels(flag).inc()

    def dropped(self, kind: str, rows: int) -> None:
        """Counts rows deleted because of their age."""
        self._dropped.labels(kind).inc(rows)

    def committed(self, rows: int) -> None:
        """Records how many rows a transaction added."""
        self._committed.observe(rows)
