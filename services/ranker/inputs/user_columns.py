from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from services.ranker.inputs.attributes import attribute_buckets
from vitrine.features.v1.user_features_pb2 import UserFeatures

MILLIS_PER_DAY: Final = 86_400_000.0


class _Column(Iterable[Any], Sized, Protocol):
    """A repeated field of numbers."""


@dataclass(frozen=True, slots=True)
class ItemCounters:
    """The user's counters by item: columns of one length, ascending by item_no."""

    item_nos: NDArray[np.int64]
    views: NDArray[np.float64]
    favorites: NDArray[np.float64]
    carts: NDArray[np.float64]
    purchases: NDArray[np.float64]
    first_purchase_millis: NDArray[np.int64]
    last_purchase_millis: NDArray[np.int64]
    last_event_millis: NDArray[np.int64]
    decayed_purchases: NDArray[np.float64]
    decayed_interest: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UserColumns:
    """A visitor's features as arrays, built once per request.

    Events are oldest first; affinities and impressions by number.
    """

    event_item_nos: NDArray[np.int64]
    event_types: NDArray[np.int64]
    event_millis: NDArray[np.int64]
    counters: ItemCounters
    category_nos: NDArray[np.int64]
    category_weights: NDArray[np.float64]
    brand_nos: NDArray[np.int64]
    brand_weights: NDArray[np.float64]
    impression_item_nos: NDArray[np.int64]
    impression_counts: NDArray[np.float64]
    impression_millis: NDArray[np.int64]
    price_count: int
    mean_log_price: float
    deviation_log_price: float
    event_count: int
    attributes: NDArray[np.int32]
    """Hashed attributes, shape (ATTRIBUTE_SLOTS,), 0-padded."""

    @classmethod
    def from_proto(cls, user: UserFeatures) -> "UserColumns":
        """Reads the columns of the contract. Columns of different lengths are cut to the shortest."""
        recent, counters = user.recent, user.counters
        item_nos, types, times = _together(
            (recent.item_nos, np.int64), (recent.types, np.int64), (recent.event_times_millis, np.int64)
        )
        categories = _by_number(user.category_affinities.nos, (user.category_affinities.weights, np.float64))
        brands = _by_number(user.brand_affinities.nos, (user.brand_affinities.weights, np.float64))
        shown = _by_number(
            user.impressions.item_nos, (user.impressions.counts, np.float64), (user.impressions.last_millis, np.int64)
        )
        return cls(
            event_item_nos=item_nos,
            event_types=types,
            event_millis=times,
            counters=ItemCounters(
                *_by_number(
                    counters.item_nos,
                    (counters.view_counts, np.float64),
                    (counters.favorite_counts, np.float64),
                    (counters.cart_counts, np.float64),
                    (counters.purchase_counts, np.float64),
                    (counters.first_purchase_millis, np.int64),
                    (counters.last_purchase_millis, np.int64),
                    (counters.last_event_millis, np.int64),
                    (counters.decayed_purchases, np.float64),
                    (counters.decayed_interest, np.float64),
                )
            ),
            category_nos=categories[0],
            category_weights=categories[1],
            brand_nos=brands[0],
            brand_weights=brands[1],
            impression_item_nos=shown[0],
            impression_counts=shown[1],
            impression_millis=shown[2],
            price_count=user.prices.count,
            mean_log_price=user.prices.mean_log_price,
            deviation_log_price=user.prices.deviation_log_price,
            event_count=user.event_count,
            attributes=attribute_buckets(user.attributes),
        )


def _together(*columns: tuple[_Column, type[Any]]) -> list[NDArray[Any]]:
    length = min(len(values) for values, _ in columns)
    arrays = []
    for values, dtype in columns:
        array = np.array(values, dtype)[:length]  # protobuf converts all numbers at once, not one by one
        arrays.append(np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0) if dtype is np.float64 else array)
    return arrays


def _by_number(numbers: _Column, *columns: tuple[_Column, type[Any]]) -> list[NDArray[Any]]:
    """Returns the columns in ascending order of the first."""
    arrays = _together((numbers, np.int64), *columns)
    keys = arrays[0]
    if len(keys) < 2 or bool((keys[1:] > keys[:-1]).all()):
        return arrays
    order = np.argsort(keys, kind="stable")
    return [array[order] for array in arrays]
