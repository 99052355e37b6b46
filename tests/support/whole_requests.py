"""Calls of every method of every service, with every field filled."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from vitrine.candidates.v1 import candidate_service_pb2
from vitrine.events.v1 import event_service_pb2
from vitrine.features.v1 import catalog_service_pb2, feature_service_pb2, user_service_pb2
from vitrine.homepage.v1 import homepage_service_pb2
from vitrine.ranker.v1 import ranker_service_pb2

CONTRACTS: Final = {
    "events": [event_service_pb2],
    "features": [catalog_service_pb2, feature_service_pb2, user_service_pb2],
    "candidates": [candidate_service_pb2],
    "ranker": [ranker_service_pb2],
    "homepage": [homepage_service_pb2],
}
"""The contracts that each process of the shop serves."""

_DEEPEST: Final = 5


def methods_of(process: str) -> Iterator[MethodDescriptor]:
    """Yields the methods of a process."""
    for module in CONTRACTS[process]:
        services: dict[str, ServiceDescriptor] = module.DESCRIPTOR.services_by_name
        for service in services.values():
            yield from service.methods


def filled(message: Message, text: str, *, visitors_only: bool, depth: int = 0) -> Message:
    """Sets every text in a message, and in all that it holds, to `text`; with `visitors_only`, visitors' ids alone."""
    if depth > _DEEPEST:
        return message
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            inner = getattr(message, field.name)
            filled(inner.add() if field.is_repeated else inner, text, visitors_only=visitors_only, depth=depth + 1)
            if not field.is_repeated:
                inner.SetInParent()
        elif visitors_only and message.DESCRIPTOR.name != "Visitor" and not field.name.endswith("user_id"):
            continue
        elif field.type == FieldDescriptor.TYPE_STRING and field.containing_oneof is None:
            if field.is_repeated:
                getattr(message, field.name).append(text)
            else:
                setattr(message, field.name, text)
    return message


async def call(
    channel: grpc.aio.Channel, method: MethodDescriptor, request: Message, seconds: float
) -> grpc.StatusCode:
    """Makes a call and reads what comes within `seconds`; returns how it ended."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer: Any = GetMessageClass(method.output_type)
    codecs: Any = (lambda message: message.SerializeToString(), answer.FromString)

    async def requests() -> AsyncIterator[Message]:
        yield request

    try:
        if method.client_streaming:
            async for _ in channel.stream_stream(path, *codecs)(requests(), timeout=seconds):
                pass
        elif method.server_streaming:
            async for _ in channel.unary_stream(path, *codecs)(request, timeout=seconds):
                pass
        else:
            await channel.unary_unary(path, *codecs)(request, timeout=seconds)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
