"""Where a tail begins."""

from collections.abc import Sequence
from typing import Final

from services.common.errors import FieldViolation, OutOfRangeError
from services.common.validation import Violations
from services.events.storage.log_reader import Bounds
from vitrine.events.v1.event_service_pb2 import TailEventsRequest

DEFAULT_BATCH: Final = 1_000
MAX_BATCH: Final = 5_000


def starting_places(request: TailEventsRequest, bounds: Sequence[Bounds]) -> dict[int, int]:
    """Returns the offset to begin at by partition; all partitions from their oldest where the request names none.

    Raises InvalidArgumentError for a bad batch size and for partitions that are not there or there twice,
    OutOfRangeError for offsets beyond the end and for those that were dropped. Offset 0 is the oldest that is kept.
    """
    _check(request, len(bounds))
    places: dict[int, int] = {}
    for index, place in enumerate(getattr(request, "from")):
        start, end = bounds[place.partition]
        if place.offset > end:
            raise _offset_beyond_end(f"from[{index}].offset", place.offset, end)
        if 0 < place.offset < start:
            raise offset_dropped(f"from[{index}].offset", place.offset, start)
        places[place.partition] = place.offset or start
    return places or {partition: each.start for partition, each in enumerate(bounds)}


def offset_dropped(field: str, offset: int, oldest: int) -> OutOfRangeError:
    """Returns the error that says that `offset` is no longer kept."""
    description = (
        f"is at offset {offset}, which was dropped; the oldest that is kept is {oldest}: go on from there, or "
        "rebuild the consumer from what is kept (offset 0)"
    )
    return OutOfRangeError(
        f"{field} {description}",
        reason="OFFSET_DROPPED",
        violations=[FieldViolation(field, description, "OFFSET_DROPPED")],
        metadata={"oldest_offset": str(oldest)},
    )


def _check(request: TailEventsRequest, partitions: int) -> None:
    violations = Violations()
    if not 0 <= request.batch_size <= MAX_BATCH:
        violations.add(
            "batch_size",
            f"is {request.batch_size}; send 1 to {MAX_BATCH:,}, or 0 for {DEFAULT_BATCH:,}",
            reason="OUT_OF_RANGE",
        )
    seen: set[int] = set()
    for index, place in enumerate(getattr(request, "from")):
        if place.partition >= partitions:
            violations.add(
                f"from[{index}].partition",
                f"is {place.partition}; the log has partitions 0 to {partitions - 1}",
                reason="PARTITION_UNKNOWN",
            )
        elif place.partition in seen:
            violations.add(f"from[{index}].partition", "is there twice; send one entry each", reason="PARTITION_TWICE")
        seen.add(place.partition)
    violations.raise_if_any("The tail cannot begin")


def _offset_beyond_end(field: str, offset: int, end: int) -> OutOfRangeError:
    description = (
        f"is {offset}, beyond the log's end {end}; the log is not the one that this place is of (an older copy?): "
        "rebuild the consumer from offset 0"
    )
    return OutOfRangeError(
        f"{field} {description}",
        reason="OFFSET_BEYOND_END",
        violations=[FieldViolation(field, description, "OFFSET_BEYOND_END")],
    )
