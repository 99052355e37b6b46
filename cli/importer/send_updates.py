import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from cli.importer.batches import Batch
from cli.importer.patience import Patience
from cli.importer.report import Report
from vitrine.features.v1 import (
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)

CALLS_IN_FLIGHT: Final = 3
TIMEOUT_SECONDS: Final = 60.0

ITEM_OUTCOMES: Final[Mapping[int, str]] = {
    catalog_service_pb2.ITEM_STATUS_CREATED: "created",
    catalog_service_pb2.ITEM_STATUS_UPDATED: "updated",
    catalog_service_pb2.ITEM_STATUS_UNCHANGED: "unchanged",
    catalog_service_pb2.ITEM_STATUS_OUTDATED: "outdated",
}
USER_OUTCOMES: Final[Mapping[int, str]] = {
    user_service_pb2.USER_STATUS_CREATED: "created",
    user_service_pb2.USER_STATUS_UPDATED: "updated",
    user_service_pb2.USER_STATUS_UNCHANGED: "unchanged",
    user_service_pb2.USER_STATUS_OUTDATED: "outdated",
}

M = TypeVar("M", bound=Message)


class Result(Protocol):
    """What a service says became of one update."""

    @property
    def status(self) -> int:
        """What became of it."""

    @property
    def reason(self) -> str:
        """Why it was rejected."""

    @property
    def field(self) -> str:
        """The field at fault."""

    @property
    def description(self) -> str:
        """What to do about it."""


class UpdateSender(Generic[M]):
    """Sends batches of updates, several calls at a time. The services keep the newest of each item and user, so the
    order in which calls arrive does not matter.

    Args:
        call: sends one batch and returns a result for each of its messages.
        outcomes: the results' statuses in words; another one is a rejection.
        report: takes down what becomes of the rows.
    """

    def __init__(
        self, call: Callable[[Sequence[M]], Awaitable[Sequence[Result]]], outcomes: Mapping[int, str], report: Report
    ) -> None:
        self._call = call
        self._outcomes = outcomes
        self._report = report

    async def send(self, batches: AsyncIterator[Batch[M]]) -> None:
        """Sends all batches.

        Raises:
            CommandError: the service does not answer for long.
        """
        in_flight: deque[asyncio.Task[None]] = deque()
        try:
            async for batch in batches:
                in_flight.append(asyncio.create_task(self._send(batch)))
                if len(in_flight) == CALLS_IN_FLIGHT:
                    await in_flight.popleft()
            while in_flight:
                await in_flight.popleft()
        finally:
            for task in in_flight:
                task.cancel()
            await asyncio.gather(*in_flight, return_exceptions=True)

    async def _send(self, batch: Batch[M]) -> None:
        patience = Patience("features")
        while True:
            try:
                results = await self._call(batch.messages)
                break
            except grpc.aio.AioRpcError as error:
                await patience.wait(error)
        for line, message, result in zip(batch.lines, batch.messages, results, strict=True):
            outcome = self._outcomes.get(result.status)
            if outcome is None:
                self._report.refused(line, message, result.field, result.reason, result.description)
            else:
                self._report.answered(1, outcome)


def item_sender(channel: grpc.aio.Channel, report: Report) -> UpdateSender[catalog_service_pb2.ItemUpdate]:
    """Sends items to the catalog."""
    stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)

    async def call(updates: Sequence[catalog_service_pb2.ItemUpdate]) -> Sequence[Result]:
        request = catalog_service_pb2.UpsertItemsRequest(updates=updates)
        return (await stub.UpsertItems(request, timeout=TIMEOUT_SECONDS)).results

    return UpdateSender(call, ITEM_OUTCOMES, report)


def user_sender(channel: grpc.aio.Channel, report: Report) -> UpdateSender[user_service_pb2.UserUpdate]:
    """Sends users to the feature store."""
    stub = user_service_pb2_grpc.UserServiceStub(channel)

    async def call(updates: Sequence[user_service_pb2.UserUpdate]) -> Sequence[Result]:
        request = user_service_pb2.UpsertUsersRequest(updates=updates)
        return (await stub.UpsertUsers(request, timeout=TIMEOUT_SECONDS)).results

    return UpdateSender(call, USER_OUTCOMES, report)
