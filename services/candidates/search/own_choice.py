from typing import Final

from services.candidates.search.facets import ATTRIBUTE
from vitrine.common.v1.item_filter_pb2 import ItemFilter

_FIELDS: Final = {"brand": "brands", "kind": "kinds", "creator": "creators"}


def without_own_choice(facet: str, item_filter: ItemFilter) -> ItemFilter | None:
    """Returns the filter without what was chosen of the facet itself; None: nothing was.

    Whoever chose one brand wants to see how many items the others have, to add one. A category's values are the next
    level below the chosen one: there the choice stays.
    """
    rest = ItemFilter()
    rest.CopyFrom(item_filter)
    if facet in _FIELDS:
        rest.ClearField(_FIELDS[facet])  # type: ignore[arg-type]  # one of three
    elif facet.startswith(ATTRIBUTE):
        others = [one for one in item_filter.attributes if one.name != facet.removeprefix(ATTRIBUTE)]
        rest.ClearField("attributes")
        rest.attributes.extend(others)
    return None if rest == item_filter else rest
