import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc

from cli.importer.batches import Batch
from cli.importer.patience import Patience
from cli.importer.report import Report, place_of
from vitrine.events.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc

BATCHES_IN_FLIGHT: Final = 4


class EventSender:
    """Sends events as one stream, some batches ahead of the answers. A stream that breaks is begun again with the
    batches that were not answered: an event that is stored already is not stored twice.

    Args:
        channel: to the events service.
        report: takes down what becomes of the rows.
    """

    def __init__(self, channel: grpc.aio.Channel, report: Report) -> None:
        self._stub = event_service_pb2_grpc.EventServiceStub(channel)
        self._report = report
        self._patience = Patience("events")
        self._unanswered: deque[Batch[event_pb2.Event]] = deque()
        self._call: Any = None

    async def send(self, batches: AsyncIterator[Batch[event_pb2.Event]]) -> None:
        """Sends all batches.

        Raises:
            CommandError: the service does not answer for long.
        """
        try:
            async for batch in batches:
                self._unanswered.append(batch)
                await self._patiently(begun=False)
            while self._unanswered:
                await self._patiently(begun=True)
            if self._call is not None:
                await self._call.done_writing()
        finally:
            if self._call is not None:
                self._call.cancel()

    async def _patiently(self, *, begun: bool) -> None:
        """Sends the last of the batches unless that was begun before, and takes answers until few are owed."""
        while True:
            try:
                if self._call is None:
                    self._call = self._stub.ImportEvents()
                    for batch in list(self._unanswered):
                        await self._write(batch)
                elif not begun:
                    await self._write(self._unanswered[-1])
                while len(self._unanswered) >= (1 if begun else BATCHES_IN_FLIGHT):
                    await self._take_answer()
                return
            except grpc.aio.AioRpcError as error:
                self._call = None
                await self._patience.wait(error)

    async def _write(self, batch: Batch[event_pb2.Event]) -> None:
        try:
            await self._call.write(event_service_pb2.ImportEventsRequest(events=batch.messages))
        except asyncio.InvalidStateError:
            # The stream is over; its status says why.
            await self._raise_status()

    async def _take_answer(self) -> None:
        answer = await self._call.read()
        if answer is grpc.aio.EOF:
            await self._raise_status()
        self._patience.answered()
        batch = self._unanswered.popleft()
        self._report.answered(answer.stored_count, "stored")
        self._report.answered(answer.duplicate_count, "known")
        self._report.answered(answer.not_kept_count, "not kept")
        for result in answer.rejected:
            place = place_of(result.field)
            if place is not None and place < len(batch.lines):
                self._report.refused(
                    batch.lines[place], batch.messages[place], result.field, result.reason, result.description
                )

    async def _raise_status(self) -> None:
        code = await self._call.code()
        # A server that ends the stream before all is answered is as good as gone.
        code = grpc.StatusCode.UNAVAILABLE if code is grpc.StatusCode.OK else code
        metadata = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(code, metadata, metadata, details=await self._call.details())
