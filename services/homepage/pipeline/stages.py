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
    """A unit that waits for another service.

    Attributes:
        share: the part of the page's remaining time that it may take at the most.
        dependency: whom it asks; reasons begin with it ("RANKER_LATE").
        failure_step: the step that the page falls to when the unit fails; None: its part is merely better to have.
    """

    share: ClassVar[float] = 0.3
    dependency: ClassVar[str] = ""
    failure_step: ClassVar[Step | None] = None


class QueryHydrator(RemoteUnit, Protocol):
    """Adds to the query what is known. Those of one wave run in parallel.

    Attributes:
        owns: the fields of the query that it may set.
    """

    owns: ClassVar[frozenset[str]] = frozenset()

    async def hydrate(self, query: Query, seconds: float) -> Mapping[str, object]:
        """Returns values for fields that it owns, within `seconds`."""
        ...


class Source(RemoteUnit, Protocol):
    """Proposes candidates. All run in parallel; the others carry the page when one fails."""

    async def get_candidates(self, query: Query, seconds: float) -> "Proposal":
        """Returns what it proposes, within `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a source proposes, and the version of the index that it came from."""

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
    """Removes candidates, and says why. Filters run in order; nothing else drops a candidate."""

    def filter(self, query: Query, candidates: Candidates) -> Sequence[Removal]:
        """Returns what is to be removed."""
        ...


@dataclass(frozen=True, slots=True)
class Scores:
    """What a scorer says of all candidates: `values` of shape (n,), probabilities by action, and what scored."""

    values: Floats
    probabilities: Mapping[str, Floats] = field(default_factory=dict)
    model_version: str = ""
    degradation: Degradation | None = None


class Scorer(RemoteUnit, Protocol):
    """Gives every candidate its value. Scorers run in order; a value does not depend on the candidate's neighbors."""

    async def score(self, query: Query, candidates: Candidates, seconds: float) -> Scores:
        """Returns the scores of the kept candidates; what stands at removed ones is not looked at."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """A shelf as a selector proposes it: its candidates in order, best place first, and the evidence for the shelf."""

    ranked: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    reason_kind: reason_pb2.ReasonKind.ValueType = reason_pb2.REASON_KIND_UNSPECIFIED
    evidence_item_no: int = 0
    category_path: CategoryPath | None = None
    source: str = ""
    leads_cards: bool = False
    categories: Sequence[page_pb2.CategoryLink] = ()


class Selector(Unit, Protocol):
    """Decides what stands on a shelf, and in which order."""

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        """Returns shelves of the available candidates (shape (n,)): of one kind, `definition.count` at the most."""
        ...


class SideEffect(Unit, Protocol):
    """Does something with the page after the answer; it cannot hurt the page."""

    def run(self, query: Query, page: page_pb2.Page) -> None:
        """Takes the page; returns at once."""
        ...
