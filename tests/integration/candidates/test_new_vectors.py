"""Items that came after the training, from the catalog to answers by `embedding`, beside a ranker of each test's."""

from pathlib import Path

import numpy as np

from cli.launcher.ports import any_free_port
from services.common.artifacts import ArtifactStore
from services.common.clock import SystemClock
from tests.integration.candidates.test_candidates_service import Service, change, service, until
from tests.support.fake_ranker import FakeRanker, serving
from vitrine.candidates.v1 import candidate_service_pb2 as pb


def publish_vectors(folder: Path, version: str = "m1") -> None:
    def write(draft: Path) -> None:
        np.save(draft / "item_nos.npy", np.array([1, 2], np.uint32))
        np.save(draft / "vectors.npy", np.array([[1, 0], [2, 0]], np.float32))

    ArtifactStore(folder / "artifacts").publish("embeddings", write, {"model_version": version}, SystemClock().now())


async def embedded(shop: Service, version: str = "m1") -> list[int]:
    """What `embedding` proposes for a visitor of the vector (1, 0)."""
    response = await shop.retrieve(user_vector=[1, 0], user_vector_version=version)
    assert not {outcome.status for outcome in response.outcomes} & {pb.SOURCE_STATUS_FAILED, pb.SOURCE_STATUS_LATE}
    columns = next((columns for columns in response.sources if columns.source == "embedding"), pb.SourceColumns())
    return [response.item_nos[place] for place in columns.positions]


async def test_a_new_item_is_answered_within_a_second(tmp_path: Path) -> None:
    publish_vectors(tmp_path)
    async with (
        serving(FakeRanker()) as port,
        service(tmp_path, change(1, "cup"), change(2, "hose"), ranker_address=f"127.0.0.1:{port}") as shop,
    ):
        assert await embedded(shop) == [2, 1]
        for item_no in range(3, 13):
            await shop.catalog.put(change(item_no, "plate"))

            async def found(item_no: int = item_no) -> bool:
                return (await embedded(shop))[0] == item_no

            assert await until(found) < 1.0
        status = await shop.status()
        assert (status.new_vector_count, status.waiting_vector_count, status.vectors_fault) == (10, 0, "")
        assert status.versions.embeddings_version == "m1"


async def test_without_a_ranker_all_else_goes_on_until_it_comes(tmp_path: Path) -> None:
    publish_vectors(tmp_path)
    port = any_free_port()
    async with service(tmp_path, change(1, "cup"), change(2, "hose"), ranker_address=f"127.0.0.1:{port}") as shop:
        await shop.catalog.put(change(3, "cup of tea"))

        async def told() -> bool:
            status = await shop.status()
            return status.waiting_vector_count == 1 and "UNAVAILABLE" in status.vectors_fault

        await until(told)
        assert await embedded(shop) == [2, 1]

        async def found_by_others() -> bool:
            return 3 in (await shop.retrieve()).item_nos

        await until(found_by_others)
        async with serving(FakeRanker(), port):

            async def found() -> bool:
                return await embedded(shop) == [3, 2, 1]

            await until(found, 15)
            assert (await shop.status()).vectors_fault == ""


async def test_after_a_change_of_model_new_items_get_vectors_of_the_new_one(tmp_path: Path) -> None:
    publish_vectors(tmp_path)
    ranker = FakeRanker()
    async with (
        serving(ranker) as port,
        service(
            tmp_path, change(1, "cup"), change(2, "hose"), change(3, "tea"), ranker_address=f"127.0.0.1:{port}"
        ) as shop,
    ):

        async def found(version: str) -> bool:
            return await embedded(shop, version) == [3, 2, 1]

        await until(lambda: found("m1"))
        ranker.model_version = "m2"
        publish_vectors(tmp_path, "m2")
        await until(lambda: found("m2"))
        assert {request.model for request in ranker.requests} == {"m1", "m2"}


async def test_a_shop_without_a_rankers_address_asks_nobody(tmp_path: Path) -> None:
    publish_vectors(tmp_path)
    async with service(tmp_path, change(1, "cup"), change(2, "hose"), change(3, "tea"), ranker_address="") as shop:
        assert await embedded(shop) == [2, 1]
        assert (await shop.status()).vectors_fault == ""
