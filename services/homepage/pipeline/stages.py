"""The stages of the pipeline: one protocol each, with one hook.

Units subclass the protocol of their stage. The executor alone calls the hooks: it owns order, parallelism, timing,
failure and the checks of what comes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from services.homepage.degradation import Degradation, Step
from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Floats, Mask, Removal
from services.homepage.query import Query
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.homepage.v1 import page_pb2, reason_pb2


class Unit(Protocol):
    """What every unit has."""

    @property
    def name(self) -> str:
        """The unit's name in traces, logs and metrics: its class, unless several units share it."""
        return type(self).__name__

    def enable(self, query: Query) -> bool:
        """Returns whether the unit takes part in this page: the one place for gating."""
        return True


class RemoteUnit(Unit, Protocol):
    """A unit that calls another service.

    Attributes:
        share: the maximum share of the page's remaining time.
        dependency: the service it calls; reasons begin with it ("RANKER_LATE").
        failure_step: the page's degradation step if the unit fails; None: the unit is optional.
    """

    share: ClassVar[float] = 0.3
    dependency: ClassVar[str] = ""
    failure_step: ClassVar[Step | None] = None


class QueryHydrator(RemoteUnit, Protocol):
    """Adds fields to the query. Those of one wave run in parallel.

    Attributes:
        owns: the fields of the query that it may set.
    """

    owns: ClassVar[frozenset[str]] = frozenset()

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        """Returns values for fields that it owns, within `seconds`."""
        ...


class Source(RemoteUnit, Protocol):
    """Proposes candidates. All run in parallel; if one fails, the others still make the page."""

    async def get_candidates(self, query: Query, seconds: float) -> "Proposal":
        """Returns its proposal, within `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source's candidates, and the version of the index they came from."""

    candidates: Candidates
    index_version: str = ""


class Hydrator(RemoteUnit, Protocol):
    """Adds columns to the candidates: the same candidates, in the same order. They run in parallel.

    Attributes:
        owns: the columns of the candidates that it may set.
    """

    owns: ClassVar[frozenset[str]] = frozenset()

    async def hydrate(self, query: Query, candidates: Candidates, seconds: float) -> Mapping[str, object]:
        """Returns columns of one element for each candidate, within `seconds`."""
        ...


class Filter(Unit, Protocol):
    """Removes candidates, with reasons. Filters run in order; nothing else removes a candidate."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        """Returns the candidates to remove."""
        ...


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of all candidates: `values` of shape (n,), probabilities by action, and the model's version."""

    values: Floats
    probabilities: Mapping[str, Floats] = field(default_factory=dict)
    model_version: str = ""
    degradation: Degradation | None = None


class Scorer(RemoteUnit, Protocol):
    """Gives every candidate its value. Scorers run in order; a value doesn't depend on other candidates."""

    async def score(self, query: Query, candidates: Candidates, seconds: float) -> Scores:
        """Returns the scores of the kept candidates; those of removed ones are ignored."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """A shelf as proposed by a selector: its candidates, best first, and the evidence for the shelf."""

    ranked: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    reason_kind: reason_pb2.ReasonKind.ValueType = reason_pb2.REASON_KIND_UNSPECIFIED
    evidence_item_no: int = 0
    category_path: CategoryPath | None = None
    source: str = ""
    leads_cards: bool = False
    categories: Sequence[page_pb2.CategoryLink] = ()


class Selector(Unit, Protocol):
    """Decides which candidates a shelf shows, and in which order."""

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        """Returns up to `definition.count` shelves of the available candidates (a mask of shape (n,))."""
        ...


class SideEffect(Unit, Protocol):
    """Processes the page after the response; its failure doesn't affect the page."""

    def run(self, query: Query, page: page_pb2.Page) -> None:
        """Takes the page; returns immediately."""
        ...
