from collections import Counter
from collections.abc import Sequence

from services.homepage.category_tree import CategoryTree
from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from services.homepage.source_names import POPULAR
from vitrine.features.v1.catalog_service_pb2 import Category
from vitrine.homepage.v1 import page_pb2, reason_pb2


class CategoryNavigationSelector(Selector):
    """Categories ordered for the visitor: by affinity, then by number of popular items, then by size."""

    def enable(self, query: Query) -> bool:
        return bool(query.categories.categories)

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        tree, affinities = query.categories, query.user.category_affinities
        popular = _popular_items(tree, candidates)
        affinity = dict(zip(affinities.nos, affinities.weights, strict=True)) if query.personal else {}

        def rank(number: int) -> tuple[float, int, int, int]:
            return -affinity.get(number, 0.0), -popular[number], -tree.categories[number].item_count, number

        chosen = sorted(tree.navigation_nos, key=rank)[: query.cards_per_shelf or definition.maximum_cards]
        categories = [_link(tree.categories[number], affinity.get(number, 0.0)) for number in chosen]
        return [Draft(categories=categories, reason_kind=_kind(bool(affinity)))]


def _popular_items(tree: CategoryTree, candidates: Candidates) -> Counter[int]:
    """Counts popular candidates by category, including those that this visitor may not see."""
    if candidates.states is None:
        return Counter()
    popular = candidates.states.category_nos[candidates.proposed_by(POPULAR)]
    return Counter(tree.shelf_categories(popular).tolist())


def _link(category: Category, affinity: float) -> page_pb2.CategoryLink:
    reason = reason_pb2.Reason(kind=_kind(affinity > 0), category_path=category.path)
    return page_pb2.CategoryLink(path=category.path, item_count=category.item_count, reason=reason)


def _kind(liked: bool) -> reason_pb2.ReasonKind.ValueType:
    return reason_pb2.REASON_KIND_YOUR_CATEGORY if liked else reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY
