import math
from array import array
from typing import Final

import numpy as np

EXACT: Final = 64
INDEX_BITS: Final = 10
REGISTERS: Final = 1 << INDEX_BITS
_REST_BITS: Final = 64 - INDEX_BITS
_EXACT_MARK: Final = b"E"
_REGISTERS_MARK: Final = b"R"


class DistinctCount:
    """How many different 64-bit hashes were added: exact up to 64, then a HyperLogLog of 1,024 registers (3 % off).

    Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm"
    (2007), with linear counting below 2.5 times the registers. The state does not depend on the order of additions.
    """

    __slots__ = ("_hashes", "_registers")

    def __init__(self) -> None:
        self._hashes: array[int] = array("Q")
        self._registers: bytearray | None = None

    def add(self, value: int) -> None:
        """Adds a hash, 0 to 2^64 - 1."""
        if self._registers is not None:
            self._raise_register(self._registers, value)
        elif value not in self._hashes:
            self._hashes.append(value)
            if len(self._hashes) > EXACT:
                self._registers = bytearray(REGISTERS)
                for known in self._hashes:
                    self._raise_register(self._registers, known)
                self._hashes = array("Q")

    def merge(self, other: "DistinctCount") -> None:
        """Adds all that was added to the other one."""
        if other._registers is None:
            for value in other._hashes:
                self.add(value)
            return
        registers = bytearray(other._registers)
        for value in self._hashes:
            self._raise_register(registers, value)
        if self._registers is not None:
            registers = bytearray(
                np.maximum(np.frombuffer(registers, np.uint8), np.frombuffer(self._registers, np.uint8))
            )
        self._registers, self._hashes = registers, array("Q")

    def estimate(self) -> int:
        """Returns the count."""
        if self._registers is None:
            return len(self._hashes)
        registers = np.frombuffer(self._registers, np.uint8)
        alpha = 0.7213 / (1 + 1.079 / REGISTERS)
        raw = alpha * REGISTERS**2 / float(np.exp2(-registers.astype(np.float64)).sum())
        empty = int(np.count_nonzero(registers == 0))
        if raw <= 2.5 * REGISTERS and empty:
            raw = REGISTERS * math.log(REGISTERS / empty)
        return max(round(raw), EXACT + 1)

    def to_bytes(self) -> bytes:
        """Returns the state for storage."""
        if self._registers is not None:
            return _REGISTERS_MARK + bytes(self._registers)
        return _EXACT_MARK + self._hashes.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "DistinctCount":
        """Returns what `to_bytes` wrote."""
        count = cls()
        if data[:1] == _REGISTERS_MARK:
            count._registers = bytearray(data[1:])
        else:
            count._hashes = array("Q", data[1:])
        return count

    @staticmethod
    def _raise_register(registers: bytearray, value: int) -> None:
        index, rest = value >> _REST_BITS, value & ((1 << _REST_BITS) - 1)
        rank = _REST_BITS - rest.bit_length() + 1
        registers[index] = max(registers[index], rank)
