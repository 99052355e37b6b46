from collections.abc import Callable
from typing import Final

from services.common.signing import InvalidToken, Signer
from services.common.tracking import open_tracking
from vitrine.events.v1.event_pb2 import Attribution

MAX_TOKEN_BYTES: Final = 4096
_DAY_MILLIS: Final = 24 * 3600 * 1000


class Attributor:
    """Attributes an event to the place on the page where it originated, by its tracking token.

    An invalid token isn't an error; `unattributed` is called with "FORGED" (not our token, or for another purpose) or
    "EXPIRED".
    """

    def __init__(self, signer: Signer, max_age_days: int, unattributed: Callable[[str], None]) -> None:
        self._signer = signer
        self._max_age_millis = max_age_days * _DAY_MILLIS
        self._unattributed = unattributed

    def attribute(self, token: str, ingest_millis: int) -> bytes | None:
        """Returns the serialized Attribution of a token, or None if it's invalid."""
        try:
            payload = open_tracking(self._signer, token) if len(token) <= MAX_TOKEN_BYTES else None
        except InvalidToken:
            payload = None
        if payload is None:
            self._unattributed("FORGED")
            return None
        if ingest_millis - payload.serve_time_millis > self._max_age_millis:
            self._unattributed("EXPIRED")
            return None
        return Attribution(
            page_id=payload.page_id,
            shelf_id=payload.shelf_id,
            position=payload.position,
            model_version=payload.model_version,
            experiments=payload.experiments,
        ).SerializeToString()
