from services.common.telemetry.declarations import FEATURES_APPLIED_EVENTS, FEATURES_SAVE_SECONDS
from services.common.telemetry.metrics import Metrics


class FeatureMetrics:
    """What the feature store counts."""

    def __init__(self, metrics: Metrics) -> None:
        self._applied = metrics.counter(FEATURES_APPLIED_EVENTS)
        self._saved = metrics.histogram(FEATURES_SAVE_SECONDS)

    def applied(self, events: int) -> None:
        """Counts events that were applied."""
        self._applied.inc(events)

    def saved(self, seconds: float) -> None:
        """Notes how long a save took."""
        self._saved.observe(seconds)
