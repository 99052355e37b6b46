import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.candidates.content.content_index import MOST_MATCHES, Matches
from services.candidates.content.item_terms import tokens
from services.candidates.eligibility import Eligibility
from services.candidates.search.facets import FacetCount, count_facet
from services.candidates.search.order import page_of, sort_keys
from services.candidates.search.search import Place, Search
from services.candidates.sources.inputs import Inputs
from vitrine.candidates.v1 import candidate_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search; `end` is where it ended, None where nothing comes after it."""

    item_nos: NDArray[np.uint32]
    scores: NDArray[np.float32]
    total: int
    facets: Mapping[str, Sequence[FacetCount]]
    end: Place | None


async def find(inputs: Inputs, search: Search) -> Found:
    """Finds the items of a search. The index finds what fits the words; order, counts and what may be shown come from
    the columns, which know of every change first.

    Errors: UnavailableError where the index does not answer.
    """
    matches = await _matches(inputs, search.text, search.eligibility)
    counted = {
        name: matches if eligibility is search.eligibility else await _matches(inputs, search.text, eligibility)
        for name, eligibility in search.facets.items()
    }
    return await asyncio.to_thread(_page, inputs, search, matches, counted)


async def _matches(inputs: Inputs, text: str, eligibility: Eligibility) -> Matches:
    """Returns what fits the words, or all items where there are none."""
    if tokens(text):
        return await inputs.content.match(text, eligibility, MOST_MATCHES)
    return await asyncio.to_thread(_all, eligibility)


def _all(eligibility: Eligibility) -> Matches:
    eligible = np.flatnonzero(eligibility.mask.allowed)
    item_nos = eligible[eligibility.admits(eligible)].astype(np.uint32)
    return Matches(item_nos, np.zeros(len(item_nos), np.float32))


def _page(inputs: Inputs, search: Search, matches: Matches, counted: Mapping[str, Matches]) -> Found:
    """Makes the page in a thread of its own: a category may hold the whole shop."""
    item_nos, relevance = matches.item_nos, matches.relevance
    sort = search.sort or (pb.SEARCH_SORT_RELEVANCE if tokens(search.text) else pb.SEARCH_SORT_POPULAR)
    keys = sort_keys(sort, item_nos, relevance, inputs.columns, inputs.top_lists.logs)
    rows, more = page_of(keys, item_nos, search.after, search.count)
    return Found(
        item_nos=item_nos[rows],
        scores=relevance[rows],
        total=len(item_nos),
        facets={
            name: count_facet(name, found.item_nos, search.eligibility.item_filter, inputs.columns)
            for name, found in counted.items()
        },
        end=Place(float(keys[rows[-1]]), int(item_nos[rows[-1]])) if more else None,
    )
