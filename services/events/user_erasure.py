import uuid

from services.common.clock import Clock
from services.common.timestamps import millis_to_timestamp, to_millis
from services.common.validation import Violations
from services.common.visitors import erasure_digest, partition_of, visitor_key
from services.events.digests import visitor_digest
from services.events.group_commit import GroupCommitter
from services.events.storage.operations import EraseVisitor
from vitrine.events.v1.event_service_pb2 import DeleteUserRequest, DeleteUserResponse


class UserErasure:
    """Erases visitors from the log."""

    def __init__(self, committer: GroupCommitter, clock: Clock, partitions: int) -> None:
        self._committer = committer
        self._clock = clock
        self._partitions = partitions

    async def run(self, request: DeleteUserRequest) -> DeleteUserResponse:
        """Returns the receipt once the erasure is durable; for a `request_id` of an earlier one, the earlier receipt.

        Raises InvalidArgumentError for a bad visitor or request id.
        """
        key = visitor_key(request.visitor)
        if request.request_id:
            violations = Violations()
            violations.identifier("request_id", request.request_id)
            violations.raise_if_any("The erasure is not done")
        receipt_id = uuid.uuid4().hex
        receipt = await self._committer.submit(
            EraseVisitor(
                visitor_key=visitor_digest(key),
                partition=partition_of(key, self._partitions),
                erasure_key=erasure_digest(key, request.request_id or receipt_id),
                receipt_id=receipt_id,
                delete_millis=to_millis(self._clock.now()),
            )
        )
        return DeleteUserResponse(
            receipt_id=receipt.receipt_id,
            deleted_event_count=receipt.events,
            deleted_page_count=receipt.pages,
            deleted_quarantine_count=receipt.rejections,
            delete_time=millis_to_timestamp(receipt.delete_millis),
        )
