"""Versions that take over from each other while the ranker is asked, and servers that die meanwhile."""

import asyncio
import contextlib
import time
from pathlib import Path

import grpc
import pytest

from tests.support import fake_prediction_server
from tests.support.fake_prediction_server import FakePredictionServer
from tests.support.model_server_process import model_server, model_server_to_kill
from tests.support.ranker_service import ranker, request, until
from tests.support.saved_model_files import write_line, write_warm_up
from tests.support.serving_client import Server, State, X, connected, predict_request
from vitrine.ranker.v1.ranker_service_pb2 import ScoreItemsResponse, Scorer

CALLERS = 4


async def test_no_request_falls_back_or_mixes_versions_while_they_change(tmp_path: Path) -> None:
    async with ranker(tmp_path) as service:
        answers: list[ScoreItemsResponse] = [await service.score(request([3, 1, 4]))]
        going = True

        async def ask() -> None:
            while going:
                answers.append(await service.score(request([3, 1, 4])))

        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(ask())
            for version in range(2, 8):
                # The former version is gone at once, and the new one looks back on another number of events.
                service.model.versions, service.model.history_length = [version], 10 * version
                await asyncio.sleep(0.05)
            going = False
    assert {answer.scorer for answer in answers} == {Scorer.SCORER_MODEL}
    assert {answer.model_version for answer in answers} >= {"1", "7"}
    for _, version, inputs in service.model.asked:
        assert inputs["history_item_nos"].shape[1] == (50 if version == 1 else 10 * version)


async def test_a_model_server_that_dies_in_the_middle_of_a_swap_costs_no_answer(tmp_path: Path) -> None:
    model = FakePredictionServer()
    async with contextlib.AsyncExitStack() as stack:
        async with fake_prediction_server.serving(model) as port:
            settings = {"model_server_address": f"127.0.0.1:{port}", "breaker_seconds": 0.1}
            service = await stack.enter_async_context(ranker(tmp_path, **settings))
            assert (await service.score(request([1]))).scorer == Scorer.SCORER_MODEL
            model.versions, model.delay_seconds = [2], 5.0
            waiting = [asyncio.create_task(service.score(request([1, 2]))) for _ in range(8)]

            async def asked_the_new_version() -> bool:
                return model.asked[-1][1] == 2

            await until(asked_the_new_version)
        assert {answer.scorer for answer in await asyncio.gather(*waiting)} == {Scorer.SCORER_LINEAR}
        model.delay_seconds = 0.0
        await stack.enter_async_context(fake_prediction_server.serving(model, port))

        async def by_the_new_version() -> bool:
            return (await service.score(request([1]))).model_version == "2"

        await until(by_the_new_version)


async def test_a_model_of_another_catalog_is_refused_and_one_of_this_taken(tmp_path: Path) -> None:
    async with ranker(tmp_path) as service:
        await service.features.put(5)
        await service.features.put(6)
        service.model.known_items = {5: "item-5", 6: "item-6", 7: "not yet in the columns"}

        async def columns_are_there() -> bool:
            return (await service.status()).item_count == 2

        await until(columns_are_there)
        assert (await service.score(request([5, 6]))).scorer == Scorer.SCORER_MODEL
        service.model.known_items = {5: "another shop's", 6: "item-6"}
        service.model.versions = [2]

        async def refused() -> bool:
            return (await service.score(request([5, 6]))).fallback_reason == "MODEL_MISFIT"

        await until(refused)
        assert "1 of 2 numbers mean other items" in (await service.status()).model_fault
        assert not [version for name, version, _ in service.model.asked if name == "rank" and version == 2]


@pytest.mark.slow
def test_a_model_server_killed_while_it_loads_a_version_serves_it_after_a_restart(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_line(models / "line", 1)
    with model_server_to_kill(models) as (address, process), connected(address, models) as server:
        server.wait_for(1, State.AVAILABLE)
        _publish_slowly(models, 2)
        while server.states().get(2) is None or server.states()[2].state != State.LOADING:
            assert server.predict(predict_request()).model_spec.version.value == 1
            assert server.states().get(2) is None or server.states()[2].state != State.AVAILABLE, "it loaded too fast"
        process.kill()
        process.wait()
        assert _refused(server)
    with model_server(models) as address, connected(address, models) as server:
        server.wait_for(2, State.AVAILABLE)
        assert server.predict(predict_request()).model_spec.version.value == 2


def _publish_slowly(models: Path, version: int) -> None:
    """Publishes a version whose warm-up takes its time."""
    aside = write_line(models / "aside", version)
    write_warm_up(aside, [{"x": X}] * 1000)
    aside.rename(models / "line" / str(version))


def _refused(server: Server) -> bool:
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        try:
            server.predict(predict_request())
        except grpc.RpcError as error:
            return error.code() == grpc.StatusCode.UNAVAILABLE
    return False
