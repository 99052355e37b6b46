from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from services.common.artifacts import ArtifactStore
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.linear_weights import DEFAULTS, LinearWeights, Weights

CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_defaults_are_weights_of_features_that_exist() -> None:
    weights = Weights.of(DEFAULTS)
    assert np.count_nonzero(weights.coefficients) == len(DEFAULTS) - 1
    assert weights.bias == DEFAULTS["bias"]


@pytest.mark.parametrize("content", ['{"no_such": 1}', '{"bias": NaN}', '{"bias": "1"}', '{"bias": true}', "[1]", "{"])
async def test_what_does_not_fit_is_refused_once_and_the_former_weights_stay(tmp_path: Path, content: str) -> None:
    store = ArtifactStore(tmp_path)
    holder = LinearWeights(store)
    _publish(store, f'{{"{FEATURE_NAMES[0]}": 2}}')
    await holder.refresh()
    _publish(store, content)
    with pytest.raises(ValueError):  # noqa: PT011  # JSON's own error is one too
        await holder.refresh()
    await holder.refresh()
    assert holder.present.coefficients[0] == 2
    assert holder.present.bias == 0


async def test_nothing_published_leaves_the_defaults(tmp_path: Path) -> None:
    holder = LinearWeights(ArtifactStore(tmp_path))
    await holder.refresh()
    assert holder.present.bias == DEFAULTS["bias"]


def _publish(store: ArtifactStore, content: str) -> None:
    def write(folder: Path) -> None:
        (folder / "linear.json").write_text(content)

    store.publish("linear", write, {}, CREATED)
