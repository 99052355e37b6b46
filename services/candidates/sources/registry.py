"""All sources there are. A new one is one file beside this one, and one line here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from services.candidates.sources.bought_together import BoughtTogether
from services.candidates.sources.buy_again import BuyAgain
from services.candidates.sources.content import Content
from services.candidates.sources.custom import Custom
from services.candidates.sources.demographic import Demographic
from services.candidates.sources.embedding import Embedding
from services.candidates.sources.followed import Followed
from services.candidates.sources.inputs import Inputs
from services.candidates.sources.item_cf import ItemCf
from services.candidates.sources.new_arrivals import NewArrivals
from services.candidates.sources.on_sale import OnSale
from services.candidates.sources.popular import Popular
from services.candidates.sources.recently_viewed import RecentlyViewed
from services.candidates.sources.search_history import SearchHistory
from services.candidates.sources.source import Source
from services.candidates.sources.then_bought import ThenBought
from services.candidates.sources.trending import Trending
from services.candidates.sources.user_cf import UserCf
from services.common.errors import InvalidArgumentError

SOURCES: Final[Mapping[str, Callable[[Inputs], Source]]] = {
    ItemCf.name: ItemCf,
    ThenBought.name: ThenBought,
    Content.name: Content,
    Embedding.name: Embedding,
    UserCf.name: UserCf,
    Popular.name: Popular,
    Trending.name: Trending,
    NewArrivals.name: NewArrivals,
    Demographic.name: Demographic,
    BuyAgain.name: BuyAgain,
    RecentlyViewed.name: RecentlyViewed,
    OnSale.name: OnSale,
    BoughtTogether.name: BoughtTogether,
    Followed.name: Followed,
    SearchHistory.name: SearchHistory,
    Custom.name: Custom,
}


def make_sources(names: Sequence[str], inputs: Inputs) -> list[Source]:
    """Returns the sources of these names, in order; all of them where none is named."""
    return [SOURCES[name](inputs) for name in names or SOURCES]


def check_names(field: str, names: Iterable[str]) -> None:
    """Raises InvalidArgumentError where a setting names a source that there is not."""
    unknown = sorted(set(names) - SOURCES.keys())
    if unknown:
        raise InvalidArgumentError(
            f"{field} names {', '.join(unknown)}; the sources are {', '.join(SOURCES)}", reason="UNKNOWN_SOURCE"
        )
