"""Fills the shelves of a layout: which candidates each shows, the order of shelves, and how each continues."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.homepage.layouts.layout import Layout, ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.composition import ComposedShelf, Composition, DroppedShelf
from services.homepage.pipeline.run import Run
from services.homepage.pipeline.stages import Selector
from services.homepage.pipeline.unit_runner import UnitRunner
from vitrine.homepage.v1 import page_pb2

# The number of a shelf's best cards that determine its value, discounted by position as in DCG.
_VALUED_CARDS = 8
_DISCOUNTS = 1 / np.log2(np.arange(2, _VALUED_CARDS + 2))


class Composer:
    """Composes pages of any of the layouts. Raises ValueError if a layout names an unknown selector."""

    def __init__(self, selectors: Sequence[Selector], layouts: Sequence[Layout], runner: UnitRunner) -> None:
        self._selectors: Mapping[str, Selector] = {selector.name: selector for selector in selectors}
        self._runner = runner
        for layout in layouts:
            for definition in layout.shelves:
                if definition.selector not in self._selectors:
                    raise ValueError(f"layout {layout.name}: unknown selector {definition.selector}")

    def compose(self, run: Run) -> Composition:
        """Returns the shelves of the run's layout; each candidate is on at most one."""
        composition = Composition([], [])
        available = run.candidates.kept
        for definition in run.query.layout.shelves:
            if run.query.shelf_kinds and definition.kind not in run.query.shelf_kinds:
                composition.dropped.append(DroppedShelf(definition.kind, "NOT_SUPPORTED_BY_CLIENT"))
            else:
                self._fill(run, definition, available, composition)
        _assign_spares(composition.shelves, available)
        composition.shelves[:] = _in_order(composition.shelves)
        return composition

    def _fill(self, run: Run, definition: ShelfDefinition, available: Mask, composition: Composition) -> None:
        selector = self._selectors[definition.selector]
        drafts = self._runner.compute(
            run,
            "selector",
            selector,
            lambda: selector.select(run.query, run.candidates, available, definition),
            check=lambda drafts: sum(len(draft.ranked) for draft in drafts),
            input_count=int(np.count_nonzero(available)),
            fail_open=True,
        )
        if drafts is None:
            composition.dropped.append(DroppedShelf(definition.kind, "NOT_APPLICABLE"))
            return
        made = 0
        for draft in drafts[: definition.count]:
            ranked = draft.ranked[available[draft.ranked]]
            if len(ranked) < definition.minimum_cards and not draft.categories:
                continue
            cards = ranked[: run.query.cards_per_shelf or definition.maximum_cards]
            available[cards] = False
            made += 1
            kind = page_pb2.ShelfKind.Name(definition.kind).removeprefix("SHELF_KIND_").lower()
            shelf_id = kind if made == 1 else f"{kind}-{made}"
            value = _expected_value(run.candidates, cards)
            composition.shelves.append(ComposedShelf(shelf_id, definition, draft, cards, expected_value=value))
        if not made:
            composition.dropped.append(DroppedShelf(definition.kind, "TOO_FEW_CARDS"))


def _expected_value(candidates: Candidates, cards: NDArray[np.intp]) -> float:
    top = np.sort(candidates.values[cards])[::-1][:_VALUED_CARDS]
    return float(top @ _DISCOUNTS[: len(top)])


def _assign_spares(shelves: Sequence[ComposedShelf], available: Mask) -> None:
    """Gives every shelf as many spare items as cards, and the feed all others, so that scrolling repeats nothing."""
    for shelf in sorted(shelves, key=lambda shelf: shelf.definition.feed):
        rest = shelf.draft.ranked[available[shelf.draft.ranked]]
        shelf.spare = rest if shelf.definition.feed else rest[: len(shelf.cards)]
        available[shelf.spare] = False


def _in_order(shelves: Sequence[ComposedShelf]) -> list[ComposedShelf]:
    """Returns the shelves by expected value, those with a fixed position at their position."""
    free = [shelf for shelf in shelves if shelf.definition.place is None]
    ordered = sorted(free, key=lambda shelf: -shelf.expected_value)
    fixed = [(shelf.definition.place, shelf) for shelf in shelves if shelf.definition.place is not None]
    for place, shelf in sorted(fixed, key=lambda entry: entry[0] or 0):
        ordered.insert(min(place or 0, len(ordered)), shelf)
    return ordered
