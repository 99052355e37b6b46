from collections.abc import Sequence

from services.homepage.layouts.layout import ShelfDefinition
from services.homepage.pipeline.candidates import Candidates, Mask
from services.homepage.pipeline.stages import Draft, Selector
from services.homepage.query import Query
from vitrine.common.v1.category_pb2 import CategoryPath
from vitrine.homepage.v1 import page_pb2, reason_pb2


class CategoryNavigationSelector(Selector):
    """Categories in the visitor's own order: by affinity, then by how many items they have."""

    def enable(self, query: Query) -> bool:
        return bool(query.categories.categories)

    def select(
        self, query: Query, candidates: Candidates, available: Mask, definition: ShelfDefinition
    ) -> Sequence[Draft]:
        tree, affinities = query.categories, query.user.category_affinities
        liking = dict(zip(affinities.nos, affinities.weights, strict=True)) if query.personal else {}
        links: list[tuple[float, int, int]] = [
            (-liking.get(number, 0.0), -tree.categories[number].item_count, number) for number in tree.navigation_nos
        ]
        chosen = sorted(links)[: query.cards_per_shelf or definition.maximum_cards]
        categories = [_link(tree.categories[number].path, -count, -weight) for weight, count, number in chosen]
        return [Draft(categories=categories, reason_kind=_kind(bool(liking)))]


def _link(path: CategoryPath, item_count: int, liking: float) -> page_pb2.CategoryLink:
    reason = reason_pb2.Reason(kind=_kind(liking > 0), category_path=path)
    return page_pb2.CategoryLink(path=path, item_count=item_count, reason=reason)


def _kind(liked: bool) -> reason_pb2.ReasonKind.ValueType:
    return reason_pb2.REASON_KIND_YOUR_CATEGORY if liked else reason_pb2.REASON_KIND_POPULAR_IN_CATEGORY
