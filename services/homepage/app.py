"""The homepage's composition root: which units, in which order."""

import hashlib
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from services.common.application import Application
from services.common.clock import Clock, SystemClock
from services.common.signing import Signer
from services.common.signing_key import load_signing_key
from services.common.telemetry.metrics import service_metrics
from services.common.timestamps import to_millis
from services.homepage.application import HomepageApplication, Parts
from services.homepage.cards.card_loader import CardLoader
from services.homepage.category_tree import CategoryTree, build_category_tree
from services.homepage.clients.clients import Clients, connect
from services.homepage.clients.features_client import Features
from services.homepage.clients.refreshed import Refreshed
from services.homepage.experiments import Experiments
from services.homepage.filters.duplicate_group_filter import DuplicateGroupFilter
from services.homepage.filters.request_filters import (
    AvailabilityFilter,
    DislikedItemFilter,
    ExcludedItemFilter,
    MinimumAgeFilter,
    RequestedItemsFilter,
)
from services.homepage.filters.state_filters import state_filters
from services.homepage.item_states_hydrator import ItemStatesHydrator
from services.homepage.layouts.feed import FEED
from services.homepage.layouts.home import HOME
from services.homepage.metrics import HomepageMetrics
from services.homepage.page_log import PageLogSideEffect
from services.homepage.pages.homepage import Homepage
from services.homepage.pages.page_maker import PageMaker
from services.homepage.pages.page_renderer import PageRenderer
from services.homepage.pages.shelf_scroller import ShelfScroller
from services.homepage.pages.similar_shelf import SimilarShelf
from services.homepage.pinned_pages import PinnedPages
from services.homepage.pipeline.composer import Composer
from services.homepage.pipeline.executor import Pipeline, PipelineExecutor
from services.homepage.pipeline.stages import Selector
from services.homepage.pipeline.unit_runner import UnitRunner
from services.homepage.query_hydrators import (
    CategoryTreeQueryHydrator,
    ExcludedItemsQueryHydrator,
    UserFeaturesQueryHydrator,
    UserVectorQueryHydrator,
)
from services.homepage.ranker_scorer import RankerScorer
from services.homepage.requests.homepage_request_reader import HomepageRequestReader
from services.homepage.selectors.because_you_selector import BecauseYouSelector
from services.homepage.selectors.category_navigation_selector import CategoryNavigationSelector
from services.homepage.selectors.category_selector import CategorySelector
from services.homepage.selectors.picked_for_you_selector import PickedForYouSelector
from services.homepage.selectors.source_selector import source_selectors
from services.homepage.servicer import HomepageServicer
from services.homepage.settings import HomepageSettings
from services.homepage.sources.retrieved_candidates_source import RetrievedCandidatesSource
from services.homepage.sources.similar_items_source import SimilarItemsSource
from services.homepage.sources.top_items import PopularItemsSource, TrendingSource, load_popular, load_trending
from services.homepage.static_pages.refresher import StaticPageRefresher
from services.homepage.static_pages.static_pages import StaticPages

NAME = "homepage"
LAYOUTS = (HOME, FEED)

_TOP_ITEMS = 500
_SHARED_VALUE_SECONDS = 2.0


def build(settings: HomepageSettings, clock: Clock | None = None, clients: Clients | None = None) -> Application:
    """Wires the homepage. `clock` and `clients` are the machine's and the settings' unless a test says otherwise."""

    def wire(stack: AsyncExitStack) -> Parts:
        return _wire(settings, clock or SystemClock(), clients or connect(settings, stack, time.perf_counter))

    return HomepageApplication(NAME, wire)


