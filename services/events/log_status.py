from services.events.read_pool import ReadPool
from services.events.storage.log_reader import LogReader
from vitrine.events.v1.event_service_pb2 import GetLogStatusResponse, PartitionOffset


class LogStatus:
    """Says where the log ends."""

    def __init__(self, reader: LogReader, pool: ReadPool) -> None:
        self._reader = reader
        self._pool = pool

    async def read(self) -> GetLogStatusResponse:
        """Returns the end of each partition, in order, and how many events are in quarantine."""
        ends = await self._pool.run(self._reader.end_offsets)
        return GetLogStatusResponse(
            end_offsets=[PartitionOffset(partition=partition, offset=end) for partition, end in enumerate(ends)],
            quarantined_count=await self._pool.run(self._reader.quarantined_count),
        )
