import hashlib
from typing import Final

from vitrine.events.v1.feature_snapshot_pb2 import FeatureSnapshot
from vitrine.features.v1.user_features_pb2 import UserFeatures

FIELDS: Final = (
    "recent",
    "counters",
    "category_affinities",
    "brand_affinities",
    "prices",
    "impressions",
    "follows",
    "search_texts",
    "disliked_item_nos",
    "event_count",
)
"""The features that events make: what can be computed again from the log."""

FROM_CATALOG: Final = frozenset({"category_affinities", "brand_affinities"})
"""Those that the catalog has a part in: they change with it."""


def feature_digests(features: UserFeatures) -> dict[str, int]:
    """Returns a 64-bit hash of each of FIELDS: equal where the values are, to the last bit of a float."""
    return {name: _digest(features, name) for name in FIELDS}


def feature_snapshot(features: UserFeatures) -> FeatureSnapshot:
    """Returns what a page's record keeps of the features it was made from."""
    return FeatureSnapshot(
        query_time_millis=features.query_time_millis,
        applied_offsets={place.partition: place.offset for place in features.applied_offsets},
        catalog_version=features.catalog_version,
        digests=feature_digests(features),
    )


def _digest(features: UserFeatures, name: str) -> int:
    alone = UserFeatures()
    value = getattr(features, name)
    if name == "event_count":
        alone.event_count = value
    elif hasattr(value, "MergeFrom"):
        getattr(alone, name).MergeFrom(value)
    data = alone.SerializeToString(deterministic=True)
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
