"""A unary call to another service with a deadline and a circuit breaker."""

import asyncio
from typing import Final, Generic, TypeVar

import grpc

from services.common.circuit_breaker import CircuitBreaker
from services.common.errors import DeadlineExceededError, UnavailableError, VitrineError
from services.common.rpc_status import from_rpc_error

Request = TypeVar("Request")
Response = TypeVar("Response")

# The dependency answered, even if with an error about the request. Any other code means that it can't answer.
_ANSWERS: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.PERMISSION_DENIED,
    }
)

# A late call with a shorter deadline says nothing about the dependency: an impatient client must not open the breaker.
_FAIR_SECONDS: Final = 0.05


class GuardedCall(Generic[Request, Response]):
    """Calls `method`. Raises only VitrineError; immediately if the breaker is open."""

    def __init__(
        self, name: str, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], breaker: CircuitBreaker
    ) -> None:
        self._name = name
        self._method = method
        self._breaker = breaker

    async def __call__(self, request: Request, seconds: float) -> Response:
        """Returns the response, within `seconds`."""
        if seconds <= 0:
            raise DeadlineExceededError(f"no time is left for {self._name}")
        if not self._breaker.allow():
            raise UnavailableError(
                f"{self._name} failed repeatedly and isn't called for a moment", reason="CIRCUIT_OPEN"
            )
        clock = asyncio.get_running_loop().time
        due = clock() + seconds
        try:
            response = await self._method(request, timeout=seconds)
        except asyncio.CancelledError:
            # On a busy loop whoever waits may cancel before gRPC reports the deadline. Sooner, the client went away.
            if clock() >= due and seconds >= _FAIR_SECONDS:
                self._breaker.failed()
            raise
        except grpc.RpcError as error:
            failure = from_rpc_error(error)
            self._note(failure, seconds)
            raise failure from error
        self._breaker.succeeded()
        return response

    def _note(self, failure: VitrineError, seconds: float) -> None:
        if failure.code in _ANSWERS:
            self._breaker.succeeded()
        elif failure.code is grpc.StatusCode.CANCELLED:
            return  # somebody gave up on the call, which says nothing about the dependency
        elif failure.code is not grpc.StatusCode.DEADLINE_EXCEEDED or seconds >= _FAIR_SECONDS:
            self._breaker.failed()
