"""The key that signs cursors and tokens: from the settings, or shared by the services of one machine through a file."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from services.common.errors import FailedPreconditionError
from services.common.settings import MIN_SIGNING_KEY_BYTES, ServiceSettings

KEY_FILE: Final = "signing.key"


def load_signing_key(settings: ServiceSettings) -> bytes:
    """Returns the key: from the settings (its UTF-8) or, if unset, from `state_directory`/signing.key.

    The first service that needs it creates the file (32 random bytes, readable only by its owner); services that start
    at the same moment end up with the same key. Raises FailedPreconditionError if the file doesn't hold a key.
    """
    if given := settings.signing_key.get_secret_value():
        return given.encode()
    path = settings.state_directory / KEY_FILE
    if not path.exists():
        _create(path)
    key = path.read_bytes()
    if len(key) < MIN_SIGNING_KEY_BYTES:
        raise FailedPreconditionError(
            f"{path} has {len(key)} bytes instead of {MIN_SIGNING_KEY_BYTES}; remove it (cursors and tokens "
            "handed out so far become invalid) or set VITRINE_SIGNING_KEY",
            reason="SIGNING_KEY_TOO_SHORT",
        )
    return key


def _create(path: Path) -> None:
    """Writes the key to a temporary file, then links it into place: others see no file or a complete one; the first
    wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(MIN_SIGNING_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
