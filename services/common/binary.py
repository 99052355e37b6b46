"""Column types for bytes, of the sizes that MySQL tells apart; SQLite does not."""

from typing import Final

from sqlalchemy import LargeBinary
from sqlalchemy.dialects.mysql import LONGBLOB, MEDIUMBLOB
from sqlalchemy.types import BINARY, TypeEngine

# Up to 16 MiB, and up to 4 GiB. MySQL's plain BLOB ends at 64 KiB.
MEDIUM_BINARY: Final[TypeEngine[bytes]] = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
LONG_BINARY: Final[TypeEngine[bytes]] = LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb")


def fixed_binary(length: int) -> TypeEngine[bytes]:
    """Returns the type of keys of always `length` bytes: compared byte by byte, whatever the collation."""
    return LargeBinary(length).with_variant(BINARY(length), "mysql", "mariadb")
