"""Why the behavior model didn't answer."""

from typing import Final

SERVER_UNAVAILABLE: Final = "MODEL_SERVER_UNAVAILABLE"
LATE: Final = "MODEL_LATE"
NOT_FINITE: Final = "MODEL_NOT_FINITE"
MISFIT: Final = "MODEL_MISFIT"
ASKED: Final = "ASKED"
"""Not a fault: the request asked for the linear scorer."""


class ModelFault(Exception):
    """The model can't answer now. `reason` is a value of `ScoreItemsResponse.fallback_reason`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    def again(self) -> "ModelFault":
        """Returns a copy to raise: a stored exception would accumulate tracebacks."""
        return ModelFault(self.reason, self.message)


class VersionGone(ModelFault):
    """The version isn't served, perhaps not anymore."""

    def __init__(self, message: str) -> None:
        super().__init__(SERVER_UNAVAILABLE, message)
