from pathlib import Path

import pytest

from scripts import feature_docs
from services.features.definitions.user_state import DECLARATIONS
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse


def test_the_page_names_every_feature() -> None:
    page = feature_docs.page()
    plain = [name for name in FEATURE_NAMES if not name.startswith("bought_x_")]
    statistics = set(ListItemStatisticsResponse.DESCRIPTOR.fields_by_name)
    statistics -= {"item_nos", "as_of_millis", "version", "more"}
    for name in [*(declaration.name for declaration in DECLARATIONS), *statistics, *plain]:
        assert f"| [{name}](" in page, name


def test_a_page_that_is_out_of_date_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_docs, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    assert feature_docs.main(["--check"]) == 1
    assert feature_docs.main([]) == 0
    assert feature_docs.main(["--check"]) == 0
    page = tmp_path / feature_docs.PAGE
    page.write_text(page.read_text(encoding="utf-8").replace("5 min", "6 min"), encoding="utf-8")
    assert feature_docs.main(["--check"]) == 1


def test_every_feature_made_from_events_says_its_unit_and_freshness() -> None:
    assert all(declaration.freshness and declaration.unit for declaration in DECLARATIONS)
