"""Which homepages answer debug requests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.shop import Shop

VARIABLE = "VITRINE_HOMEPAGE_DEBUG_ALLOWED"


@pytest.mark.parametrize(("debug", "value"), [(False, None), (True, "true")])
def test_only_a_debug_shop_is_started_with_debug_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, debug: bool, value: str | None
) -> None:
    environments: list[Mapping[str, str]] = []

    def launcher(folder: Path, environment: Mapping[str, str], **_: Any) -> None:
        environments.append(environment)

    monkeypatch.setattr("cli.shop.Launcher", launcher)
    Shop(tmp_path, {"PATH": "p"}).launcher(debug=debug)
    assert [environment.get(VARIABLE) for environment in environments] == [value]
    assert environments[0]["PATH"] == "p"
