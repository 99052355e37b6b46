import re

import pytest

from services.common.telemetry.declarations import METRICS, Metric
from services.common.telemetry.metrics import Metrics, service_metrics

STORED = Metric("stored_events", "counter", "Events stored.", ("type",), service="shop")


def test_a_metric_is_made_once_under_the_services_name() -> None:
    metrics = Metrics("shop")
    metrics.counter(STORED).labels("view").inc(2)
    metrics.counter(STORED).labels("view").inc()
    assert metrics.registry.get_sample_value("vitrine_shop_stored_events_total", {"type": "view"}) == 3


def test_two_sets_of_metrics_do_not_meet() -> None:
    one, other = Metrics("shop"), Metrics("shop")
    one.counter(STORED).labels("view").inc()
    assert other.registry.get_sample_value("vitrine_shop_stored_events_total", {"type": "view"}) is None


def test_a_metric_of_another_service_is_refused() -> None:
    with pytest.raises(ValueError, match="declared for shop, not for homepage"):
        Metrics("homepage").counter(STORED)


def test_a_metric_is_used_as_it_is_declared() -> None:
    with pytest.raises(TypeError, match="declared as a counter"):
        Metrics("shop").gauge(STORED)


def test_the_process_has_one_set_of_metrics_per_service() -> None:
    assert service_metrics("probe") is service_metrics("probe")
    assert service_metrics("probe") is not service_metrics("other")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: f"{metric.service}_{metric.name}")
def test_declared_names_follow_the_rules(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", metric.name)
    assert not metric.name.endswith("_total")  # the exporter adds it
    assert metric.description.endswith(".")
    assert not {"user_id", "item_id", "visitor", "page_id"} & set(metric.labels)


def test_declared_names_are_unique_within_a_service() -> None:
    names = [(service, m.name) for m in METRICS for service in ({m.service} if m.service else {"a", "b"})]
    assert len(names) == len(set(names))
