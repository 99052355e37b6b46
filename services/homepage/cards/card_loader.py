"""Loads the chosen items, drops those that may no longer be shown, and fills gaps with the shelf's next items."""

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

# Spare items per shelf, so that one that's gone doesn't cost a second call.
_SPARE_ITEMS: Final = 3
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class FilledShelf:
    """A shelf with its next cards: `rows` are their positions in the planned shelf, `rest` is what comes after."""

    planned: PlannedShelf
    rows: Sequence[int]
    rest: PlannedShelf


@dataclass(slots=True)
class LoadedItems:
    """The items loaded for one response.

    Attributes:
        items: by number, those to show and those that are evidence.
        refusals: by number, why an item may not be shown.
    """

    items: dict[int, CatalogItem] = field(default_factory=dict)
    refusals: dict[int, str] = field(default_factory=dict)


class CardLoader:
    """Fills planned shelves with items as they are now. Raises VitrineError if they can't be loaded."""

    def __init__(self, features: Features) -> None:
        self._features = features

    async def fill(
        self, shelves: Sequence[PlannedShelf], admission: Admission, seconds: float, *, thorough: bool = False
    ) -> tuple[list[FilledShelf], LoadedItems]:
        """Returns the shelves with their items; no item and no group of variants appears twice.

        `thorough` also loads everything that comes later on the shelves: for sources that couldn't apply the filter.
        """
        loaded = LoadedItems()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        wanted = {number for shelf in shelves for number in _evidence(shelf)}
        for attempt in range(_ROUNDS):
            for shelf in shelves:
                wanted.update(shelf.item_nos if thorough else _needed(shelf, loaded))
            wanted -= loaded.items.keys() | loaded.refusals.keys()
            if not wanted:
                break
            try:
                await self._look_up(wanted, loaded, admission, end - loop.time())
            except VitrineError:
                if attempt == 0:
                    raise
                break  # shorter shelves are better than none
            wanted = set()
        return _fill(shelves, loaded), loaded

    async def _look_up(self, wanted: set[int], loaded: LoadedItems, admission: Admission, seconds: float) -> None:
        fields: FieldMask = CARD_FIELDS if admission.item_filter is None else FILTERED_CARD_FIELDS
        found = await self._features.items(sorted(wanted), seconds, read_mask=fields)
        loaded.items.update((entry.item_no, entry) for entry in found)
        for number in wanted:
            entry = loaded.items.get(number)
            refusal = "NOT_IN_CATALOG" if entry is None else admission.refusal(entry.item)
            if refusal:
                loaded.refusals[number] = refusal


def _evidence(shelf: PlannedShelf) -> Iterable[int]:
    """The evidence items that the next cards' reasons name."""
    reasons = shelf.reasons.slots[:, : shelf.card_limit + _SPARE_ITEMS]
    named = set(reasons["evidence_item_no"].ravel().tolist())
    named.add(shelf.evidence_item_no)
    return named - {0}


def _needed(shelf: PlannedShelf, loaded: LoadedItems) -> list[int]:
    """Returns the next items that aren't refused, as many as cards and spares are needed."""
    needed: list[int] = []
    for number in shelf.item_nos:
        if len(needed) == shelf.card_limit + _SPARE_ITEMS:
            break
        if number not in loaded.refusals:
            needed.append(number)
    complete = sum(number in loaded.items for number in needed[: shelf.card_limit]) >= shelf.card_limit
    return [] if complete else needed


def _fill(shelves: Sequence[PlannedShelf], loaded: LoadedItems) -> list[FilledShelf]:
    groups: set[str] = set()
    filled: list[FilledShelf] = []
    for shelf in shelves:
        rows: list[int] = []
        consumed = 0
        for row, number in enumerate(shelf.item_nos):
            if len(rows) == shelf.card_limit:
                break
            if number not in loaded.refusals:
                if number not in loaded.items:
                    break  # not looked up: it stays for the next stretch
                group = loaded.items[number].item.group_id
                if not group:
                    rows.append(row)
                elif group not in groups:
                    groups.add(group)
                    rows.append(row)
                else:
                    loaded.refusals[number] = "VARIANT_OF_A_BETTER_ONE"
            consumed = row + 1
        filled.append(FilledShelf(shelf, rows, _rest(shelf, consumed, len(rows), loaded)))
    return filled


def _rest(shelf: PlannedShelf, consumed: int, shown: int, loaded: LoadedItems) -> PlannedShelf:
    """Returns the rest of the shelf, without items that are already known to be refused."""
    rest = shelf.after(consumed, shown)
    if not loaded.refusals.keys() & set(rest.item_nos):
        return rest
    rows = [row for row, number in enumerate(rest.item_nos) if number not in loaded.refusals]
    return rest.pick(rows)
