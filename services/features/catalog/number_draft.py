from collections.abc import Iterable, Mapping

from services.features.catalog.given_numbers import GROUP_BASE, GivenNumbers
from services.features.catalog.numbers import Numbers


class NumberDraft:
    """Numbers as they will be when the transaction at hand commits. It holds the lock under which they are given."""

    def __init__(self, numbers: Numbers, missed: GivenNumbers) -> None:
        """`missed` has what other processes handed out and `numbers` does not know yet."""
        self._numbers = numbers
        self._categories = {(parent, name): no for no, parent, name in missed.categories}
        self._brands = {brand: no for no, brand in missed.brands}
        self._groups = {group: no for no, group in missed.groups}
        self._attribute_types = {name: kind for _, name, kind in missed.attributes}
        self.new = GivenNumbers()

    def category_no(self, names: Iterable[str]) -> int:
        """Returns the number of the deepest node of a path; nodes that are new get numbers."""
        known, parent = self._numbers, 0
        for name in names:
            key = parent, name
            number = known.categories.get(key) or self._categories.get(key)
            if number is None:
                number = self._categories[key] = len(known.category_names) + len(self._categories)
                self.new.categories.append((number, parent, name))
            parent = number
        return parent

    def brand_no(self, brand: str) -> int:
        """Returns the brand's number; 0 for none."""
        return _number(brand, self._numbers.brands, self._brands, 1, self.new.brands) if brand else 0

    def group_no(self, group_id: str, item_no: int) -> int:
        """Returns the variant group's number; an item without one stands for itself."""
        if not group_id:
            return item_no
        return _number(group_id, self._numbers.groups, self._groups, GROUP_BASE, self.new.groups)

    def attribute_type(self, name: str) -> str | None:
        """Returns the type of an attribute, as its first value declared it; None: it has no value yet."""
        return self._numbers.attribute_types.get(name) or self._attribute_types.get(name)

    def declare_attribute(self, name: str, kind: str) -> None:
        """Says of what type an attribute is that has none."""
        self._attribute_types[name] = kind
        self.new.attributes.append((len(self._numbers.attribute_types) + len(self._attribute_types), name, kind))


def _number(key: str, known: Mapping[str, int], new: dict[str, int], base: int, given: list[tuple[int, str]]) -> int:
    number = known.get(key) or new.get(key)
    if number is None:
        number = new[key] = base + len(known) + len(new)
        given.append((number, key))
    return number
