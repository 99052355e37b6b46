"""Batches concurrent requests: those that arrive while the model is busy go into the next run."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError, UnavailableError, VitrineError
from services.ranker.modelserver.servable import Servable, Tensors

Outputs = dict[str, NDArray[Any]]


@dataclass(slots=True)
class _Task:
    key: object
    servable: Servable
    signature_name: str
    inputs: Tensors
    rows: int
    answer: asyncio.Future[Outputs]


class Batcher:
    """Runs at most `parallelism` computations at once on `executor`; no request waits for a batch to fill.

    Requests for the same signature of the same version, with the same shapes except axis 0, are joined along axis 0, up
    to `max_batch_rows`, and padded to the next of `allowed_rows` (ascending; none: not at all) by repeating the last
    row, so that the model sees few shapes. While all runs are busy, at most `max_queued` requests wait; more are
    refused at once, since a late answer is useless. Belongs to one event loop.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        parallelism: int,
        max_batch_rows: int,
        max_queued: int,
        allowed_rows: Sequence[int] = (),
    ) -> None:
        self._executor = executor
        self._parallelism = parallelism
        self._max_batch_rows = max_batch_rows
        self._max_queued = max_queued
        self._allowed_rows = allowed_rows
        self._waiting: deque[_Task] = deque()
        self._runs: set[asyncio.Task[None]] = set()

    async def run(self, servable: Servable, signature_name: str, inputs: Tensors) -> Outputs:
        """Returns all outputs of the signature. Raises UnavailableError if too many wait, and the model's errors."""
        if len(self._waiting) >= self._max_queued:
            raise UnavailableError(
                f"The batch scheduling queue to which this task was submitted is full ({self._max_queued} wait); "
                "send fewer requests, or start another server",
                reason="QUEUE_FULL",
            )
        rows = _rows(servable.signatures[signature_name], inputs)
        key = (servable, signature_name, _shapes(inputs)) if rows else object()
        answer: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Task(key, servable, signature_name, inputs, rows, answer))
        self._start_runs()
        return await answer

    def _start_runs(self) -> None:
        while len(self._runs) < self._parallelism and (batch := self._next_batch()):
            run = asyncio.create_task(self._compute(batch))
            self._runs.add(run)
            run.add_done_callback(self._ended)

    def _ended(self, run: asyncio.Task[None]) -> None:
        self._runs.discard(run)
        self._start_runs()

    def _next_batch(self) -> list[_Task]:
        """Takes the longest-waiting request and those that can be joined to it; canceled ones drop out."""
        batch: list[_Task] = []
        others: deque[_Task] = deque()
        rows = 0
        for task in self._waiting:
            if task.answer.done():
                continue
            if not batch or (task.key == batch[0].key and rows + task.rows <= self._max_batch_rows):
                batch.append(task)
                rows += task.rows
            else:
                others.append(task)
        self._waiting = others
        return batch

    async def _compute(self, batch: Sequence[_Task]) -> None:
        first = batch[0]
        loop = asyncio.get_running_loop()
        with first.servable.in_use():
            try:
                answers = await loop.run_in_executor(self._executor, _run, batch, self._allowed_rows)
            except VitrineError as error:
                if len(batch) > 1:  # one of them is at fault: the others are computed without it
                    for task in batch:
                        await self._compute([task])
                    return
                _settle(first, error)
            except Exception as error:  # noqa: BLE001  # every error must reach its caller
                for task in batch:
                    _settle(task, error)
            else:
                for task, answer in zip(batch, answers, strict=True):
                    _settle(task, answer)


def _run(batch: Sequence[_Task], allowed_rows: Sequence[int]) -> list[Outputs]:
    first = batch[0]
    model = first.servable.model
    rows = sum(task.rows for task in batch)
    # 0 rows: the signature can't be batched, or the request is empty.
    padding = next((allowed for allowed in allowed_rows if allowed >= rows), rows) - rows if rows else 0
    if len(batch) == 1 and not padding:
        return [model.run(first.signature_name, first.inputs)]
    joined = {
        name: np.concatenate(
            [*(task.inputs[name] for task in batch), np.repeat(batch[-1].inputs[name][-1:], padding, 0)]
        )
        for name in first.inputs
    }
    outputs = model.run(first.signature_name, joined)
    if any(array.shape[0] != rows + padding for array in outputs.values()):
        raise FailedPreconditionError("The model's outputs don't have the inputs' 0th dimension; it can't be batched")
    cuts = np.cumsum([task.rows for task in batch])[:-1]
    parts = {name: np.split(array[:rows], cuts) for name, array in outputs.items()}
    return [{name: split[place] for name, split in parts.items()} for place in range(len(batch))]


def _settle(task: _Task, outcome: Outputs | Exception) -> None:
    if task.answer.done():
        return
    if isinstance(outcome, Exception):
        task.answer.set_exception(outcome)
    else:
        task.answer.set_result(outcome)


def _rows(signature: Any, inputs: Tensors) -> int:
    """Returns the size of the axis to join along; 0 if signature or request doesn't allow it."""
    infos = [*signature.inputs.values(), *signature.outputs.values()]
    open_ended = all(info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1 for info in infos)
    sizes = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
    return sizes.pop() if open_ended and len(sizes) == 1 else 0


def _shapes(inputs: Tensors) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, inputs[name].shape[1:]) for name in sorted(inputs))
