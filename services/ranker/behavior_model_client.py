"""Calls the behavior model within a deadline, or not at all while its circuit breaker is open."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from services.common.circuit_breaker import CircuitBreaker
from services.common.deadlines import answer_due, overdue
from services.ranker.inputs.tensors import VECTORS
from services.ranker.model_contract import ModelContract
from services.ranker.model_fault import LATE, SERVER_UNAVAILABLE, ModelFault, VersionGone
from services.ranker.model_watch import ModelWatch
from services.ranker.prediction_client import Arrays, PredictionClient

# A timeout shorter than this is the caller's fault, not the model's.
FAIR_SECONDS: Final = 0.02

# A renewal that is shared with other callers may predate the change, so one isn't enough.
MOST_RENEWALS: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The outputs of a signature, and the version that computed them."""

    version: str
    outputs: dict[str, NDArray[Any]]


class BehaviorModelClient:
    """Calls one model: inputs are built for a version, and only that version answers them."""

    def __init__(
        self, client: PredictionClient, watch: ModelWatch, breaker: CircuitBreaker, *, timeout_seconds: float
    ) -> None:
        self._client = client
        self._watch = watch
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds
        self._last_fault = ModelFault(SERVER_UNAVAILABLE, "the model server hasn't answered yet")
        self.last_version = ""

    @property
    def fault(self) -> ModelFault | None:
        """Why the default model isn't called at the moment; None if it is."""
        if self._breaker.open:
            return self._last_fault
        return self._watch.fault or (None if self._watch.available else self._last_fault)

    async def ask(
        self, selector: str, signature: str, inputs: Callable[[ModelContract], Arrays], seconds: float
    ) -> Answer:
        """Returns the model's answer to `inputs`, which are built for the contract of the version called.

        Raises ModelFault after `seconds` at the latest, and at once if the model has just failed repeatedly.
        """
        if not self._breaker.allow():
            raise self._last_fault.again()
        limit = min(seconds, self._timeout_seconds)
        answer_due.set(asyncio.get_running_loop().time() + limit)
        try:
            answer = await self._ask(selector, signature, inputs, limit)
        except ModelFault as fault:
            self._note(fault, limit)
            raise
        except asyncio.CancelledError:
            if overdue():  # before that, the client canceled, which isn't the model's fault
                self._note(ModelFault(LATE, "the caller's time ran out first"), limit)
            raise
        self._breaker.succeeded()
        self.last_version = answer.version
        return answer

    async def _ask(
        self, selector: str, signature: str, inputs: Callable[[ModelContract], Arrays], seconds: float
    ) -> Answer:
        clock = asyncio.get_running_loop().time
        ends = clock() + seconds
        if seconds <= 0:
            raise ModelFault(LATE, "the deadline left no time for the model")
        contract = await self._watch.contract(selector, seconds)
        for renewals_left in range(MOST_RENEWALS, -1, -1):
            try:
                outputs = await self._client.predict(
                    contract.version, signature, _taken(inputs(contract), contract), ends - clock()
                )
                break
            except VersionGone:  # replaced by a newer one since the last refresh
                if not renewals_left:
                    raise
                contract = await self._watch.renewed(selector, ends - clock())
        return Answer(str(contract.version), outputs)

    def _note(self, fault: ModelFault, limit: float) -> None:
        if fault.reason == LATE and limit < FAIR_SECONDS:
            return
        self._last_fault = fault.again()
        if fault.reason in (SERVER_UNAVAILABLE, LATE):
            self._breaker.failed()
        else:
            self._breaker.succeeded()  # it answered, if only to reject the request


def _taken(inputs: Arrays, contract: ModelContract) -> Arrays:
    """Returns what the version takes: the shop's vectors may be there before the first model that looks at them."""
    if contract.takes_vectors:
        return inputs
    return {name: array for name, array in inputs.items() if not name.endswith(VECTORS)}
