from services.common.telemetry.declarations import (
    FEATURES_APPLIED_EVENTS,
    FEATURES_PARKED_EVENTS,
    FEATURES_SAVE_SECONDS,
)
from services.common.telemetry.metrics import Metrics


class FeatureMetrics:
    """Metrics of the feature store."""

    def __init__(self, metrics: Metrics) -> None:
        self._applied = metrics.counter(FEATURES_APPLIED_EVENTS)
        self._saved = metrics.histogram(FEATURES_SAVE_SECONDS)
        self._parked = metrics.counter(FEATURES_PARKED_EVENTS)

    def applied(self, events: int) -> None:
        """Counts events that were applied."""
        self._applied.inc(events)

    def parked(self, events: int) -> None:
        """Counts events that could not be applied."""
        self._parked.inc(events)

    def saved(self, seconds: float) -> None:
        """Observes how long a save took."""
        self._saved.observe(seconds)
