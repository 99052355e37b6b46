import math

import numpy as np
import pytest
import structlog

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.named_vectors import NamedVectors
from services.ranker.inputs.tensors import encode_item_inputs
from tests.support.training_shop import catalog_change
from vitrine.features.v1.item_pb2 import Item, Vector


def item(**vectors: list[float]) -> Item:
    return Item(vectors={name: Vector(values=values) for name, values in vectors.items()})


def test_vectors_stand_by_name_as_directions() -> None:
    named = NamedVectors({"text": 2, "image": 3})
    assert named.width == 5
    row = named.row(item(text=[3.0, 4.0], image=[0.0, -2.0, 0.0], sound=[1.0]))
    assert row.dtype == np.float16
    assert row == pytest.approx([0, -1, 0, 0.6, 0.8], abs=1e-3)


@pytest.mark.parametrize("values", [[1e30, 0.0], [1e-30, 0.0], [-3.4e38, 0.0]])
def test_any_length_is_a_direction(values: list[float]) -> None:
    assert np.abs(NamedVectors({"text": 2}).row(item(text=values))) == pytest.approx([1, 0])


@pytest.mark.parametrize(
    "values", [[], [1.0], [1.0, 2.0, 3.0], [0.0, 0.0], [math.nan, 1.0], [math.inf, 1.0], [-math.inf, math.inf]]
)
def test_what_is_no_direction_of_the_configured_length_is_missing_and_counted(values: list[float]) -> None:
    named = NamedVectors({"image": 2, "text": 2})
    with structlog.testing.capture_logs() as logs:
        rows = [named.row(item(text=values, image=[1.0, 0.0])) for _ in range(3)]
    assert all(row.tolist() == [1, 0, 0, 0] for row in rows)
    assert named.misfits == {"image": 0, "text": 3}
    assert [log["vector"] for log in logs] == ["text"]


def test_an_item_whose_vector_has_another_length_than_yesterday_has_none() -> None:
    items = ItemColumns({"text": 2})
    items.apply_catalog([catalog_change(1, vectors={"text": Vector(values=[0.0, 2.0])}), catalog_change(2)])
    assert items.vectors[[1, 2]].tolist() == [[0, 1], [0, 0]]
    items.apply_catalog([catalog_change(1, vectors={"text": Vector(values=[0.0, 2.0, 1.0])})])
    assert items.vectors[1].tolist() == [0, 0]
    items.apply_catalog([catalog_change(5_000, vectors={"text": Vector(values=[1.0, 0.0])})])
    assert encode_item_inputs(items, np.array([5_000, 1]))["vectors"].tolist() == [[1, 0], [0, 0]]


def test_without_configured_vectors_none_are_kept_or_sent() -> None:
    items = ItemColumns()
    items.apply_catalog([catalog_change(1, vectors={"text": Vector(values=[0.0, 2.0])})])
    assert items.vectors.nbytes == 0
    assert "vectors" not in encode_item_inputs(items, np.array([1]))
