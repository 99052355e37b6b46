"""Every metric of every service, declared in one place, so that dashboards and alerts can rely on the names."""

from dataclasses import dataclass
from typing import Final, Literal

# Seconds, from what a lookup takes to what no page may take.
LATENCY_BUCKETS: Final = (
    0.0005,
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.128,
    0.256,
    0.512,
    1.0,
    2.5,
    5.0,
    10.0,
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: exported as vitrine_<service>_<name>, and `name` is <noun>_<unit>.

    `service` is the one service that has it, or "" where all have it. A label takes few values: never an id.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = LATENCY_BUCKETS
    service: str = ""


CALL_SECONDS: Final = Metric(
    "call_seconds", "histogram", "Duration of a call by method and status code.", ("method", "code")
)
OPEN_CALLS: Final = Metric("open_calls", "gauge", "Calls in flight by method.", ("method",))
STREAM_MESSAGES: Final = Metric("stream_messages", "counter", "Messages sent on answer streams by method.", ("method",))

EVENTS_RECEIVED: Final = Metric(
    "received_events", "counter", "Events received, by what became of them.", ("status",), service="events"
)
EVENTS_UNATTRIBUTED: Final = Metric(
    "unattributed_events",
    "counter",
    "Events whose tracking token did not hold, by cause.",
    ("cause",),
    service="events",
)
EVENTS_FLAGGED: Final = Metric(
    "flagged_events", "counter", "Events that bear a sign of a robot or a burst, by flag.", ("flag",), service="events"
)
EVENTS_COMMITTED_ROWS: Final = Metric(
    "committed_rows",
    "histogram",
    "Events and pages that one transaction added.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192),
    service="events",
)
EVENTS_DROPPED_ROWS: Final = Metric(
    "dropped_rows", "counter", "Rows that were dropped because of their age, by kind.", ("kind",), service="events"
)

FEATURES_APPLIED_EVENTS: Final = Metric(
    "applied_events", "counter", "Events of the log that were applied.", service="features"
)
FEATURES_PARKED_EVENTS: Final = Metric(
    "parked_events",
    "counter",
    "Events that could not be applied and were parked; see `vitrine features parked`.",
    service="features",
)
FEATURES_SAVE_SECONDS: Final = Metric(
    "save_seconds", "histogram", "Time to save states, statistics and offsets in one transaction.", service="features"
)

CANDIDATES_SOURCE_SECONDS: Final = Metric(
    "source_seconds",
    "histogram",
    "Time that a source took, by what became of it.",
    ("source", "status"),
    service="candidates",
)
CANDIDATES_WAITING_VECTORS: Final = Metric(
    "waiting_vectors", "gauge", "Items that wait to be encoded by the model.", service="candidates"
)
RANKER_SCORED_LISTS: Final = Metric(
    "scored_lists",
    "counter",
    "Lists scored, by scorer and by why not the model.",
    ("scorer", "reason"),
    service="ranker",
)
RANKER_NON_FINITE_SCORES: Final = Metric(
    "non_finite_scores", "counter", "Candidates whose score was not finite.", service="ranker"
)
HOMEPAGE_PAGES: Final = Metric(
    "served_pages", "counter", "Pages served, by their step of the ladder.", ("step",), service="homepage"
)
HOMEPAGE_CARDS: Final = Metric("served_cards", "counter", "Cards served, by shelf kind.", ("kind",), service="homepage")
HOMEPAGE_UNIT_SECONDS: Final = Metric(
    "unit_seconds", "histogram", "Time that a unit of the pipeline took.", ("unit",), service="homepage"
)
HOMEPAGE_UNIT_OUTCOMES: Final = Metric(
    "unit_outcomes", "counter", "Runs of the pipeline's units, by outcome.", ("unit", "outcome"), service="homepage"
)
HOMEPAGE_PAGES_NOT_LOGGED: Final = Metric(
    "unlogged_pages", "counter", "Pages that the page log didn't store.", service="homepage"
)
HOMEPAGE_STATIC_PAGES_EXPIRED: Final = Metric(
    "expired_static_pages", "counter", "Static pages that were too old to load or to serve.", service="homepage"
)

METRICS: Final = (
    CALL_SECONDS,
    OPEN_CALLS,
    STREAM_MESSAGES,
    EVENTS_RECEIVED,
    EVENTS_UNATTRIBUTED,
    EVENTS_FLAGGED,
    EVENTS_COMMITTED_ROWS,
    EVENTS_DROPPED_ROWS,
    FEATURES_APPLIED_EVENTS,
    FEATURES_PARKED_EVENTS,
    FEATURES_SAVE_SECONDS,
    CANDIDATES_SOURCE_SECONDS,
    CANDIDATES_WAITING_VECTORS,
    RANKER_SCORED_LISTS,
    RANKER_NON_FINITE_SCORES,
    HOMEPAGE_PAGES,
    HOMEPAGE_CARDS,
    HOMEPAGE_UNIT_SECONDS,
    HOMEPAGE_UNIT_OUTCOMES,
    HOMEPAGE_PAGES_NOT_LOGGED,
    HOMEPAGE_STATIC_PAGES_EXPIRED,
)
