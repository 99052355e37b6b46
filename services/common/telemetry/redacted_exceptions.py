import builtins
import re
from typing import Any, Final

import structlog
from structlog.typing import EventDict

_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_REDACTED: Final = "'…'"


class RedactedExceptions:
    """Renders exceptions as data without personal information: no local variables, and no quoted values.

    A quoted value in a message may be a user's id: the missing key of a KeyError, the duplicate entry of a table. Type
    and traceback say what happened. OSErrors quote file names, which are kept.
    """

    def __init__(self) -> None:
        self._render = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )

    def __call__(self, logger: Any, method: str, fields: EventDict) -> EventDict:
        rendered = self._render(logger, method, fields)
        if isinstance(stacks := rendered.get("exception"), list):
            _redact(stacks)
        return rendered


def _redact(stacks: list[dict[str, Any]]) -> None:
    for stack in stacks:
        if not _is_os_error(str(stack["exc_type"])):
            stack["exc_value"] = _QUOTED.sub(_REDACTED, stack["exc_value"])
            stack["exc_notes"] = [_QUOTED.sub(_REDACTED, note) for note in stack.get("exc_notes", ())]
        for inner in stack.get("exceptions", ()):
            _redact(inner)


def _is_os_error(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, OSError)
