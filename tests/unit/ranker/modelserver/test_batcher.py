import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from services.common.errors import InvalidArgumentError, UnavailableError
from services.ranker.modelserver.batcher import Batcher
from services.ranker.modelserver.servable import Servable
from tests.support.fake_model import FakeModel


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def _batcher(executor: ThreadPoolExecutor, **limits: Any) -> Batcher:
    return Batcher(executor, **{"parallelism": 1, "max_batch_rows": 8, "max_queued": 100, **limits})


async def _ask(batcher: Batcher, servable: Servable, value: float, rows: int = 1, columns: int = 3) -> Any:
    outputs = await batcher.run(servable, "serving_default", {"x": np.full((rows, columns), value, np.float32)})
    assert outputs["y"].shape == (rows, columns)
    return outputs["y"]


async def _while_busy(batcher: Batcher, servable: Servable, model: FakeModel, *asks: Any) -> list[Any]:
    """Starts the asks while a first run holds the batcher, lets it go, and returns their outcomes."""
    model.go.clear()
    first = asyncio.create_task(_ask(batcher, servable, 1.0))
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(ask) for ask in asks]
    await asyncio.sleep(0.01)
    model.go.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_lone_request_does_not_wait(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    assert (await _ask(_batcher(executor), Servable("m", 1, model), 3.0) == 6.0).all()
    assert model.rows == [1]


async def test_what_waits_is_computed_together_and_everyone_gets_his_own(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    asks = [_ask(batcher, servable, float(value), rows=1 + value % 2) for value in range(4)]
    answers = await _while_busy(batcher, servable, model, *asks)
    assert [float(answer[0, 0]) for answer in answers] == [0.0, 2.0, 4.0, 6.0]
    assert model.rows == [1, 6]


async def test_batches_are_padded_to_few_sizes_and_nobody_sees_it(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor, allowed_rows=(1, 2, 4, 8))
    asks = [_ask(batcher, servable, float(value)) for value in range(5)]
    answers = await _while_busy(batcher, servable, model, *asks)
    assert [float(answer[0, 0]) for answer in answers] == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert (await _ask(batcher, servable, 3.0, rows=3) == 6.0).all()
    assert model.rows == [1, 8, 4]


@pytest.mark.parametrize("rows", [0, 9])
async def test_what_has_no_rows_or_more_than_any_size_is_not_padded(executor: ThreadPoolExecutor, rows: int) -> None:
    model = FakeModel()
    await _ask(_batcher(executor, allowed_rows=(2, 4, 8)), Servable("m", 1, model), 1.0, rows=rows)
    assert model.rows == [rows]


async def test_a_model_of_a_fixed_batch_is_not_padded(executor: ThreadPoolExecutor) -> None:
    model = FakeModel(batchable=False)
    await _ask(_batcher(executor, allowed_rows=(4,)), Servable("m", 1, model), 1.0)
    assert model.rows == [1]


async def test_a_batch_does_not_outgrow_its_limit(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor, max_batch_rows=3)
    await _while_busy(batcher, servable, model, *(_ask(batcher, servable, 1.0, rows=2) for _ in range(3)))
    assert model.rows == [1, 2, 2, 2]


async def test_only_like_shapes_of_one_version_are_joined(executor: ThreadPoolExecutor) -> None:
    model, other = FakeModel(), FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    asks = [_ask(batcher, servable, 1.0, columns=columns) for columns in (3, 4, 3)]
    asks.append(_ask(batcher, Servable("m", 2, other), 1.0))
    await _while_busy(batcher, servable, model, *asks)
    assert model.rows == [1, 2, 1]
    assert other.rows == [1]


async def test_a_model_of_fixed_rows_is_never_joined(executor: ThreadPoolExecutor) -> None:
    model = FakeModel(batchable=False)
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    await _while_busy(batcher, servable, model, *(_ask(batcher, servable, 1.0) for _ in range(3)))
    assert model.rows == [1, 1, 1, 1]


async def test_a_bad_request_does_not_spoil_its_neighbors(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    outcomes = await _while_busy(
        batcher, servable, model, *(_ask(batcher, servable, value) for value in (1.0, -1.0, 2.0))
    )
    assert isinstance(outcomes[1], InvalidArgumentError)
    assert [float(outcomes[place][0, 0]) for place in (0, 2)] == [2.0, 4.0]


async def test_too_many_are_refused_at_once(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor, max_queued=2)
    outcomes = await _while_busy(batcher, servable, model, *(_ask(batcher, servable, 1.0) for _ in range(4)))
    assert [isinstance(outcome, UnavailableError) for outcome in outcomes] == [False, False, True, True]


async def test_a_request_that_was_given_up_is_not_computed(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    model.go.clear()
    first = asyncio.create_task(_ask(batcher, servable, 1.0))
    second = asyncio.create_task(_ask(batcher, servable, 1.0))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.sleep(0.01)
    model.go.set()
    await first
    assert (await _ask(batcher, servable, 2.0) == 4.0).all()
    assert model.rows == [1, 1]


async def test_the_model_counts_as_used_while_it_computes_even_if_nobody_waits(executor: ThreadPoolExecutor) -> None:
    model = FakeModel()
    servable, batcher = Servable("m", 1, model), _batcher(executor)
    model.go.clear()
    asked = asyncio.create_task(_ask(batcher, servable, 1.0))
    await asyncio.sleep(0.01)
    asked.cancel()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(servable.unused(), 0.05)
    model.go.set()
    await asyncio.wait_for(servable.unused(), 5)
