"""The query of a page: set by the request, then completed by the query hydrators."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.common.consent import is_personal
from services.homepage.category_tree import CategoryTree
from services.homepage.experiments import Assignment
from services.homepage.layouts.layout import Layout
from services.homepage.parameters import PageParameters
from vitrine.common.v1 import visitor_pb2
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """For whom, and how. Frozen: hydrators return fields, from which the executor makes the next query.

    Attributes:
        query_millis: the time of the request, fixed once: decay, availability and newness are true for it.
        serve_millis: when the page is served; differs from `query_millis` in replays only.
        language: a language that the catalog of texts has.
        shelf_kinds: kinds that the client can render; empty: all.
        max_shelves, cards_per_shelf: 0: the layout's.
        user: the visitor's features; empty until hydrated.
        consent_known: the consent stored with the visitor is in `user`.
    """

    page_id: str
    visitor: visitor_pb2.Visitor
    query_millis: int
    serve_millis: int
    layout: Layout
    language: str
    shelf_kinds: frozenset[int] = frozenset()
    max_shelves: int = 0
    cards_per_shelf: int = 0
    context: Mapping[str, str] = field(default_factory=dict)
    item_filter: ItemFilter = field(default_factory=ItemFilter)
    excluded_item_ids: frozenset[str] = frozenset()
    consent: visitor_pb2.Consent.ValueType = visitor_pb2.CONSENT_UNSPECIFIED
    debug: bool = False
    unlogged: bool = False
    parameters: PageParameters = field(default_factory=PageParameters)
    experiments: tuple[Assignment, ...] = ()

    user: UserFeatures = field(default_factory=UserFeatures)
    consent_known: bool = False
    user_vector: tuple[float, ...] = ()
    user_vector_version: str = ""
    excluded_item_nos: frozenset[int] = frozenset()
    categories: CategoryTree = field(default_factory=CategoryTree)

    @property
    def personal(self) -> bool:
        """Whether the page may be personal, by the visit's consent and the stored one."""
        return is_personal(self.consent) and is_personal(self.user.consent)

    @property
    def replayed(self) -> bool:
        """Whether the page is made as of another time."""
        return self.query_millis != self.serve_millis

    @property
    def restricts_items(self) -> bool:
        """Whether the request itself leaves items out."""
        return bool(self.excluded_item_ids) or self.item_filter.ByteSize() > 0
