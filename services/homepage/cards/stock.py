"""Looks the chosen items up, drops what may no longer be shown, and fills the gaps from what a shelf goes on with."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.field_mask_pb2 import FieldMask

from services.common.errors import VitrineError
from services.homepage.cards.admission import Admission
from services.homepage.clients.features_client import CARD_FIELDS, FILTERED_CARD_FIELDS, Features
from services.homepage.pages.planned_page import PlannedShelf
from vitrine.features.v1.catalog_service_pb2 import CatalogItem

# Items looked up beyond what a stretch needs, so that one that is gone costs no second call.
_SPARE_ITEMS: Final = 3
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class FilledShelf:
    """A shelf with the items of its next stretch: the places of `rows` in the planned shelf became cards."""

    planned: PlannedShelf
    rows: Sequence[int]
    rest: PlannedShelf


@dataclass(slots=True)
class Stock:
    """What was looked up for one answer.

    Attributes:
        items: by number, those that may be shown and those that are evidence.
        refusals: by number, why an item may not be shown.
    """

    items: dict[int, CatalogItem] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)


class CardStock:
    """Fills planned shelves with items as they are now. Raises VitrineError where they cannot be looked up."""

    def __init__(self, features: Features) -> None:
        self._features = features

    async def fill(
        self, shelves: Sequence[PlannedShelf], admission: Admission, seconds: float, *, thorough: bool = False
    ) -> tuple[list[FilledShelf], Stock]:
        """Returns the shelves with their items; no item and no group of variants twice.

        `thorough` looks at everything that the shelves go on with, too: where the sources could not apply the filter.
        """
        stock = Stock()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        wanted = {number for shelf in shelves for number in _evidence(shelf)}
        for attempt in range(_ROUNDS):
            for shelf in shelves:
                wanted.update(shelf.item_nos if thorough else _needed(shelf, stock))
            wanted -= stock.items.keys() | stock.refusals.keys()
            if not wanted:
                break
            try:
                await self._look_up(wanted, stock, admission, end - loop.time())
            except VitrineError:
                if attempt == 0:
                    raise
                break  # shorter shelves are better than none
            wanted = set()
        return _fill(shelves, stock), stock

    async def _look_up(self, wanted: set[int], stock: Stock, admission: Admission, seconds: float) -> None:
        fields: FieldMask = CARD_FIELDS if admission.item_filter is None else FILTERED_CARD_FIELDS
        found = await self._features.items(sorted(wanted), seconds, read_mask=fields)
        stock.items.update((entry.item_no, entry) for entry in found)
        for number in wanted:
            entry = stock.items.get(number)
            refusal = "NOT_IN_CATALOG" if entry is None else admission.refusal(entry.item)
            if refusal:
                stock.refusals[number] = refusal


def _evidence(shelf: PlannedShelf) -> Iterable[int]:
    """The items that the reasons of a stretch name."""
    reasons = shelf.reasons.slots[:, : shelf.card_limit + _SPARE_ITEMS]
    named = set(reasons["evidence_item_no"].ravel().tolist())
    named.add(shelf.evidence_item_no)
    return named - {0}


def _needed(shelf: PlannedShelf, stock: Stock) -> list[int]:
    """Returns the next items that are not refused, as many as a stretch and its spare take."""
    needed: list[int] = []
    for number in shelf.item_nos:
        if len(needed) == shelf.card_limit + _SPARE_ITEMS:
            break
        if number not in stock.refusals:
            needed.append(number)
    complete = sum(number in stock.items for number in needed[: shelf.card_limit]) >= shelf.card_limit
    return [] if complete else needed


def _fill(shelves: Sequence[PlannedShelf], stock: Stock) -> list[FilledShelf]:
    groups: set[str] = set()
    filled: list[FilledShelf] = []
    for shelf in shelves:
        rows: list[int] = []
        consumed = 0
        for row, number in enumerate(shelf.item_nos):
            if len(rows) == shelf.card_limit:
                break
            if number not in stock.refusals:
                if number not in stock.items:
                    break  # not looked up: it stays for the next stretch
                group = stock.items[number].item.group_id
                if not group:
                    rows.append(row)
                elif group not in groups:
                    groups.add(group)
                    rows.append(row)
                else:
                    stock.refusals[number] = "VARIANT_OF_A_BETTER_ONE"
            consumed = row + 1
        filled.append(FilledShelf(shelf, rows, _rest(shelf, consumed, len(rows), stock)))
    return filled


def _rest(shelf: PlannedShelf, consumed: int, shown: int, stock: Stock) -> PlannedShelf:
    """Returns what the shelf goes on with, without what is known to be refused already."""
    rest = shelf.after(consumed, shown)
    if not stock.refusals.keys() & set(rest.item_nos):
        return rest
    rows = [row for row, number in enumerate(rest.item_nos) if number not in stock.refusals]
    return rest.pick(rows)
