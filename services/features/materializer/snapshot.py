from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from services.features.definitions.item_statistics import ItemStatisticsRow
from services.features.materializer import leases, parked_events
from services.features.materializer.leases import LeaseLostError
from services.features.materializer.parked_events import ParkedEvent
from services.features.statistics import stored_statistics
from services.features.statistics.stored_statistics import StoredChanges
from services.features.store.tables import USER_STATES
from services.features.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Unsaved states, statistics, parked events and the offsets that belong to them, and the right to write these."""

    worker: str
    held: dict[int, int]
    """The epochs of the leases, by partition."""

    saved_offsets: dict[int, int]
    offsets: dict[int, int]
    states: list[dict[str, Any]]
    statistics: list[ItemStatisticsRow]
    parked: list[ParkedEvent]
    bases: dict[int, ItemStatisticsRow]
    statistics_version: int

    def write(self, connection: Connection) -> StoredChanges:
        """Writes all of it into one transaction; nothing if that was done before."""
        stored = leases.check(connection, self.worker, self.held)
        if stored != self.saved_offsets:
            if stored != self.offsets:
                raise LeaseLostError
            return StoredChanges({}, stored_statistics.read_rows(connection, self.statistics_version))
        upsert(connection, USER_STATES, self.states)
        parked_events.park(connection, self.parked)
        changes = stored_statistics.add(connection, self.statistics, self.bases, self.statistics_version)
        leases.write_offsets(connection, self.offsets)
        return changes
