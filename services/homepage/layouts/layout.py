"""A layout is data: which shelves a page has, in the order in which they choose their cards."""

from dataclasses import dataclass

from vitrine.homepage.v1 import page_pb2, reason_pb2


@dataclass(frozen=True, slots=True)
class SourceShelf:
    """Configures a `SourceSelector`.

    Attributes:
        source: the source whose candidates the shelf shows.
        reason: why the shelf is on the page.
        leads_cards: the shelf's reason is also the first one of each of its cards.
        personal: only for visitors whose consent allows it.
        source_order: keep the source's own order, instead of the ranking's.
        state_flag: show all candidates with this flag of `common/item_state`, whichever source proposed them.
    """

    source: str
    reason: reason_pb2.ReasonKind.ValueType
    leads_cards: bool = False
    personal: bool = False
    source_order: bool = False
    state_flag: int = 0


@dataclass(frozen=True, slots=True)
class ShelfDefinition:
    """One entry of a layout.

    Attributes:
        kind: how the client renders the shelf.
        selector: name of the selector that fills it.
        source: configures the selector if it's a `SourceSelector`.
        minimum_cards: a shelf with fewer cards is left out.
        maximum_cards: cards on the first screen, unless the request says otherwise.
        place: its fixed position on the page, from 0; None: by expected value.
        count: maximum number of shelves that the selector may make.
        feed: it continues with everything that no other shelf claimed.
    """

    kind: page_pb2.ShelfKind.ValueType
    selector: str
    source: SourceShelf | None = None
    minimum_cards: int = 4
    maximum_cards: int = 12
    place: int | None = None
    count: int = 1
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A named list of shelves, and how many of them a page shows unless the request says otherwise."""

    name: str
    shelves: tuple[ShelfDefinition, ...]
    maximum_shelves: int = 12
