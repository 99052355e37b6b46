"""Tracking tokens: where on which page an event originated, signed so that nobody can claim a place that wasn't shown.

The homepage seals one for every card; the event log opens it when it comes back with an event.
"""

from typing import Final

from google.protobuf.message import DecodeError

from services.common.signing import InvalidToken, Signer
from vitrine.common.v1.tracking_pb2 import TrackingPayload

TRACKING_PURPOSE: Final = "tracking"


def seal_tracking(signer: Signer, payload: TrackingPayload) -> str:
    """Returns the token of `payload`: URL-safe text, about 1.4 times as long as the message."""
    return signer.seal(payload.SerializeToString(), TRACKING_PURPOSE)


def open_tracking(signer: Signer, token: str) -> TrackingPayload:
    """Returns what the token says; raises InvalidToken if it is malformed, forged, or made for something else.

    The token's age isn't checked: how old is too old is up to the reader.
    """
    try:
        return TrackingPayload.FromString(signer.open(token, TRACKING_PURPOSE))
    except DecodeError:
        raise InvalidToken("the token's payload is not a TrackingPayload") from None
