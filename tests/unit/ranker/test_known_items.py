from typing import Any, cast

import numpy as np
import pytest

from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.known_items import SAMPLE, SIGNATURE, KnownItems, KnownItemsCheck
from services.ranker.model_fault import LATE, MISFIT, ModelFault
from services.ranker.prediction_client import Metadata, PredictionClient
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import Item

VERSION_1 = Metadata(1, {SIGNATURE: None})


def columns(*item_ids: str) -> ItemColumns:
    items = ItemColumns()
    for item_no, item_id in enumerate(item_ids, start=1):
        change = CatalogChange(version=item_no, item_no=item_no, item_id=item_id)
        change.item.title = item_id
        items.apply_catalog([change])
    return items


class FakePredictionClient:
    """Answers what a model that was trained with some columns says; or fails."""

    def __init__(self, trained_with: ItemColumns) -> None:
        self.known = KnownItems.of(trained_with)
        self.fault: ModelFault | None = None
        self.calls = 0

    async def predict(self, version: int, signature: str, inputs: dict[str, Any], timeout: float) -> dict[str, Any]:  # noqa: ASYNC109  # as the client has it
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        places = np.minimum(inputs["places"], len(self.known.item_nos) - 1)
        return {"item_nos": self.known.item_nos[places], "item_marks": self.known.marks[places]}


def check(client: FakePredictionClient, items: ItemColumns) -> KnownItemsCheck:
    return KnownItemsCheck(cast("PredictionClient", client), items)


async def test_a_model_of_the_same_catalog_fits_and_is_not_asked_again() -> None:
    items = columns("a", "b", "c")
    client = FakePredictionClient(columns("a", "b"))
    checked = check(client, items)
    for _ in range(3):
        await checked(VERSION_1)
    assert client.calls == 1
    await checked(Metadata(2, VERSION_1.signatures))
    assert client.calls == 2


@pytest.mark.parametrize("other", [("b", "a"), ("a", "B"), ("a", "é")])
async def test_a_model_whose_numbers_mean_other_items_is_refused_each_time(other: tuple[str, str]) -> None:
    checked = check(FakePredictionClient(columns("a", "e\u0301")), columns(*other))
    for _ in range(2):
        with pytest.raises(ModelFault, match="another catalog") as caught:
            await checked(VERSION_1)
        assert caught.value.reason == MISFIT


async def test_columns_that_know_none_of_the_items_yet_say_nothing_and_it_is_looked_at_again() -> None:
    items, client = columns(), FakePredictionClient(columns("a"))
    checked = check(client, items)
    await checked(VERSION_1)
    items.apply_catalog([CatalogChange(version=1, item_no=1, item_id="other", item=Item(title="other"))])
    with pytest.raises(ModelFault):
        await checked(VERSION_1)


async def test_what_cannot_be_found_out_is_no_fault() -> None:
    client = FakePredictionClient(columns("a"))
    client.fault = ModelFault(LATE, "busy")
    await check(client, columns("b"))(VERSION_1)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"item_nos": np.array([1])},
        {"item_nos": np.array([1]), "item_marks": np.array([1, 2])},
        {"item_nos": np.array([0.5]), "item_marks": np.array([1])},
        {"item_nos": np.array([-5000]), "item_marks": np.array([1])},
    ],
)
async def test_a_malformed_answer_is_a_misfit_so_that_requests_fall_back(answer: dict[str, Any]) -> None:
    class Malformed(FakePredictionClient):
        async def predict(self, *arguments: Any, **options: Any) -> dict[str, Any]:
            return answer

    with pytest.raises(ModelFault) as caught:
        await check(Malformed(columns("a")), columns("a"))(VERSION_1)
    assert caught.value.reason == MISFIT


async def test_a_model_without_the_signature_is_not_asked() -> None:
    client = FakePredictionClient(columns("a"))
    await check(client, columns("b"))(Metadata(1, {}))
    assert client.calls == 0


def test_the_sample_is_from_all_over_the_catalog_and_each_item_once() -> None:
    known = KnownItems.of(columns(*(f"item {number}" for number in range(1000))))
    assert len(known.item_nos) == SAMPLE
    assert (known.item_nos[0], known.item_nos[-1]) == (1, 1000)
    assert KnownItems.of(columns("a", "b")).item_nos.tolist() == [1, 2]
    assert len(KnownItems.of(columns()).item_nos) == 0
