"""Column types that compare bytes, whatever the collation, and hold the sizes that MySQL tells apart."""

from typing import Final

from sqlalchemy import LargeBinary
from sqlalchemy.dialects.mysql import LONGBLOB, MEDIUMBLOB, VARBINARY
from sqlalchemy.engine import Dialect
from sqlalchemy.types import BINARY, TypeDecorator, TypeEngine

from services.common.validation import MAX_ID_BYTES

# Up to 16 MiB, and up to 4 GiB. MySQL's plain BLOB ends at 64 KiB.
MEDIUM_BINARY: Final[TypeEngine[bytes]] = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
LONG_BINARY: Final[TypeEngine[bytes]] = LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb")


def fixed_binary(length: int) -> TypeEngine[bytes]:
    """Returns the type of keys that always have `length` bytes: compared byte by byte, whatever the collation."""
    return LargeBinary(length).with_variant(BINARY(length), "mysql", "mariadb")


class OpaqueId(TypeDecorator[str]):
    """str in Python, the bytes of its UTF-8 in the database: `A` and `a`, and NFC and NFD forms, stay different.

    MySQL's default collations would fold them; a binary column has no collation. Sorts by bytes.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, length: int = MAX_ID_BYTES) -> None:
        """`length` is in bytes; a visitor's key needs two more than an id."""
        super().__init__(length)
        self._length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bytes]:
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(VARBINARY(self._length))
        return dialect.type_descriptor(LargeBinary(self._length))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else value.encode()

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else bytes(value).decode()
