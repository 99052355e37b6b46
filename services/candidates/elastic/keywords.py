"""Values as exact terms of the index: what is too long for one is replaced by its digest."""

import hashlib
import json
from typing import Any, Final

# Lucene takes terms of up to 32,766 bytes; long ones only cost memory.
_LONGEST: Final = 1_000


def keyword(value: Any) -> str:
    """Returns a text as it is, anything else as compact JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) <= _LONGEST:
        return text
    return "#" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
