from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from demo import shop_files
from demo.complete_journey import DemoShop
from demo.shop_files import planned_shop, prepared_shop
from demo.stages import Stages

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[pd.Timestamp]:
    """When shops were made, instead of reading the data's package."""
    times: list[pd.Timestamp] = []

    def read_shop(now: pd.Timestamp) -> DemoShop:
        times.append(now)
        return DemoShop(*(pd.DataFrame({"user_id": ["1"]}) for _ in range(4)))

    monkeypatch.setattr(shop_files, "read_shop", read_shop)
    monkeypatch.setattr(shop_files, "package_version", lambda: "1")
    return times


def test_a_shop_is_made_once_and_used_for_a_week(tmp_path: Path, made: list[pd.Timestamp]) -> None:
    stages = Stages(tmp_path / "stages.json")
    first = prepared_shop(tmp_path / "shop", stages, NOW)
    again = prepared_shop(tmp_path / "shop", stages, NOW + timedelta(days=7))
    assert again == first
    assert first.a_user() == "1"
    later = prepared_shop(tmp_path / "shop", stages, NOW + timedelta(days=8))
    assert later.fingerprint != first.fingerprint
    assert len(made) == 2


def test_the_plan_is_known_before_anything_is_made(tmp_path: Path, made: list[pd.Timestamp]) -> None:
    stages = Stages(tmp_path / "stages.json")
    assert planned_shop(tmp_path, stages, NOW) == prepared_shop(tmp_path, stages, NOW)


def test_a_file_that_is_gone_is_made_again(tmp_path: Path, made: list[pd.Timestamp]) -> None:
    stages = Stages(tmp_path / "stages.json")
    prepared_shop(tmp_path, stages, NOW).events.unlink()
    assert prepared_shop(tmp_path, stages, NOW).events.exists()
    assert len(made) == 2


def test_a_shop_of_another_version_of_the_data_is_another_one(
    tmp_path: Path, made: list[pd.Timestamp], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = Stages(tmp_path / "stages.json")
    first = prepared_shop(tmp_path, stages, NOW)
    monkeypatch.setattr(shop_files, "package_version", lambda: "2")
    assert prepared_shop(tmp_path, stages, NOW).fingerprint != first.fingerprint
