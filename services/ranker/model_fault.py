"""Why the behavior model did not answer."""

from typing import Final

SERVER_UNAVAILABLE: Final = "MODEL_SERVER_UNAVAILABLE"
LATE: Final = "MODEL_LATE"
NOT_FINITE: Final = "MODEL_NOT_FINITE"
MISFIT: Final = "MODEL_MISFIT"
ASKED: Final = "ASKED"
"""Not a fault: the request wanted the linear scorer."""


class ModelFault(Exception):
    """The model cannot be had now. `reason` is one of the words of `ScoreItemsResponse.fallback_reason`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message

    def again(self) -> "ModelFault":
        """Returns a fresh exception that says the same: one that is kept must not gather tracebacks."""
        return ModelFault(self.reason, self.message)


class VersionGone(ModelFault):
    """The version is not served, perhaps no longer."""

    def __init__(self, message: str) -> None:
        super().__init__(SERVER_UNAVAILABLE, message)
