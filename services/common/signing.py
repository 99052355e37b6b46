"""Opaque signed text: cursors, page tokens, tracking tokens."""

import base64
import binascii
import hashlib
import hmac
from typing import Final

_MAC_BYTES: Final = 16
_MIN_KEY_BYTES: Final = 16


class InvalidToken(ValueError):
    """The text wasn't sealed with this key for this purpose."""


class Signer:
    """Seals bytes into URL-safe text that can't be made or changed without the key. It's signed, not encrypted.

    Each purpose ("cursor", "tracking") has a key of its own, derived from `key` (at least 16 bytes): a token made for
    one is refused by the other. The signature is HMAC-SHA256, truncated to 128 bits (RFC 2104, section 5).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _MIN_KEY_BYTES:
            raise ValueError(f"the signing key has {len(key)} bytes; give at least {_MIN_KEY_BYTES}")
        self._key = key
        self._purpose_keys: dict[str, bytes] = {}

    def seal(self, payload: bytes, purpose: str) -> str:
        """Returns the token of `payload`: base64url without padding, 22 characters longer than the payload's own."""
        return _encoded(payload + self._mac(payload, purpose))

    def open(self, token: str, purpose: str) -> bytes:
        """Returns the payload; raises InvalidToken if the token is malformed, changed, or for another purpose."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidToken("the token is not base64url") from None
        if _encoded(data) != token:  # padding, or bits that nobody reads: one payload has one token
            raise InvalidToken("the token is not in its canonical form")
        payload, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if len(data) < _MAC_BYTES or not hmac.compare_digest(mac, self._mac(payload, purpose)):
            raise InvalidToken("the token's signature does not match")
        return payload

    def _mac(self, payload: bytes, purpose: str) -> bytes:
        key = self._purpose_keys.get(purpose)
        if key is None:
            key = hmac.digest(self._key, b"vitrine:" + purpose.encode(), hashlib.sha256)
            self._purpose_keys[purpose] = key
        return hmac.digest(key, payload, "sha256")[:_MAC_BYTES]


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
