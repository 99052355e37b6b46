from services.events.read_pool import ReadPool
from services.events.storage.log_reader import LogReader
from vitrine.events.v1.event_service_pb2 import GetLogStatusResponse, PartitionOffset


class LogStatus:
    """Says where the log begins and ends."""

    def __init__(self, reader: LogReader, pool: ReadPool) -> None:
        self._reader = reader
        self._pool = pool

    async def read(self) -> GetLogStatusResponse:
        """Returns the bounds of each partition, in order, and how many events are in quarantine."""
        bounds = await self._pool.run(self._reader.bounds)
        return GetLogStatusResponse(
            start_offsets=[PartitionOffset(partition=no, offset=each.start) for no, each in enumerate(bounds)],
            end_offsets=[PartitionOffset(partition=no, offset=each.end) for no, each in enumerate(bounds)],
            quarantined_count=await self._pool.run(self._reader.quarantined_count),
        )
