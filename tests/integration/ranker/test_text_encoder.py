"""The ranker with a text encoder: what it sends to the model, and what training has made of the same items."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from services.common.clock import FixedClock
from services.common.errors import FailedPreconditionError
from services.common.progress import NoProgress
from services.ranker.app import build
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.settings import RankerSettings
from services.ranker.texts import minilm_encoder
from services.ranker.texts.minilm_encoder import MiniLmEncoder
from services.ranker.texts.text_vectors import open_texts
from tests.support.ranker_service import Ranker, ranker, request, until
from tests.support.training_shop import catalog_change
from vitrine.ranker.v1.ranker_service_pb2 import EncodeItemsRequest, Scorer

TITLES = {1: "grey sofa for three", 2: "couch, 3 seats, gray", 3: "cordless drill 18 V"}


async def test_ranker_and_training_see_the_same_vectors(tmp_path: Path) -> None:
    async with ranker(tmp_path, text_encoder="minilm") as service:
        service.model.vector_width = 384
        for item_no, title in TITLES.items():
            await service.features.put(item_no, price=2.0, title=title)
        await until(lambda: sends_vectors(service))
        encoded = await service.stub.EncodeItems(EncodeItemsRequest(item_nos=[1, 2, 3]), timeout=20)
        assert list(encoded.item_nos) == [1, 2, 3]
        sent = service.model.asked[-1][2]["vectors"][:3]
    items = ItemColumns({"minilm": 384})
    items.apply_catalog([catalog_change(item_no, title=title) for item_no, title in TITLES.items()])
    texts = open_texts(tmp_path, items, FixedClock(datetime(2026, 3, 1, tzinfo=UTC)))
    assert texts is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MiniLmEncoder, "encode", None)  # all are in the cache
        texts.encode_all(NoProgress())
    assert np.array_equal(items.vectors[1:4], sent)
    sofa, couch, drill = sent.astype(np.float32)
    assert sofa @ couch > 0.6
    assert sofa @ drill < 0.3


async def sends_vectors(service: Ranker) -> bool:
    """Whether the model is told vectors of all three; a ranking before is one with missing ones."""
    if (await service.score(request([1, 2, 3]))).scorer != Scorer.SCORER_MODEL:
        return False
    signature, _, inputs = service.model.asked[-1]
    assert signature == "rank"
    return bool(inputs["candidate_vectors"][0, :3].any(axis=1).all())


async def test_items_are_encoded_as_soon_as_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ranker.app.TEXTS_POLL_SECONDS", 600.0)
    async with ranker(tmp_path, text_encoder="minilm") as service:
        service.model.vector_width = 384
        await asyncio.sleep(0.1)  # nothing waited when it looked
        await service.features.put(1, price=2.0, title=TITLES[1])
        asked = EncodeItemsRequest(item_nos=[1], catalog_version=1)
        await until(lambda: known(service))
        await service.stub.EncodeItems(asked, timeout=20)
        assert service.model.asked[-1][2]["vectors"][0].any()


async def known(service: Ranker) -> bool:
    return (await service.status()).catalog_version >= 1


def test_what_is_not_installed_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_encoder, "PACKAGES", ("no_such_package",))
    with pytest.raises(FailedPreconditionError, match=r"vitrine\[minilm\]"):
        build(RankerSettings(state_directory=tmp_path, text_encoder="minilm"))


def test_a_vector_of_the_shop_cannot_have_the_encoders_name() -> None:
    with pytest.raises(ValidationError, match=r'vectors has "minilm".* rename the shop'):
        RankerSettings(vectors={"minilm": 384})
