"""The behavior model as the scorers see it: asked in time, or not at all."""

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

# A caller who leaves less time than this says nothing about the model by not getting its answer.
FAIR_SECONDS: Final = 0.02

# What was just asked for others, and so is shared, may be an answer from before the change: one renewal is not enough.
MOST_RENEWALS: Final = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """The outputs of a signature, and the version that they are from."""

    version: str
    outputs: dict[str, NDArray[Any]]


class BehaviorModelClient:
    """Asks one model by one contract: inputs are built for a version, and only that version answers them."""

    def __init__(
        self, client: PredictionClient, watch: ModelWatch, breaker: CircuitBreaker, *, timeout_seconds: float
    ) -> None:
        self._client = client
        self._watch = watch
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds
        self._last_fault = ModelFault(SERVER_UNAVAILABLE, "the model server has not answered yet")
        self.last_version = ""

    @property
    def fault(self) -> ModelFault | None:
        """Why the default model is not asked at present; None: it is."""
        if self._breaker.open:
            return self._last_fault
        return self._watch.fault or (None if self._watch.available else self._last_fault)

    async def ask(
        self, selector: str, signature: str, inputs: Callable[[ModelContract], Arrays], seconds: float
    ) -> Answer:
        """Returns the model's answer to `inputs`, which are built for the contract of the version that is asked.

        Raises ModelFault: within `seconds` at the latest, and at once where the model failed repeatedly just now.
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
            if overdue():  # sooner, the client went away, which says nothing about the model
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
            except VersionGone:  # a newer one has taken over since we last looked
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
            self._breaker.succeeded()  # it answers, if only that we ask wrongly


def _taken(inputs: Arrays, contract: ModelContract) -> Arrays:
    """Returns what the version takes: the shop's vectors may be there before the first model that looks at them."""
    if contract.takes_vectors:
        return inputs
    return {name: array for name, array in inputs.items() if not name.endswith(VECTORS)}
