import codecs
from collections.abc import Iterable
from typing import Protocol

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Windows-1252 gives these five no character; Latin-1 gives every byte one.
NOT_IN_WINDOWS_1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])


def encoding_of(blocks: Iterable[bytes]) -> str:
    """The encoding of a text: what its byte-order mark says, else UTF-8 where all of it is valid UTF-8, else
    Windows-1252 (Latin-1 with printable characters in place of control characters), else Latin-1.

    Args:
        blocks: the whole text in order. One Latin-1 letter may stand in the last line.
    """
    candidates: list[_Candidate] = [_Utf8(), _Windows1252()]
    for number, block in enumerate(blocks):
        if number == 0 and (marked := [name for mark, name in BYTE_ORDER_MARKS if block.startswith(mark)]):
            return marked[0]
        candidates = [candidate for candidate in candidates if candidate.fits(block)]
        if not candidates:
            break
    return next((candidate.name for candidate in candidates if candidate.fits(b"", final=True)), "latin-1")


class _Candidate(Protocol):
    name: str

    def fits(self, block: bytes, *, final: bool = False) -> bool: ...


class _Utf8:
    name = "utf-8"

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def fits(self, block: bytes, *, final: bool = False) -> bool:
        try:
            self._decoder.decode(block, final=final)
        except UnicodeDecodeError:
            return False
        return True


class _Windows1252:
    name = "cp1252"

    def fits(self, block: bytes, *, final: bool = False) -> bool:
        return len(block.translate(None, NOT_IN_WINDOWS_1252)) == len(block)
