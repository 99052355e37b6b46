"""The ranker over gRPC, beside a model server and a features service that do what each test wants."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest

from services.common.artifacts import ArtifactStore
from services.common.rpc_status import from_rpc_error
from tests.support.fake_prediction_server import Arrays, by_item_no
from tests.support.ranker_service import NOW, Ranker, ranker, request, shopper, until
from vitrine.ranker.v1.ranker_service_pb2 import (
    Action,
    EncodeUserRequest,
    ScoreItemsRequest,
    Scorer,
)

if TYPE_CHECKING:
    pass

NOBODY_LISTENS = "127.0.0.1:1"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Ranker]:
    async with ranker(tmp_path) as running_ranker:
        yield running_ranker


class TestModel:
    async def test_values_are_the_weighted_sum_of_the_models_probabilities(self, service: Ranker) -> None:
        response = await service.score(request([3, 1, 4]))
        assert (response.scorer, response.fallback_reason) == (Scorer.SCORER_MODEL, "")
        assert response.model_version == "1"
        columns = {column.action: list(column.probabilities) for column in response.actions}
        np.testing.assert_allclose(columns[Action.ACTION_CLICK], [1 / 4, 1 / 2, 1 / 5], rtol=1e-6)
        np.testing.assert_allclose(columns[Action.ACTION_PURCHASE], [0.3 / 4, 0.3 / 2, 0.3 / 5], rtol=1e-6)
        weights = 1.0 * 1.0 + 3.0 * 0.5 + 4.0 * 0.4 + 5.0 * 0.3
        np.testing.assert_allclose(response.values, [weights / 4, weights / 2, weights / 5], rtol=1e-6)

    @pytest.mark.parametrize("count", [1, 64, 65, 300, 2000])
    async def test_any_number_of_candidates_is_padded_to_one_of_few_sizes(self, service: Ranker, count: int) -> None:
        item_nos = list(range(1, count + 1))
        response = await service.score(request(item_nos))
        np.testing.assert_allclose(response.actions[0].probabilities, 1 / (1 + np.array(item_nos)), rtol=1e-6)
        assert service.model.asked[-1][2]["candidate_item_nos"].shape[1] in {64, 128, 256, 320, 512, 1024, 2048}

    async def test_a_candidate_that_comes_twice_is_scored_twice_and_alike(self, service: Ranker) -> None:
        response = await service.score(request([5, 2, 5]))
        assert response.values[0] == response.values[2] != response.values[1]

    async def test_candidates_that_the_columns_do_not_know_are_scored_and_counted(self, service: Ranker) -> None:
        await service.features.put(5)

        async def known() -> bool:
            return (await service.status()).item_count == 1

        await until(known)
        response = await service.score(request([5, 6, 2**31 - 1]))
        assert response.unknown_item_count == 2
        assert (await service.status()).catalog_version == 1

    async def test_a_visitor_of_whom_nothing_is_known_is_no_error(self, service: Ranker) -> None:
        empty = ScoreItemsRequest(item_nos=[1, 2])
        empty.query_time.FromDatetime(NOW)
        assert (await service.score(empty)).scorer == Scorer.SCORER_MODEL
        assert (service.model.asked[-1][2]["history_item_nos"] == 0).all()

    async def test_a_label_chooses_the_version(self, service: Ranker) -> None:
        service.model.versions, service.model.labels = [1, 2], {"stable": 1}
        assert (await service.score(request([1], model="stable"))).model_version == "1"
        assert (await service.score(request([1], model="2"))).model_version == "2"

    async def test_an_unknown_label_falls_back(self, service: Ranker) -> None:
        response = await service.score(request([1], model="unheard"))
        assert (response.scorer, response.fallback_reason) == (Scorer.SCORER_LINEAR, "MODEL_SERVER_UNAVAILABLE")

    async def test_a_new_version_is_taken_up_without_a_request_that_falls_back(self, service: Ranker) -> None:
        await service.score(request([1]))
        service.model.versions, service.model.history_length = [2], 20  # the old one is gone at once
        response = await service.score(request([1]))
        assert (response.scorer, response.model_version) == (Scorer.SCORER_MODEL, "2")
        assert service.model.asked[-1][2]["history_item_nos"].shape == (1, 20)

    async def test_a_longer_history_is_cut_to_the_models(self, service: Ranker) -> None:
        service.model.history_length = 1
        await service.score(request([1]))
        assert service.model.asked[-1][2]["history_item_nos"].tolist() == [[9]]


class TestFallback:
    async def test_a_late_model_is_not_waited_for_beyond_the_deadline(self, service: Ranker) -> None:
        await service.score(request([1]))
        service.model.delay_seconds = 5.0
        started = time.perf_counter()
        response = await service.score(request([1, 2]), seconds=0.2)
        assert time.perf_counter() - started < 0.2
        assert (response.scorer, response.fallback_reason) == (Scorer.SCORER_LINEAR, "MODEL_LATE")

    async def test_a_late_model_is_not_waited_for_beyond_its_own_limit(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, model_timeout_seconds=0.1) as service:
            await service.score(request([1]))
            service.model.delay_seconds = 5.0
            response = await service.score(request([1]), seconds=5.0)
            assert response.fallback_reason == "MODEL_LATE"

    async def test_a_dead_model_server_costs_nothing(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, model_server_address=NOBODY_LISTENS) as service:

            async def found_out() -> bool:
                return not (await service.status()).model_available

            await until(found_out)
            for _ in range(5):
                await service.score(request([1]))
            started = time.perf_counter()
            for _ in range(20):
                response = await service.score(request([1, 2, 3]))
                assert response.fallback_reason == "MODEL_SERVER_UNAVAILABLE"
            assert (time.perf_counter() - started) / 20 < 0.03
            status = await service.status()
            assert not status.model_available
            assert "MODEL_SERVER_UNAVAILABLE" in status.model_fault

    async def test_a_model_server_that_comes_later_is_found(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, breaker_seconds=0.1) as service:
            service.model.versions = []
            assert (await service.score(request([1]))).fallback_reason == "MODEL_SERVER_UNAVAILABLE"
            service.model.versions = [4]

            async def by_model() -> bool:
                return (await service.score(request([1]))).scorer == Scorer.SCORER_MODEL

            await until(by_model)
            status = await service.status()
            assert (status.model_available, status.model_fault, status.model_version) == (True, "", "4")

    async def test_a_hanging_model_is_left_alone_after_a_few_tries(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, breaker_failures=2, breaker_seconds=60, model_timeout_seconds=0.05) as service:
            await service.score(request([1]))
            service.model.delay_seconds = 5.0
            answers = [await service.score(request([1])) for _ in range(6)]
            assert {answer.fallback_reason for answer in answers} == {"MODEL_LATE"}
            assert len(service.model.asked) == 1 + 2

    async def test_an_overloaded_server_is_unavailable(self, service: Ranker) -> None:
        service.model.abort = grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await service.score(request([1]))).fallback_reason == "MODEL_SERVER_UNAVAILABLE"

    async def test_a_model_without_one_finite_score_is_not_used(self, service: Ranker) -> None:
        service.model.rank = lambda inputs: {name: column * np.nan for name, column in by_item_no(inputs).items()}
        response = await service.score(request([1, 2]))
        assert (response.scorer, response.fallback_reason) == (Scorer.SCORER_LINEAR, "MODEL_NOT_FINITE")
        assert response.non_finite_count == 0

    async def test_a_candidate_whose_score_is_not_finite_gets_the_least_value(self, service: Ranker) -> None:
        def with_holes(inputs: Arrays) -> Arrays:
            columns = by_item_no(inputs)
            columns["click"][0, 1] = np.nan
            columns["purchase"][0, 2] = np.inf  # no probability, but it can be told what it means: certainty
            return columns

        service.model.rank = with_holes
        response = await service.score(request([1, 2, 3]))
        assert (response.scorer, response.non_finite_count) == (Scorer.SCORER_MODEL, 1)
        assert response.values[1] < min(response.values[0], response.values[2])
        assert all(0 <= p <= 1 for column in response.actions for p in column.probabilities)

    async def test_a_model_that_takes_other_features_is_refused(self, tmp_path: Path) -> None:
        async with ranker(tmp_path) as service:
            service.model.feature_count += 1
            service.model.versions = [2]

            async def refused() -> bool:
                return (await service.score(request([1]))).fallback_reason == "MODEL_MISFIT"

            await until(refused)
            assert "candidate features" in (await service.status()).model_fault

    async def test_answers_of_another_shape_are_refused(self, service: Ranker) -> None:
        service.model.rank = lambda inputs: {name: column[:, :-1] for name, column in by_item_no(inputs).items()}
        assert (await service.score(request([1]))).fallback_reason == "MODEL_MISFIT"

    async def test_inputs_that_the_model_refuses_are_a_misfit(self, service: Ranker) -> None:
        service.model.abort = grpc.StatusCode.INVALID_ARGUMENT
        assert (await service.score(request([1]))).fallback_reason == "MODEL_MISFIT"

    async def test_the_linear_scorer_can_be_asked_for(self, service: Ranker) -> None:
        response = await service.score(request([1, 2], linear_only=True))
        assert (response.scorer, response.fallback_reason) == (Scorer.SCORER_LINEAR, "ASKED")
        assert response.model_version == ""
        assert service.model.asked == []


class TestLinearScorer:
    async def test_what_all_buy_comes_first_by_default_and_statistics_are_read_in_pages(self, service: Ranker) -> None:
        service.features.statistics = [(1, 5), (2, 500), (3, 50)]

        async def ordered() -> bool:
            values = (await service.score(request([1, 2, 3], linear_only=True))).values
            return values[1] > values[2] > values[0]

        await until(ordered)
        assert {0, 2} <= set(service.features.statistics_calls)

    async def test_published_weights_are_taken_up_and_unfit_ones_refused(self, service: Ranker, tmp_path: Path) -> None:
        store = ArtifactStore(tmp_path / "artifacts")

        def publish(text: str) -> None:
            def write(folder: Path) -> None:
                (folder / "linear.json").write_text(text)

            store.publish("linear", write, {}, NOW)

        async def purchase() -> float:
            response = await service.score(request([50], linear_only=True))
            return response.actions[0].probabilities[0]

        publish('{"bias": 0.0}')

        async def half() -> bool:
            return await purchase() == 0.5

        await until(half)
        publish('{"bias": 3.0, "no_such_feature": 1.0}')
        await asyncio.sleep(0.2)
        assert await purchase() == 0.5


class TestValueFactor:
    async def test_price_multiplies_the_sum(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, value_factor="price", unknown_factor=2.0) as service:
            await service.features.put(1, price=10.0)
            await service.features.put(2, price=None)

            async def known() -> bool:
                return (await service.status()).item_count == 2

            await until(known)
            service.model.rank = lambda inputs: {n: np.full_like(c, 0.5) for n, c in by_item_no(inputs).items()}
            values = (await service.score(request([1, 2, 3]))).values
            np.testing.assert_allclose(values, [10 * values[1] / 2, values[1], values[1]], rtol=1e-6)


class TestEncodeUser:
    async def test_answers_the_models_vector_and_version(self, service: Ranker) -> None:
        asked = EncodeUserRequest(user=shopper())
        asked.query_time.FromDatetime(NOW)
        response = await service.stub.EncodeUser(asked, timeout=5)
        assert (list(response.vector), response.model_version) == ([0, 1, 2, 3], "1")
        signature, _, inputs = service.model.asked[-1]
        assert signature == "encode_user"
        assert inputs["history_item_nos"][0, -2:].tolist() == [7, 9]

    async def test_a_visitor_without_history_has_no_vector(self, service: Ranker) -> None:
        asked = EncodeUserRequest()
        asked.query_time.FromDatetime(NOW)
        response = await service.stub.EncodeUser(asked, timeout=5)
        assert list(response.vector) == []
        assert service.model.asked == []

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"delay_seconds": 5.0}, "MODEL_LATE"),
            ({"versions": []}, "MODEL_SERVER_UNAVAILABLE"),
            ({"vector": np.array([1.0, np.nan, 0.0, 0.0], np.float32)}, "MODEL_NOT_FINITE"),
        ],
    )
    async def test_says_why_there_is_none(self, tmp_path: Path, change: dict[str, Any], reason: str) -> None:
        async with ranker(tmp_path, model_timeout_seconds=0.05) as service:
            for name, value in change.items():
                setattr(service.model, name, value)
            asked = EncodeUserRequest(user=shopper())
            asked.query_time.FromDatetime(NOW)

            async def told() -> bool:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await service.stub.EncodeUser(asked, timeout=5)
                error = from_rpc_error(caught.value)
                return (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, reason)

            await until(told)


class TestBadInput:
    @pytest.mark.parametrize(
        ("item_nos", "field"),
        [([], "item_nos"), ([1] * 2001, "item_nos"), ([3, 0], "item_nos[1]"), ([2**32 - 1], "item_nos[0]")],
    )
    async def test_candidates_that_cannot_be_are_refused(
        self, service: Ranker, item_nos: list[int], field: str
    ) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service.stub.ScoreItems(request(item_nos), timeout=5)
        error = from_rpc_error(caught.value)
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert error.violations[0].field == field

    async def test_the_time_of_the_request_is_required(self, service: Ranker) -> None:
        with pytest.raises(grpc.aio.AioRpcError) as score:
            await service.stub.ScoreItems(ScoreItemsRequest(item_nos=[1]), timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as encode:
            await service.stub.EncodeUser(EncodeUserRequest(user=shopper()), timeout=5)
        for caught in (score, encode):
            assert from_rpc_error(caught.value).violations[0].field == "query_time"


class TestStartUp:
    async def test_it_is_ready_alone(self, tmp_path: Path) -> None:
        async with ranker(tmp_path, features_address=NOBODY_LISTENS, model_server_address=NOBODY_LISTENS) as service:
            response = await service.score(request([1, 2]))
            assert response.scorer == Scorer.SCORER_LINEAR
            assert response.unknown_item_count == 2
