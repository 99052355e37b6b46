import builtins
import re
from typing import Any, Final

import structlog
from structlog.typing import EventDict

_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_LEFT_OUT: Final = "'…'"


class RedactedExceptions:
    """Renders exceptions as data that names nobody: without local variables, and without what messages quote.

    What an exception quotes is a value it met, and that may be a user's id: the missing key of a KeyError, the entry
    that is in a table twice. Type and place say what happened. Errors of the system name files, and keep them.
    """

    def __init__(self) -> None:
        self._render = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )

    def __call__(self, logger: Any, method: str, fields: EventDict) -> EventDict:
        rendered = self._render(logger, method, fields)
        if isinstance(stacks := rendered.get("exception"), list):
            _quote_nothing(stacks)
        return rendered


def _quote_nothing(stacks: list[dict[str, Any]]) -> None:
    for stack in stacks:
        if not _is_of_the_system(str(stack["exc_type"])):
            stack["exc_value"] = _QUOTED.sub(_LEFT_OUT, stack["exc_value"])
            stack["exc_notes"] = [_QUOTED.sub(_LEFT_OUT, note) for note in stack.get("exc_notes", ())]
        for inner in stack.get("exceptions", ()):
            _quote_nothing(inner)


def _is_of_the_system(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, OSError)
