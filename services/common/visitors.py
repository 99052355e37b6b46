"""The key under which a visitor's events and state are kept."""

import hashlib
from typing import Final

from services.common.validation import Violations
from vitrine.common.v1.visitor_pb2 import Visitor

_USER: Final = "u:"
_ANONYMOUS: Final = "a:"


def visitor_key(visitor: Visitor, field: str = "visitor") -> str:
    """Returns the visitor's key: "u:" + user_id, or "a:" + anonymous_id without a user_id.

    The prefix keeps a user and an anonymous visitor with the same id apart. Raises InvalidArgumentError naming the
    field if both are empty or one isn't a valid id.
    """
    violations = Violations()
    check_visitor(violations, visitor, field)
    violations.raise_if_any()
    return user_key(visitor.user_id) if visitor.user_id else anonymous_key(visitor.anonymous_id)


def check_visitor(violations: Violations, visitor: Visitor, field: str = "visitor") -> bool:
    """Adds the violations of `visitor` to `violations`; returns whether there are none."""
    if not visitor.user_id and not visitor.anonymous_id:
        violations.add(field, "has no id; set user_id, or anonymous_id before sign-in", reason="VISITOR_REQUIRED")
        return False
    user_ok = not visitor.user_id or violations.identifier(f"{field}.user_id", visitor.user_id)
    anonymous_ok = not visitor.anonymous_id or violations.identifier(f"{field}.anonymous_id", visitor.anonymous_id)
    return user_ok and anonymous_ok


def user_key(user_id: str) -> str:
    """Returns the key of a signed-in user."""
    return _USER + user_id


def anonymous_key(anonymous_id: str) -> str:
    """Returns the key of a visitor who isn't signed in."""
    return _ANONYMOUS + anonymous_id


def visitor_from_key(key: str) -> Visitor:
    """Returns the visitor of a key (the inverse of `visitor_key`); ValueError if it is none."""
    if key.startswith(_USER):
        return Visitor(user_id=key.removeprefix(_USER))
    if key.startswith(_ANONYMOUS):
        return Visitor(anonymous_id=key.removeprefix(_ANONYMOUS))
    raise ValueError("a visitor's key starts with u: or a:")


def partition_of(key: str, partitions: int) -> int:
    """Returns the key's partition, 0 to partitions - 1: the same in every process, on every machine, forever."""
    digest = hashlib.blake2b(key.encode(), digest_size=8, person=b"vitrine-part").digest()
    return int.from_bytes(digest, "big") % partitions


def pseudonym(key: str, secret: bytes = b"") -> str:
    """Returns 16 hex digits that stand for a visitor in logs.

    Without a `secret` (at most 64 bytes), they only correlate lines: anyone who knows the id can compute them.
    """
    data = key.encode(errors="surrogatepass")
    return hashlib.blake2b(data, digest_size=8, key=secret, person=b"vitrine-log").hexdigest()


def erasure_digest(key: str, request_id: str) -> bytes:
    """Returns the 16 bytes that identify an erasure, so that a retry is harmless; they don't reveal whose it was."""
    return hashlib.blake2b(f"{key}\0{request_id}".encode(), digest_size=16, person=b"vitrine-erasure").digest()


def keyed_digest(key: str, secret: bytes) -> int:
    """Returns 64 bits that stand for a visitor in what jobs keep. Without the `secret` (at most 64 bytes), nobody can
    tell whose they are.
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, key=secret).digest(), "big")
