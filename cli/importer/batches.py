from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

# The services take 16 MiB by default and gRPC itself 4; a batch stays below both.
MAX_BATCH_BYTES = 3 << 20
# Tag and length before each message in its list.
FRAME_BYTES = 6


@dataclass(slots=True)
class Batch(Generic[M]):
    """Messages that go in one call.

    Args:
        messages: the messages.
        lines: the line that each comes from.
    """

    messages: list[M] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def batched(messages: Iterable[tuple[int, M]], limit: int, limit_bytes: int = MAX_BATCH_BYTES) -> Iterator[Batch[M]]:
    """Batches of at most so many messages and bytes. One message that is longer alone is a batch of its own.

    Args:
        messages: messages with their lines.
        limit: messages in a batch.
        limit_bytes: bytes of a batch on the wire.
    """
    batch, size = Batch[M](), 0
    for line, message in messages:
        length = message.ByteSize() + FRAME_BYTES
        if batch.messages and (len(batch.messages) == limit or size + length > limit_bytes):
            yield batch
            batch, size = Batch[M](), 0
        batch.messages.append(message)
        batch.lines.append(line)
        size += length
    if batch.messages:
        yield batch
