"""Whether two UserFeatures say the same: all counts and times are equal, sums to 1e-9 but for float32's last digit."""

import pytest
from google.protobuf.message import Message

from vitrine.features.v1.user_features_pb2 import UserFeatures

WITH_SUMS = ("counters", "category_affinities", "brand_affinities", "prices")


def assert_same_features(left: UserFeatures, right: UserFeatures) -> None:
    """Compares all fields; affinities by their number, since sums that are nearly equal may stand either way."""
    one, other = UserFeatures(), UserFeatures()
    one.CopyFrom(left)
    other.CopyFrom(right)
    for name in WITH_SUMS:
        if name.endswith("affinities"):
            assert _weights(one, name) == pytest.approx(_weights(other, name), rel=2e-7, abs=1e-9), name
        else:
            _assert_columns_close(getattr(one, name), getattr(other, name))
        one.ClearField(name)  # type: ignore[arg-type]
        other.ClearField(name)  # type: ignore[arg-type]
    assert one == other


def _weights(features: UserFeatures, name: str) -> dict[int, float]:
    affinities = getattr(features, name)
    return dict(zip(affinities.nos, affinities.weights, strict=True))


def _assert_columns_close(left: Message, right: Message) -> None:
    for field in left.DESCRIPTOR.fields:
        # float32 columns: equal doubles may round to neighbors.
        assert getattr(left, field.name) == pytest.approx(getattr(right, field.name), rel=2e-7, abs=1e-9), field.name
