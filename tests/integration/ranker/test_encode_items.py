"""Items as vectors, over gRPC, beside a model server and a features service that do what each test wants."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from services.common.errors import UnavailableError, VitrineError
from services.common.rpc_status import from_rpc_error
from services.ranker.model_fault import MISFIT, SERVER_UNAVAILABLE
from tests.support.fake_prediction_server import Arrays, number_and_price
from tests.support.ranker_service import Ranker, ranker, request, until
from vitrine.ranker.v1.ranker_service_pb2 import EncodeItemsRequest, EncodeItemsResponse, Scorer


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Ranker]:
    async with ranker(tmp_path, breaker_seconds=60.0) as running_ranker:
        for item_no in (1, 2, 3):
            await running_ranker.features.put(item_no, price=float(item_no))
        await until(lambda: knows(running_ranker, 3))
        yield running_ranker


async def knows(service: Ranker, catalog_version: int) -> bool:
    return (await service.status()).catalog_version >= catalog_version


async def encode(service: Ranker, *item_nos: int, model: str = "", catalog_version: int = 0) -> EncodeItemsResponse:
    asked = EncodeItemsRequest(item_nos=item_nos, model=model, catalog_version=catalog_version)
    response: EncodeItemsResponse = await service.stub.EncodeItems(asked, timeout=5)
    assert np.isfinite(response.vectors).all()
    return response


async def fault(service: Ranker, *item_nos: int, model: str = "") -> VitrineError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await encode(service, *item_nos, model=model)
    return from_rpc_error(caught.value)


async def test_a_vector_is_made_from_what_the_columns_say(service: Ranker) -> None:
    response = await encode(service, 3, 1)
    assert list(response.item_nos) == [3, 1]
    np.testing.assert_allclose(response.vectors, [3, math.log(4), 1, math.log(2)], rtol=1e-6)
    assert (response.model_version, response.catalog_version) == ("1", 3)


async def test_items_that_the_catalog_has_not_are_left_out(service: Ranker) -> None:
    assert list((await encode(service, 9, 2, 5_000_000)).item_nos) == [2]
    none = await encode(service, 9)
    assert (list(none.item_nos), list(none.vectors), none.model_version) == ([], [], "")


async def test_a_vector_that_is_not_finite_is_left_out_alone(service: Ranker) -> None:
    def broken(inputs: Arrays) -> Arrays:
        vectors = number_and_price(inputs)["item_vector"]
        vectors[inputs["item_nos"] == 2, 1] = np.nan
        return {"item_vector": vectors}

    service.model.encode_items = broken
    response = await encode(service, 1, 2, 3)
    assert list(response.item_nos) == [1, 3]
    assert len(response.vectors) == 4


async def test_a_ranker_that_is_behind_encodes_nothing_and_says_so(service: Ranker) -> None:
    response = await encode(service, 1, catalog_version=4)
    assert (list(response.item_nos), response.catalog_version) == ([], 3)
    assert not [name for name, _, _ in service.model.asked if name == "encode_item"]


async def test_the_version_that_is_named_is_asked(service: Ranker) -> None:
    service.model.versions.append(2)
    assert (await encode(service, 1, model="1")).model_version == "1"
    assert (await encode(service, 1, model="2")).model_version == "2"


async def test_a_version_that_is_gone_keeps_no_visitor_from_the_model(service: Ranker) -> None:
    for _ in range(10):
        gone = await fault(service, 1, model="7")
        assert (type(gone), gone.reason) == (UnavailableError, SERVER_UNAVAILABLE)
    assert (await service.score(request([1, 2]))).scorer == Scorer.SCORER_MODEL


async def test_a_model_that_answers_something_else_is_a_misfit(service: Ranker) -> None:
    service.model.encode_items = lambda inputs: {"item_vector": np.zeros((1, 2), np.float32)}
    assert (await fault(service, 1)).reason == MISFIT


@pytest.mark.parametrize(
    ("item_nos", "field"), [([], "item_nos"), ([0], "item_nos[0]"), ([1, 1], "item_nos"), (range(1, 2002), "item_nos")]
)
async def test_bad_requests_name_the_field(service: Ranker, item_nos: list[int], field: str) -> None:
    error = await fault(service, *item_nos)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.violations[0].field == field


@pytest.mark.parametrize("width", [0, 2])
async def test_vectors_of_the_shop_go_to_models_that_take_them(tmp_path: Path, width: int) -> None:
    async with ranker(tmp_path, vectors={"text": 2}) as service:
        service.model.vector_width = width
        await service.features.put(1)
        await until(lambda: knows(service, 1))
        await encode(service, 1)
        _, _, inputs = next(asked for asked in service.model.asked if asked[0] == "encode_item")
        assert ("vectors" in inputs) is (width > 0)
        assert inputs["token_nos"].dtype == np.uint16
