"""Turns a GetHomepageRequest into a query."""

from collections.abc import Callable, Mapping, Sequence

from services.common.errors import InvalidArgumentError, PermissionDeniedError
from services.common.paging import page_size
from services.common.timestamps import timestamp_to_millis
from services.common.validation import Violations
from services.common.visitors import check_visitor, visitor_key
from services.homepage.experiments import Experiments
from services.homepage.layouts.layout import Layout
from services.homepage.locales.texts import language_of
from services.homepage.query import Query
from services.homepage.requests import bounds
from vitrine.common.v1 import visitor_pb2
from vitrine.features.v1.user_features_pb2 import UserFeatures
from vitrine.homepage.v1 import homepage_service_pb2 as homepage
from vitrine.homepage.v1 import page_pb2

_DEFAULT_LAYOUT = "home"


class HomepageRequestReader:
    """Checks a request against the contract's bounds, fixes its time, and assigns the visitor to experiments."""

    def __init__(
        self,
        layouts: Sequence[Layout],
        experiments: Experiments,
        new_id: Callable[[], str],
        *,
        shop_language: str,
        debug_allowed: bool,
    ) -> None:
        self._layouts = {layout.name: layout for layout in layouts}
        self._experiments = experiments
        self._new_id = new_id
        self._shop_language = shop_language
        self._debug_allowed = debug_allowed

    def read(self, request: homepage.GetHomepageRequest, now_millis: int) -> Query:
        """Returns the query; raises InvalidArgumentError or PermissionDeniedError naming field and remedy."""
        violations = Violations()
        check_visitor(violations, request.visitor)
        layout = self._layout(violations, request.layout)
        max_shelves = _size(violations, "max_shelves", request.max_shelves, bounds.MAX_SHELVES)
        cards = _size(violations, "cards_per_shelf", request.cards_per_shelf, bounds.MAX_CARDS)
        bounds.check_context(violations, request.context)
        bounds.check_filter(violations, request.filter)
        self._check_excluded(violations, request.excluded_item_ids)
        if request.consent not in visitor_pb2.Consent.values():
            violations.add("consent", f"is {request.consent}; send a value of Consent", reason="UNKNOWN_CONSENT")
        overrides = self._overrides(violations, request.experiment_overrides)
        query_millis = _query_millis(violations, request, now_millis)
        violations.raise_if_any()
        self._check_permissions(request)
        assignments, parameters = self._experiments.assign(visitor_key(request.visitor), overrides)
        return Query(
            page_id=self._new_id(),
            visitor=request.visitor,
            query_millis=query_millis,
            serve_millis=now_millis,
            layout=layout,
            language=language_of(request.locale, self._shop_language),
            shelf_kinds=frozenset(request.supported_shelf_kinds),
            max_shelves=max_shelves,
            cards_per_shelf=cards,
            context=_context(request),
            item_filter=request.filter,
            excluded_item_ids=frozenset(request.excluded_item_ids),
            consent=request.consent,
            debug=request.debug,
            unlogged=request.unlogged,
            parameters=parameters,
            experiments=assignments,
            user=UserFeatures(query_time_millis=query_millis),
        )

    def _layout(self, violations: Violations, name: str) -> Layout:
        layout = self._layouts.get(name or _DEFAULT_LAYOUT)
        if layout is None:
            known = ", ".join(sorted(self._layouts))
            violations.add("layout", f"isn't a layout of this shop; send one of: {known}", reason="UNKNOWN_LAYOUT")
            layout = self._layouts[_DEFAULT_LAYOUT]
        return layout

    def _check_excluded(self, violations: Violations, item_ids: Sequence[str]) -> None:
        if violations.at_most("excluded_item_ids", item_ids, bounds.MAX_EXCLUDED, "leave out the least important"):
            for index, item_id in enumerate(item_ids):
                violations.identifier(f"excluded_item_ids[{index}]", item_id)

    def _overrides(self, violations: Violations, overrides: Sequence[page_pb2.ExperimentBucket]) -> Mapping[str, str]:
        wanted: dict[str, str] = {}
        for index, override in enumerate(overrides):
            field = f"experiment_overrides[{index}]"
            buckets = self._experiments.buckets(override.experiment)
            if not buckets:
                known = ", ".join(self._experiments.names) or "none"
                violations.add(
                    f"{field}.experiment", f"isn't running; send one that is: {known}", reason="UNKNOWN_EXPERIMENT"
                )
            elif override.bucket not in buckets:
                known = ", ".join(buckets)
                violations.add(f"{field}.bucket", f"isn't one of its buckets: {known}", reason="UNKNOWN_BUCKET")
            else:
                wanted[override.experiment] = override.bucket
        return wanted

    def _check_permissions(self, request: homepage.GetHomepageRequest) -> None:
        if self._debug_allowed:
            return
        for asked, field, reason in (
            (request.debug, "debug", "DEBUG_NOT_ALLOWED"),
            (request.HasField("replay_time"), "replay_time", "REPLAY_NOT_ALLOWED"),
            (bool(request.experiment_overrides), "experiment_overrides", "EXPERIMENT_OVERRIDES_NOT_ALLOWED"),
        ):
            if asked:
                raise PermissionDeniedError(
                    f"{field} isn't allowed on this server; leave it out, or start a server that no visitor can reach "
                    "with VITRINE_HOMEPAGE_DEBUG_ALLOWED=true (vitrine up --debug)",
                    reason=reason,
                )


def _query_millis(violations: Violations, request: homepage.GetHomepageRequest, now_millis: int) -> int:
    if not request.HasField("replay_time"):
        return now_millis
    try:
        return timestamp_to_millis(request.replay_time, "replay_time")
    except InvalidArgumentError as error:
        for violation in error.violations:
            violations.add(violation.field, violation.description, reason=violation.reason)
        return now_millis


def _context(request: homepage.GetHomepageRequest) -> dict[str, str]:
    context = dict(request.context)
    if request.device:
        name = homepage.Device.Name(request.device) if request.device in homepage.Device.values() else ""
        context.setdefault("device", name.removeprefix("DEVICE_").lower())
    return context


def _size(violations: Violations, field: str, wanted: int, largest: int) -> int:
    """Returns 0 if the layout decides."""
    return page_size(wanted, default=0, largest=largest, field=field, violations=violations)
