"""Runs one unit: gating, timing, deadline, and containment of failures."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from services.common.errors import DeadlineExceededError, VitrineError
from services.homepage.degradation import Degradation
from services.homepage.pipeline.run import Run, Trace
from services.homepage.pipeline.stages import RemoteUnit, Unit

T = TypeVar("T")

Observer = Callable[[Trace], None]

_GRACE_SECONDS: Final = 0.01

_logger = structlog.get_logger(__name__)


class ContractViolation(Exception):
    """A unit returned something that its stage doesn't allow: a bug in the unit."""


class UnitRunner:
    """Calls units for the executor. `observe` sees every trace (metrics)."""

    def __init__(self, observe: Observer) -> None:
        self._observe = observe

    async def call(
        self,
        run: Run,
        stage: str,
        unit: RemoteUnit,
        hook: Callable[[float], Awaitable[T]],
        *,
        check: Callable[[T], int],
        input_count: int = 0,
    ) -> T | None:
        """Awaits a remote unit's hook within its share of the budget; None if it wasn't enabled or failed.

        `check` validates the result and returns its number of candidates. A failure lowers the page to the unit's
        `failure_step`; it never leaves this method.
        """
        if not unit.enable(run.query):
            self._not_enabled(run, stage, unit, input_count)
            return None
        seconds = run.budget.share(unit.share)
        start = time.perf_counter()
        try:
            # The call's own deadline comes first, so that the client knows what it waited for.
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                result = await hook(seconds)
            count = check(result)
        except (TimeoutError, DeadlineExceededError):
            outcome, reason = "late", f"took longer than {seconds * 1000:.0f} ms"
        except VitrineError as error:
            outcome, reason = "failed", error.reason
        except Exception:  # a bug in one unit is loud in the log and must not take the page with it
            _logger.exception("unit_failed", unit=unit.name, stage=stage)
            outcome, reason = "failed", "INTERNAL"
        else:
            self._record(run, Trace(unit.name, stage, time.perf_counter() - start, "ok", "", input_count, count))
            return result
        trace = Trace(unit.name, stage, time.perf_counter() - start, outcome, reason, input_count)
        self._failed(run, unit, trace)
        return None

    def compute(
        self,
        run: Run,
        stage: str,
        unit: Unit,
        hook: Callable[[], T],
        *,
        check: Callable[[T], int],
        input_count: int = 0,
        fail_open: bool = False,
    ) -> T | None:
        """Calls a local unit's hook; None if it wasn't enabled. Its errors are raised unless it may fail open."""
        if not unit.enable(run.query):
            self._not_enabled(run, stage, unit, input_count)
            return None
        start = time.perf_counter()
        try:
            result = hook()
            count = check(result)
        except Exception:
            if not fail_open:
                raise
            _logger.exception("unit_failed", unit=unit.name, stage=stage)
            seconds = time.perf_counter() - start
            self._record(run, Trace(unit.name, stage, seconds, "failed", "INTERNAL", input_count))
            return None
        self._record(run, Trace(unit.name, stage, time.perf_counter() - start, "ok", "", input_count, count))
        return result

    def _not_enabled(self, run: Run, stage: str, unit: Unit, count: int) -> None:
        self._record(run, Trace(unit.name, stage, 0.0, "not_enabled", "", count, count))

    def _failed(self, run: Run, unit: RemoteUnit, trace: Trace) -> None:
        self._record(run, trace)
        if unit.failure_step is not None:
            suffix = "LATE" if trace.outcome == "late" else "UNAVAILABLE"
            run.ladder.descend(Degradation(unit.failure_step, f"{unit.dependency}_{suffix}"))

    def _record(self, run: Run, trace: Trace) -> None:
        run.traces.append(trace)
        self._observe(trace)
