import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.common.clock import FixedClock
from services.common.progress import NoProgress
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.texts.text_vectors import TextVectors
from services.ranker.texts.vector_cache import VectorCache
from tests.support.fake_text_encoder import FakeTextEncoder, letter
from tests.support.training_shop import catalog_change
from vitrine.features.v1.item_pb2 import Vector

CLOCK = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


class Shop:
    """Columns with a vector of the shop's (4 numbers) and one of the text (384)."""

    def __init__(self, folder: Path) -> None:
        self.items = ItemColumns({"image": 4, "minilm": 384})
        self.encoder = FakeTextEncoder()
        self.texts = TextVectors(self.encoder, VectorCache(folder / "vectors.sqlite", "fake 1", CLOCK), self.items)

    def put(self, item_no: int, title: str, price: float = 2.0) -> None:
        image = {"image": Vector(values=[0, 3, 0, 0])}
        self.items.apply_catalog([catalog_change(item_no, price=price, title=title, vectors=image)])

    def text_vector(self, item_no: int) -> list[int]:
        """Where the text's vector is not 0."""
        assert self.items.vectors[item_no, :4].tolist() == [0, 1, 0, 0]
        return np.flatnonzero(self.items.vectors[item_no, 4:]).tolist()


def test_an_item_is_missing_its_vector_until_its_text_is_encoded(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.put(1, "milk")
    assert shop.text_vector(1) == []
    shop.texts.encode_all(NoProgress())
    assert shop.text_vector(1) == [letter("milk")]
    assert np.linalg.norm(shop.items.vectors[1, 4:]) == 1


def test_an_unchanged_text_is_encoded_once_in_all_processes(tmp_path: Path) -> None:
    shop, other = Shop(tmp_path), Shop(tmp_path)
    shop.put(1, "milk")
    shop.put(2, "milk")
    shop.texts.encode_all(NoProgress())
    shop.put(1, "milk", price=9.0)
    assert shop.text_vector(1) == [letter("milk")]
    other.put(7, "milk")
    other.texts.encode_all(NoProgress())
    assert other.text_vector(7) == [letter("milk")]
    assert (shop.encoder.asked, other.encoder.asked) == (["milk"], [])


async def test_a_changed_text_is_missing_and_then_the_new_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.put(1, "milk")
    await shop.texts.follow()
    shop.put(1, "bread")
    assert shop.text_vector(1) == []
    await shop.texts.follow()
    assert shop.text_vector(1) == [letter("bread")]
    shop.items.apply_catalog([catalog_change(1, title="")])
    assert not shop.items.vectors[1].any()
    assert not shop.items.waiting_texts


async def test_a_text_that_changes_while_it_is_encoded_is_not_taken_for_the_new_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.put(1, "milk")
    encoding = asyncio.create_task(shop.texts.follow())
    await asyncio.sleep(0)  # the batch is taken
    shop.put(1, "bread")
    await encoding
    assert shop.text_vector(1) == [letter("bread")]
    assert shop.encoder.asked == ["milk", "bread"]


async def test_items_that_are_asked_for_go_first(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for item_no in range(1, 600):
        shop.put(item_no, f"{item_no}")
    await shop.texts.encode([599, 598, 5_000])
    assert shop.encoder.asked == ["598", "599"]
    assert len(shop.items.waiting_texts) == 597
    await shop.texts.follow()
    assert sorted(shop.encoder.asked) == sorted(str(item_no) for item_no in range(1, 600))


class HeldEncoder(FakeTextEncoder):
    """Encodes when it is let; remembers how many encoded at once."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let = threading.Semaphore(0), threading.Event()
        self.running = self.most_running = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.begun.release()
        assert self.let.wait(30)
        self.running -= 1
        return super().encode(texts)


async def test_a_caller_that_gives_up_leaves_no_encoding_beside_the_next(tmp_path: Path) -> None:
    shop, encoder = Shop(tmp_path), HeldEncoder()
    shop.texts = TextVectors(encoder, VectorCache(tmp_path / "vectors.sqlite", "fake 1", CLOCK), shop.items)
    shop.put(1, "milk")
    shop.put(2, "bread")
    given_up = asyncio.create_task(shop.texts.encode([1]))
    assert await asyncio.to_thread(encoder.begun.acquire, timeout=30)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    following = asyncio.create_task(shop.texts.encode([2]))
    began_beside = await asyncio.to_thread(encoder.begun.acquire, timeout=0.3)
    encoder.let.set()
    await following
    shop.texts.close()
    assert not began_beside
    assert encoder.most_running == 1
    assert shop.text_vector(2) == [letter("bread")]
