"""Where a tail starts."""

from collections.abc import Sequence
from typing import Final

from services.common.errors import FieldViolation, OutOfRangeError
from services.common.validation import Violations
from services.events.storage.log_reader import Bounds
from vitrine.events.v1.event_service_pb2 import TailEventsRequest

DEFAULT_BATCH: Final = 1_000
MAX_BATCH: Final = 5_000


def starting_places(request: TailEventsRequest, bounds: Sequence[Bounds]) -> dict[int, int]:
    """Returns the offset to start at by partition. If the request names none: all partitions, from their oldest event.

    Raises InvalidArgumentError for an invalid batch size and for unknown or repeated partitions, OutOfRangeError for
    offsets that are beyond the end or were deleted. Offset 0 means the oldest that is kept.
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
    """Returns the error for an offset that is no longer kept."""
    description = (
        f"is at offset {offset}, which was deleted; the oldest that is kept is {oldest}: continue from there, or "
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
            violations.add(
                f"from[{index}].partition", "is given twice; send one entry per partition", reason="PARTITION_TWICE"
            )
        seen.add(place.partition)
    violations.raise_if_any("The tail can't start")


def _offset_beyond_end(field: str, offset: int, end: int) -> OutOfRangeError:
    description = (
        f"is {offset}, beyond the log's end {end}; the offset is from another log, or this one is an older copy: "
        "rebuild the consumer from offset 0"
    )
    return OutOfRangeError(
        f"{field} {description}",
        reason="OFFSET_BEYOND_END",
        violations=[FieldViolation(field, description, "OFFSET_BEYOND_END")],
    )
