from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

DOWN = "DOWN"


def health_of(address: str, *, timeout_seconds: float = 1.0) -> str:
    """What a server's standard health service says of the server as a whole.

    Returns:
        "SERVING", "NOT_SERVING", "UNKNOWN", or "DOWN" where nothing answers.
    """
    with grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # the package ships no types for it
        try:
            response = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_seconds)
        except grpc.RpcError:
            return DOWN
    return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