def _wire(settings: HomepageSettings, clock: Clock, clients: Clients) -> Parts:
    metrics = HomepageMetrics(service_metrics(NAME))
    signer = Signer(load_signing_key(settings))
    pinned_pages = PinnedPages(signer)
    card_loader = CardLoader(clients.features)
    renderer = PageRenderer(signer, pinned_pages)
    shared = SharedValues(clients.features, settings.shared_value_seconds)
    page_log = PageLogSideEffect(clients.events, metrics, capacity=settings.page_log_capacity)
    runner = UnitRunner(metrics.unit_ran)
    maker = PageMaker(
        PipelineExecutor(_pipeline(clients, shared), Composer(selectors(), LAYOUTS, runner), runner),
        card_loader,
        renderer,
        pinned_pages,
        config_version=_config_version(settings),
        reserve_seconds=settings.reserve_seconds,
        elapsed_clock=time.perf_counter,
    )
    static_pages = StaticPages(
        settings.state_directory / NAME, signer, metrics, max_age_seconds=settings.static_page_max_age_seconds
    )
    static_pages.load([layout.name for layout in LAYOUTS], to_millis(clock.now()))
    servicer = HomepageServicer(
        HomepageRequestReader(
            LAYOUTS,
            Experiments(settings.experiments, settings.parameters),
            _new_id,
            shop_language=settings.shop_language,
            debug_allowed=settings.debug_allowed,
        ),
        Homepage(maker, static_pages, [page_log], metrics),
        maker,
        pinned_pages,
        scroller=ShelfScroller(card_loader, renderer, pinned_pages, clock),
        similar=SimilarShelf(
            clients.features,
            clients.candidates,
            card_loader,
            renderer,
            clock=clock,
            new_id=_new_id,
            shop_language=settings.shop_language,
        ),
        events=clients.events,
        clock=clock,
        page_seconds=settings.page_seconds,
    )
    refresher = StaticPageRefresher(
        maker,
        static_pages,
        LAYOUTS,
        clock,
        _new_id,
        language=settings.shop_language,
        interval=settings.static_page_seconds,
        retry_interval=min(2.0, settings.static_page_seconds),
        seconds=2 * settings.page_seconds,
    )
    return Parts(servicer, refresher, page_log, shared.close)


class SharedValues:
    """Values that all pages share: the category tree and the shop's rankings."""

    def __init__(self, features: Features, lifetime: float) -> None:
        async def load_tree(seconds: float) -> CategoryTree:
            return build_category_tree(await features.categories(seconds))

        share = partial(
            Refreshed, lifetime=lifetime, load_seconds=_SHARED_VALUE_SECONDS, elapsed_clock=time.perf_counter
        )
        self.tree: Refreshed[CategoryTree] = share(load_tree)
        self.popular = share(partial(load_popular, features, _TOP_ITEMS))
        self.trending = share(partial(load_trending, features, _TOP_ITEMS))

    async def close(self) -> None:
        """Cancels loads in progress."""
        for value in (self.tree, self.popular, self.trending):
            await value.close()


def _pipeline(clients: Clients, shared: SharedValues) -> Pipeline:
    return Pipeline(
        query_hydrators=[
            [
                UserFeaturesQueryHydrator(clients.features),
                CategoryTreeQueryHydrator(shared.tree),
                ExcludedItemsQueryHydrator(clients.features),
            ],
            [UserVectorQueryHydrator(clients.ranker)],
        ],
        sources=[
            RetrievedCandidatesSource(clients.candidates),
            SimilarItemsSource(clients.candidates),
            TrendingSource(shared.trending),
        ],
        fallback_sources=[PopularItemsSource(shared.popular)],
        hydrators=[ItemStatesHydrator(clients.features)],
        filters=[
            *state_filters(),
            AvailabilityFilter(),
            MinimumAgeFilter(),
            ExcludedItemFilter(),
            DislikedItemFilter(),
            RequestedItemsFilter(),
        ],
        scorers=[RankerScorer(clients.ranker)],
        final_filters=[DuplicateGroupFilter()],
    )


def selectors() -> Sequence[Selector]:
    """Returns the selectors that the layouts name."""
    return [
        PickedForYouSelector(),
        BecauseYouSelector(),
        CategoryNavigationSelector(),
        CategorySelector(),
        *source_selectors(LAYOUTS),
    ]


def _config_version(settings: HomepageSettings) -> str:
    """Returns the fingerprint of the layouts, parameters and experiments."""
    text = repr((LAYOUTS, settings.parameters, settings.experiments))
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _new_id() -> str:
    return uuid.uuid4().hex
