"""How long a call may still take, and how much of that an onward call may have."""

import asyncio
import math
from contextvars import ContextVar
from typing import Final, Protocol

# When the default deadline of the present call ends, on the event loop's clock. Every call runs in a task of its own.
default_deadline: Final[ContextVar[float | None]] = ContextVar("default_deadline", default=None)

# When the current task's dependency owes its answer, on the event loop's clock. Whoever cancels late work sets it:
# lateness and a client that went away both arrive as CancelledError.
answer_due: Final[ContextVar[float | None]] = ContextVar("answer_due", default=None)

# Timers fire up to a tick of the clock early.
_TICK_SECONDS: Final = 0.002


class TimedContext(Protocol):
    """The part of a servicer's context that knows the client's deadline."""

    def time_remaining(self) -> float | None: ...


def overdue() -> bool:
    """Returns whether `answer_due` has passed; False if nobody set it."""
    due = answer_due.get()
    return due is not None and asyncio.get_running_loop().time() >= due - _TICK_SECONDS


def client_remaining(context: TimedContext) -> float | None:
    """Returns the seconds until the deadline that the client set; None if it set none."""
    return context.time_remaining()


def remaining(context: TimedContext, reserve_seconds: float = 0.0) -> float:
    """Returns the seconds that the present call has left, less a reserve for what comes after the onward call.

    Never negative: 0 means that it is too late to start anything. Infinite only in an answer stream without a deadline.
    Use it as the timeout of every onward call: `stub.LookupItems(request, timeout=remaining(context, 0.005))`.
    """
    left = client_remaining(context)
    if left is None:
        ends = default_deadline.get()
        left = math.inf if ends is None else ends - asyncio.get_running_loop().time()
    return max(0.0, left - reserve_seconds)
