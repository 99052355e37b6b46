from collections.abc import AsyncIterator
from typing import Any

import grpc

from services.common.clock import Clock
from services.common.errors import invalid_field
from services.common.timestamps import millis_to_timestamp
from services.common.validation import Violations, check_batch
from services.common.visitors import anonymous_key, check_visitor, user_key, visitor_key
from services.features.materializer.ledger import key_of
from services.features.users.lifecycle import UserLifecycle
from services.features.users.user_export import UserExport
from services.features.users.users import Users
from vitrine.features.v1 import user_service_pb2 as pb
from vitrine.features.v1 import user_service_pb2_grpc

MAXIMUM_USERS = 1_000

Context = grpc.aio.ServicerContext[Any, Any]


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """vitrine.features.v1.UserService: validates, calls, marshals."""

    def __init__(self, users: Users, lifecycle: UserLifecycle, export: UserExport, clock: Clock) -> None:
        self._users = users
        self._lifecycle = lifecycle
        self._export = export
        self._clock = clock

    async def UpsertUsers(self, request: pb.UpsertUsersRequest, context: Context) -> pb.UpsertUsersResponse:
        check_batch("updates", request.updates, MAXIMUM_USERS)
        keys = [key_of(update.user.visitor) for update in request.updates]
        return pb.UpsertUsersResponse(results=await self._lifecycle.upsert(request.updates, keys, self._clock.now()))

    async def LookupUsers(self, request: pb.LookupUsersRequest, context: Context) -> pb.LookupUsersResponse:
        check_batch("visitors", request.visitors, MAXIMUM_USERS)
        violations = Violations()
        for place, visitor in enumerate(request.visitors):
            check_visitor(violations, visitor, f"visitors[{place}]")
        violations.raise_if_any()
        keys = [self._users.resolve(key_of(visitor)) for visitor in request.visitors]
        known = await self._users.find(set(keys))
        return pb.LookupUsersResponse(
            users=[known[key].message for key in keys if key in known],
            missing_visitors=[v for v, key in zip(request.visitors, keys, strict=True) if key not in known],
        )

    async def MergeUsers(self, request: pb.MergeUsersRequest, context: Context) -> pb.MergeUsersResponse:
        anonymous, user = _merge_keys(request)
        merged = await self._lifecycle.merge(anonymous, user, self._clock.now())
        return pb.MergeUsersResponse(already_merged=not merged)

    async def UnmergeUsers(self, request: pb.UnmergeUsersRequest, context: Context) -> pb.UnmergeUsersResponse:
        anonymous, user = _merge_keys(request)
        await self._lifecycle.unmerge(anonymous, user, self._clock.now())
        return pb.UnmergeUsersResponse()

    async def ExportUser(self, request: pb.ExportUserRequest, context: Context) -> AsyncIterator[pb.ExportUserResponse]:
        key = self._users.resolve(visitor_key(request.visitor))
        async for line in self._export.lines(key, self._clock.now()):
            yield pb.ExportUserResponse(json_lines=line)

    async def DeleteUser(self, request: pb.DeleteUserRequest, context: Context) -> pb.DeleteUserResponse:
        key = visitor_key(request.visitor)
        if request.request_id:
            violations = Violations()
            violations.identifier("request_id", request.request_id)
            violations.raise_if_any()
        receipt = await self._lifecycle.erase(key, request.request_id, self._clock.now())
        return pb.DeleteUserResponse(
            receipt_id=receipt.receipt_id,
            deleted_row_count=receipt.deleted_row_count,
            deleted_event_count=receipt.log.events,
            deleted_page_count=receipt.log.pages,
            deleted_quarantine_count=receipt.log.quarantined,
            delete_time=millis_to_timestamp(receipt.delete_millis),
        )


def _merge_keys(request: pb.MergeUsersRequest | pb.UnmergeUsersRequest) -> tuple[str, str]:
    """Returns the keys of visitor and user; raises InvalidArgumentError if they cannot be one person."""
    violations = Violations()
    violations.identifier("anonymous_id", request.anonymous_id)
    violations.identifier("user_id", request.user_id)
    violations.raise_if_any()
    if request.anonymous_id == request.user_id:
        raise invalid_field(
            "anonymous_id",
            "is the user_id too; send the id that the visitor had before signing in",
            "MERGE_INTO_ITSELF",
        )
    return anonymous_key(request.anonymous_id), user_key(request.user_id)
