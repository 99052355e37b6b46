import re

from cli.importer.faults import Fault, shown

_SURROGATE = re.compile("[\ud800-\udfff]")


def not_text(line: int, text: str) -> Fault | None:
    """What is wrong with a row that holds half a surrogate pair: a byte that is no character in the file's encoding,
    or half of an escaped one. None: it holds none.
    """
    if text.isascii() or not _SURROGATE.search(text):
        return None
    return Fault(
        line,
        "",
        shown(text),
        "NOT_TEXT",
        "holds bytes that are no characters in the file's encoding; save the file as UTF-8, or say --encoding",
    )
