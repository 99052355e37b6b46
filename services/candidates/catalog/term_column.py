from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import capacity_for, grown

Value = TypeVar("Value", bound=Hashable)


class TermColumn(Generic[Value]):
    """One property of every item, dictionary-encoded: a shop has few distinct values and many items.

    A value stands for one or more terms (a category path for each of its prefixes, a list for each of its elements),
    and `any_of` says which items have any of some terms, whatever the values are. Values
    that no item has any more give their code back, so a property that keeps changing does not leak.
    """

    def __init__(self, terms_of: Callable[[Value], Iterable[Hashable]]) -> None:
        self._terms_of = terms_of
        self._codes = np.zeros(capacity_for(0), dtype=np.uint32)
        self._code_of: dict[Value, int] = {}
        self._values: list[Value | None] = [None]  # by code; code 0: the item has no value
        self._uses: list[int] = [0]
        self._free: list[int] = []
        self._codes_with: dict[Hashable, set[int]] = {}

    @property
    def distinct_count(self) -> int:
        """How many values items have now."""
        return len(self._code_of)

    def set(self, item_no: int, value: Value | None) -> None:
        """Gives the item its value; None takes it away."""
        if item_no >= len(self._codes):
            self._codes = grown(self._codes, capacity_for(item_no))
        old = int(self._codes[item_no])
        new = 0 if value is None else self._code(value)
        self._uses[new] += 1
        self._codes[item_no] = new
        if old:
            self._uses[old] -= 1
            if not self._uses[old]:
                self._forget(old)

    def codes_of(self, item_nos: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Returns the code of each item's value now; 0: it has none."""
        inside = item_nos < len(self._codes)
        codes: NDArray[np.uint32] = self._codes[np.where(inside, item_nos, 0)]
        codes[~inside] = 0
        return codes

    def codes_with(self, term: Hashable) -> NDArray[np.uint32]:
        """Returns the codes of the values that stand for a term now."""
        return np.array(sorted(self._codes_with.get(term, ())), np.uint32)

    def counted(self, item_nos: NDArray[np.integer]) -> list[tuple[Hashable, int]]:
        """Returns each term that any of the items has, with how many have it. May run in another thread: a value that
        is given up meanwhile is left out.
        """
        totals: dict[Hashable, int] = {}
        counts = np.bincount(self.codes_of(item_nos))
        for code in np.flatnonzero(counts[1:]) + 1:
            value = self._values[code]
            for term in set(self._terms_of(value)) if value is not None else ():
                totals[term] = totals.get(term, 0) + int(counts[code])
        return list(totals.items())

    def any_of(self, terms: Iterable[Hashable], item_nos: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Returns for each item whether it has one of `terms`."""
        codes = set[int]().union(*(self._codes_with.get(term, ()) for term in terms))
        return np.isin(self.codes_of(item_nos), np.fromiter(codes, np.uint32, len(codes)))

    def _code(self, value: Value) -> int:
        code = self._code_of.get(value)
        if code is None:
            code = self._free.pop() if self._free else len(self._uses)
            if code == len(self._uses):
                self._uses.append(0)
                self._values.append(None)
            self._values[code] = value
            self._code_of[value] = code
            for term in self._terms_of(value):
                self._codes_with.setdefault(term, set()).add(code)
        return code

    def _forget(self, code: int) -> None:
        value = self._values[code]
        if value is None:
            return
        self._values[code] = None
        del self._code_of[value]
        for term in set(self._terms_of(value)):
            codes = self._codes_with[term]
            codes.discard(code)
            if not codes:
                del self._codes_with[term]
        self._free.append(code)
