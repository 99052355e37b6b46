"""Tracks which versions of the model are served, so that no request has to find out."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from services.ranker.model_contract import InputSizes, ModelContract, read_contract
from services.ranker.model_fault import LATE, ModelFault
from services.ranker.prediction_client import Metadata, PredictionClient

MAX_SELECTORS: Final = 16
ASK_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class ModelWatch:
    """The contracts of the selectors in use, kept up to date by `refresh`. `default` is always watched.

    `check` raises ModelFault for a version that must not be called, whatever its contract.
    """

    def __init__(
        self,
        client: PredictionClient,
        sizes: InputSizes,
        check: Callable[[Metadata], Awaitable[None]],
        *,
        default: str = "",
    ) -> None:
        self._client = client
        self._sizes = sizes
        self._check = check
        self._default = default
        self._known: dict[str, ModelContract | ModelFault] = {}
        self._asking: dict[str, asyncio.Task[ModelContract | ModelFault]] = {}

    @property
    def fault(self) -> ModelFault | None:
        """Why the default model can't be called; None if it can, or if that isn't known yet."""
        known = self._known.get(self._default)
        return known if isinstance(known, ModelFault) else None

    @property
    def available(self) -> bool:
        """True if the default model can be called."""
        return isinstance(self._known.get(self._default), ModelContract)

    async def contract(self, selector: str, seconds: float) -> ModelContract:
        """Returns the contract of `selector` ("" is the default); asks the server if it isn't known yet.

        Raises ModelFault if it can't be called, or if the server takes longer than `seconds`.
        """
        known = self._known.get(selector or self._default)
        if known is None:
            return await self.renewed(selector, seconds)
        if isinstance(known, ModelFault):
            raise known.again()
        return known

    async def renewed(self, selector: str, seconds: float) -> ModelContract:
        """Returns the contract that `selector` names now; concurrent callers share one request."""
        try:
            async with asyncio.timeout(seconds):
                outcome = await asyncio.shield(self._ask(selector or self._default))
        except TimeoutError:
            raise ModelFault(LATE, f"the model server didn't say within {seconds:.3f} s what it serves") from None
        if isinstance(outcome, ModelFault):
            raise outcome.again()
        return outcome

    async def refresh(self) -> None:
        """Asks the server for all watched selectors."""
        await asyncio.gather(*(self._ask(selector) for selector in {self._default, *self._known}))

    def _ask(self, selector: str) -> "asyncio.Task[ModelContract | ModelFault]":
        task = self._asking.get(selector)
        if task is None:
            task = self._asking[selector] = asyncio.create_task(self._outcome(selector))
            task.add_done_callback(lambda _: self._asking.pop(selector, None))
        return task

    async def _outcome(self, selector: str) -> ModelContract | ModelFault:
        outcome: ModelContract | ModelFault
        try:
            metadata = await self._client.metadata(selector, ASK_SECONDS)
            outcome = read_contract(metadata, self._sizes)
            await self._check(metadata)
        except ModelFault as fault:
            outcome = fault.again()
        before = self._known.get(selector)
        if _summary(before) != _summary(outcome):
            _log.info("model_changed", selector=selector, now=str(outcome))
        if (
            before is None and len(self._known) >= MAX_SELECTORS
        ):  # selectors come from requests: their number must be bounded
            self._known = {name: known for name, known in self._known.items() if name == self._default}
        self._known[selector] = outcome
        return outcome


def _summary(known: ModelContract | ModelFault | None) -> ModelContract | str | None:
    """Returns what a log line depends on: not a fault's message, which differs with every attempt."""
    return known.reason if isinstance(known, ModelFault) else known
