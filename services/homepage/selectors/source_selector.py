from collections.abc import Iterable, Sequence

from services.homepage.layouts.layout import Layout, ShelfDefinition, SourceShelf
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.selectors.ranking import by_source, by_value


class SourceSelector(Selector):
    """The candidates of one source as a shelf, as a layout configures it."""

    def __init__(self, name: str, shelf: SourceShelf) -> None:
        self._name = name
        self._shelf = shelf

    @property
    def name(self) -> str:
        return self._name

    def enable(self, query: Query) -> bool:
        return query.personal or not self._shelf.personal

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        shelf = self._shelf
        if shelf.source_order:
            ranked = by_source(candidates, shelf.source, available)
        elif shelf.state_flag:
            ranked = by_value(candidates, candidates.item_states.has(shelf.state_flag) & available)
        else:
            ranked = by_value(candidates, candidates.proposed_by(shelf.source) & available)
        return [Draft(ranked, reason_kind=shelf.reason, source=shelf.source, leads_cards=shelf.leads_cards)]


def source_selectors(layouts: Iterable[Layout]) -> list[SourceSelector]:
    """Returns the selectors that the layouts configure. Raises ValueError if two of one name differ."""
    shelves: dict[str, SourceShelf] = {}
    for layout in layouts:
        for definition in layout.shelves:
            source = definition.source
            if source is not None and shelves.setdefault(definition.selector, source) != source:
                raise ValueError(f"layout {layout.name}: {definition.selector} is configured differently elsewhere")
    return [SourceSelector(name, shelf) for name, shelf in shelves.items()]
