"""A layout is data: which shelves a page has, in the order in which they choose their cards."""

from dataclasses import dataclass

from vitrine.homepage.v1 import page_pb2


@dataclass(frozen=True, slots=True)
class ShelfDefinition:
    """One entry of a layout.

    Attributes:
        kind: what the client draws.
        selector: class name of the selector that fills it.
        minimum_cards: a shelf with fewer is left out.
        maximum_cards: cards on the first screen, where the request does not say.
        place: its fixed place on the page, from 0; None: by expected value.
        count: shelves that the selector may make at the most.
        feed: it goes on with everything that no other shelf claimed.
    """

    kind: page_pb2.ShelfKind.ValueType
    selector: str
    minimum_cards: int = 4
    maximum_cards: int = 12
    place: int | None = None
    count: int = 1
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A named list of shelves, and how many of them a page shows where the request does not say."""

    name: str
    shelves: tuple[ShelfDefinition, ...]
    maximum_shelves: int = 12
