"""What is done about items that came or changed after the training, by whatever becomes of the ranker meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.background.vector_keeper import VectorKeeper
from services.candidates.metrics import CandidateMetrics
from services.candidates.sources.embedding import Embedding
from services.candidates.vectors.new_items import MOST, NewItems
from services.common.telemetry.metrics import Metrics
from tests.support.candidates_shop import Shop
from tests.support.fake_ranker import FakeRanker
from vitrine.features.v1.user_features_pb2 import UserFeatures


class Setting:
    """A shop of items 1 and 2 with vectors, and a keeper."""

    def __init__(self) -> None:
        self.shop, self.ranker = Shop(), FakeRanker()
        for item_no in (1, 2):
            self.shop.put(item_no)
        self.shop.open()
        self.trained({1: (1.0, 0.0), 2: (2.0, 0.0)})
        self.metrics = Metrics("candidates")
        self.keeper = self.new_keeper()

    def new_keeper(self, most: int = MOST) -> VectorKeeper:
        metrics = CandidateMetrics(self.metrics)
        return VectorKeeper(self.ranker, self.shop.inputs, metrics, ThreadPoolExecutor(1), most)  # type: ignore[arg-type]  # the stub's one method

    def trained(self, vectors: dict[int, tuple[float, float]], model_version: str = "m1") -> None:
        item_nos = np.array([*vectors], np.uint32)
        marks = self.shop.inputs.columns.content_marks[item_nos]
        rows = np.array([*vectors.values()], np.float32)
        self.shop.inputs.embeddings.put(model_version, Embeddings(item_nos, rows, model_version, marks))

    async def found(self, *, by: tuple[float, float] = (1.0, 0.0), model_version: str = "m1") -> dict[int, float]:
        """What a visitor of this vector is proposed, with the scores."""
        query = self.shop.query(UserFeatures(), vector=by, vector_version=model_version)
        proposals = await Embedding(self.shop.inputs).propose(query, 5)
        return dict(zip(proposals.item_nos.tolist(), proposals.scores.tolist(), strict=True))


@pytest.fixture
async def setting() -> Setting:
    return Setting()


def unavailable() -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), details="nobody is there"
    )


async def test_a_new_item_is_found_once_it_is_encoded(setting: Setting) -> None:
    setting.shop.put(3)
    assert await setting.found() == {2: 2.0, 1: 1.0}
    await setting.keeper.keep()
    assert await setting.found() == {3: 3.0, 2: 2.0, 1: 1.0}
    request = setting.ranker.requests[0]
    assert (request.model, request.catalog_version) == ("m1", setting.shop.inputs.columns.version)


async def test_nothing_is_asked_where_nothing_is_new(setting: Setting) -> None:
    for _ in range(3):
        await setting.keeper.keep()
    assert setting.ranker.asked == []


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda shop: shop.put(3, price=9.0), True),
        (lambda shop: shop.put(3, path=("shop", "other")), True),
        (lambda shop: shop.put(3, "another title"), True),
        (lambda shop: shop.put(3, stock=4), False),
    ],
    ids=["price", "category", "title", "stock"],
)
async def test_an_item_is_encoded_again_when_what_the_model_sees_of_it_changes(
    setting: Setting, change: Callable[[Shop], None], *, again: bool
) -> None:
    setting.shop.put(3)
    await setting.keeper.keep()
    change(setting.shop)
    setting.ranker.encode = lambda item_no: (30.0, 0.0)
    await setting.keeper.keep()
    assert setting.ranker.asked == ([[3], [3]] if again else [[3]])
    assert (await setting.found())[3] == (30.0 if again else 3.0)


async def test_a_changed_item_of_the_training_is_found_by_what_it_is_now(setting: Setting) -> None:
    setting.shop.put(2, price=50.0)
    setting.ranker.encode = lambda item_no: (0.0, 9.0)
    await setting.keeper.keep()
    assert await setting.found() == {1: 1.0, 2: 0.0}
    assert await setting.found(by=(0.0, 1.0)) == {2: 9.0, 1: 0.0}


async def test_an_item_that_changes_while_it_is_encoded_is_encoded_again(setting: Setting) -> None:
    setting.shop.put(3)
    setting.ranker.go.clear()
    keeping = asyncio.create_task(setting.keeper.keep())
    await asyncio.sleep(0)
    setting.shop.put(3, price=9.0)
    setting.ranker.go.set()
    await keeping
    assert setting.ranker.asked == [[3], [3]]
    assert setting.shop.inputs.waiting_vectors == 0


async def test_a_ranker_that_has_not_read_the_item_yet_is_asked_again(setting: Setting) -> None:
    setting.shop.put(3)
    setting.ranker.catalog_version = 0
    await setting.keeper.keep()
    assert (setting.shop.inputs.waiting_vectors, setting.shop.inputs.vectors_fault) == (1, "")
    assert 3 not in await setting.found()
    setting.ranker.catalog_version = None
    await setting.keeper.keep()
    assert 3 in await setting.found()


async def test_a_deleted_item_is_not_found_and_makes_room(setting: Setting) -> None:
    for item_no in (3, 4):
        setting.shop.put(item_no)
    await setting.keeper.keep()
    setting.shop.delete(3)
    assert 3 not in await setting.found()
    setting.shop.put(5)
    await setting.keeper.keep()
    vectors = setting.shop.inputs.vectors
    assert vectors is not None
    assert vectors.newer is not None
    assert list(vectors.newer.item_nos) == [4, 5]
    setting.shop.put(3)
    await setting.keeper.keep()
    assert 3 in await setting.found()


async def test_a_training_that_has_the_items_takes_their_place(setting: Setting) -> None:
    setting.shop.put(3)
    await setting.keeper.keep()
    setting.trained({1: (1.0, 0.0), 2: (2.0, 0.0), 3: (0.5, 0.0)}, "m2")
    assert await setting.found(model_version="m2") == {2: 2.0, 1: 1.0, 3: 0.5}
    await setting.keeper.keep()
    assert setting.ranker.asked == [[3]]
    vectors = setting.shop.inputs.vectors
    assert vectors is not None
    assert vectors.newer is None
    assert setting.shop.inputs.new_vectors is None, "the former training's vectors are freed"


async def test_vectors_of_a_former_model_are_never_searched(setting: Setting) -> None:
    setting.shop.put(3)
    setting.ranker.go.clear()
    keeping = asyncio.create_task(setting.keeper.keep())
    await asyncio.sleep(0)
    setting.trained({1: (1.0, 0.0), 2: (2.0, 0.0)}, "m2")
    setting.ranker.go.set()
    await keeping
    assert await setting.found(model_version="m2") == {2: 2.0, 1: 1.0}
    setting.ranker.model_version = "m2"
    setting.ranker.encode = lambda item_no: (0.25, 0.0)
    await setting.keeper.keep()
    assert await setting.found(model_version="m2") == {2: 2.0, 1: 1.0, 3: 0.25}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda ranker: setattr(ranker, "fault", unavailable()), "nobody is there"),
        (lambda ranker: setattr(ranker, "model_version", "m9"), "by model 'm9', the item vectors are of 'm1'"),
        (lambda ranker: setattr(ranker, "encode", lambda _: (1.0, 2.0, 3.0)), "3 numbers for 1 vectors of 2"),
        (lambda ranker: setattr(ranker, "encode", lambda _: (1.0, float("inf"))), "not finite"),
    ],
    ids=["dead", "another model", "another length", "not finite"],
)
async def test_while_the_ranker_cannot_items_wait_and_the_status_says_why(
    setting: Setting, spoil: Callable[[FakeRanker], None], told: str
) -> None:
    setting.shop.put(3)
    spoil(setting.ranker)
    for _ in range(20):
        await setting.keeper.keep()
    assert len(setting.ranker.asked) == 3, "then the breaker holds"
    assert setting.shop.inputs.waiting_vectors == 1
    assert setting.metrics.registry.get_sample_value("vitrine_candidates_waiting_vectors") == 1
    assert told in setting.shop.inputs.vectors_fault
    assert await setting.found() == {2: 2.0, 1: 1.0}


async def test_the_fault_is_forgotten_when_the_ranker_answers(setting: Setting) -> None:
    setting.shop.put(3)
    setting.ranker.fault = unavailable()
    await setting.keeper.keep()
    setting.ranker.fault = None
    await setting.keeper.keep()
    assert (setting.shop.inputs.waiting_vectors, setting.shop.inputs.vectors_fault) == (0, "")
    assert 3 in await setting.found()


async def test_what_gets_no_vector_is_not_asked_for_until_it_changes(setting: Setting) -> None:
    setting.shop.put(3)
    setting.ranker.unknown = {3}
    for _ in range(3):
        await setting.keeper.keep()
    assert setting.ranker.asked == [[3]]
    setting.ranker.unknown.clear()
    setting.shop.put(3, price=7.0)
    await setting.keeper.keep()
    assert 3 in await setting.found()


async def test_a_bulk_is_encoded_in_portions_the_newest_first(setting: Setting) -> None:
    setting.shop.put(1, price=8.0)
    for item_no in range(3, 3003):
        setting.shop.put(item_no)
    await setting.keeper.keep()
    assert [len(item_nos) for item_nos in setting.ranker.asked] == [512, 512, 512, 512, 512, 441]
    assert setting.ranker.asked[0][:2] == [3002, 3001]
    assert setting.ranker.asked[-1][-1] == 1, "what has a vector, if an old one, can wait"
    assert list(await setting.found()) == [3002, 3001, 3000, 2999, 2998]


async def test_vectors_that_say_nothing_of_their_making_count_as_true(setting: Setting) -> None:
    setting.shop.vectors({1: (1.0, 0.0), 2: (2.0, 0.0)})
    setting.shop.put(3)
    await setting.keeper.keep()
    assert setting.ranker.asked == [[3]]
    setting.shop.put(1, price=5.0)
    await setting.keeper.keep()
    assert setting.ranker.asked == [[3], [1]]


async def test_without_item_vectors_nothing_is_asked(setting: Setting) -> None:
    setting.shop.inputs.embeddings.value = None
    setting.shop.put(3)
    await setting.keeper.keep()
    assert (setting.ranker.asked, setting.shop.inputs.vectors) == ([], None)


async def test_more_than_there_is_room_for_waits_for_the_next_training(setting: Setting) -> None:
    setting.keeper = setting.new_keeper(most=2)
    for item_no in (3, 4, 5):
        setting.shop.put(item_no)
    await setting.keeper.keep()
    await setting.keeper.keep()
    assert setting.ranker.asked == [[5, 4]]
    assert setting.shop.inputs.waiting_vectors == 1
    assert "train again" in setting.shop.inputs.vectors_fault
    setting.shop.put(5, price=6.0)
    await setting.keeper.keep()
    assert setting.ranker.asked == [[5, 4], [5]], "one that is there already may change"
    setting.shop.delete(4)
    await setting.keeper.keep()
    assert setting.ranker.asked == [[5, 4], [5], [3]], "what is deleted makes room"


def test_room_is_kept_for_no_item_twice(setting: Setting) -> None:
    for item_no in (3, 4, 5):
        setting.shop.put(item_no)
    trained = setting.shop.inputs.embeddings.value
    assert trained is not None
    new_items = NewItems(trained, setting.shop.inputs.columns, most=2)
    assert list(new_items.admitted(new_items.wanted(), 10)) == [5, 4]
    assert list(new_items.admitted(new_items.wanted(), 1)) == [5]
